"""Clients that a body makes itself: what they ask a model is drawn as by our own.

All clients over httpx and httpx2 meet in one place: the client that they send by, which picks the transport
for an address. There a request has its final form (authentication and all), and an answer is not yet read.
To replace the transport there for a trial, and only for requests that ask a model, catches the SDKs, the
frameworks above them, clients with transports of their own, and those that were made before the trial. What
does not go over httpx is not caught, and is noticed as any connection of a body (`sampling.outside`).

An adopted request is sent by the client's own transport, with its proxies and certificates, once it is known
that it has to be made. An async one is sent on the sampling loop, whatever loop asked for it: programs keep
one client for all their calls, and the connections of a transport belong to the loop that opened them. So a
client may be used on several loops, one after the other or at once. It is closed on the sampling loop, too.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from functools import wraps
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx2

from pytest_velo.errors import BodyError, UsageError
from pytest_velo.providers.outgoing import Outgoing, Parcel
from pytest_velo.providers.posted import BINARY_STREAM, EMBEDDINGS, Posted, understood
from pytest_velo.providers.registry import Target, located
from pytest_velo.providers.relay import answer_of
from pytest_velo.providers.transport import Answer
from pytest_velo.sampling.carrier import (
    Carrier,
    answered,
    answered_blocking,
    limit_of,
    outgoing,
    path_below,
    refuse_retry,
)
from pytest_velo.sampling.client_call import answer
from pytest_velo.sampling.flights import current_flight
from pytest_velo.sampling.halt import halt
from pytest_velo.sampling.scope import TrialScope, current
from pytest_velo.settings import Api, Endpoint

_LIBRARIES = ("httpx2", "httpx")
_PICKS = "_transport_for_url"
_CLOSES = ("aclose", "__aexit__")
_OWN_ADDRESSES = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}

_homes: WeakKeyDictionary[Any, asyncio.AbstractEventLoop] = WeakKeyDictionary()
"""The loop that a client's connections belong to, of clients that were used on another one."""
_endpoints: ContextVar[Sequence[Endpoint] | None] = ContextVar("pytest_velo_adopting", default=None)


def adopt(endpoints: Sequence[Endpoint]) -> None:
    """Adopt the clients of this context's trial; `endpoints` are the known ones.

    Raises:
        UsageError: This version of an HTTP library picks its transports elsewhere.
    """
    install()
    _endpoints.set(endpoints)


def install() -> None:
    """Have the installed HTTP libraries ask here for their transports; a second call does nothing."""
    for name in _LIBRARIES:
        if importlib.util.find_spec(name) is not None:
            library = importlib.import_module(name)
            for kind in (library.AsyncClient, library.Client):
                _wrap(kind, library)


def _wrap(kind: Any, library: ModuleType) -> None:
    picks = getattr(kind, _PICKS, None)
    if picks is None:
        raise UsageError(
            f"clients cannot be adopted with {library.__name__} {library.__version__}: it picks its"
            " transports in another place than the versions known here",
            fix="use the fixtures openai_client and anthropic_client, or another version of it",
        )
    if hasattr(picks, "__wrapped__"):
        return

    @wraps(picks)
    def adopting(self: Any, url: Any) -> Any:
        transport = picks(self, url)
        endpoints = _endpoints.get()
        if endpoints is None or current_flight.get() is not None or isinstance(transport, Carrier):
            return transport
        return Adopted(transport, endpoints, library, client=self)

    setattr(kind, _PICKS, adopting)
    for name in _CLOSES:
        if (close := getattr(kind, name, None)) is not None:
            setattr(kind, name, _at_home(close))


def _at_home(close: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Have a client closed on the loop that its connections belong to."""

    @wraps(close)
    async def closing(self: Any, *args: Any) -> None:
        home = _homes.pop(self, None)
        if home is None or home is asyncio.get_running_loop() or not home.is_running():
            await close(self, *args)
        else:

            async def closed() -> None:
                await close(self, *args)

            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(closed(), home))

    return closing


class Adopted:
    """A client's transport for one request: what asks a model is drawn, all else goes on as it would.

    Args:
        transport: The client's own.
        endpoints: The known endpoints.
        library: `httpx2` or `httpx`, whose requests and responses these are.
        client: The client.
    """

    def __init__(
        self, transport: Any, endpoints: Sequence[Endpoint], library: ModuleType, *, client: Any
    ) -> None:
        self._client = client
        self._transport = transport
        self._endpoints = endpoints
        self._library = library

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request of an async client."""
        posted = understood(request.method, request.url.path, await request.aread())
        if posted is None:
            return await self._transport.handle_async_request(request)
        refuse_retry(request.headers, self._library)
        scope = _scope()
        if scope.home is not None and scope.home is not asyncio.get_running_loop():
            _homes[self._client] = scope.home

        async def send() -> Answer:
            return await _translated(self._send(request))

        target, sent = self._prepared(scope, request, posted, send)
        return await answered(scope, answer(scope, target, sent), self._library)

    def handle_request(self, request: Any) -> Any:
        """Answer a request of a blocking client."""
        posted = understood(request.method, request.url.path, request.read())
        if posted is None:
            return self._transport.handle_request(request)
        refuse_retry(request.headers, self._library)
        scope = _scope()

        async def send() -> Answer:
            return await _translated(asyncio.to_thread(self._send_blocking, request))

        target, sent = self._prepared(scope, request, posted, send)
        return answered_blocking(scope, answer(scope, target, sent), self._library)

    async def _send(self, request: Any) -> Answer:
        return await answer_of(await self._transport.handle_async_request(request))

    def _send_blocking(self, request: Any) -> Answer:
        response = self._transport.handle_request(request)
        try:
            content = response.read()
        finally:
            response.close()
        return Answer(status=response.status_code, headers=response.headers, content=content)

    def _prepared(
        self, scope: TrialScope, request: Any, posted: Posted, send: Callable[[], Awaitable[Answer]]
    ) -> tuple[Target, Outgoing]:
        """Return what is drawn, and of which model."""
        url = str(request.url)
        if request.url.path.endswith(BINARY_STREAM):
            error = BodyError("a stream of Bedrock's is binary, and cannot be kept", fix="leave stream= out")
            raise halt(scope, error)
        try:
            endpoint = endpoint_of(url, posted.posting.api, self._endpoints)
        except UsageError as problem:
            raise halt(scope, problem) from None
        parcel = Parcel(
            url=url,
            headers=request.headers,
            content=request.content,
            limit_s=limit_of(request.extensions),
            send=send,
        )
        sent = outgoing(posted, endpoint, parcel, path_below(request.url.path, endpoint), is_own=True)
        return Target(endpoint=endpoint, model=posted.model), sent


def endpoint_of(url: str, api: str, endpoints: Sequence[Endpoint]) -> Endpoint:
    """Return the known endpoint that an address lies nearest below, else one that is named after its host.

    Args:
        url: Where a client posts.
        api: The wire family of what it posts.
        endpoints: The known ones; of several at one address, the last is meant.
    """
    found: tuple[int, Endpoint] | None = None
    for endpoint in map(located, endpoints):
        base = (endpoint.base_url or _OWN_ADDRESSES.get(endpoint.name, "")).partition("?")[0].rstrip("/")
        if base and url.startswith(f"{base}/") and (found is None or len(base) >= found[0]):
            found = len(base), endpoint
    if found is not None:
        return found[1]
    parts = urlsplit(url)
    return Endpoint(
        name=parts.netloc.rpartition("@")[2],
        api=Api.OPENAI_CHAT if api == EMBEDDINGS else Api(api),
        base_url=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
    )


def _scope() -> TrialScope:
    """Return the running trial: the context that adopts is its own."""
    return current("a client's call")


async def _translated(work: Awaitable[Answer]) -> Answer:
    """Return an answer, or raise the error of httpx2 that a transport's own error stands for.

    Transports raise the errors of their library, and those of the library below it, under the same names.
    """
    try:
        return await work
    except Exception as error:
        kind = _meant_by(error)
        if kind is None:
            raise
        raise kind(str(error)) from error


def _meant_by(error: Exception) -> type[httpx2.HTTPError] | None:
    """Return which error of httpx2 another one stands for; None if for none, or if it is one."""
    if isinstance(error, RuntimeError) and "event loop" in str(error).lower():
        # A kept connection of an earlier loop, which is closed by now: the transport forgets it with this.
        return httpx2.ConnectError
    named = getattr(httpx2, type(error).__name__, None)
    if isinstance(error, httpx2.HTTPError) or not isinstance(named, type):
        return None
    return named if issubclass(named, httpx2.HTTPError) else None
