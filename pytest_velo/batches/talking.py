"""What the services share: errors of the SDKs as ours, and the bytes of results as lines."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import httpx2

from pytest_velo.batches.service import MOST_LINE_BYTES
from pytest_velo.errors import OutageError, RequestError, TransientError, TransientKind, VeloError
from pytest_velo.providers.answers import decode
from pytest_velo.providers.connections import links_of, unconnected, untrusted
from pytest_velo.providers.failures import read_failure, settle_failure
from pytest_velo.providers.secrets import Secrets
from pytest_velo.records import Request
from pytest_velo.settings import Endpoint

_SURE = range(400, 500)
_MAYBE = (408, 409)


def as_ours(error: Exception, endpoint: Endpoint, secrets: Secrets, doing: str, url: object) -> VeloError:
    """Return what an SDK raised as our error, without secrets.

    Args:
        error: An `APIStatusError` has an answer; anything else is a connection's trouble.
        endpoint: Where it was asked.
        secrets: Struck out of what is shown.
        doing: What was asked, for the message.
        url: Where its API is.
    """
    where = f"endpoint {endpoint.name}, batch API"
    response = getattr(error, "response", None)
    if response is None or getattr(error, "status_code", None) is None:
        return _unanswered(error, str(url), where, doing)
    status = int(response.status_code)
    body = secrets.strike(_body_of(response), is_reply=False)
    failure = read_failure(status, response.headers, body)
    nobody = Request(api=str(endpoint.api), endpoint=endpoint.identity, model="", messages=())
    try:
        settle_failure(failure, nobody, 0.0)
    except VeloError as ours:
        ours.what, ours.where = f"{doing}: {ours.what}", where
        if isinstance(ours, RequestError):
            ours.fix = (
                "does the endpoint have a batch API? If it has none, leave batch= out of its declaration"
            )
        return ours
    return RequestError(f"{doing}: HTTP {status}: {failure.message}", where=where)


def _unanswered(error: Exception, url: str, where: str, doing: str) -> VeloError:
    """Return why there was no answer; a certificate that is not trusted lasts, anything else may pass."""
    lasting = untrusted(error, url)
    if lasting is not None:
        return OutageError(f"{doing}: {lasting.what}", where=where, fix=lasting.fix)
    if any(isinstance(link, TimeoutError | httpx2.ReadTimeout) for link in links_of(error)):
        return TransientError(f"{doing}: no answer in time", kind="timeout", where=where)
    found = unconnected(error, url)
    kind: TransientKind = "unreached" if found.is_unreached else "connection"
    return TransientError(f"{doing}: no answer: {found.what}", kind=kind, where=where, fix=found.fix)


def is_certain(error: Exception) -> bool:
    """Tell whether a server refused to make something, so that it certainly does not exist."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and status in _SURE and status not in _MAYBE


def is_missing(error: Exception) -> bool:
    """Tell whether a server does not have what was asked for; just after the end of a batch it may come."""
    return getattr(error, "status_code", None) == 404


async def lines_of(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Give the lines of a body that comes in pieces, without their ends, in the memory of one line.

    Raises:
        ValueError: A line has more than `MOST_LINE_BYTES`.
    """
    begun = bytearray()
    async for chunk in chunks:
        first, *others = chunk.split(b"\n")
        begun += first
        for other in others:
            yield bytes(begun)
            begun = bytearray(other)
        if len(begun) > MOST_LINE_BYTES:
            raise ValueError(f"a line is longer than {MOST_LINE_BYTES // 2**20} MiB")
    if begun:
        yield bytes(begun)


def _body_of(response: Any) -> Any:
    try:
        return decode(response.content)
    except Exception:  # an answer that was streamed and not read
        return ""
