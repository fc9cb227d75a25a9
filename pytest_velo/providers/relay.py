"""The calls of SDKs' own clients: posted as they were made, and kept as they were answered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies

import httpx2

from pytest_velo.providers.answers import (
    NO_ANSWER,
    NOT_A_REPLY,
    decode,
    lost,
    read_reply,
    unanswered,
    without_secrets,
)
from pytest_velo.providers.bodies import ACCEPTED, LIMIT_BYTES, BodyLimitError
from pytest_velo.providers.failures import inner_failure, settle_failure
from pytest_velo.providers.outgoing import Outgoing, Parcel
from pytest_velo.providers.secrets import Secrets, guard_logs, is_telling
from pytest_velo.providers.streams import BrokenStreamError, Stream, error_in, read_stream
from pytest_velo.providers.transport import Answer, Courier, has_aiohttp
from pytest_velo.records import FinishReason, JsonObject, Original, Reply, Request
from pytest_velo.settings import Endpoint

_KEPT_HEADERS = ("content-type", "x-request-id", "request-id")
_SENDERS_OWN = ("content-length", "connection", "transfer-encoding", "host")
_MOST_KEYS = 100
_SIGNED = "AWS4-HMAC-SHA256"  # over all headers: none of them may change


class Relay:
    """A provider that posts clients' requests as they are.

    Args:
        endpoint: Where the calls go.
        slots: Maximum number of calls in flight, >= 1.
    """

    def __init__(self, endpoint: Endpoint, *, slots: int) -> None:
        self._endpoint = endpoint
        self._slots = slots
        self._is_direct = has_aiohttp() and not getproxies()
        self._courier: Courier | None = None
        self._client: httpx2.AsyncClient | None = None
        self._secrets: dict[tuple[str, ...], Secrets] = {}

    async def complete(self, request: Request, _seed: int | None) -> Reply:
        """Return the reply of one attempt; nothing is added to a client's request, and so no seed.

        Raises:
            TypeError: The request has nothing that carries it.
        """
        if not isinstance(request, Outgoing):
            raise TypeError("a client's request must be Outgoing")
        return await self._attempt(request)

    async def aclose(self) -> None:
        """Close the connections."""
        for opened in (self._courier, self._client):
            if opened is not None:
                await opened.aclose()

    async def _attempt(self, request: Outgoing) -> Reply:
        parcel = request.parcel
        limit_s = parcel.limit_s or self._endpoint.timeout_s
        started = time.perf_counter()
        try:
            async with asyncio.timeout(limit_s):
                answer = await (self._post(parcel, limit_s) if parcel.send is None else parcel.send())
                if 300 <= answer.status < 400:
                    answer = await self._post_by_httpx(parcel)  # which follows it
        except NO_ANSWER as error:
            raise unanswered(request, error, limit_s, parcel.url) from None  # its causes hold the key
        latency_s = time.perf_counter() - started
        secrets = self._secrets_of(parcel)
        if answer.status < 400 and answer.headers.get("content-type", "").startswith("text/event-stream"):
            return self._streamed(answer, request, secrets, latency_s)
        body, text = _readable(answer, secrets)
        reply = read_reply(answer, body, request.shown, latency_s, request.posting.from_wire)
        return _with_original(reply, answer, text)

    def _streamed(self, answer: Answer, request: Outgoing, secrets: Secrets, latency_s: float) -> Reply:
        """Return the reply that a stream adds up to."""
        try:
            if request.posting.whole is None:
                raise BrokenStreamError(f"the answer is a stream, which {request.posting.api} has none of")
            text = answer.content.decode()
            came = read_stream(text)
            events = secrets.strike(came.events, is_reply=True)
            stream = Stream(names=came.names, events=events, is_done=came.is_done, is_cut=came.is_cut)
            text = text if events is came.events else stream.text
            failed = error_in(stream)
            failure = None if failed is None else inner_failure(failed, answer.headers)
            if failure is not None:
                reply = settle_failure(failure, request.shown, latency_s)
            else:
                reply = request.posting.from_wire(request.posting.whole(stream), request.shown, latency_s)
        except BrokenStreamError as error:
            raise lost(request, "garbage", f"HTTP {answer.status}, but {error}") from None
        except NOT_A_REPLY as error:
            what = f"HTTP {answer.status}, but its stream is no reply ({type(error).__name__}: {error})"
            raise lost(request, "garbage", what) from None
        return _with_original(reply, answer, text)

    async def _post(self, parcel: Parcel, limit_s: float) -> Answer:
        """Post by a transport of ours: over aiohttp, unless a proxy needs more."""
        if not self._is_direct:
            return await self._post_by_httpx(parcel)
        from multidict import CIMultiDict  # weight: comes with aiohttp
        from yarl import URL  # weight: comes with aiohttp

        if self._courier is None:
            self._courier = Courier(slots=self._slots, connect_s=min(15.0, limit_s))
        headers = CIMultiDict(_sent_headers(parcel.headers))
        return await self._courier.post(URL(parcel.url, encoded=True), parcel.content, headers)

    async def _post_by_httpx(self, parcel: Parcel) -> Answer:
        if self._client is None:
            limits = httpx2.Limits(max_connections=self._slots, max_keepalive_connections=self._slots)
            self._client = httpx2.AsyncClient(follow_redirects=True, limits=limits, timeout=None)
        headers = _sent_headers(parcel.headers)
        request = self._client.build_request("POST", parcel.url, content=parcel.content, headers=headers)
        response = await self._client.send(request, stream=True)
        return await answer_of(response)

    def _secrets_of(self, parcel: Parcel) -> Secrets:
        """Return the secrets in a request's headers and query, and in its endpoint."""
        found = {name: value for name, value in parcel.headers.items() if _may_be_secret(name, value)}
        query = urlsplit(parcel.url).query
        key = (query, *found.values())
        secrets = self._secrets.get(key)
        if secrets is None:
            base = urlsplit(self._endpoint.base_url or "")._replace(query=query)
            headers = {**self._endpoint.headers, **found}
            secrets = Secrets(replace(self._endpoint, base_url=urlunsplit(base), headers=headers))
            if len(self._secrets) < _MOST_KEYS:  # a client may have another token in each call
                self._secrets[key] = secrets
                guard_logs(secrets)
        return secrets


def _may_be_secret(name: str, value: str) -> bool:
    """Tell whether a header may hold a key; a signature tells nothing, and differs in each call."""
    return is_telling(name) and name.lower() != "idempotency-key" and not value.startswith(_SIGNED)


async def answer_of(response: Any) -> Answer:
    """Read the whole response of any version of httpx, within the limit on bodies, and close it."""
    parts, size = [], 0
    try:
        async for part in response.aiter_bytes():
            size += len(part)
            if size > LIMIT_BYTES:
                raise BodyLimitError(f"the body is larger than {LIMIT_BYTES / 2**20:g} MiB")
            parts.append(part)
    finally:
        await response.aclose()
    return Answer(status=response.status_code, headers=response.headers, content=b"".join(parts))


def _sent_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what is sent of a client's headers: all but what only the sender of the bytes can know."""
    kept = {name: value for name, value in headers.items() if name.lower() not in _SENDERS_OWN}
    if not headers.get("authorization", "").startswith(_SIGNED):
        kept = {name: value for name, value in kept.items() if name.lower() != "accept-encoding"}
        kept["Accept-Encoding"] = ACCEPTED
    return kept


def _readable(answer: Answer, secrets: Secrets) -> tuple[Any, str]:
    """Return the JSON of an answer, or its text, and the text alone; secrets are struck out of both."""
    body, text = decode(answer.content), answer.content.decode("utf-8", "replace")
    struck = without_secrets(answer, secrets, body)
    if struck == body:
        return body, text
    return struck, struck if isinstance(struck, str) else json.dumps(struck, ensure_ascii=False)


def _with_original(reply: Reply, answer: Answer, text: str) -> Reply:
    """Return a reply that holds the answer it was read from, once."""
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    told = reply.finish_reason is FinishReason.OTHER or answer.status >= 400  # what notices and prices read
    raw: JsonObject = reply.raw if told else {}
    original = Original(status=answer.status, headers=headers, text=text)
    return replace(reply, original=original, raw=raw, not_honoured=())
