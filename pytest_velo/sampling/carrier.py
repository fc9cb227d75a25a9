"""The HTTP transport under an SDK's client: what asks a model is drawn, the rest is passed on or refused.

A client's request is an HTTP request by then, whatever typed method made it, and its answer is one, too. So
retries, streams, `.parse()`, raw responses and whatever else an SDK makes of an answer are its own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2

from pytest_velo.errors import BodyError
from pytest_velo.providers.embedded import embedded
from pytest_velo.providers.outgoing import Outgoing, Parcel
from pytest_velo.providers.posted import BINARY_STREAM, Posted, is_draw, understood
from pytest_velo.providers.registry import Target
from pytest_velo.providers.relay import answer_of
from pytest_velo.providers.transport import Answer
from pytest_velo.records import Original
from pytest_velo.sampling.client_call import LateError, answer
from pytest_velo.sampling.halt import Halt, halt
from pytest_velo.sampling.scope import TrialScope, current
from pytest_velo.settings import Api, Endpoint

T = TypeVar("T")

_OWN_BASES = {Api.OPENAI_CHAT: "/v1", Api.OPENAI_RESPONSES: "/v1", Api.LOCAL: "/v1"}
_FREE = re.compile(r"/(files|uploads|vector_stores|conversations)\b|/(count_tokens|input_tokens|tokenize)$")
"""Where a POST makes no draw, and nothing else that a test would pay for unseen."""


class Carrier(httpx2.AsyncBaseTransport, httpx2.BaseTransport):
    """The transport of the clients for one endpoint; one serves all trials at once.

    Args:
        endpoint: Where the client posts.
        name: What the client is called, for messages.

    Attributes:
        lost: Why a call found no trial, should the body catch that.
    """

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        self._endpoint = endpoint
        self._name = name
        self.lost: BodyError | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of an async client, on any event loop."""
        content = await request.aread()
        scope = self._scope()
        posted = self._read(scope, request, content)
        if posted is None:
            return await _passed_on(request)
        refuse_retry(request.headers, httpx2)
        work = answer(scope, Target(endpoint=self._endpoint, model=posted.model), self._sent(request, posted))
        response: httpx2.Response = await answered(scope, work, httpx2)
        return response

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of a blocking client, in a thread of the body."""
        content = request.read()
        scope = self._scope()
        posted = self._read(scope, request, content)
        if posted is None:
            with httpx2.Client(timeout=_timeout(request)) as client:
                return _fresh(client.send(request))
        refuse_retry(request.headers, httpx2)
        work = answer(scope, Target(endpoint=self._endpoint, model=posted.model), self._sent(request, posted))
        response: httpx2.Response = answered_blocking(scope, work, httpx2)
        return response

    def _scope(self) -> TrialScope:
        """Return the running trial; without one, note the error: there is no trial to tell of it."""
        try:
            return current(self._name)
        except BodyError as error:
            self.lost = error
            raise Halt(error) from None

    def _read(self, scope: TrialScope, request: httpx2.Request, content: bytes) -> Posted | None:
        """Return what is asked of a model; None for a request that may be passed on."""
        path = request.url.path
        posted = understood(request.method, path, content)
        if posted is not None and not path.endswith(BINARY_STREAM):
            return posted
        if is_draw(request.method, path):
            what = "its stream is binary" if posted else "its body names no model or asks nothing"
            fix = "leave stream= out, or say model= and what is asked"
            raise halt(scope, self._refused(request, what, fix))
        if self._endpoint.api == Api.LOCAL:
            what = "the embedded model has no such thing"
            raise halt(scope, self._refused(request, what, "use another endpoint"))
        if request.method == "POST" and not _FREE.search(path):
            what = "nothing here keeps or pays for what it makes"
            fix = "call it outside the body, or by a client of its own"
            raise halt(scope, self._refused(request, what, fix))
        return None

    def _refused(self, request: httpx2.Request, what: str, fix: str) -> BodyError:
        return BodyError(f"{self._name} cannot {request.method} {request.url.path}: {what}", fix=fix)

    def _sent(self, request: httpx2.Request, posted: Posted) -> Outgoing:
        endpoint, url = self._endpoint, request.url
        send = None
        if endpoint.api == Api.LOCAL:

            async def send() -> Answer:
                return await _posted_inside(posted.model, url.path, request.content)

        parcel = Parcel(
            url=str(url),
            headers=request.headers,
            content=request.content,
            limit_s=limit_of(request.extensions),
            send=send,
        )
        return outgoing(posted, endpoint, parcel, path_below(url.path, endpoint))


def outgoing(
    posted: Posted, endpoint: Endpoint, parcel: Parcel, path: str, *, is_own: bool = False
) -> Outgoing:
    """Return what a client sends, ready to be drawn."""
    return Outgoing(
        **posted.request(endpoint.identity, path, parcel.headers),
        parcel=parcel,
        posting=posted.posting,
        shown=posted.shown(endpoint.identity, path),
        is_own=is_own,
    )


def path_below(path: str, endpoint: Endpoint) -> str:
    """Return a path below its endpoint's base URL: the same for all clients of the endpoint."""
    if endpoint.base_url is not None:
        base = urlsplit(endpoint.base_url).path.rstrip("/")
    else:
        base = _OWN_BASES.get(endpoint.api, "") if isinstance(endpoint.api, Api) else ""
    return path.removeprefix(base)


def limit_of(extensions: Mapping[str, Any]) -> float | None:
    """Return how long a client waits for an answer, in seconds; None if it does not say."""
    limit = (extensions.get("timeout") or {}).get("read")
    return float(limit) if isinstance(limit, int | float) and limit > 0 else None


def refuse_retry(headers: Mapping[str, str], library: Any) -> None:
    """Refuse the SDK's own retry of a call that was too late: ours are over, and its would be a new draw."""
    if headers.get("x-stainless-retry-count", "0") not in ("", "0"):
        raise library.ReadTimeout("no reply in time, and pytest-velo has made its retries")


async def answered(scope: TrialScope, work: Coroutine[Any, Any, Original], library: Any) -> Any:
    """Return the response of a call that is awaited on the sampling loop, or on one of the body's own."""
    try:
        if scope.home is None or asyncio.get_running_loop() is scope.home:
            return response_of(await work, library)
        made = asyncio.run_coroutine_threadsafe(work, scope.home)
        return response_of(await asyncio.wrap_future(made), library)
    except LateError as error:
        raise library.ReadTimeout(str(error)) from error


def answered_blocking(scope: TrialScope, work: Coroutine[Any, Any, Original], library: Any) -> Any:
    """Return the response of a call that blocks a thread of the body."""
    try:
        return response_of(_block(scope, work), library)
    except LateError as error:
        raise library.ReadTimeout(str(error)) from error


def _block(scope: TrialScope, work: Coroutine[Any, Any, T]) -> T:
    if scope.block is not None:
        return scope.block(work)
    home = scope.home
    if home is None or _is_running(home):
        work.close()
        error = BodyError(
            "a blocking client was called on the sampling loop, which would wait for itself",
            fix="make the body a plain `def`, call it with asyncio.to_thread, or use the async client",
        )
        raise halt(scope, error)
    return asyncio.run_coroutine_threadsafe(work, home).result()


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell whether this thread runs a loop."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def response_of(original: Original, library: Any) -> Any:
    """Return a response of httpx or httpx2; an error's is marked so that no SDK repeats the call."""
    headers = dict(original.headers)
    if original.status >= 400:
        headers["x-should-retry"] = "false"
    return library.Response(original.status, headers=headers, content=original.text.encode())


async def _passed_on(request: httpx2.Request) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=_timeout(request)) as client:
        return _fresh(await client.send(request))


def _timeout(request: httpx2.Request) -> httpx2.Timeout:
    return httpx2.Timeout(limit_of(request.extensions))


def _fresh(response: httpx2.Response) -> httpx2.Response:
    """Return a response that was read, ready to be read again."""
    left = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in left]
    return httpx2.Response(response.status_code, headers=headers, content=response.content)


async def _posted_inside(model: str, path: str, content: bytes) -> Answer:
    """Post to the embedded server."""
    server = await asyncio.to_thread(embedded, model)
    headers = {"Authorization": f"Bearer {server.api_key}", "Content-Type": "application/json"}
    async with httpx2.AsyncClient(verify=False, trust_env=False, timeout=None) as client:
        request = client.build_request("POST", server.address + path, content=content, headers=headers)
        return await answer_of(await client.send(request, stream=True))
