"""From a server's answer to the reply in it, or to the error that it is, with secrets struck out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import msgspec

from pytest_velo.errors import OutageError, TransientError, TransientKind, VeloError
from pytest_velo.providers.bodies import BodyLimitError, CodingError
from pytest_velo.providers.connections import links_of, unconnected, untrusted
from pytest_velo.providers.failures import inner_failure, quoted, read_failure, settle_failure
from pytest_velo.providers.secrets import Secrets
from pytest_velo.providers.transport import Answer
from pytest_velo.records import JsonObject, Reply, Request

NO_ANSWER = (TimeoutError, httpx2.HTTPError, BodyLimitError, CodingError)
"""What a transport raises where no answer came."""

NOT_A_REPLY = (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)
"""What reading a body raises where it is no reply."""

_WRONG_PLACE = "check base_url: does the API start there? Most servers want /v1 at its end"


class _NotJsonError(ValueError):
    """A body is no JSON object."""


def read_reply(
    answer: Answer,
    body: Any,
    request: Request,
    latency_s: float,
    from_wire: Callable[[JsonObject, Request, float], Reply],
) -> Reply:
    """Return the reply in an answer.

    Args:
        answer: The answer.
        body: Its JSON or text, without secrets.
        request: What was asked.
        latency_s: Seconds from sending to the whole answer.
        from_wire: Converts a body to the reply.

    Raises:
        VeloError: The answer is an error, or no reply.
    """
    if answer.status >= 400:
        return settle_failure(read_failure(answer.status, answer.headers, body), request, latency_s)
    # Routers report the failure of a server behind them inside a 200. A response of OpenAI's that failed
    # says so itself, and its wire knows why.
    inner = None if isinstance(body, dict) and "output" in body else inner_failure(body, answer.headers)
    if inner is not None:
        return settle_failure(inner, request, latency_s)
    try:
        if not isinstance(body, dict):
            raise _NotJsonError(f"it is {_kind_of(body, answer)}")
        return from_wire(body, request, latency_s)
    except NOT_A_REPLY as error:
        found = error if isinstance(error, _NotJsonError) else f"{type(error).__name__}: {error}"
        what = (
            f"HTTP {answer.status}, but the body is not a reply ({found}); it begins with:"
            f" {quoted(body) or 'nothing'}"
        )
        fix = "leave stream= out of the call" if "stream" in request.parameters else _WRONG_PLACE
        raise lost(request, "garbage", what, fix=fix) from None


def without_secrets(answer: Answer, secrets: Secrets, body: Any) -> Any:
    """Return the JSON of an answer, or its text, with the secrets that the server echoes struck out."""
    failed = answer.status >= 400 or (isinstance(body, dict) and body.get("error") is not None)
    try:
        return secrets.strike(body, is_reply=not failed)
    except RecursionError:  # nested more deeply than any reply is
        return secrets.strike_text(answer.content.decode("utf-8", "replace"))


def unanswered(request: Request, error: BaseException, limit_s: float, url: str) -> VeloError:
    """Distinguish a reply that never came from a failed connection, by following all causes.

    Only the first can depend on the prompt. `limit_s` is how long the attempt was given, in seconds, and
    `url` where it went.
    """
    chain = list(links_of(error))
    for link in reversed(chain):  # what the standard library says, not what wraps it
        if isinstance(link, BodyLimitError | CodingError):
            return lost(request, "garbage", str(link), fix=_WRONG_PLACE)
    lasting = untrusted(error, url)
    if lasting is not None:  # no attempt mends it
        return OutageError(lasting.what, where=_where(request), fix=lasting.fix)
    unconnected_in_time = any(isinstance(link, httpx2.ConnectTimeout | httpx2.PoolTimeout) for link in chain)
    late = any(isinstance(link, TimeoutError | httpx2.TimeoutException) for link in chain)
    if late and not unconnected_in_time:
        return lost(request, "timeout", f"no reply within {limit_s:g} s")
    found = unconnected(error, url)
    return lost(request, "unreached" if found.is_unreached else "connection", found.what, fix=found.fix)


def lost(request: Request, kind: TransientKind, what: str, fix: str = "") -> TransientError:
    """Return the error of an attempt that brought no reply."""
    return TransientError(what, kind=kind, where=_where(request), fix=fix)


def decode(content: bytes) -> Any:
    """Return the JSON of a body, or its text if it is not JSON."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass  # the standard library reads more: NaN, half a surrogate pair, UTF-16
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")


def _where(request: Request) -> str:
    return f"{request.endpoint}, model {request.model}"


def _kind_of(body: Any, answer: Answer) -> str:
    """Say what stands in the place of a JSON object."""
    if not isinstance(body, str):
        return f"a JSON {type(body).__name__}"
    head = body[:200].lstrip().lower()
    if head.startswith(("data:", "event:", ":")):
        return "an event stream"
    if head.startswith(("<!doctype html", "<html")):
        return "an HTML page"
    return answer.headers.get("content-type", "text").partition(";")[0] + ", not JSON"
