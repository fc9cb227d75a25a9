"""What an HTTP error of any provider means: a reply, or one of our errors.

A context overflow and a content filter depend on what was sent: they are observations, so they become
replies. Everything else is raised, sorted by whether waiting, another key or another request would help. The
meaning is read from codes and words first (`providers.wordings`), and from the status only where they say
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from pytest_velo.errors import AccessError, RequestError, TransientError, TransientKind, VeloError
from pytest_velo.providers import wordings
from pytest_velo.providers.waits import (
    asked_in_body_s,
    exhausted_reset_s,
    in_how_long,
)
from pytest_velo.providers.waits import retry_after_s as retry_after_s
from pytest_velo.providers.wire import whole
from pytest_velo.records import FinishReason, JsonObject, Reply, Request

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
_NAMED_STATUS = {"rate_limit_exceeded": 429, "insufficient_quota": 429, "invalid_api_key": 401}
# MiniMax reports every failure inside a 200, under numbers of its own.
_MINIMAX_STATUS = {1002: 429, 1039: 429, 1004: 401, 1008: 402, 1013: 500, 2013: 400}
_MINIMAX_FILTERED = (1026, 1027)
_MESSAGE_CHARS = 500
_QUOTED_CHARS = 120
_REPLY_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_NESTED = 4  # a router's error inside a proxy's inside a router's


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One HTTP error in neutral form.

    Attributes:
        status: The HTTP status; 200 if the failure stands in a 200 and names none.
        message: What the server says, with what the server behind a router says.
        codes: Every code and type in the body, in lower case.
        param: The parameter that the server blames; None if it names none.
        retry_after_s: How long to wait, in seconds; None if the server does not say.
        body: The whole body; empty if it is not an object.
        text: All words of the body's messages, in lower case.
    """

    status: int
    message: str
    codes: frozenset[str]
    param: str | None
    retry_after_s: float | None
    body: JsonObject
    text: str = ""


def read_failure(status: int, headers: Mapping[str, str], body: object) -> Failure:
    """Read an error's body, whichever of the providers' formats it has.

    Args:
        status: The HTTP status.
        headers: The response's headers; looked up in lower case.
        body: The parsed JSON body, or its text if it is not JSON.
    """
    if isinstance(body, list) and body and isinstance(body[0], Mapping) and "error" in body[0]:
        body = body[0]  # Gemini's OpenAI surface
    whole: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    layers = tuple(_layers(whole))
    codes = {code for layer in layers for code in _codes(layer)}
    said = list(dict.fromkeys(message for message in map(_message, layers) if message)) or [quoted(body)]
    text = " ".join([*said, *_details(layers)]).lower()
    params = [layer["param"] for layer in layers if isinstance(layer.get("param"), str)]
    asked = (retry_after_s(headers), *(asked_in_body_s(layer, text) for layer in layers or ({},)))
    waits = [seconds for seconds in (*asked, exhausted_reset_s(headers)) if seconds is not None]
    return Failure(
        status=status,
        message=": ".join(said)[:_MESSAGE_CHARS],
        codes=frozenset(codes),
        param=params[-1] if params else None,
        retry_after_s=waits[0] if waits else None,
        body=whole,
        text=text,
    )


def inner_status(error: Mapping[str, Any]) -> int:
    """Return the HTTP status of a failure that is reported inside a 200.

    502 if it has only a name; 200 if it has not even that.
    """
    code = error.get("code")
    if isinstance(code, str) and code.isdecimal():
        code = int(code)
    if isinstance(code, int) and 400 <= code <= 599:
        return code
    named = [value for value in (code, error.get("type")) if isinstance(value, str)]
    return next((_NAMED_STATUS[name] for name in named if name in _NAMED_STATUS), 502 if named else 200)


def inner_failure(body: object, headers: Mapping[str, str]) -> Failure | None:
    """Return the failure that a 200 reports inside; None if it reports none."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, Mapping):
        return None
    error, base = body.get("error"), body.get("base_resp")
    if isinstance(error, Mapping) and error:
        return read_failure(inner_status(error), headers, body)
    if isinstance(error, str) and error and not body.get("choices"):
        return read_failure(inner_status(body), headers, body)
    if body.get("object") == "error" or body.get("type") == "error":
        return read_failure(inner_status(body), headers, body)
    if isinstance(base, Mapping) and base.get("status_code"):
        number = base["status_code"]
        code = "content_filter" if number in _MINIMAX_FILTERED else number
        error = {"message": base.get("status_msg"), "code": code}
        status = 400 if number in _MINIMAX_FILTERED else _MINIMAX_STATUS.get(number, 502)
        return read_failure(status, headers, {**body, "error": error})
    return None


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
        raise _error(failure, meaning, request)
    raw = {"status": failure.status, **failure.body}
    return Reply(text="", finish_reason=finish, latency_s=latency_s, raw=raw)


def refuses(failure: Failure, parameter: str) -> bool:
    """Tell whether a server says that it does not know or take `parameter` at all."""
    named = failure.param == parameter or re.search(rf"\b{re.escape(parameter)}\b", failure.text)
    said = failure.codes & _UNSUPPORTED_CODES or wordings.UNSUPPORTED_WORDS.search(failure.text)
    return failure.status in (400, 422) and bool(named) and bool(said)


def quoted(body: object) -> str:
    """Return the first characters of a body that is not what it should be, on one line."""
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body, default=str)
    line = " ".join(text[: 10 * _QUOTED_CHARS].split())
    return line if len(line) <= _QUOTED_CHARS else f"{line[:_QUOTED_CHARS]}..."


def _layers(whole: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give a body's error objects, from the outermost in: a router's has the provider's inside."""
    layer: Any = whole
    for _ in range(_NESTED if whole else 0):
        error = layer.get("error", layer)
        if isinstance(error, str) and layer is whole:
            error = {**layer, "error": None, "message": error}  # xAI: the sentence is the error
        if not isinstance(error, Mapping):
            return
        yield error
        metadata = error.get("metadata")
        raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
        layer = _parsed(raw)
        if not isinstance(layer, Mapping):
            if raw:
                yield {"message": quoted(raw)}
            return


def _parsed(raw: Any) -> Any:
    """Return what a router passes on of the server behind it: an object, or its JSON, or a text."""
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            return raw
    return raw[0] if isinstance(raw, list) and raw else raw


def _codes(layer: Mapping[str, Any]) -> Iterator[str]:
    """Give every code and type of an error object, in lower case."""
    inner, details, metadata = layer.get("innererror"), layer.get("details"), layer.get("metadata")
    named = [layer.get("code"), layer.get("type")]
    named += [layer.get("status")] if isinstance(layer.get("status"), str) else []
    named += [inner.get("code")] if isinstance(inner, Mapping) else []
    listed = details if isinstance(details, list) else []
    named += [detail.get("reason") for detail in listed if isinstance(detail, Mapping)]
    if isinstance(metadata, Mapping) and "flagged_input" in metadata:
        yield "content_filter"  # OpenRouter's moderation sends only the 403
    yield from (str(code).lower() for code in named if code is not None)


def _message(layer: Mapping[str, Any]) -> str:
    """Return what an error object says."""
    said = layer.get("message") or layer.get("detail") or layer.get("msg") or ""
    if not isinstance(said, str):
        said = json.dumps(said, default=str)
    return " ".join(said.split())


def _details(layers: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    """Give the names of the limits that Google's details tell and its sentence does not."""
    for layer in layers:
        for detail in layer["details"] if isinstance(layer.get("details"), list) else ():
            violations = detail.get("violations") if isinstance(detail, Mapping) else None
            for violation in violations if isinstance(violations, list) else ():
                if isinstance(violation, Mapping):
                    yield str(violation.get("quotaId", ""))


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
    what = f"HTTP {status}: {failure.message or 'no message'}"
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
