"""The HTTP clients that users get (no mock in between), against a server on loopback that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pytest_velo.errors import OutageError, TransientError
from pytest_velo.providers import bodies, transport
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
        monkeypatch.setattr(transport.importlib.util, "find_spec", lambda _name: None)


@pytest.fixture(params=list(BASE))
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def plain_body(api: str) -> bytes:
    path = Path(__file__).parent / "wire" / f"{api}.json"
    return json.dumps(json.loads(path.read_text(encoding="utf-8"))["plain"]["body"]).encode()


def target_at(api: str, port: int, timeout_s: float = 120) -> Target:
    line = f"there: api={api} base_url=http://127.0.0.1:{port}{BASE[api]} price=free timeout_s={timeout_s}"
    return Target(endpoint=parse_endpoint(line), model="m")


async def ask(api: str, port: int, n: int = 1, timeout_s: float = 120) -> list[Reply]:
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
    assert "closed the connection before its answer was complete" in caught.value.what


def test_a_refused_connection(api: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(TransientError) as caught:
            asyncio.run(ask(api, port))
    assert caught.value.kind == "unreached"
    assert caught.value.what == f"nothing answers at 127.0.0.1:{port} (the connection was refused)"
    assert caught.value.fix == "start the server there, or check base_url, and run again"


def ask_at(api: str, url: str, timeout_s: float = 120) -> None:
    async def once() -> None:
        line = f"there: api={api} base_url={url} price=free timeout_s={timeout_s}"
        target = Target(endpoint=parse_endpoint(line), model="m")
        provider = open_provider(target.endpoint, slots=2)
        try:
            await provider.complete(target.request(as_messages("Hi")), None)
        finally:
            await provider.aclose()

    asyncio.run(once())


def test_a_host_that_is_not_found_is_said_in_words(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransientError) as caught:
        ask_at(api, f"http://llm.example:8000{BASE[api]}")
    assert caught.value.kind == "unreached"
    said = "the name of the host llm.example was not found (no network, or a wrong base_url?)"
    assert caught.value.what == said
    assert caught.value.fix == "check the network and base_url, and run again"


def test_what_is_no_http_is_said_in_words(api: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"SSH-2.0 hello\r\n\r\n")
        await writer.drain()

    with pytest.raises(TransientError, match=r"what came from 127.0.0.1:\d+ is not HTTP") as caught:
        asyncio.run(with_server(serve, lambda port: ask(api, port)))
    assert caught.value.kind == "connection"


def test_a_server_that_is_slow_to_agree_on_a_cipher_is_late_and_not_unencrypted(api: str) -> None:
    async def run() -> None:
        async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await reader.read()  # until the client gives up

        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await asyncio.to_thread(ask_at, api, f"https://127.0.0.1:{port}{BASE[api]}", 0.2)

    with pytest.raises(TransientError) as caught:
        asyncio.run(run())
    assert caught.value.kind in ("timeout", "connection")


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


LIMIT = 300_000
WITHOUT_A_LENGTH = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\nconnection: close\r\n%s\r\n"


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limit on bodies, which otherwise takes 64 MiB to reach."""
    defaults = (bodies.decoded, bodies.read_body)
    for function in defaults:
        monkeypatch.setitem(function.__kwdefaults__, "limit", LIMIT)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.usefixtures("small_limit")
def test_a_body_without_end_is_given_up(api: str, status: int, coding: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(WITHOUT_A_LENGTH % (status, b"content-encoding: gzip\r\n" if coding else b""))
        try:
            writer.write(gzip.compress(bytes(2**21)) if coding else b"")
            while not coding:  # it would go on for ever
                writer.write(b" " * 2**16)
                await writer.drain()
            await writer.drain()
        except ConnectionError:
            pass

    with pytest.raises(TransientError, match="the body is larger than") as caught:
        asyncio.run(with_server(serve, lambda port: ask(api, port)))
    assert caught.value.kind == "garbage"


def test_a_coding_that_nobody_asked_for(api: str) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await read_request(reader))
        writer.write(head(4, "content-encoding: br") + b"\x0b\x00a\x03")
        await writer.drain()

    with pytest.raises(TransientError, match="'br'") as caught:
        asyncio.run(with_server(serve, lambda port: ask(api, port)))
    assert caught.value.kind == "garbage"
    assert b"accept-encoding: gzip, deflate\r\n" in asked[0].lower()


CERTIFICATE = Path(__file__).parent / "wire" / "loopback.pem"


def ask_over_tls(api: str, tls: ssl.SSLContext | None) -> list[Reply]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if tls is None:
                await reader.read(100)  # what it gets is no HTTP
                writer.write(head(0, status="400 Bad Request"))
            else:
                await read_request(reader)
                body = plain_body(api)
                writer.write(head(len(body)) + body)
            await writer.drain()
        finally:
            writer.close()

    async def run() -> list[Reply]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        async with server:
            port = server.sockets[0].getsockname()[1]
            line = f"there: api={api} base_url=https://127.0.0.1:{port}{BASE[api]} price=free timeout_s=120"
            target = Target(endpoint=parse_endpoint(line), model="m")
            provider = open_provider(target.endpoint, slots=2)
            try:
                return [await provider.complete(target.request(as_messages("Hi")), None)]
            finally:
                await provider.aclose()

    return asyncio.run(run())


@pytest.fixture
def tls() -> ssl.SSLContext:
    """Return a server's context with a certificate that nobody signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def test_a_certificate_that_is_not_trusted_is_no_outage_to_wait_for(api: str, tls: ssl.SSLContext) -> None:
    with pytest.raises(OutageError, match="certificate is not trusted") as caught:
        ask_over_tls(api, tls)
    assert caught.value.where == "there, model m"
    assert "SSL_CERT_FILE" in caught.value.fix


def test_the_fix_for_a_certificate_is_one(
    api: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert [reply.text for reply in ask_over_tls(api, tls)] == ["The capital is Paris."]


def test_a_server_that_speaks_no_tls(api: str) -> None:
    said = r"no encrypted connection can be made to 127.0.0.1:\d+ \(it speaks no https\)"
    with pytest.raises(OutageError, match=said) as caught:
        ask_over_tls(api, None)
    assert "base_url" in caught.value.fix
