"""The `model` of a body: a call builds a request, gets its draw and checks the reply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

from pytest_velo.errors import BodyError, tell
from pytest_velo.providers.prefill import with_prefill
from pytest_velo.providers.registry import Target
from pytest_velo.records import JsonObject, Reply, Request
from pytest_velo.sampling.call import Guard, ask
from pytest_velo.sampling.chat import AsyncChat, Chat
from pytest_velo.sampling.pending import Pending
from pytest_velo.sampling.prompts import Prompt, begun, messages_of, neutral_tools
from pytest_velo.sampling.scope import TrialScope, current, is_running
from pytest_velo.settings import Api, Endpoint


class _Caller:
    """The common part of both kinds of model: the target and the neutral request."""

    _stays_here: ClassVar[str] = "a model"

    __slots__ = ("_lost", "_role", "_targets")

    def __init__(self, target: Target | Mapping[str, Target], *, role: str = "") -> None:
        """Take the target, or one for each arm if models are the arms, and the part it plays, if any."""
        self._targets = target
        self._role = role
        self._lost: BodyError | None = None  # why a call found no trial, should the body catch that

    def _scope(self) -> TrialScope:
        """Return the running trial; without one, note the error: there is no trial to tell of it."""
        try:
            return current("model(...)")
        except BodyError as error:
            self._lost = error
            raise

    @property
    def id(self) -> str:
        """The model id, e.g. `openai/gpt-5-mini`; where models are the arms, that of the running trial's."""
        if isinstance(self._targets, Target):
            return self._targets.id
        if is_running() and (arm := current("model.id").arm) in self._targets:
            return self._targets[arm].id
        return " and ".join(target.id for target in self._targets.values())

    def _target(self, scope: TrialScope) -> Target:
        """Return the target of the running trial: its arm's, if models are the arms."""
        return self._targets if isinstance(self._targets, Target) else self._targets[scope.arm]

    def _api(self) -> str:
        """Return the wire family of the running trial's target."""
        return str(self._target(self._scope()).endpoint.api)

    def __repr__(self) -> str:
        return f"<model {self.id}>"

    @staticmethod
    def _request(
        scope: TrialScope, target: Target, prompt: Prompt, system: str | None, parameters: dict[str, Any]
    ) -> Request:
        try:
            return request_of(target, prompt, system=system, parameters=parameters, folder=scope.folder)
        except BodyError as error:
            raise tell(error) from None


def request_of(
    target: Target,
    prompt: Prompt,
    *,
    system: str | None,
    parameters: Mapping[str, Any],
    folder: Path = Path(),
) -> Request:
    """Return the request that a call of `target` sends.

    Args:
        target: The endpoint and model.
        prompt: As in `AsyncModel`.
        system: The system prompt.
        parameters: The call's other keywords; those that are None are not sent. A `prefill` is a message.
        folder: What paths of images and sounds are relative to.

    Raises:
        BodyError: The prompt is none, or a keyword is a slip of the pen.
        UsageError: The endpoint continues no reply, and one is begun.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    prefill = given.pop("prefill", "")
    _check_names(given, target.endpoint)
    messages = begun(messages_of(prompt, system, folder), prefill)
    if isinstance(given.get("tools"), Sequence):
        given["tools"] = neutral_tools(given["tools"])
    return with_prefill(target.request(messages, given), target.endpoint)


class AsyncModel(_Caller):
    """A model inside an `async def` body: `reply = await model("…")`.

    Example:
        ```python
        import asyncio

        import pytest
        from pytest_velo import rate, scripted

        UNSURE = scripted("unsure", lambda request, rng: "yes" if rng.random() < 0.75 else "no")


        @pytest.mark.hypothesis(rate >= 0.6, models=[UNSURE])
        async def test_the_majority_of_three_is_right(model):
            "Asked three times, the model says in most of its answers that 7919 is a prime."
            asked = [model("Is 7919 a prime?", temperature=1) for _ in range(3)]
            votes = await asyncio.gather(*asked)
            return sum(vote.answers("yes") for vote in votes) >= 2
        ```
    """

    def __call__(
        self,
        prompt: Prompt,
        *,
        system: str | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        effort: str | None = None,
        stop: str | Sequence[str] | None = None,
        prefill: str | None = None,
        tools: Sequence[JsonObject] | None = None,
        schema: JsonObject | None = None,
        logprobs: int | None = None,
        allow_cut: bool = False,
        allow_empty: bool = False,
        slot: str | None = None,
        **provider_parameters: Any,
    ) -> Pending[Reply]:
        """Ask the model once.

        Args:
            prompt: A text, or neutral messages (see `pytest_velo.records`); an image or a sound, or a list of
                them and of texts.
            system: The system prompt.
            temperature: Sampling temperature, >= 0.
            top_p: Nucleus mass in (0, 1].
            max_tokens: Maximum number of tokens in the reply, >= 1.
            effort: Reasoning effort, in the provider's own terms.
            stop: One or several texts that end the reply.
            prefill: The beginning of the reply, which the model continues: `reply.text` is what follows. Not
                every API can; see "Prefill" in `docs/reference/providers.md`.
            tools: `[{"name", "description", "parameters": JSON schema}]`.
            schema: A JSON schema the reply must follow; the value is `reply.parsed`.
            logprobs: How many alternatives per token to return.
            allow_cut: A reply cut at max_tokens counts; by default it makes the trial invalid.
            allow_empty: An empty reply counts; by default it makes the trial invalid.
            slot: Names this draw if two tasks of one trial send the same request.
            **provider_parameters: Sent under their own names.

        Raises:
            InvalidTrial: The reply was cut, empty, filtered or does not follow the schema.
        """
        options = _options(locals())
        scope = self._scope()
        scope.issue()
        target = self._target(scope)
        sent = {**options, **provider_parameters, "prefill": prefill}
        request = self._request(scope, target, prompt, system, sent)
        has_schema = schema is not None
        guard = Guard(allow_cut=allow_cut, allow_empty=allow_empty, schema=has_schema, said=_IN_THE_CALL)
        counted = {"allow_cut": allow_cut, "allow_empty": allow_empty}
        again = partial(self, **{**options, **counted, **provider_parameters})
        return Pending(
            "model(...)",
            lambda: ask(scope, target, request, guard, slot, speaker=self._role, again=again),
        )

    def chat(self, *, system: str | None = None, **defaults: Any) -> AsyncChat:
        """Start a conversation; `defaults` are keywords for every turn's call."""
        return AsyncChat(self, system, defaults)


class Model(_Caller):
    """A model inside a plain `def` body: `reply = model("…")` blocks until the reply is there.

    Example:
        ```python
        import pytest
        from pytest_velo import mean, scripted

        STARS = {"type": "object", "properties": {"stars": {"type": "integer"}}, "required": ["stars"]}
        CRITIC = scripted("critic", ['{"stars": 4}', '{"stars": 5}'])


        @pytest.mark.hypothesis(mean(1, 5) >= 3, models=[CRITIC])
        def test_the_critic_is_kind(model):
            "On average the critic gives more than three stars."
            reply = model("Rate the film.", system="You are a film critic.", schema=STARS)
            return reply.parsed["stars"]
        ```
    """

    def __call__(
        self,
        prompt: Prompt,
        *,
        system: str | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        effort: str | None = None,
        stop: str | Sequence[str] | None = None,
        prefill: str | None = None,
        tools: Sequence[JsonObject] | None = None,
        schema: JsonObject | None = None,
        logprobs: int | None = None,
        allow_cut: bool = False,
        allow_empty: bool = False,
        slot: str | None = None,
        **provider_parameters: Any,
    ) -> Reply:
        """Ask the model once; arguments and errors as in `AsyncModel`."""
        options = _options(locals())
        scope = self._blocking_scope()
        assert scope.block is not None
        scope.issue()
        target = self._target(scope)
        sent = {**options, **provider_parameters, "prefill": prefill}
        request = self._request(scope, target, prompt, system, sent)
        has_schema = schema is not None
        guard = Guard(allow_cut=allow_cut, allow_empty=allow_empty, schema=has_schema, said=_IN_THE_CALL)
        counted = {"allow_cut": allow_cut, "allow_empty": allow_empty}
        again = partial(self, **{**options, **counted, **provider_parameters})
        return scope.block(ask(scope, target, request, guard, slot, speaker=self._role, again=again))

    def chat(self, *, system: str | None = None, **defaults: Any) -> Chat:
        """Start a conversation; `defaults` are keywords for every turn's call."""
        return Chat(self, system, defaults)

    def _blocking_scope(self) -> TrialScope:
        """Return the running trial, which must be one that may block."""
        scope = self._scope()
        if scope.block is None:
            raise BodyError(
                "a blocking model was called on the sampling loop", fix="make the body `async def`"
            )
        return scope

    def _twin(self) -> AsyncModel:
        """Return the same model for what runs on the loop."""
        return AsyncModel(self._targets, role=self._role)


def _check_names(given: Iterable[str], endpoint: Endpoint) -> None:
    """Refuse a parameter that is a slip of the pen: many servers ignore what they do not know."""
    for name in given:
        if name in _SENT:
            continue
        if name == "n" and endpoint.api in (Api.OPENAI_CHAT, Api.LOCAL):
            raise BodyError(
                "n= would pay for replies that nobody reads",
                fix="call the model several times, or declare n= on the endpoint",
            )
        if meant := _meant(name):
            fix = (
                f"did you mean {meant!r}?"
                if meant in _KEYWORDS
                else f"{meant}= is a keyword of {_OTHERS[meant]}"
            )
            raise BodyError(f"a model call has no keyword `{name}`", fix=fix)


@cache
def _meant(name: str) -> str | None:
    """Return the keyword that a name is a slip of; None if it is one of a provider's own."""
    from difflib import get_close_matches  # weight: needed for a provider's own parameters only

    return next(iter(get_close_matches(name, [*_KEYWORDS, *_OTHERS], n=1, cutoff=_SLIP)), None)


_SLIP = 0.88  # `temprature` and `edits` are some; `top_k` (0.8, beside `top_p`) and `top_logprobs` are not
_SENT = ("temperature", "top_p", "max_tokens", "effort", "stop", "tools", "schema", "logprobs")
_OTHERS = {"max_turns": "chat.run(…)", "allow_unfinished": "chat.run(…)", "edit": "reply.fork(…)"}
_IN_THE_CALL = " in the call"  # the mark has keywords of the same names, for clients
_KEYWORDS = (*_SENT, "system", "prefill", "allow_cut", "allow_empty", "slot")


def _options(arguments: dict[str, Any]) -> dict[str, Any]:
    """Pick the neutral parameters out of a call's local variables."""
    return {name: arguments[name] for name in _SENT}
