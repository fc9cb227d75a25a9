"""The HTTP clients that users get (no mock in between), against a server on loopback that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pytest_velo.errors import TransientError
from pytest_velo.providers import clients
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.registry import Target, open_provider
from pytest_velo.records import Reply, as_messages

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BASE = {"openai-chat": "/v1", "openai-responses": "/v1", "anthropic": ""}


@pytest.fixture(params=["aiohttp", "httpx2"], autouse=True)
def http_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test over both: without aiohttp on the machine, the SDKs' calls go over httpx2."""
    if request.param == "aiohttp":
        pytest.importorskip("aiohttp")
    else:
        monkeypatch.setattr(clients.importlib.util, "find_spec", lambda _name: None)


@pytest.fixture(params=list(BASE))
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def plain_body(api: str) -> bytes:
    path = Path(__file__).parent / "wire" / f"{api}.json"
    return json.dumps(json.loads(path.read_text(encoding="utf-8"))["plain"]["body"]).encode()


def target_at(api: str, port: int, timeout_s: float = 20) -> Target:
    line = f"there: api={api} base_url=http://127.0.0.1:{port}{BASE[api]} price=free timeout_s={timeout_s}"
    return Target(endpoint=parse_endpoint(line), model="m")


async def ask(api: str, port: int, n: int = 1, timeout_s: float = 20) -> list[Reply]:
    target = target_at(api, port, timeout_s)
    provider = open_provider(target.endpoint, slots=max(n, 2))
    try:
        request = target.request(as_messages("Hi"))
        return await asyncio.gather(*(provider.complete(request, None) for _ in range(n)))
    finally:
        await provider.aclose()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(sizes[0].split(b":")[1]))


def head(length: int, *more: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {length}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def with_server(serve: Serve, use: Callable[[int], Awaitable[list[Reply]]]) -> list[Reply]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            pass  # the client closed its idle connection
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    async with server:
        return await use(server.sockets[0].getsockname()[1])


def test_an_answer_over_a_real_socket(api: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            content = gzip.compress(plain_body(api))
            writer.write(head(len(content), "content-encoding: gzip") + content)
            await writer.drain()

    replies = asyncio.run(with_server(serve, lambda port: ask(api, port, n=8)))
    assert [reply.text for reply in replies] == ["The capital is Paris."] * 8


@pytest.mark.parametrize("sent", [b"", head(1000) + b'{"half":'], ids=["at once", "in the body"])
def test_a_dropped_connection(api: str, sent: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(sent)
        await writer.drain()

    with pytest.raises(TransientError) as caught:
        asyncio.run(with_server(serve, lambda port: ask(api, port)))
    assert (caught.value.kind, caught.value.status) == ("connection", None)


def test_a_refused_connection(api: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(TransientError) as caught:
            asyncio.run(ask(api, port))
    assert caught.value.kind == "connection"


def test_a_server_that_never_answers(api: str) -> None:
    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await reader.read()  # until the client gives up

    with pytest.raises(TransientError) as caught:
        asyncio.run(with_server(serve, lambda port: ask(api, port, timeout_s=0.2)))
    assert caught.value.kind == "timeout"


def test_a_rate_limit_over_a_real_socket(api: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        body = b'{"error": {"message": "slow down", "type": "rate_limit_error"}}'
        writer.write(head(len(body), "Retry-After: 3600", status="429 Too Many Requests") + body)
        await writer.drain()

    with pytest.raises(TransientError) as caught:
        asyncio.run(with_server(serve, lambda port: ask(api, port)))
    assert (caught.value.kind, caught.value.retry_after_s) == ("rate_limit", 3600.0)


def test_as_many_calls_as_there_are_slots_are_in_flight(api: str) -> None:
    n_slots = 150  # above the default limits of both HTTP libraries

    async def run() -> list[Reply]:
        waiting, everybody = 0, asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal waiting
            await read_request(reader)
            waiting += 1
            if waiting == n_slots:
                everybody.set()
            await everybody.wait()
            body = plain_body(api)
            writer.write(head(len(body)) + body)
            await writer.drain()

        return await with_server(serve, lambda port: ask(api, port, n=n_slots))

    assert len(asyncio.run(run())) == n_slots
