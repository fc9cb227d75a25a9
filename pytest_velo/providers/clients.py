"""One attempt of one call over the SDKs' own async clients: what the HTTP providers share.

The SDKs do what they know best: addresses, authentication, headers. They are called one level below their
typed methods (`client.post`), because building their typed results costs more than the rest of a call, and
because they reject parameters that the servers accept. Their retries are off. How the bytes then travel is in
`providers.transport`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit
from urllib.request import getproxies

import httpx2
import msgspec

from pytest_velo.errors import OutageError, TransientError, TransientKind, UsageError, VeloError
from pytest_velo.providers.bodies import BodyLimitError, CodingError
from pytest_velo.providers.failures import inner_failure, quoted, read_failure, refuses, settle_failure
from pytest_velo.providers.secrets import Secrets, guard_logs, key_of
from pytest_velo.providers.transport import Answer, DirectTransport, SdkTransport, Transport
from pytest_velo.providers.wire import sendable
from pytest_velo.records import JsonObject, Reply, Request
from pytest_velo.settings import Endpoint

_NO_KEY = "no-key-needed"
_CONNECT_S = 15.0
_WRONG_PLACE = "check base_url: does the API start there? Most servers want /v1 at its end"


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

    address, query = _address(endpoint)
    client = openai.AsyncOpenAI(
        api_key=_key(endpoint),
        base_url=address or "https://api.openai.com/v1",
        default_query=query,
        max_retries=0,
        timeout=_timeout(endpoint),
        default_headers=dict(endpoint.headers),
        http_client=http_client or _http_client(openai, slots),
    )
    return _transport(endpoint, SdkTransport(client=client, sdk=openai), slots, http_client)


def anthropic_transport(
    endpoint: Endpoint, *, slots: int, http_client: httpx2.AsyncClient | None = None
) -> Transport:
    """Return a transport to an endpoint through the Anthropic SDK; arguments as in `openai_transport`."""
    import anthropic  # weight: more than a second

    address, query = _address(endpoint)
    client = anthropic.AsyncAnthropic(
        api_key=_key(endpoint),
        base_url=address or "https://api.anthropic.com",
        default_query=query,
        max_retries=0,
        timeout=_timeout(endpoint),
        default_headers=dict(endpoint.headers),
        http_client=http_client or _http_client(anthropic, slots),
    )
    return _transport(endpoint, SdkTransport(client=client, sdk=anthropic), slots, http_client)


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
    if http_client is not None or not _has_aiohttp() or getproxies() or through_sdk.client.custom_auth:
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


def _has_aiohttp() -> bool:
    return importlib.util.find_spec("aiohttp") is not None


def _http_client(sdk: ModuleType, slots: int) -> httpx2.AsyncClient:
    """Return the SDK's HTTP client: over aiohttp, which takes half the CPU, if it is installed."""
    limits = httpx2.Limits(max_connections=slots, max_keepalive_connections=slots)
    kind = sdk.DefaultAioHttpClient if _has_aiohttp() else sdk.DefaultAsyncHttpxClient
    client: httpx2.AsyncClient = kind(limits=limits)
    return client


class _NotJsonError(ValueError):
    """A body is no JSON object."""


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

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()

    async def _attempt(self, request: Request, seed: int | None) -> Reply:
        body = sendable(self._wire.to_wire, request, seed)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._endpoint.timeout_s):
                answer = await self._transport.post(self._wire.path, body, self._wire.headers(body))
        except (TimeoutError, httpx2.HTTPError, BodyLimitError, CodingError) as error:
            raise self._unanswered(request, error) from None  # its causes hold the request and its key
        return self._read(answer, request, time.perf_counter() - started, has_seed=seed is not None)

    def _read(self, answer: Answer, request: Request, latency_s: float, *, has_seed: bool) -> Reply:
        """Return the reply in an answer, or raise the error it represents."""
        body = self._without_secrets(answer)
        if answer.status >= 400:
            failure = read_failure(answer.status, answer.headers, body)
            if has_seed and "seed" not in request.parameters and refuses(failure, "seed"):
                raise _SeedRefusedError
            return settle_failure(failure, request, latency_s)
        # Routers report the failure of a server behind them inside a 200. A response of OpenAI's that failed
        # says so itself, and its wire knows why.
        inner = None if isinstance(body, dict) and "output" in body else inner_failure(body, answer.headers)
        if inner is not None:
            return settle_failure(inner, request, latency_s)
        try:
            if not isinstance(body, dict):
                raise _NotJsonError(f"it is {_kind_of(body, answer)}")
            return self._wire.from_wire(body, request, latency_s)
        except (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
            found = error if isinstance(error, _NotJsonError) else f"{type(error).__name__}: {error}"
            what = (
                f"HTTP {answer.status}, but the body is not a reply ({found}); it begins with:"
                f" {quoted(body) or 'nothing'}"
            )
            fix = "leave stream= out of the call" if "stream" in request.parameters else _WRONG_PLACE
            raise self._lost(request, "garbage", what, fix=fix) from None

    def _without_secrets(self, answer: Answer) -> Any:
        """Return the JSON of an answer, or its text, with the secrets that the server echoes struck out."""
        body = _decode(answer.content)
        failed = answer.status >= 400 or (isinstance(body, dict) and body.get("error") is not None)
        try:
            return self._secrets.strike(body, is_reply=not failed)
        except RecursionError:  # nested more deeply than any reply is
            return self._secrets.strike_text(answer.content.decode("utf-8", "replace"))

    def _unanswered(self, request: Request, error: BaseException) -> VeloError:
        """Distinguish a reply that never came from a failed connection, by following all causes.

        Only the first can depend on the prompt.
        """
        chain = list(_links(error))
        for link in reversed(chain):  # what the standard library says, not what wraps it
            if isinstance(link, BodyLimitError | CodingError):
                return self._lost(request, "garbage", str(link), fix=_WRONG_PLACE)
            if isinstance(link, ssl.SSLError):
                return self._untrusted(request, link)
        unconnected = any(isinstance(link, httpx2.ConnectTimeout | httpx2.PoolTimeout) for link in chain)
        late = any(isinstance(link, TimeoutError | httpx2.TimeoutException) for link in chain)
        if late and not unconnected:
            return self._lost(request, "timeout", f"no reply within {self._endpoint.timeout_s:g} s")
        return self._lost(request, "connection", f"the connection failed ({type(chain[-1]).__name__})")

    def _untrusted(self, request: Request, error: ssl.SSLError) -> OutageError:
        """Return the error for a connection that is not encrypted as it should be; no attempt mends it."""
        where = f"{request.endpoint}, model {request.model}"
        if isinstance(error, ssl.SSLCertVerificationError):
            return OutageError(
                f"the server's certificate is not trusted ({error.verify_message})",
                where=where,
                fix="set SSL_CERT_FILE to a file with the certificate of the authority that signed it",
            )
        return OutageError(
            f"no encrypted connection can be made ({error.reason or type(error).__name__})",
            where=where,
            fix="check base_url: does the server speak https there?",
        )

    def _lost(self, request: Request, kind: TransientKind, what: str, fix: str = "") -> TransientError:
        return TransientError(what, kind=kind, where=f"{request.endpoint}, model {request.model}", fix=fix)


def _seedless(reply: Reply, seed: int | None) -> Reply:
    """Return a reply to a call without a seed, which says so where there was one to send."""
    if seed is None or "seed" in reply.not_honoured:
        return reply
    return replace(reply, not_honoured=("seed", *reply.not_honoured))


def _links(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and what it came from; httpcore hides the cause and leaves the context."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


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


def _decode(content: bytes) -> Any:
    """Return the JSON of a body, or its text if it is not JSON."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass  # the standard library reads more: NaN, half a surrogate pair, UTF-16
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")
