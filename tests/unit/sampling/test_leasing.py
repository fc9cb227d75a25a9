"""One maker for a paid draw: what samplers that share a store do when both want the same one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_velo.errors import TransientError
from pytest_velo.providers.registry import Target
from pytest_velo.records import Reply, Slot
from pytest_velo.sampling.draws import DrawMemory
from pytest_velo.sampling.leasing import BEYOND_S
from pytest_velo.sampling.sampler import DrawResult, Sampler
from pytest_velo.settings import Api, Endpoint, Mode, Price, Settings
from support.clocks import InstantClock

PAID = Endpoint(name="paid", api=Api.OPENAI_CHAT, price=Price(input_usd=1.0, output_usd=1.0), timeout_s=60.0)
FREE = Endpoint(name="own", api=Api.OPENAI_CHAT, free=True)


class Server:
    """Answers when `answers` is set; all samplers ask the same one."""

    def __init__(self) -> None:
        self.n_asked = 0
        self.answers = asyncio.Event()
        self.failures: list[BaseException] = []

    def __call__(self, endpoint: Endpoint, *, slots: int) -> Server:
        return self

    async def complete(self, request: Any, seed: int | None) -> Reply:
        self.n_asked += 1
        number = self.n_asked
        await self.answers.wait()
        if self.failures:
            raise self.failures.pop()
        return Reply(text=f"reply {number}")

    async def aclose(self) -> None:
        pass


class StillMemory(DrawMemory):
    """A store whose holders show no sign of life."""

    def pulse(self, address: Any) -> object:
        return None


def sampler_on(
    store: DrawMemory, server: Server, clock: InstantClock | None = None, **options: Any
) -> Sampler:
    providers = {"openai-chat": server}
    return Sampler(Settings(**options), store, providers=providers, clock=clock or InstantClock())


async def draw(sampler: Sampler, endpoint: Endpoint = PAID) -> DrawResult:
    target = Target(endpoint=endpoint, model="m")
    asked = target.request([{"role": "user", "content": "Hi"}], {"max_tokens": 9})
    return await sampler.draw(target, asked, slot=Slot(case="c", repeat=0, ordinal=0))


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


async def until(true: Any) -> None:
    for _ in range(1_000_000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came")


def test_the_second_waits_for_what_the_first_is_making() -> None:
    async def both() -> None:
        store, server = DrawMemory(), Server()
        second_clock = InstantClock()
        first, second = sampler_on(store, server), sampler_on(store, server, second_clock)
        made = asyncio.ensure_future(draw(first))
        await until(lambda: server.n_asked)
        waited = asyncio.ensure_future(draw(second))
        await until(lambda: second_clock.now() > 600)
        server.answers.set()
        mine, theirs = await made, await waited
        assert server.n_asked == 1, "the first is alive, so it is waited for however long it takes"
        assert (mine.reply.text, theirs.reply.text) == ("reply 1", "reply 1")
        assert (mine.cached, theirs.cached, theirs.reply.cached) == (False, True, True)
        assert (first.stats().n_calls, second.stats().n_calls, second.stats().n_cached) == (1, 0, 1)
        assert second.stats().others_s > 600

    asyncio.run(both())


def test_the_second_makes_what_the_first_failed_to_make() -> None:
    async def both() -> None:
        store, server = DrawMemory(), Server()
        first, second = sampler_on(store, server), sampler_on(store, server)
        server.failures = [TransientError("no", kind="server") for _ in range(4)]
        failing = asyncio.ensure_future(draw(first))
        await until(lambda: server.n_asked)
        waiting = asyncio.ensure_future(draw(second))
        server.answers.set()
        with pytest.raises(Exception, match="no reply to this prompt"):
            await failing
        assert (await waiting).reply.text == "reply 5"

    asyncio.run(both())


def test_a_cancelled_draw_lets_go_and_a_cancelled_wait_takes_nothing() -> None:
    async def both() -> None:
        store, server = DrawMemory(), Server()
        clock = InstantClock()
        first, second, third = (sampler_on(store, server, clock) for _ in range(3))
        made = asyncio.ensure_future(draw(first))
        await until(lambda: server.n_asked)
        waited = asyncio.ensure_future(draw(second))
        await until(lambda: clock.now() > 1)
        waited.cancel()
        await asyncio.gather(waited, return_exceptions=True)
        made.cancel()
        await first.aclose(wind_down_s=0)
        server.answers.set()
        assert (await draw(third)).reply.text == "reply 2"
        assert store._leased == set()

    asyncio.run(both())


def test_a_holder_that_hangs_is_waited_for_until_longer_than_its_attempt_may_take() -> None:
    async def both() -> None:
        store, server, clock = StillMemory(), Server(), InstantClock()
        first, second = sampler_on(store, server), sampler_on(store, server, clock)
        hanging = asyncio.ensure_future(draw(first))
        await until(lambda: server.n_asked)
        drawn = asyncio.ensure_future(draw(second))
        await until(lambda: server.n_asked == 2)
        assert PAID.timeout_s < clock.now() <= PAID.timeout_s + BEYOND_S + 1
        server.answers.set()
        assert (await drawn).reply.text == "reply 1", "what was stored first is what both use"
        await hanging

    asyncio.run(both())


def test_in_refresh_the_draw_of_a_process_that_began_meanwhile_is_used() -> None:
    async def both() -> None:
        store, server = DrawMemory(), Server()
        first, second = (sampler_on(store, server, mode=Mode.REFRESH) for _ in range(2))
        made = asyncio.ensure_future(draw(first))
        await until(lambda: server.n_asked)
        waited = asyncio.ensure_future(draw(second))
        server.answers.set()
        assert (await made).reply.text == (await waited).reply.text == "reply 1"

    asyncio.run(both())


def test_what_costs_nothing_is_not_leased() -> None:
    async def both() -> None:
        store, server = DrawMemory(), Server()
        asked = [asyncio.ensure_future(draw(sampler_on(store, server), FREE)) for _ in range(2)]
        await until(lambda: server.n_asked == 2)
        server.answers.set()
        await asyncio.gather(*asked)

    asyncio.run(both())
