"""Connections of a body's own: seen whoever opens them, and refused where nothing may be called."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
import httpx2
import pytest

from pytest_velo.errors import BodyError
from pytest_velo.sampling.flights import current_flight
from pytest_velo.sampling.halt import Halt
from pytest_velo.sampling.outside import Outside, watch


class Hello(BaseHTTPRequestHandler):
    """Answers every GET."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield "127.0.0.1", server.server_address[1]
    server.shutdown()
    server.server_close()


def watched(body: Callable[[], object], refusing: str = "") -> Outside:
    """Run a body as a trial does, in a context of its own."""
    outside = Outside(refusing)

    def trial() -> None:
        watch(outside)
        body()

    contextvars.copy_context().run(trial)
    return outside


def by_socket(address: tuple[str, int]) -> None:
    socket.create_connection(address).close()


def by_urllib(address: tuple[str, int]) -> None:
    with urllib.request.urlopen("http://{}:{}".format(*address)):
        pass


def by_httpx(address: tuple[str, int]) -> None:
    httpx2.get("http://{}:{}".format(*address))


def by_aiohttp(address: tuple[str, int]) -> None:
    async def get() -> None:
        async with aiohttp.ClientSession() as session, session.get("http://{}:{}".format(*address)):
            pass

    asyncio.run(get())


def by_a_stream(address: tuple[str, int]) -> None:
    async def connect() -> None:
        _, writer = await asyncio.open_connection(*address)
        writer.close()

    asyncio.run(connect())


def by_a_pool_without_the_context(address: tuple[str, int]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(by_socket, address).result()


def by_a_pool_with_the_context(address: tuple[str, int]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.copy_context().run, by_socket, address).result()


def by_the_loops_pool(address: tuple[str, int]) -> None:
    async def connect() -> None:
        await asyncio.to_thread(by_socket, address)

    asyncio.run(connect())


def by_a_thread_of_a_thread(address: tuple[str, int]) -> None:
    def deeper() -> None:
        by_a_pool_without_the_context(address)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(deeper,))
    thread.start()
    thread.join()


WAYS = [
    by_socket,
    by_urllib,
    by_httpx,
    by_aiohttp,
    by_a_stream,
    by_a_pool_without_the_context,
    by_a_pool_with_the_context,
    by_the_loops_pool,
    by_a_thread_of_a_thread,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_connection_is_seen_whoever_opens_it(way, address) -> None:
    outside = watched(lambda: way(address))

    assert outside.addresses == {"{}:{}".format(*address): 1}
    assert outside.trouble is None


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_where_nothing_may_be_called_it_is_refused_whatever_the_body_catches(way, address) -> None:
    def body() -> None:
        with contextlib.suppress(Halt), contextlib.suppress(Exception):
            way(address)

    outside = watched(body, "replay calls nothing")

    assert outside.addresses == {}
    assert isinstance(outside.trouble, BodyError)
    assert "{}:{}".format(*address) in str(outside.trouble)
    assert "replay calls nothing" in str(outside.trouble)
    assert "fix:" in str(outside.trouble)


def test_the_fix_is_none_that_was_tried() -> None:
    fixes = []
    for adopts in (False, True):
        outside = Outside("replay calls nothing", adopts=adopts)
        with pytest.raises(Halt):
            outside.note("there:80")
        assert outside.trouble is not None
        fixes.append(outside.trouble.fix)
    given, adopted = fixes
    assert 'clients="adopt"' in given
    assert "stub it" in adopted
    assert 'clients="adopt"' not in adopted


def test_calls_of_the_sampler_do_not_count(address) -> None:
    def body() -> None:
        current_flight.set(object())
        by_socket(address)

    assert watched(body, "replay calls nothing").trouble is None


def test_outside_of_trials_nothing_is_seen(address) -> None:
    outside = watched(lambda: None)
    by_socket(address)
    assert outside.addresses == {}


def test_sockets_that_stay_on_the_machine_do_not_count(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def body() -> None:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as name_server:
                name_server.connect(("127.0.0.1", 53))

        outside = watched(body, "replay calls nothing")

    assert outside.addresses == {}
    assert outside.trouble is None


def started_by(module: str, address: tuple[str, int], failed: list[BaseException]) -> Callable[[], None]:
    """Return a body that starts a thread with a function of `module`, which connects."""

    def connect() -> None:
        try:
            by_socket(address)
        except BaseException as error:
            failed.append(error)

    space: dict[str, object] = {"__name__": module, "connect": connect}
    exec("def report():\n    connect()", space)

    def body() -> None:
        thread = threading.Thread(target=space["report"])  # type: ignore[arg-type]
        thread.start()
        thread.join()

    return body


@pytest.mark.parametrize("module", ["agents.tracing.processors", "opentelemetry.sdk.trace.export"])
def test_a_thread_that_reports_what_a_program_did_is_no_call(address: tuple[str, int], module: str) -> None:
    failed: list[BaseException] = []
    assert watched(started_by(module, address, failed)).addresses == {}
    assert failed == []

    refusing = watched(started_by(module, address, failed), "this mode opens no socket")
    assert refusing.trouble is None
    (refused,) = failed
    assert isinstance(refused, ConnectionRefusedError)
    assert "this mode opens no socket" in str(refused)


@pytest.mark.parametrize("module", ["agents.tracing.processors_of_mine", "agents.models", "program"])
def test_any_other_thread_is_seen(address: tuple[str, int], module: str) -> None:
    failed: list[BaseException] = []
    assert watched(started_by(module, address, failed)).addresses
    assert watched(started_by(module, address, failed), "this mode opens no socket").trouble is not None
    assert isinstance(failed[0], Halt)
