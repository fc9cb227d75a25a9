"""What an HTTP error of any provider means: a reply, or one of our errors.

A context overflow and a content filter depend on what was sent: they are observations, so they become
replies. Everything else is raised, sorted by whether waiting, another key or another request would help. The
meaning is read from codes and words first (`providers.wordings`), and from the status only where they say
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto

from pytest_velo.errors import AccessError, RequestError, TransientError, TransientKind, VeloError
from pytest_velo.providers import wordings
from pytest_velo.providers.error_bodies import Failure as Failure
from pytest_velo.providers.error_bodies import inner_failure as inner_failure
from pytest_velo.providers.error_bodies import inner_status as inner_status
from pytest_velo.providers.error_bodies import quoted as quoted
from pytest_velo.providers.error_bodies import read_failure as read_failure
from pytest_velo.providers.error_bodies import read_inside as read_inside
from pytest_velo.providers.waits import in_how_long
from pytest_velo.providers.waits import retry_after_s as retry_after_s
from pytest_velo.providers.wire import whole
from pytest_velo.records import FinishReason, Reply, Request

_UNSUPPORTED_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}
_TRANSIENT: Mapping[int, TransientKind] = {
    408: "timeout",
    409: "server",
    424: "server",  # TGI: the generation failed
    425: "server",
    429: "rate_limit",
    498: "overloaded",  # Groq
    499: "server",  # the server behind a proxy gave the call up
    529: "overloaded",
}
_REPLY_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


def settle_failure(failure: Failure, request: Request, latency_s: float) -> Reply:
    """Return the reply that a failure stands for, or raise the error that it is.

    Args:
        failure: What the server said.
        request: What it was asked.
        latency_s: Seconds from sending to the whole answer.

    Raises:
        TransientError: Waiting may help.
        AccessError: Only another key, permission, payment or day helps.
        RequestError: Only another request helps.
    """
    meaning = _meaning(failure, request)
    finish = _observed(meaning)
    if finish is None:
        error = _error(failure, meaning, request)
        error.status = failure.status
        raise error
    raw = {"status": failure.status, **failure.body}
    return Reply(text="", finish_reason=finish, latency_s=latency_s, raw=raw)


def refuses(failure: Failure, parameter: str) -> bool:
    """Tell whether a server says that it does not know or take `parameter` at all."""
    named = failure.param == parameter or re.search(rf"\b{re.escape(parameter)}\b", failure.text)
    said = failure.codes & _UNSUPPORTED_CODES or wordings.UNSUPPORTED_WORDS.search(failure.text)
    return failure.status in (400, 422) and bool(named) and bool(said)


class _Meaning(Enum):
    """What a failure is, whatever its status."""

    FILTERED = auto()
    OVERFLOW = auto()
    REPLY_LIMIT = auto()  # the limit on the reply's tokens, which fails every prompt alike
    ACCOUNT = auto()
    TOO_LARGE = auto()  # one request is more than a whole minute's limit
    DAILY = auto()
    RATE = auto()
    LOADING = auto()
    OVERLOADED = auto()
    UNSAID = auto()  # only the status tells


def _meaning(failure: Failure, request: Request) -> _Meaning:
    """Read what a failure is from its codes and words.

    The order matters: what an account or a limit explains is never taken for the prompt's, whose failures are
    stored.
    """
    text, codes, status = failure.text, failure.codes, failure.status
    if status == 401:
        return _Meaning.UNSAID
    limited = _limit_meaning(failure)
    if limited is not None:
        return limited
    if status == 404:
        return _Meaning.UNSAID
    # A server that breaks may say anything, so that there only a code names a filter.
    if wordings.says("" if status >= 500 else text, codes, wordings.FILTER_WORDS, wordings.FILTER_CODES):
        return _Meaning.FILTERED
    if status >= 500:
        if status == 503 and wordings.LOADING_WORDS.search(text):
            return _Meaning.LOADING
        if wordings.says(text, codes, wordings.OVERLOADED_WORDS, wordings.OVERLOADED_CODES):
            return _Meaning.OVERLOADED
    if wordings.PREFERRED_LIMIT.search(text) or wordings.blames_the_limit(text, _reply_limit(request)):
        return _Meaning.REPLY_LIMIT
    if status == 413 or wordings.says(text, codes, wordings.OVERFLOW_WORDS, wordings.OVERFLOW_CODES):
        return _Meaning.OVERFLOW
    return _Meaning.UNSAID


_KINDS: Mapping[_Meaning, TransientKind] = {
    _Meaning.RATE: "rate_limit",
    _Meaning.LOADING: "loading",
    _Meaning.OVERLOADED: "overloaded",
}


def _limit_meaning(failure: Failure) -> _Meaning | None:
    """Return which limit of the account a failure is about; None if about none."""
    text, codes, status = failure.text, failure.codes, failure.status
    if status == 402 or not wordings.ACCOUNT_CODES.isdisjoint(codes):
        return _Meaning.ACCOUNT
    is_limit = status == 429 or wordings.says(text, codes, wordings.LIMIT_WORDS, wordings.LIMIT_CODES)
    if is_limit and wordings.NOTHING_ALLOWED.search(text):
        return _Meaning.ACCOUNT
    if is_limit and wordings.exceeds_the_limit(text):
        return _Meaning.TOO_LARGE
    if is_limit and wordings.DAILY_WORDS.search(text):
        return _Meaning.DAILY
    # Gemini speaks of the quota and the billing plan where a minute's limit is meant, and says when to retry.
    heals = status >= 500 or failure.retry_after_s is not None or "resource_exhausted" in codes
    if not heals and wordings.ACCOUNT_WORDS.search(text):
        return _Meaning.ACCOUNT
    return _Meaning.RATE if is_limit else None


def _observed(meaning: _Meaning) -> FinishReason | None:
    """Return the finish reason of a failure that depends on what was sent; None for all others."""
    match meaning:
        case _Meaning.FILTERED:
            return FinishReason.CONTENT_FILTER
        case _Meaning.OVERFLOW:
            return FinishReason.CONTEXT_OVERFLOW
        case _:
            return None


def _error(failure: Failure, meaning: _Meaning, request: Request) -> VeloError:
    """Return the error for a failure, located at its model."""
    status, where = failure.status, f"{request.endpoint}, model {request.model}"
    what = f"{failure.place}: {failure.message or 'no message'}"
    match meaning:
        case _Meaning.ACCOUNT:
            return AccessError(what, where=where, fix="add credit or raise the quota at the provider")
        case _Meaning.TOO_LARGE:
            fix = (
                "send less in one call (a shorter prompt, a smaller max_tokens=) or raise the limit at the"
                " provider: no wait helps"
            )
            return AccessError(what, where=where, fix=fix)
        case _Meaning.DAILY:
            fix = "run again then (draws made so far are kept), or raise the limit at the provider"
            return AccessError(f"{what} (the allowance {_reset(failure)})", where=where, fix=fix)
        case _Meaning.REPLY_LIMIT:
            return RequestError(what, where=where, fix=_limit_advice(failure, request))
        case _ if meaning in _KINDS:
            kind, wait_s = _KINDS[meaning], failure.retry_after_s
            return TransientError(what, kind=kind, retry_after_s=wait_s, status=status, where=where)
        case _:
            return _by_status(failure, what, request)


def _by_status(failure: Failure, what: str, request: Request) -> VeloError:
    """Return the error for a failure of which only the status tells."""
    status, where = failure.status, f"{request.endpoint}, model {request.model}"
    if status in (401, 403):
        fix = "check the endpoint's key variable and what that key may do"
        return AccessError(what, where=where, fix=fix)
    if 400 <= status < 500 and status not in _TRANSIENT:
        return RequestError(what, where=where, fix=_advice(failure, request))
    kind: TransientKind = "server" if status >= 500 else "garbage"  # a 200 with no more than an error in it
    return TransientError(
        what,
        kind=_TRANSIENT.get(status, kind),
        retry_after_s=failure.retry_after_s,
        status=status,
        where=where,
    )


def _reset(failure: Failure) -> str:
    """Say when an allowance of a day or a month is there again."""
    if wordings.PACIFIC_DAY.search(failure.text):
        return "is reset at midnight Pacific time"  # Google's RetryInfo tells of the next minute only
    if failure.retry_after_s is None:
        return "is used up; the server does not say when it is reset"
    return f"is reset {in_how_long(failure.retry_after_s)}"


def _reply_limit(request: Request) -> int | None:
    """Return the limit on the reply's tokens that was sent; None for none."""
    values = [whole(request.parameters.get(name)) for name in _REPLY_LIMITS]
    return max((value for value in values if value is not None), default=None)


def _limit_advice(failure: Failure, request: Request) -> str:
    """Say what to do about a limit on the reply's tokens that the server does not take."""
    sent = next((name for name in _REPLY_LIMITS if name in request.parameters), "max_tokens")
    preferred = wordings.PREFERRED_LIMIT.search(failure.text)
    if preferred and preferred[1] != sent:
        value = request.parameters.get(sent, "...")
        return f"give {preferred[1]}={value} in place of {sent}=: this model knows the limit by that name"
    if sent in request.parameters:
        return f"give a smaller {sent}= than {request.parameters[sent]}: the model's maximum is lower"
    return "give max_tokens=: this model does not take the limit that was sent"


def _advice(failure: Failure, request: Request) -> str:
    """Say what to change in a request that was rejected."""
    unknown = wordings.UNKNOWN_MODEL_WORDS, wordings.UNKNOWN_MODEL_CODES
    if failure.status == 404 or wordings.says(failure.text, failure.codes, *unknown):
        return f"the endpoint does not know the model {request.model!r}: check its name, and base_url"
    for name in request.parameters:
        # A neutral name may go by another one on the wire.
        named = failure.param == name or re.search(rf"[`'\"]{re.escape(name)}[`'\"]", failure.text)
        refused = failure.codes & _UNSUPPORTED_CODES or re.search("support|permitted|allowed", failure.text)
        if named and refused:
            return f"leave {name}= out: this model does not accept that value"
    return "change the call's parameters as the provider's message says"
