"""One model call of a trial: get its draw, keep it in the transcript, and check it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pytest_velo.cache.keys import request_key
from pytest_velo.errors import BodyError, InvalidTrial, UnansweredError, VeloError, named
from pytest_velo.providers.prefill import continued, may_not_continue
from pytest_velo.providers.registry import Target
from pytest_velo.providers.stubbed import stub_of
from pytest_velo.providers.thoughts import has_thoughts, without_thoughts
from pytest_velo.records import Call, FinishReason, Reply, Request
from pytest_velo.sampling.drawing import Drawing
from pytest_velo.sampling.forks import Origin
from pytest_velo.sampling.jobs import stopped
from pytest_velo.sampling.scope import TrialScope
from pytest_velo.settings import Endpoint, Think


class Guard:
    """Which replies say nothing about the claim.

    Args:
        allow_cut: A reply cut at max_tokens counts.
        allow_empty: An empty reply counts.
        schema: A schema was requested, and a reply that does not follow it does not count.
        said: Where both are allowed, for what is said of a reply that does not count.
    """

    __slots__ = ("_allow_empty", "_said", "_schema", "allow_cut")

    def __init__(self, *, allow_cut: bool, allow_empty: bool, schema: bool, said: str = "") -> None:
        self.allow_cut = allow_cut
        self._said = said
        self._allow_empty = allow_empty
        self._schema = schema

    def reason(self, reply: Reply) -> str | None:
        """Say why `reply` makes its trial invalid; None when it counts."""
        match reply.finish_reason:
            case FinishReason.CONTENT_FILTER:
                return "the provider's content filter stopped the model's call"
            case FinishReason.CONTEXT_OVERFLOW:
                return "the prompt does not fit the model's context"
            case FinishReason.LENGTH if not self.allow_cut:
                return (
                    "the model's reply was cut at max_tokens or at the end of the context (give more, or"
                    f" allow_cut=True{self._said})"
                )
            case FinishReason.PAUSED:
                return "the provider paused the turn before its end, and nothing continues it"
            case _:
                pass
        if reply.refused:
            return None  # a refusal is an observation, whatever its text
        if self._schema and reply.parsed is None and not reply.tool_calls:  # those come before the answer
            return "the model's reply does not follow the schema"
        if not reply.text.strip() and not reply.tool_calls and not self._allow_empty:
            return f"the model's reply is empty (allow_empty=True{self._said} counts it)"
        return None


def _check_label(label: object) -> None:
    """Reject, before anything is paid, a name that cannot be stored."""
    try:
        str(label).encode()
    except UnicodeEncodeError:
        raise BodyError(
            f"slot={label!r} contains half of a surrogate pair, which is not text",
            fix='use plain text, e.g. slot="a"',
        ) from None


def as_declared(reply: Reply, request: Request, endpoint: Endpoint) -> Reply:
    """Return a reply as its endpoint's declaration of today reads it, however old the draw is."""
    reply = continued(reply, request)
    return without_thoughts(reply, request) if endpoint.think is Think.STRIP else reply


_TOLD_ELSEWHERE = ("seed", "logprobs")


def remarks(reply: Reply, request: Request, target: Target) -> list[str]:
    """Return what the reader must know of a reply: what was not sent, and what its text may hold."""
    told: list[str] = []
    dropped = (name for name in reply.not_honoured if name in request.parameters)
    ignored = [name for name in dropped if name not in _TOLD_ELSEWHERE]
    if ignored:
        told.append(f"{target.id} was not told {', '.join(ignored)}: its API has no such parameter")
    if "seed" in request.parameters:
        told.append(f"seed= is one for all draws of {target.id}, which makes them alike: leave it out")
    if may_not_continue(request, target.endpoint):
        told.append(
            f"{target.id} was asked to continue its own message; whether its server does is not known:"
            " declare prefill= on the endpoint"
        )
    if target.endpoint.think is None and has_thoughts(reply.text):
        told.append(
            f"replies of {target.id} hold <think>…</think>, which is read as part of the answer; declare"
            " think=strip on its endpoint to make it reply.reasoning, or think=keep if that is meant"
        )
    return told


def _who(speaker: str) -> str:
    """Name the model by the part it plays: `the judge`, `the attacker`."""
    return f"the {speaker}" if speaker else "the model"


async def ask(
    scope: TrialScope,
    target: Target,
    request: Request,
    guard: Guard,
    label: str | None,
    *,
    speaker: str = "",
    again: Callable[..., Any],
) -> Reply:
    """Get one draw for the running trial and put it into the transcript.

    Args:
        scope: The trial.
        target: The model.
        request: The request to send.
        guard: Which replies do not count.
        label: Distinguishes draws whose order depends on timing (`slot=` of the call); None for none.
        speaker: The part the model plays, for the transcript.
        again: Asks the same model in the same way, for a fork of the reply.

    Raises:
        InvalidTrial: The reply was cut, empty, filtered or does not follow the schema, or none came.
        StoppedError: The trial has ended.
        VeloError: The draw could not be made; the trial is then an error, whatever the body catches.
    """
    if scope.ended:
        await asyncio.sleep(0)  # a body that catches this in a loop must not block the others
        raise stopped()
    place = scope.start()
    if (stood_in := stub_of(target.id)) is not None:
        scope.stubs[stood_in.standing_in_for(speaker or "model")] = None
    drawn = await _drawn(scope, target, request, label, speaker)
    reply = as_declared(drawn.reply, request, target.endpoint)
    scope.notices += remarks(reply, request, target)
    scope.finish(
        place,
        Call(
            model=target.id,
            request=request,
            reply=reply,
            address=drawn.address,
            drawn_at=drawn.drawn_at,
            speaker=speaker,
            may_be_cut=guard.allow_cut,
        ),
    )
    scope.remember(Origin(reply=reply, request=request, endpoint=target.endpoint, again=again))
    reason = guard.reason(reply)
    if reason is not None:
        reason = reason.replace("the model", _who(speaker), 1)
        scope.invalidate(reason)
        unusable = InvalidTrial(reason)
        unusable.said = reply.text
        raise unusable
    return reply


async def _drawn(
    scope: TrialScope, target: Target, request: Request, label: str | None, speaker: str
) -> Drawing:
    """Return the draw of a call that has begun; if there is none, the trial is invalid or an error."""
    try:
        key = request_key(request)
        _check_label(label)
        slot = scope.slot(key, label)
        return await scope.drawer.draw(
            target, request, key=key, slot=slot, stream=scope.stream, may_pay=scope.may_pay
        )
    except UnansweredError as error:
        unanswered = f"{_who(speaker)} gave {error.what}"
        scope.invalidate(unanswered)
        raise InvalidTrial(unanswered) from error
    except asyncio.CancelledError:
        scope.give_up()
        raise
    except Exception as error:
        if speaker and isinstance(error, VeloError):
            named(error, speaker)
        scope.fail(error)
        raise
    finally:
        scope.leave()
