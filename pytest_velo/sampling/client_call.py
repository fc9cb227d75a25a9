"""One call that an SDK's client makes in a trial: its draw, its place in the transcript, and its answer."""

from __future__ import annotations

import asyncio
import json

from pytest_velo.cache.keys import request_key
from pytest_velo.errors import (
    AccessError,
    InvalidTrial,
    OutageError,
    RequestError,
    TransientError,
    UnansweredError,
    VeloError,
)
from pytest_velo.providers.outgoing import Outgoing
from pytest_velo.providers.registry import Target
from pytest_velo.records import Call, FinishReason, Original, Reply
from pytest_velo.sampling.call import Guard
from pytest_velo.sampling.halt import Halt, halt
from pytest_velo.sampling.jobs import stopped
from pytest_velo.sampling.pricing import n_draws
from pytest_velo.sampling.scope import TrialScope

_SERVERS = (RequestError, AccessError, OutageError)
"""Errors that a server's answer stands for: the SDK raises its own for them."""


class LateError(Exception):
    """No attempt brought a reply in time; the SDK has an exception of its own for that."""


_SEVERAL = (
    "a client asked for several choices (n=) in one call: together they are one draw, of which transcripts"
    " show the first, and only that is checked for being cut or empty"
)
_APART = "name them apart by what they say, or make them one after the other"


async def answer(scope: TrialScope, target: Target, request: Outgoing) -> Original:
    """Return what the client is given: the draw's answer, or one that says which error ended the trial.

    A body sees the SDK's own exception for an error of the server. Whatever it makes of that, the trial is
    then an error, or invalid, as it is with `model`; the next call ends it: some programs retry for ever.

    Args:
        scope: The trial.
        target: The endpoint, and the model that the client named.
        request: What the client sends.

    Raises:
        Halt: The draw could not be made for a reason that no server gave.
        LateError: No attempt was in time: the trial is invalid.
    """
    await _go_on(scope)
    scope.issue()
    place = scope.start()
    try:
        key = request_key(request)
        slot = scope.slot(key, None, advice=_APART)
        drawn = await scope.drawer.draw(
            target, request, key=key, slot=slot, stream=scope.stream, may_pay=scope.may_pay
        )
    except UnansweredError as error:
        scope.unanswered = f"the model gave {error.what}"
        scope.invalidate(scope.unanswered)
        if isinstance(error.__cause__, TransientError) and error.__cause__.kind == "timeout":
            raise LateError(error.what) from error
        return _error_answer(error)
    except asyncio.CancelledError:
        scope.give_up()
        raise
    except _SERVERS as error:
        scope.fail(error)
        return _error_answer(error)
    except Exception as error:
        raise halt(scope, error) from error
    finally:
        scope.leave()
    call = Call(
        model=target.id,
        request=request.shown,
        reply=drawn.reply,
        address=drawn.address,
        drawn_at=drawn.drawn_at,
        may_be_cut=scope.allow_cut,
    )
    scope.finish(place, call)
    _check(scope, request, drawn.reply)
    assert drawn.reply.original is not None  # its key is a client's
    return drawn.reply.original


def _check(scope: TrialScope, request: Outgoing, reply: Reply) -> None:
    """Make the trial invalid if its body may not count the reply, and note what is not looked at."""
    has_schema = "schema" in request.shown.parameters
    guard = Guard(allow_cut=scope.allow_cut, allow_empty=scope.allow_empty, schema=has_schema)
    reason = guard.reason(reply) if request.posting.is_read else _filtered(reply.finish_reason)
    if reason is not None:
        scope.invalidate(reason)
    if n_draws(request) > 1:
        scope.notices.append(_SEVERAL)


async def _go_on(scope: TrialScope) -> None:
    """Let a trial make another call.

    Raises:
        Halt: It is over, or nothing can come of it any more.
    """
    if scope.ended:
        await asyncio.sleep(0)  # a body that catches this in a loop must not block the others
        raise Halt(stopped())
    if scope.trouble is not None:
        raise Halt(scope.trouble)
    if scope.unanswered:
        raise Halt(InvalidTrial(scope.unanswered))


def _filtered(finish: FinishReason) -> str | None:
    """Say why an answer without words makes its trial invalid; None when it counts."""
    refused = finish in (FinishReason.CONTENT_FILTER, FinishReason.CONTEXT_OVERFLOW)
    return "the provider refused what the body sent" if refused else None


def _error_answer(error: VeloError) -> Original:
    """Return an answer by which the SDK raises its exception for an error of ours."""
    cause = error.__cause__
    told = cause.status if isinstance(cause, TransientError) else error.status
    match error:
        case RequestError():
            status, kind = 400, "invalid_request_error"
        case AccessError():
            status, kind = 401, "authentication_error"
        case _:
            status, kind = 503, "api_error"
    if told is not None and told >= 400:
        status = told
    said = {"type": kind, "code": kind, "message": f"pytest-velo: {error}"}
    return Original(
        status=status,
        headers={"content-type": "application/json"},
        text=json.dumps({"type": "error", "error": said}),
    )
