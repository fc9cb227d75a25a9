"""The whole path on real sockets: loop, sampler, wrappers, the real OpenAI SDK and a loopback server."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from pytest_velo.cache.store import Store
from pytest_velo.errors import OutageError, StoppedError, UnansweredError
from pytest_velo.providers.registry import Target
from pytest_velo.records import Slot
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.retrying import RetryPolicy
from pytest_velo.sampling.sampler import DrawResult, Sampler
from pytest_velo.settings import Api, Endpoint, Mode, Price, Settings

QUICK = RetryPolicy(first_delay_s=0.01, longest_delay_s=0.05)

Answer = tuple[int, dict[str, str], bytes]


def completion(text: str) -> Answer:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m-2026-11",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
    }
    return 200, {}, json.dumps(body).encode()


def problem(status: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, named, json.dumps({"error": {"message": f"problem {status}", "type": "x"}}).encode()


class Server:
    """A server that gives every prompt the answers a test has queued for it, then `ok`.

    An answer may also be `"reset"` (the connection is dropped), `"drip"` (a body that never ends) or
    `"hang"` (no answer at all).
    """

    def __init__(self) -> None:
        self.queued: dict[str, list[Answer | str]] = defaultdict(list)
        self.prompts: list[str] = []
        self.n_connections = 0
        self.n_inside = 0
        self.most_inside = 0
        self.full = 0  # how many have to be inside at once before any is answered
        self.asked = threading.Event()
        self.arrived = threading.Event()
        self._filled = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._port: Future[int] = Future()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._port.result(60)}/v1"

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(60)

    def answer_all(self) -> None:
        """Answer those that are inside, however few."""
        self._loop.call_soon_threadsafe(self._filled.set)

    def _serve(self) -> None:
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        try:
            while (prompt := await self._read(reader)) is not None:
                self.prompts.append(prompt)
                self.n_inside += 1
                self.most_inside = max(self.most_inside, self.n_inside)
                self.asked.set()
                try:
                    if self.most_inside >= self.full:
                        self._filled.set()
                    await self._filled.wait()
                    if not await self._answer(prompt, writer):
                        return
                finally:
                    self.n_inside -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> str | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        prompt: str = json.loads(await reader.readexactly(length))["messages"][-1]["content"]
        return prompt

    async def _answer(self, prompt: str, writer: asyncio.StreamWriter) -> bool:
        answer = self.queued[prompt].pop(0) if self.queued[prompt] else completion("ok")
        self.arrived.set()
        if answer == "reset":
            return False
        if answer == "hang":
            await asyncio.Event().wait()
        if answer == "drip":
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{"
            )
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        assert isinstance(answer, tuple)
        status, headers, body = answer
        lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        return True


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def loop() -> Iterator[SampleLoop]:
    loop = SampleLoop(wind_down_s=2.0)
    yield loop
    loop.close()


class Client:
    """A session against the server."""

    def __init__(
        self,
        server: Server,
        store: Store | None,
        loop: SampleLoop,
        settings: Settings,
        timeout_s: float = 30.0,
    ) -> None:
        endpoint = Endpoint(
            name="loopback",
            api=Api.OPENAI_CHAT,
            base_url=server.url,
            price=Price(input_usd=1.0, output_usd=1.0),
            timeout_s=timeout_s,
            declared=True,
        )
        self.target = Target(endpoint=endpoint, model="m")
        self.sampler = Sampler(settings, store, policy=QUICK)
        loop.on_close(lambda: self.sampler.aclose(60))

    async def draw(self, prompt: str) -> DrawResult:
        request = self.target.request([{"role": "user", "content": prompt}])
        return await self.sampler.draw(self.target, request, slot=Slot(case=prompt, repeat=0, ordinal=0))

    async def draws(self, prompts: list[str]) -> list[DrawResult]:
        return list(await asyncio.gather(*map(self.draw, prompts)))


Connect = Callable[..., Client]


@pytest.fixture
def connect(server: Server, store: Store, loop: SampleLoop) -> Connect:
    def connect(timeout_s: float = 30.0, **options: Any) -> Client:
        return Client(server, store, loop, Settings(**options), timeout_s)

    return connect


def test_every_kind_of_passing_trouble_ends_in_a_reply(
    server: Server, loop: SampleLoop, connect: Connect
) -> None:
    troubles: dict[str, list[Answer | str]] = {
        "limited": [problem(429, retry_after="0.05")],
        "limited in ms": [problem(429, retry_after_ms="20")],
        "overloaded": [problem(529)],
        "broken": [problem(500), problem(503)],
        "reset": ["reset", "reset"],
        "garbage": [(200, {}, b"<html>hello</html>"), (200, {}, b"[]"), (200, {}, b'{"choices": []}')],
    }
    server.queued.update({prompt: list(answers) for prompt, answers in troubles.items()})
    client = connect()
    results = loop.run(client.draws(list(troubles)))
    assert [result.reply.text for result in results] == ["ok"] * len(troubles)
    stats = client.sampler.stats()
    assert stats.n_calls == len(troubles)
    assert stats.n_retries == sum(map(len, troubles.values()))
    assert stats.cost_usd == pytest.approx(len(troubles) * 12e-6)
    assert stats.n_cuts >= 1
    assert results[0].reply.model_served == "m-2026-11"


def test_retry_after_of_an_hour_ends_in_a_clear_error_not_a_sleep(
    server: Server, loop: SampleLoop, connect: Connect
) -> None:
    server.queued["later"] = [problem(429, retry_after="3600")]
    client = connect()
    loop.run(client.draws(["first", "second"]))
    begun = time.monotonic()
    with pytest.raises(OutageError) as caught:
        loop.run(client.draw("later"))
    assert "3600 s" in caught.value.what
    assert "2 draws" in caught.value.what
    assert "run again later" in caught.value.fix
    with pytest.raises(OutageError, match=r"asks to wait 3\d\d\d s"):
        loop.run(client.draw("another"))
    assert time.monotonic() - begun < 600, "an hour is not waited for"
    assert server.prompts.count("later") == 1
    assert "another" not in server.prompts
    assert loop.run(client.draw("first")).cached


def test_a_prompt_that_never_gets_an_answer_is_unanswered_and_harms_no_other(
    server: Server, loop: SampleLoop, connect: Connect
) -> None:
    server.queued["poison"] = ["drip"] * 10
    client = connect(timeout_s=0.5)
    loop.run(client.draw("first"))  # which loads the SDK, and connects

    async def session() -> tuple[list[DrawResult], str]:
        others = asyncio.create_task(client.draws(["a", "b", "c"]))
        with pytest.raises(UnansweredError) as caught:
            await client.draw("poison")
        return await others, caught.value.what

    others, what = loop.run(session())
    assert [result.reply.text for result in others] == ["ok"] * 3
    assert "in 4 attempts, the last with: no reply within 0.5 s" in what


def test_a_server_that_is_down_is_an_outage(server: Server, loop: SampleLoop, connect: Connect) -> None:
    client = connect()
    server.close()
    client.sampler = Sampler(
        Settings(), None, policy=RetryPolicy(first_delay_s=0.01, longest_delay_s=0.02, nobody_after_s=0.2)
    )
    loop.on_close(client.sampler.aclose)
    with pytest.raises(OutageError, match="connection"):
        loop.run(client.draw("hello"))


def test_no_more_calls_reach_the_server_than_the_concurrency_allows(
    server: Server, loop: SampleLoop, connect: Connect
) -> None:
    server.full = 4
    client = connect(concurrency=4)
    loop.run(asyncio.wait_for(client.draws([str(number) for number in range(40)]), 60))
    assert server.most_inside == 4
    assert len(server.prompts) == 40


def test_replay_opens_no_socket(server: Server, loop: SampleLoop, connect: Connect) -> None:
    loop.run(connect().draws(["a", "b"]))
    n_before = server.n_connections
    replayed = loop.run(connect(mode=Mode.REPLAY).draws(["a", "b"]))
    assert [result.reply.text for result in replayed] == ["ok", "ok"]
    assert (server.n_connections, len(server.prompts)) == (n_before, 2)


def test_hazard_13_blocking_bodies_that_wait_for_a_silent_server_are_freed(
    server: Server, store: Store
) -> None:
    server.queued["hello"] = ["hang"]
    loop = SampleLoop(wind_down_s=0.2)
    client = Client(server, store, loop, Settings())
    told: list[str] = []
    freed = threading.Event()

    def body() -> None:
        try:
            loop.call(client.draw("hello"))
        except StoppedError as error:
            told.append(error.what)
        freed.set()

    async def session() -> None:
        await loop.run_blocking(body)

    loop.submit(session())
    assert server.arrived.wait(60)
    loop.close()
    assert freed.wait(60)
    assert told == ["sampling was stopped"]


def test_a_reply_under_way_at_the_end_is_kept(server: Server, store: Store) -> None:
    server.full = 2  # the only one waits inside
    loop = SampleLoop(wind_down_s=60)
    client = Client(server, store, loop, Settings())

    async def after_work_was_told() -> None:
        server.answer_all()

    loop.on_close(after_work_was_told)
    waiting = loop.submit(client.draw("hello"))
    assert server.asked.wait(60)
    loop.close()
    with pytest.raises(StoppedError):
        waiting.result(60)
    server.full = 0
    again = SampleLoop()
    kept = again.run(Client(server, store, again, Settings()).draw("hello"))
    again.close()
    assert kept.cached
    assert len(server.prompts) == 1
