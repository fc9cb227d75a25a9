"""One attempt of one call over the SDKs' own async clients: what the HTTP providers share.

The SDKs do what they know best: addresses, authentication, headers. They are called one level below their
typed methods (`client.post`), because building their typed results costs more than the rest of a call, and
because they reject parameters that the servers accept. Their retries are off. How the bytes then travel is in
`providers.transport`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit
from urllib.request import getproxies

import httpx2

from pytest_velo.errors import UsageError
from pytest_velo.providers.answers import NO_ANSWER, decode, read_reply, unanswered, without_secrets
from pytest_velo.providers.failures import read_failure, refuses
from pytest_velo.providers.secrets import Secrets, guard_logs, key_of
from pytest_velo.providers.transport import Answer, DirectTransport, SdkTransport, Transport, has_aiohttp
from pytest_velo.providers.wire import sendable
from pytest_velo.records import JsonObject, Reply, Request
from pytest_velo.settings import Endpoint

_NO_KEY = "no-key-needed"
_CONNECT_S = 15.0


def _no_headers(_body: JsonObject) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How one API is spoken.

    Attributes:
        path: Where requests are posted, below the base URL.
        to_wire: Converts a request and a seed to the body.
        from_wire: Converts a body, its request and the latency in seconds to the reply.
        headers: Headers that depend on the body.
    """

    path: str
    to_wire: Callable[[Request, int | None], dict[str, Any]]
    from_wire: Callable[[JsonObject, Request, float], Reply]
    headers: Callable[[JsonObject], Mapping[str, str]] = _no_headers


def openai_transport(
    endpoint: Endpoint, *, slots: int, http_client: httpx2.AsyncClient | None = None
) -> Transport:
    """Return a transport to an endpoint through the OpenAI SDK, without retries of its own.

    Args:
        endpoint: Where it is.
        slots: Maximum number of calls in flight, >= 1.
        http_client: Carries the SDK's requests instead of the SDK's own client (for tests and proxies).
    """
    import openai  # weight: half a second

    client = openai.AsyncOpenAI(
        http_client=http_client or _http_client(openai, slots),
        **client_options(endpoint, "https://api.openai.com/v1"),
    )
    return _transport(endpoint, SdkTransport(client=client, sdk=openai), slots, http_client)


def anthropic_transport(
    endpoint: Endpoint, *, slots: int, http_client: httpx2.AsyncClient | None = None
) -> Transport:
    """Return a transport to an endpoint through the Anthropic SDK; arguments as in `openai_transport`."""
    import anthropic  # weight: more than a second

    client = anthropic.AsyncAnthropic(
        http_client=http_client or _http_client(anthropic, slots),
        **client_options(endpoint, "https://api.anthropic.com"),
    )
    return _transport(endpoint, SdkTransport(client=client, sdk=anthropic), slots, http_client)


def client_options(endpoint: Endpoint, default_url: str) -> dict[str, Any]:
    """Return the keywords that an SDK's client for an endpoint is made with.

    Args:
        endpoint: Where it is.
        default_url: The SDK's own server.
    """
    address, query = _address(endpoint)
    return {
        "api_key": _key(endpoint),
        "base_url": address or default_url,
        "default_query": query,
        "max_retries": 0,
        "timeout": _timeout(endpoint),
        "default_headers": dict(endpoint.headers),
    }


def _address(endpoint: Endpoint) -> tuple[str | None, dict[str, Any]]:
    """Return an endpoint's base URL without its query, and the query, which goes behind every path."""
    if endpoint.base_url is None:
        return None, {}
    parts = urlsplit(endpoint.base_url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs):
        raise UsageError(
            "the query of base_url= names a parameter twice, which the SDKs cannot send",
            where=f"endpoint {endpoint.name}",
            fix="name each once",
        )
    return urlunsplit(parts._replace(query="", fragment="")), query


def _transport(
    endpoint: Endpoint, through_sdk: SdkTransport, slots: int, http_client: httpx2.AsyncClient | None
) -> Transport:
    """Return a transport without the SDK, unless a proxy or a custom client needs it."""
    if http_client is not None or not has_aiohttp() or getproxies() or through_sdk.client.custom_auth:
        return through_sdk
    return DirectTransport(through_sdk, slots=slots, connect_s=_connect_s(endpoint))


def _key(endpoint: Endpoint) -> str:
    # Never None: the SDKs would look for keys of their own in the environment, and a key for one server
    # must not travel to another.
    return key_of(endpoint) or _NO_KEY


def _connect_s(endpoint: Endpoint) -> float:
    return min(_CONNECT_S, endpoint.timeout_s)


def _timeout(endpoint: Endpoint) -> httpx2.Timeout:
    return httpx2.Timeout(endpoint.timeout_s, connect=_connect_s(endpoint))


def _http_client(sdk: ModuleType, slots: int) -> httpx2.AsyncClient:
    """Return the SDK's HTTP client: over aiohttp, which takes half the CPU, if it is installed."""
    limits = httpx2.Limits(max_connections=slots, max_keepalive_connections=slots)
    kind = sdk.DefaultAioHttpClient if has_aiohttp() else sdk.DefaultAsyncHttpxClient
    client: httpx2.AsyncClient = kind(limits=limits)
    return client


class _SeedRefusedError(Exception):
    """A model does not take the seed that it was sent."""


class HttpProvider:
    """A provider that makes its calls over a transport to an endpoint.

    Args:
        endpoint: Where the calls go.
        wire: How the API there is spoken.
        transport: Carries the calls; a plugin may pass an `SdkTransport` over a different client class
            (Azure, Bedrock, Vertex).
    """

    def __init__(self, endpoint: Endpoint, wire: Wire, transport: Transport) -> None:
        self._endpoint = endpoint
        self._wire = wire
        self._transport = transport
        self._secrets = Secrets(endpoint, key_of(endpoint))
        guard_logs(self._secrets)
        self._seedless: set[str] = set()  # models that refuse a seed

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply to `request`, after exactly one attempt.

        Only a seed that the model turns out not to take costs another one: the user did not write it, and
        without it there would be no reply at all.
        """
        if seed is None or request.model in self._seedless:
            return _seedless(await self._attempt(request, None), seed)
        try:
            return await self._attempt(request, seed)
        except _SeedRefusedError:
            reply = await self._attempt(request, None)
        self._seedless.add(request.model)
        return _seedless(reply, seed)

    @property
    def client(self) -> Any:
        """The SDK's client that the transport posts through; None if it has none."""
        return getattr(self._transport, "client", None)

    @property
    def _url(self) -> str:
        """Where the calls go; empty if nobody knows."""
        return self._endpoint.base_url or str(getattr(self.client, "base_url", ""))

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()

    async def _attempt(self, request: Request, seed: int | None) -> Reply:
        body = sendable(self._wire.to_wire, request, seed)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._endpoint.timeout_s):
                answer = await self._transport.post(self._wire.path, body, self._wire.headers(body))
        except NO_ANSWER as error:
            # Its causes hold the key.
            raise unanswered(request, error, self._endpoint.timeout_s, self._url) from None
        return self._read(answer, request, time.perf_counter() - started, has_seed=seed is not None)

    def _read(self, answer: Answer, request: Request, latency_s: float, *, has_seed: bool) -> Reply:
        """Return the reply in an answer, or raise the error it represents."""
        body = without_secrets(answer, self._secrets, decode(answer.content))
        if has_seed and answer.status >= 400 and "seed" not in request.parameters:
            failure = read_failure(answer.status, answer.headers, body)
            if refuses(failure, "seed"):
                raise _SeedRefusedError
        return read_reply(answer, body, request, latency_s, self._wire.from_wire)


def _seedless(reply: Reply, seed: int | None) -> Reply:
    """Return a reply to a call without a seed, which says so where there was one to send."""
    if seed is None or "seed" in reply.not_honoured:
        return reply
    return replace(reply, not_honoured=("seed", *reply.not_honoured))
