"""One attempt of one call through the SDKs' own async clients: what the HTTP providers share.

The SDKs do what they know best: addresses, authentication, headers, their error classes. They are called
one level below their typed methods (`client.post`), because building their typed results costs more than
all the rest of a call, and because they refuse parameters that the servers take. Their retries are off.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import httpx2

from pytest_velo.errors import TransientError, TransientKind
from pytest_velo.providers.failures import read_failure, settle_failure
from pytest_velo.records import JsonObject, Reply, Request
from pytest_velo.settings import Endpoint

if TYPE_CHECKING:
    import anthropic
    import openai

_NO_KEY = "no-key-needed"
_CONNECT_S = 15.0
_MIN_SECRET_CHARS = 6


def _no_headers(_body: JsonObject) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How one API is spoken.

    Attributes:
        path: Where requests are posted, below the base URL.
        to_wire: From a request and a seed to the body.
        from_wire: From a body, its request and the latency in seconds to the reply.
        headers: Headers that depend on the body.
    """

    path: str
    to_wire: Callable[[Request, int | None], dict[str, Any]]
    from_wire: Callable[[JsonObject, Request, float], Reply]
    headers: Callable[[JsonObject], Mapping[str, str]] = _no_headers


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkClient:
    """An SDK's async client with the module that holds its error classes.

    Attributes:
        client: `AsyncOpenAI`, `AsyncAnthropic` or a subclass (Azure, Bedrock, Vertex).
        sdk: The module `openai` or `anthropic`.
        secrets: Strings that must never come back out: the key and the endpoint's header values.
    """

    client: openai.AsyncOpenAI | anthropic.AsyncAnthropic
    sdk: ModuleType
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"SdkClient({type(self.client).__name__})"


def openai_client(
    endpoint: Endpoint, *, slots: int, http_client: httpx2.AsyncClient | None = None
) -> SdkClient:
    """Return the OpenAI SDK's async client for an endpoint, without retries of its own."""
    import openai

    key = _key(endpoint)
    client = openai.AsyncOpenAI(
        api_key=key,
        base_url=endpoint.base_url or "https://api.openai.com/v1",
        max_retries=0,
        timeout=_timeout(endpoint),
        default_headers=dict(endpoint.headers),
        http_client=http_client or _http_client(openai, slots),
    )
    return SdkClient(client=client, sdk=openai, secrets=_secrets(endpoint, key))


def anthropic_client(
    endpoint: Endpoint, *, slots: int, http_client: httpx2.AsyncClient | None = None
) -> SdkClient:
    """Return the Anthropic SDK's async client for an endpoint, without retries of its own."""
    import anthropic

    key = _key(endpoint)
    client = anthropic.AsyncAnthropic(
        api_key=key,
        base_url=endpoint.base_url or "https://api.anthropic.com",
        max_retries=0,
        timeout=_timeout(endpoint),
        default_headers=dict(endpoint.headers),
        http_client=http_client or _http_client(anthropic, slots),
    )
    return SdkClient(client=client, sdk=anthropic, secrets=_secrets(endpoint, key))


def _key(endpoint: Endpoint) -> str:
    # Never None: the SDKs would look for keys of their own in the environment, and a key for one server
    # must not travel to another.
    return os.environ.get(endpoint.key_env or "") or _NO_KEY


def _secrets(endpoint: Endpoint, key: str) -> tuple[str, ...]:
    candidates = (*([] if key == _NO_KEY else [key]), *endpoint.headers.values())
    return tuple(secret for secret in candidates if len(secret) >= _MIN_SECRET_CHARS)


def _timeout(endpoint: Endpoint) -> httpx2.Timeout:
    return httpx2.Timeout(endpoint.timeout_s, connect=min(_CONNECT_S, endpoint.timeout_s))


def _http_client(sdk: ModuleType, slots: int) -> httpx2.AsyncClient:
    """Return the SDK's HTTP client: over aiohttp, which takes half the CPU, where that is installed."""
    limits = httpx2.Limits(max_connections=slots, max_keepalive_connections=slots)
    over_aiohttp = importlib.util.find_spec("aiohttp") is not None
    kind = sdk.DefaultAioHttpClient if over_aiohttp else sdk.DefaultAsyncHttpxClient
    client: httpx2.AsyncClient = kind(limits=limits)
    return client


class HttpProvider:
    """A provider that makes its calls through an SDK's client.

    Args:
        endpoint: Where the calls go.
        wire: How the API there is spoken.
        client: The SDK's client; a plugin may pass a subclass (Azure, Bedrock, Vertex).
    """

    def __init__(self, endpoint: Endpoint, wire: Wire, client: SdkClient) -> None:
        self._endpoint = endpoint
        self._wire = wire
        self._sdk = client

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply to `request`, after exactly one attempt."""
        body = self._wire.to_wire(request, seed)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._endpoint.timeout_s):
                response = await self._post(body)
        except self._sdk.sdk.APIStatusError as error:
            response = error.response
        except (TimeoutError, self._sdk.sdk.APIConnectionError, httpx2.HTTPError) as error:
            raise self._unanswered(request, error) from None  # its causes hold the request and its key
        return self._read(response, request, time.perf_counter() - started)

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._sdk.client.close()

    async def _post(self, body: dict[str, Any]) -> httpx2.Response:
        options: Any = {"headers": self._wire.headers(body)}
        return await self._sdk.client.post(
            self._wire.path, body=body, cast_to=httpx2.Response, options=options
        )

    def _read(self, response: httpx2.Response, request: Request, latency_s: float) -> Reply:
        """Turn a response into the reply it holds, or raise what it is instead."""
        body = _decode(response.content, self._sdk.secrets)
        if response.status_code >= 400:
            failure = read_failure(response.status_code, response.headers, body)
            return settle_failure(failure, request, latency_s)
        if isinstance(body, dict) and isinstance(body.get("error"), dict):
            # Routers report the failure of a server behind them inside a 200.
            failure = read_failure(_inner_status(body["error"]), response.headers, body)
            return settle_failure(failure, request, latency_s)
        try:
            if not isinstance(body, dict):
                raise TypeError(f"the body is {type(body).__name__}")
            return self._wire.from_wire(body, request, latency_s)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            what = f"HTTP {response.status_code} whose body is no reply ({type(error).__name__}: {error})"
            raise self._lost(request, "garbage", what) from None

    def _unanswered(self, request: Request, error: BaseException) -> TransientError:
        """Tell a reply that never came from a connection that failed, by everything down to the cause.

        Only the first can depend on the prompt. The SDK's own word will not do: over aiohttp, OpenAI's
        calls a refused connection a time-out.
        """
        chain = [error]
        while chain[-1].__cause__ is not None:
            chain.append(chain[-1].__cause__)
        unconnected = any(isinstance(link, httpx2.ConnectTimeout | httpx2.PoolTimeout) for link in chain)
        late = any(isinstance(link, TimeoutError | httpx2.TimeoutException) for link in chain)
        if late and not unconnected:
            return self._lost(request, "timeout", f"no reply within {self._endpoint.timeout_s:g} s")
        return self._lost(request, "connection", f"the connection failed ({type(chain[-1]).__name__})")

    def _lost(self, request: Request, kind: TransientKind, what: str) -> TransientError:
        return TransientError(what, kind=kind, where=f"{request.endpoint}, model {request.model}")


def _decode(content: bytes, secrets: tuple[str, ...]) -> Any:
    """Return the JSON of a body, or its text, with every secret that a server echoes struck out."""
    for secret in secrets:
        content = content.replace(secret.encode(), b"***")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")


def _inner_status(error: Mapping[str, Any]) -> int:
    code = error.get("code")
    return code if isinstance(code, int) and 400 <= code <= 599 else 502
