"""What the fixtures give a body: `Velo`, and placeholders for per-trial values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_velo.errors import BodyError, InvalidTrial, UsageError, tell
from pytest_velo.integration.collect.clients import client_endpoint
from pytest_velo.integration.collect.models import chosen_model, judge_id, model_id
from pytest_velo.integration.collect.stash import FACTS, SPEC
from pytest_velo.integration.compat import fixture_info
from pytest_velo.integration.session import SESSION
from pytest_velo.providers.registry import Target, resolve
from pytest_velo.providers.sdks import Sdk
from pytest_velo.sampling.clients import carriers
from pytest_velo.sampling.model import AsyncModel, Model
from pytest_velo.sampling.trial import current
from pytest_velo.scorers.judge import AsyncJudge, Judge

if TYPE_CHECKING:
    from pytest_velo.sampling.model import AsyncModel, Model
    from pytest_velo.sampling.trial import Trial
    from pytest_velo.scorers.judge import AsyncJudge, Judge


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

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._models: dict[tuple[str | None, str], AsyncModel | Model] = {}
        self._judge: AsyncJudge | Judge | None = None

    @property
    def _lost(self) -> BodyError | None:
        """Why a call of one of its models found no trial."""
        made = (*self._models.values(), *([] if self._judge is None else [self._judge]))
        return next((each._lost for each in made if each._lost is not None), None)

    @staticmethod
    def invalid(why: str) -> NoReturn:
        """End the trial as invalid: it says nothing about the claim, even if the body catches this."""
        current("velo.invalid").invalidate(str(why))
        raise InvalidTrial(str(why))

    def model(self, model_id: str | None = None, *, role: str = "") -> AsyncModel | Model:
        """Return the item's model, or any model by id (`velo.model("openai/gpt-5-mini")`).

        Transcripts show what it says under `role`, the part it plays: `velo.model(role="attacker")`.
        """
        key = model_id, role
        if key not in self._models:
            try:
                self._models[key] = model_of(self._item, model_id, role)
            except UsageError as error:
                raise tell(_of_the_body(error)) from None
        return self._models[key]

    @property
    def judge(self) -> AsyncJudge | Judge:
        """The judge, as in the fixture `judge`."""
        if self._judge is None:
            try:
                self._judge = judge_of(self._item)
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


def model_of(item: pytest.Item, chosen: str | None, role: str = "") -> AsyncModel | Model:
    """Return an item's model, or the one `chosen` by id; `AsyncModel` for an `async def` body.

    Where the arms are models, the item's model answers as another model in each arm. `role` is the part it
    plays, for transcripts.

    Raises:
        UsageError: The item is not a hypothesis, no model is set, or the model cannot be used here.
    """
    _require_hypothesis(item, "model")
    settings = item.config.stash[SESSION].settings
    spec = item.stash[SPEC]
    if chosen is None and spec.arms_are_models:
        targets = {arm: resolve(arm, settings.endpoints) for arm in spec.arms}
        return _made(item, targets, role)
    name = chosen or model_id(item, settings)
    if name is None:
        raise UsageError("no model is set", where=item.nodeid, fix='velo.model("local/smollm2-135m")')
    return _made(item, resolve(name, settings.endpoints), role)


def _made(item: pytest.Item, target: Target | Mapping[str, Target], role: str) -> AsyncModel | Model:
    return AsyncModel(target, role=role) if item.stash[FACTS].is_async else Model(target, role=role)


def client_of(item: pytest.Item, sdk: Sdk) -> Any:
    """Return an SDK's client for an item's endpoint, else for the SDK's own; async for an `async def` body.

    Raises:
        UsageError: As in `model_of`; or no client can be made for its endpoint.
    """
    from pytest_velo.providers.sdk_clients import make_client  # weight: httpx2, for clients only
    from pytest_velo.sampling.carrier import Carrier  # weight: httpx2, for clients only

    name = f"{sdk}_client"
    _require_hypothesis(item, name)
    session = item.config.stash[SESSION]
    endpoint = client_endpoint(item.stash[SPEC], session.settings, sdk, chosen_model(item))
    carrier = Carrier(endpoint, name)
    client = make_client(
        sdk,
        endpoint,
        is_async=item.stash[FACTS].is_async,
        transport=carrier,
        factories=session.provider_factories,
    )
    carriers[client] = carrier
    return client


def judge_of(item: pytest.Item) -> AsyncJudge | Judge:
    """Return an item's judge: the mark's, else the session's; `AsyncJudge` for an `async def` body.

    Raises:
        UsageError: As in `model_of`.
    """
    _require_hypothesis(item, "judge")
    name = judge_id(item.stash[SPEC], item.config.stash[SESSION].settings)
    if name is None:
        raise UsageError(
            "no judge is set", where=item.nodeid, fix="judge=... in the mark, or --velo-judge=..."
        )
    model = model_of(item, name, "judge")
    return AsyncJudge(model) if isinstance(model, AsyncModel) else Judge(model)


def _require_hypothesis(item: pytest.Item, name: str) -> None:
    if SPEC not in item.stash:
        raise UsageError(
            f"the fixture {name!r} is for hypotheses only",
            where=item.nodeid,
            fix="mark the test: @pytest.mark.hypothesis(rate >= 0.5)",
        )


def per_trial(request: pytest.FixtureRequest, name: str) -> Placeholder:
    """Return a placeholder for a per-trial value while pytest sets up an item.

    Raises:
        UsageError: Something other than the test itself requests it.
    """
    placeholder = Placeholder(name)
    if name not in fixture_info(request.node).argnames:
        placeholder._refuse()
    return placeholder


def _of_the_body(error: UsageError) -> BodyError:
    """Return a mistake that only the running body could make: it is shown at the body's line."""
    return BodyError(error.what, where=error.where, fix=error.fix)
