"""What a body is given by the names of its parameters: `Velo`, models, judges, clients, placeholders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from pytest_velo.designing.clients import client_endpoint
from pytest_velo.designing.models import judge_id, model_ids
from pytest_velo.designing.parameters import CLIENTS, PER_TRIAL
from pytest_velo.designing.spec import Spec
from pytest_velo.elicit.strategy import AsyncStrategy, Strategy
from pytest_velo.errors import BodyError, InvalidTrial, UsageError, tell
from pytest_velo.providers.registry import Target, resolve
from pytest_velo.providers.sdks import Sdk
from pytest_velo.providers.stubbed import stub_of, stubbed_judge, stubbed_model
from pytest_velo.records import Stubbed
from pytest_velo.sampling.clients import carriers
from pytest_velo.sampling.model import AsyncModel, Model
from pytest_velo.sampling.scope import current
from pytest_velo.scorers.judge import AsyncJudge, Judge
from pytest_velo.scorers.stubbed import StubbedAnswers
from pytest_velo.settings import Settings
from pytest_velo.stubs import Stub, place_of_caller, reason_of

if TYPE_CHECKING:
    from pytest_velo.sampling.trial import Trial

T = TypeVar("T")

VALUE = "value"
"""What `velo.stub` stands in for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """A body that takes something from us.

    Attributes:
        where: Its test, or the call that was given it; for errors.
        spec: What is claimed.
        settings: The session's.
        is_async: Calling it gives a coroutine.
        chosen: The model that it is sampled for, where there are several; None for the first one.
        factories: The wire families that plugins offer, by name.
    """

    where: str
    spec: Spec
    settings: Settings
    is_async: bool
    chosen: str | None = None
    factories: Mapping[str, Any] = field(default_factory=dict)


class Placeholder:
    """A per-trial value outside a trial; using it is a usage error."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def _refuse(self, *_: object) -> NoReturn:
        name = object.__getattribute__(self, "_name")
        raise UsageError(
            f"the fixture {name!r} was used outside a trial",
            fix=f"it differs from trial to trial: make {name!r} an argument of the test itself",
        )

    __str__ = __repr__ = __format__ = __bool__ = __iter__ = __len__ = _refuse
    __getitem__ = __contains__ = __call__ = __add__ = __radd__ = __getattr__ = _refuse


class Velo:
    """The main fixture: it offers everything, even where the short names are taken.

    Example:
        ```python
        import pytest
        from pytest_velo import rate, scripted

        FARMER = scripted("farmer", ["17", "17", "17", "17", "17", "17", "18", "I forgot."])


        @pytest.mark.hypothesis(rate >= 0.5, models=[FARMER])
        async def test_it_counts_cows(velo):
            "The model says 17, whatever it would have said where it forgot."
            reply = await velo.model()("How many cows are there?")
            if not reply.text.isdigit():
                velo.invalid("it named no number")
            return reply == "17"
        ```
    """

    _stays_here: ClassVar[str] = "the fixture `velo`"

    def __init__(self, taker: Taker) -> None:
        self._taker = taker
        self._models: dict[tuple[str | None, str], AsyncModel | Model] = {}
        self._judge: AsyncJudge | Judge | None = None
        self._strategy: AsyncStrategy | Strategy | None = None

    @property
    def _lost(self) -> BodyError | None:
        """Why a call of one of its models found no trial."""
        made = (
            *self._models.values(),
            *([] if self._judge is None else [self._judge]),
            *([] if self._strategy is None else [self._strategy]),
        )
        return next((each._lost for each in made if each._lost is not None), None)

    @staticmethod
    def invalid(why: str) -> NoReturn:
        """End the trial as invalid: it says nothing about the claim, even if the body catches this."""
        current("velo.invalid").invalidate(str(why))
        raise InvalidTrial(str(why))

    @staticmethod
    def stub(value: T, why: str) -> T:
        """Return a value that stands in for the real one; the trial notes it, and its verdict says so.

        Raises:
            BodyError: There is no reason.
        """
        where = place_of_caller(2)
        scope = current("velo.stub")
        try:
            reason = reason_of(why, where)
        except UsageError as error:
            raise tell(_of_the_body(error)) from None
        scope.stubs[Stubbed(what=VALUE, why=reason, where=where)] = None
        scope.trial.note(f"stubbed: {reason} ({where})")
        return value

    def model(self, model_id: str | Stub | None = None, *, role: str = "") -> AsyncModel | Model:
        """Return the item's model, or any model by id (`velo.model("openai/gpt-5-mini")`), or a stub.

        Transcripts show what it says under `role`, the part it plays: `velo.model(role="attacker")`.
        """
        if isinstance(model_id, Stub):
            model_id = stubbed_model(model_id)
        key = model_id, role
        if key not in self._models:
            try:
                self._models[key] = model_of(self._taker, model_id, role)
            except UsageError as error:
                raise tell(_of_the_body(error)) from None
        return self._models[key]

    @property
    def strategy(self) -> AsyncStrategy | Strategy:
        """What asks the model in the way of the rung, as in the fixture `strategy`."""
        if self._strategy is None:
            try:
                self._strategy = strategy_of(self._taker)
            except UsageError as error:
                raise tell(_of_the_body(error)) from None
        return self._strategy

    @property
    def judge(self) -> AsyncJudge | Judge:
        """The judge, as in the fixture `judge`."""
        if self._judge is None:
            try:
                self._judge = judge_of(self._taker)
            except UsageError as error:
                raise tell(_of_the_body(error)) from None
        return self._judge

    @property
    def case(self) -> Any:
        """The running trial's case."""
        return current("velo.case").case

    @property
    def arm(self) -> str:
        """The name of the running trial's arm; empty without arms."""
        return current("velo.arm").arm

    @property
    def trial(self) -> Trial:
        """The running trial."""
        return current("velo.trial").trial


def supply(name: str, taker: Taker) -> Any:
    """Return what a body is given for one of its parameters, by the parameter's name.

    Raises:
        UsageError: As in `model_of`, `client_of` and `judge_of`.
    """
    if name in PER_TRIAL:
        return Placeholder(name)
    if name == "velo":
        return Velo(taker)
    if name in CLIENTS:
        return client_of(taker, CLIENTS[name])
    if name == "strategy":
        return strategy_of(taker)
    return judge_of(taker) if name == "judge" else model_of(taker)


def model_of(taker: Taker, model_id: str | None = None, role: str = "") -> AsyncModel | Model:
    """Return a body's model, or the one with an id; `AsyncModel` for an `async def` body.

    Where the arms are models, the body's model answers as another model in each arm. `role` is the part it
    plays, for transcripts.

    Raises:
        UsageError: No model is set, or the model cannot be used here.
    """
    spec, endpoints = taker.spec, taker.settings.endpoints
    if model_id is None and spec.arms_are_models:
        return _made(taker, {arm: resolve(arm, endpoints) for arm in spec.arms}, role)
    ids = model_ids(spec, taker.settings)
    name = model_id or taker.chosen or (ids[0] if ids else None)
    if name is None:
        raise UsageError("no model is set", where=taker.where, fix='velo.model("local/smollm2-135m")')
    return _made(taker, resolve(name, endpoints), role)


def _made(taker: Taker, target: Target | Mapping[str, Target], role: str) -> AsyncModel | Model:
    return AsyncModel(target, role=role) if taker.is_async else Model(target, role=role)


def client_of(taker: Taker, sdk: Sdk) -> Any:
    """Return an SDK's client for a body's endpoint, else for the SDK's own; async for an `async def` body.

    Raises:
        UsageError: No client can be made for its endpoint.
    """
    from pytest_velo.providers.sdk_clients import make_client  # weight: httpx2, for clients only
    from pytest_velo.sampling.carrier import Carrier  # weight: httpx2, for clients only

    endpoint = client_endpoint(taker.spec, taker.settings, sdk, taker.chosen)
    carrier = Carrier(endpoint, f"{sdk}_client")
    client = make_client(sdk, endpoint, is_async=taker.is_async, transport=carrier, factories=taker.factories)
    carriers[client] = carrier
    return client


def judge_of(taker: Taker) -> AsyncJudge | Judge:
    """Return a body's judge: the one that was named for it, else the session's; async for an async body.

    Raises:
        UsageError: As in `model_of`.
    """
    name = judge_id(taker.spec, taker.settings)
    if name is None:
        raise UsageError(
            "no judge is set",
            where=taker.where,
            fix=f"judge=... in {taker.spec.taker}, or {taker.spec.option('judge')}=...",
        )
    return _judging(model_of(taker, name, "judge"), stub_of(name))


def _judging(model: AsyncModel | Model, stub: Stub | None) -> AsyncJudge | Judge:
    stubbed = None if stub is None else StubbedAnswers(stub)
    return AsyncJudge(model, stubbed) if isinstance(model, AsyncModel) else Judge(model, stubbed)


def unstubbed(name: str, value: Any, taker: Taker) -> tuple[Any, tuple[Stubbed, ...]]:
    """Return what a body gets for a fixture's value, and what that stands in for in every trial.

    A stub that the user's fixture `model` or `judge` returns is a model or a judge, and its calls tell of
    it; any other is its value.
    """
    if not isinstance(value, Stub):
        return value, ()
    if name == "model":
        return model_of(taker, stubbed_model(value)), ()
    if name == "judge":
        return _judging(model_of(taker, stubbed_judge(value), "judge"), value), ()
    return value.value, (value.standing_in_for(name),)


def strategy_of(taker: Taker) -> AsyncStrategy | Strategy:
    """Return what asks a body's model in the way of the rung that is sampled; async for an async body.

    Raises:
        UsageError: As in `model_of`.
    """
    on_the_loop = replace(taker, is_async=True)

    def other(model_id: str) -> AsyncModel:
        found = model_of(on_the_loop, model_id)
        assert isinstance(found, AsyncModel)  # the taker is async
        return found

    def judge() -> AsyncJudge:
        found = judge_of(on_the_loop)
        assert isinstance(found, AsyncJudge)  # the taker is async
        return found

    kind = AsyncStrategy if taker.is_async else Strategy
    return kind(model_of(taker), other=other, judge=judge)


def _of_the_body(error: UsageError) -> BodyError:
    """Return a mistake that only the running body could make: it is shown at the body's line."""
    return BodyError(error.what, where=error.where, fix=error.fix)
