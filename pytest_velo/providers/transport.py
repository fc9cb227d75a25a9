"""How the bytes of a call travel: through the SDK's client, or directly, as the SDK would send them.

An SDK spends four times as much CPU on a call as the HTTP library below it. What it does with it is the same
each time: an address, authentication, headers. So the SDK is asked once how it sends, and from then on only
the body differs.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import httpx2

from pytest_velo.providers.bodies import ACCEPTED, decoded, read_body
from pytest_velo.records import JsonObject

if TYPE_CHECKING:
    from types import ModuleType

    import aiohttp
    import anthropic
    import openai
    from multidict import CIMultiDict
    from yarl import URL

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode

# What only the sender of the bytes can know: how long the body is, and how the connection is used.
_SENDERS_OWN = ("content-length", "accept-encoding", "connection", "transfer-encoding")


def encoded(body: JsonObject) -> bytes:
    """Return a body as it is sent.

    Raises:
        TypeError, ValueError, RecursionError: It is no plain JSON.
    """
    return _encode(body).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A server's answer: the status, the headers (looked up in any case) and the decoded body.

    Only the status is shown (`pytest --showlocals`): the rest may hold a key that the server echoes.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class Transport(Protocol):
    """Carries one call and returns its answer, whatever its status.

    If there is none, it raises `TimeoutError` or an error with an `httpx2.HTTPError` among its causes; a body
    that is too large or cannot be decoded is a `BodyLimitError` or a `CodingError`, itself or as a cause.
    """

    async def post(self, path: str, body: JsonObject, headers: Mapping[str, str]) -> Answer:
        """Post `body` to `path` below the base URL, with more headers; no retries."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkTransport:
    """A transport through an SDK's async client, whatever that does to a request.

    Attributes:
        client: `AsyncOpenAI`, `AsyncAnthropic` or a subclass (Azure, Bedrock, Vertex).
        sdk: The module `openai` or `anthropic`.
    """

    client: openai.AsyncOpenAI | anthropic.AsyncAnthropic
    sdk: ModuleType

    def __post_init__(self) -> None:
        # The SDK reads bodies whole, also those of errors. A hook of its HTTP client sees them before.
        http_client = getattr(self.client, "_client", None)
        if isinstance(http_client, httpx2.AsyncClient):
            http_client.event_hooks["response"].append(_bound)

    def __repr__(self) -> str:
        return f"SdkLine({type(self.client).__name__})"

    async def post(self, path: str, body: JsonObject, headers: Mapping[str, str]) -> Answer:
        """Post through the SDK."""
        options: Any = {"headers": {**headers, "Accept-Encoding": ACCEPTED}}
        try:
            response = await self.client.post(path, body=body, cast_to=httpx2.Response, options=options)
        except self.sdk.APIStatusError as error:
            response = error.response
        except self.sdk.APIConnectionError as error:
            # The SDK's error cannot tell: over aiohttp OpenAI's SDK calls a refused connection a time-out.
            raise httpx2.TransportError(type(error).__name__) from error
        return Answer(status=response.status_code, headers=response.headers, content=response.content)

    async def aclose(self) -> None:
        """Close the SDK's client."""
        await self.client.close()


async def _bound(response: httpx2.Response) -> None:
    """Have a response decoded within the limit."""
    if response.is_closed or not isinstance(response.stream, httpx2.AsyncByteStream):
        return  # it was made with its body, by a test
    coding = response.headers.pop("content-encoding", None)
    response.stream = _BoundStream(response.stream, coding)


class _BoundStream(httpx2.AsyncByteStream):
    """A response's body, decoded within the limit."""

    def __init__(self, inner: httpx2.AsyncByteStream, coding: str | None) -> None:
        self._inner = inner
        self._coding = coding

    def __aiter__(self) -> AsyncIterator[bytes]:
        return decoded(self._inner, self._coding)

    async def aclose(self) -> None:
        await self._inner.aclose()


_KEEP_S = 5.0  # how long an idle connection is kept: as long as the SDKs do
_Key = tuple[str, tuple[tuple[str, str], ...]]  # a path and the headers of a call


@dataclass(frozen=True, slots=True, repr=False)
class _Form:
    """A request as the SDK sends it, without its body; never shown, because it holds the key."""

    url: URL
    headers: CIMultiDict[str]


class Courier:
    """Posts bytes through aiohttp.

    Args:
        slots: Maximum number of calls in flight, >= 1.
        connect_s: Time limit for making a connection, in seconds.
    """

    def __init__(self, *, slots: int, connect_s: float) -> None:
        self._slots = slots
        self._connect_s = connect_s
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: URL, content: bytes, headers: CIMultiDict[str]) -> Answer:
        """Return the server's answer, without following a redirect."""
        import aiohttp  # weight: a tenth of a second

        session = self._session or self._open(url)
        try:
            async with session.post(url, data=content, headers=headers, allow_redirects=False) as response:
                coding = response.headers.get("content-encoding")
                body = await read_body(response.content.iter_any(), coding)
                return Answer(status=response.status, headers=response.headers, content=body)
        except aiohttp.ConnectionTimeoutError as error:
            raise httpx2.ConnectTimeout("no connection in time") from error
        except aiohttp.ClientConnectorError as error:
            raise httpx2.ConnectError("no connection") from error
        except aiohttp.ClientError as error:
            raise httpx2.ReadError("the connection broke") from error

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self, url: URL) -> aiohttp.ClientSession:
        import aiohttp  # weight: a tenth of a second

        # The SDK's own idea of which certificates to trust; reading them takes 20 ms.
        ssl = httpx2.create_ssl_context() if url.scheme == "https" else True
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._slots, ssl=ssl, keepalive_timeout=_KEEP_S),
            auto_decompress=False,  # it knows no limit, and codings that no limit on the input bounds
            # The whole attempt is timed by the caller.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s),
        )
        return self._session


def has_aiohttp() -> bool:
    """Tell whether aiohttp is installed."""
    return importlib.util.find_spec("aiohttp") is not None


class DirectTransport:
    """A transport that sends what the SDK's client would send, through aiohttp.

    It is only for clients whose requests to one path differ in nothing but the body: no renewed
    authentication, no signature. What it cannot do itself (a redirect, a body that is not plain JSON) goes
    through the SDK.

    Args:
        sdk: The transport through the SDK.
        slots: Maximum number of calls in flight, >= 1.
        connect_s: Time limit for making a connection, in seconds.
    """

    def __init__(self, sdk: SdkTransport, *, slots: int, connect_s: float) -> None:
        self._sdk = sdk
        self._courier = Courier(slots=slots, connect_s=connect_s)
        self._forms: dict[_Key, _Form] = {}
        self._asking = asyncio.Lock()

    @property
    def client(self) -> openai.AsyncOpenAI | anthropic.AsyncAnthropic:
        """The SDK's client."""
        return self._sdk.client

    async def post(self, path: str, body: JsonObject, headers: Mapping[str, str]) -> Answer:
        """Post as the SDK would."""
        try:
            content = encoded(body)
        except (TypeError, ValueError, RecursionError):
            return await self._sdk.post(path, body, headers)  # it knows more types, and has better errors
        form = self._forms.get((path, tuple(headers.items()))) or await self._ask(path, headers)
        answer = await self._courier.post(form.url, content, form.headers)
        if 300 <= answer.status < 400:
            return await self._sdk.post(path, body, headers)
        return answer

    async def aclose(self) -> None:
        """Close all connections."""
        await self._courier.aclose()
        await self._sdk.aclose()

    async def _ask(self, path: str, headers: Mapping[str, str]) -> _Form:
        """Have the SDK post to nowhere, and see what it would send."""
        from multidict import CIMultiDict  # weight: comes with aiohttp
        from yarl import URL  # weight: comes with aiohttp

        async with self._asking:
            known = self._forms.get(key := (path, tuple(headers.items())))
            if known is not None:
                return known
            nowhere = _Nowhere()
            async with httpx2.AsyncClient(transport=nowhere, trust_env=False) as http_client:
                client = self._sdk.client.with_options(http_client=http_client)
                await SdkTransport(client=client, sdk=self._sdk.sdk).post(path, {}, headers)
            request = nowhere.requests[-1]
            pairs = request.headers.multi_items()
            kept = CIMultiDict((name, value) for name, value in pairs if name.lower() not in _SENDERS_OWN)
            kept["Accept-Encoding"] = ACCEPTED
            form = self._forms[key] = _Form(URL(str(request.url), encoded=True), kept)
            return form


class _Nowhere(httpx2.AsyncBaseTransport):
    """Answers every request with an empty 200, and records it."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return httpx2.Response(200, json={})
