"""What an HTTP error of any provider means: a reply, or one of our errors.

A context overflow and a content filter depend on what was sent: they are observations, so they become
replies. Everything else is raised, sorted by whether waiting, another key or another request would help.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from pytest_velo.errors import AccessError, RequestError, TransientError, TransientKind, VeloError
from pytest_velo.records import FinishReason, JsonObject, Reply, Request

_OVERFLOW_CODES = {"context_length_exceeded", "exceed_context_size_error", "request_too_large"}
_OVERFLOW_WORDS = (
    "maximum context length",
    "context window",
    "prompt is too long",
    "exceeds the available context size",
    "exceed context limit",
)
_FILTER_CODES = {
    "content_filter",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "invalid_prompt",
    "moderation_blocked",
}
_FILTER_WORDS = ("content filtering policy", "content management policy", "flagged as potentially violating")
_QUOTA_CODES = {"insufficient_quota", "billing_error", "billing_hard_limit_reached", "insufficient_credits"}
_QUOTA_WORDS = ("credit balance is too low", "exceeded your current quota", "insufficient credits")
_UNSUPPORTED_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}
_TRANSIENT: Mapping[int, TransientKind] = {
    408: "timeout",
    409: "server",
    425: "server",
    429: "rate_limit",
    529: "overloaded",
}
_MESSAGE_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One HTTP error in neutral form; `codes` has every code and type in the body, in lower case."""

    status: int
    message: str
    codes: frozenset[str]
    param: str | None
    retry_after_s: float | None
    body: JsonObject


def read_failure(status: int, headers: Mapping[str, str], body: object) -> Failure:
    """Read an error's body, whichever of the providers' formats it has.

    Args:
        status: The HTTP status.
        headers: The response's headers; looked up in lower case.
        body: The parsed JSON body, or its text if it is not JSON.
    """
    whole: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    error = whole.get("error", whole)
    fields: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    inner = fields.get("innererror")
    named = [
        fields.get("code"),
        fields.get("type"),
        inner.get("code") if isinstance(inner, Mapping) else None,
    ]
    metadata = fields.get("metadata")
    if isinstance(metadata, Mapping) and "flagged_input" in metadata:
        named.append("content_filter")  # OpenRouter's moderation sends only the 403
    message = fields.get("message") or fields.get("detail") or (error if isinstance(error, str) else body)
    param = fields.get("param")
    return Failure(
        status=status,
        message=str(message or "").strip()[:_MESSAGE_CHARS],
        codes=frozenset(str(code).lower() for code in named if code is not None),
        param=param if isinstance(param, str) else None,
        retry_after_s=retry_after_s(headers),
        body=whole,
    )


def inner_status(error: Mapping[str, Any]) -> int:
    """Return the HTTP status of a failure that is reported inside a 200; 502 if it names none."""
    code = error.get("code")
    return code if isinstance(code, int) and 400 <= code <= 599 else 502


def settle_failure(failure: Failure, request: Request, latency_s: float) -> Reply:
    """Return the reply that a failure stands for, or raise the error that it is.

    Args:
        failure: What the server said.
        request: What it was asked.
        latency_s: Seconds from sending to the whole answer.

    Raises:
        TransientError: Waiting may help.
        AccessError: Only another key, permission or payment helps.
        RequestError: Only another request helps.
    """
    finish = _observed(failure)
    if finish is None:
        raise _error(failure, request)
    raw = {"status": failure.status, **failure.body}
    return Reply(text="", finish_reason=finish, latency_s=latency_s, raw=raw)


def retry_after_s(headers: Mapping[str, str], now_s: float | None = None) -> float | None:
    """Return how long a server asks to wait, in seconds; None if it does not say so legibly."""
    in_ms, text = _number(headers.get("retry-after-ms")), headers.get("retry-after")
    if in_ms is not None:
        return max(0.0, in_ms / 1000)
    in_s = _number(text)
    if in_s is not None:
        return max(0.0, in_s)
    try:
        moment = parsedate_to_datetime(text or "").timestamp()
    except ValueError:
        return None
    return max(0.0, moment - (time.time() if now_s is None else now_s))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _observed(failure: Failure) -> FinishReason | None:
    """Return the finish reason of a failure that depends on what was sent; None for all others."""
    message = failure.message.lower()
    if failure.status not in (400, 403, 413, 422):
        return None
    if failure.codes & _FILTER_CODES or any(words in message for words in _FILTER_WORDS):
        return FinishReason.CONTENT_FILTER
    overflow = failure.codes & _OVERFLOW_CODES or any(words in message for words in _OVERFLOW_WORDS)
    return FinishReason.CONTEXT_OVERFLOW if overflow or failure.status == 413 else None


def _error(failure: Failure, request: Request) -> VeloError:
    """Return the error for a failure, located at its model."""
    status, where = failure.status, f"{request.endpoint}, model {request.model}"
    what = f"HTTP {status}: {failure.message or 'no message'}"
    message = failure.message.lower()
    if status == 402 or failure.codes & _QUOTA_CODES or any(words in message for words in _QUOTA_WORDS):
        return AccessError(what, where=where, fix="add credit or raise the quota at the provider")
    if status in (401, 403):
        fix = "check the endpoint's key variable and what that key may do"
        return AccessError(what, where=where, fix=fix)
    if status in _TRANSIENT or status >= 500:
        kind = _TRANSIENT.get(status, "server")
        if failure.codes & {"overloaded_error"}:
            kind = "overloaded"
        return TransientError(
            what, kind=kind, retry_after_s=failure.retry_after_s, status=status, where=where
        )
    return RequestError(what, where=where, fix=_advice(failure, request))


def _advice(failure: Failure, request: Request) -> str:
    """Say what to change in a request that was rejected."""
    if failure.status == 404:
        return f"the endpoint does not know the model {request.model!r}: check its name, and base_url"
    message = failure.message.lower()
    for name in request.parameters:
        named = failure.param == name or f"`{name}`" in message or f"'{name}'" in message
        if named and (failure.codes & _UNSUPPORTED_CODES or "support" in message or "permitted" in message):
            return f"leave {name}= out: this model does not accept that value"
    return "change the call's parameters as the provider's message says"
