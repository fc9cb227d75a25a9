"""The conformance suite again, over the line that users get: a real socket, and no SDK in between."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest

from pytest_velo.providers.base import Provider
from pytest_velo.providers.registry import open_provider
from pytest_velo.providers.transport import DirectTransport
from pytest_velo.records import Reply, Request
from pytest_velo.settings import Endpoint

pytest.importorskip("aiohttp")

BASE = {"openai-chat": "http://api.openai.com:{}/v1", "openai-responses": "http://api.openai.com:{}/v1"}
# Both put a transport of their own in place of the network; tests/unit/test_provider_transport.py and
# test_provider_lines.py have the same on sockets.
ELSEWHERE = {"test_a_lost_connection", "test_no_key_of_the_environment_travels_to_another_server"}


def _suite() -> ModuleType:
    path = Path(__file__).with_name("test_provider_conformance.py")
    spec = importlib.util.spec_from_file_location("provider_conformance_suite", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


suite: Any = _suite()
globals().update(
    {
        name: test
        for name, test in vars(suite).items()
        if name.startswith("test_")
        and name not in ELSEWHERE
        and inspect.signature(test).parameters.keys() & {"bench", "http_bench"}
    }
)


class DirectBench(suite.Bench):  # type: ignore[misc]
    """A bench whose provider is the users' own, and whose answers come from a server on loopback."""

    def __init__(self, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(api, monkeypatch)
        self.door = socket.create_server(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        return int(self.door.getsockname()[1])

    def endpoint(self, line: str = "") -> Endpoint:
        if line:
            return super().endpoint(line)  # type: ignore[no-any-return]
        address = BASE.get(self.api, "http://api.anthropic.com:{}").format(self.port)
        return Endpoint(
            name="here",
            api=self.api,
            base_url=address,
            key_env="CANARY",
            headers={"x-team": "HEADER-SECRET-42"},
        )

    def open(self, _answer: Any) -> Provider:
        self.monkeypatch.setenv("CANARY", suite.CANARY)
        provider = open_provider(self.endpoint(), slots=2)
        assert isinstance(vars(provider)["_transport"], DirectTransport)
        return provider

    def exchange(
        self, answer: Callable[[httpx2.Request], httpx2.Response], request: Request, seed: int | None = 7
    ) -> Reply:
        async def run() -> Reply:
            server = await asyncio.start_server(self._serving(self._tapped(answer)), sock=self.door.dup())
            async with server:
                provider = self.open(answer)
                try:
                    return await provider.complete(request, seed)
                finally:
                    await provider.aclose()

        return asyncio.run(run())

    @staticmethod
    def _serving(answer: Callable[[httpx2.Request], httpx2.Response]) -> Any:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            method, path, _ = first.split()
            headers = [tuple(line.split(": ", 1)) for line in lines]
            length = int(next(value for name, value in headers if name.lower() == "content-length"))
            url = f"http://there{path}"
            sent = httpx2.Request(method, url, headers=headers, content=await reader.readexactly(length))
            response = answer(sent)
            head = [f"HTTP/1.1 {response.status_code} X", "connection: close"]
            own = [(name, value) for name, value in response.headers.items() if name != "content-length"]
            head += [f"{name}: {value}" for name, value in own]
            head += [f"content-length: {len(response.content)}", "", ""]
            writer.write("\r\n".join(head).encode() + response.content)
            await writer.drain()
            writer.close()

        return serve


@pytest.fixture(params=suite.HTTP, ids=str)
def http_bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[DirectBench]:
    look_up = socket.getaddrinfo

    def here(host: Any, *args: Any, **kwargs: Any) -> Any:
        return look_up("127.0.0.1" if str(host).startswith("api.") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    bench = DirectBench(request.param, monkeypatch)
    yield bench
    bench.door.close()


@pytest.fixture
def bench(http_bench: DirectBench) -> DirectBench:
    return http_bench


def test_the_whole_suite_is_here() -> None:
    assert len([name for name in globals() if name.startswith("test_")]) >= 25
