"""Trials at workers that come, work, and are lost; the ways to them are queues in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace as replaced
from functools import wraps
from typing import Any

import pytest

from pytest_velo.case_sets import Planned
from pytest_velo.errors import OutageError, UsageError
from pytest_velo.records import Reply, Usage
from pytest_velo.sampling.budget import LocalLedger
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.settings import Api, Endpoint, Price, Settings
from pytest_velo.shards import plain
from pytest_velo.shards.fleet import Fleet
from pytest_velo.shards.messages import (
    Answer,
    Ask,
    Attempt,
    Ended,
    Hello,
    Made,
    Message,
    Refused,
    Shard,
    Welcome,
    encode,
    to_worker,
)
from pytest_velo.shards.worker import GoneError


def on_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Let a test run on an event loop of its own."""

    @wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


LAB = Endpoint(
    name="lab",
    api=Api.OPENAI_CHAT,
    base_url="http://127.0.0.1:1/v1",
    price=Price(input_usd=1.0, output_usd=1.0),
    declared=True,
)
REQUEST = {
    "api": "openai-chat",
    "endpoint": "lab",
    "model": "tiny",
    "messages": [{"role": "user", "content": "?"}],
    "parameters": {"max_tokens": 1},
    "path": "",
}


class Way:
    """The way to one worker; `work` is what it does with each message."""

    def __init__(self, address: str, work: Callable[[Way, Message], None]) -> None:
        self.address = address
        self.heard: list[Message] = []
        self._work = work
        self._out: asyncio.Queue[Message | None] = asyncio.Queue()

    async def send(self, frames: list[bytes]) -> None:
        for frame in frames:
            message = to_worker(frame)
            self.heard.append(message)
            self._work(self, message)

    def say(self, message: Message) -> None:
        self._out.put_nowait(message)

    def die(self) -> None:
        self._out.put_nowait(None)

    async def receive(self) -> list[bytes]:
        message = await self._out.get()
        if message is None:
            raise GoneError("it was killed", ended=True)
        return [encode(message)]

    async def stop(self) -> None:
        pass


class Places:
    """Workers by address, each with what it does."""

    patience_s = 0.2

    def __init__(self, **works: Callable[[Way, Message], None]) -> None:
        self.works = works
        self.ways: dict[str, Way] = {}

    async def workers(self) -> list[str]:
        return [*self.works]

    async def open(self, address: str, folder: str, inside: str) -> Way:
        way = self.ways[address] = Way(address, self.works[address])
        return way

    async def close(self) -> None:
        pass


@asynccontextmanager
async def fleet(places: Places, budget_usd: float | None = None) -> AsyncIterator[tuple[Fleet, LocalLedger]]:
    settings = Settings(endpoints=(LAB,), budget_usd=budget_usd)
    ledger = LocalLedger()
    sampler = Sampler(settings, None, ledger=ledger)
    hello = Hello(args=(), folder="/", inside=".", environment={})
    made = Fleet(places, hello, {"python": "3"}, settings, lambda: sampler)
    yield made, ledger
    await sampler.aclose(0.0)
    await made.aclose()


class Belief:
    """What a fleet needs of a hypothesis."""

    node_id, set_digest, body_digest, stream, may_pay = "test_it.py::test_h", "s", "b", "", True


PLANNED = Planned(index=0, turn=0, unit=0, case=None, case_digest="", case_id="", repeat=0, unit_size=1)


def planned(index: int) -> Planned:
    return replaced(PLANNED, index=index, turn=index, unit=index)


def ended(run: int, index: int) -> Ended:
    return Ended(run=run, index=index, body=plain.dumps({"who": index}))


def good(way: Way, message: Message) -> None:
    """Welcome, and end every trial at once."""
    match message:
        case Hello():
            way.say(Welcome(host="box", prints={"python": "3"}))
        case Shard():
            for at, _ in plain.loads(message.body):
                way.say(ended(message.run, at["index"]))
        case _:
            pass


def dying(way: Way, message: Message) -> None:
    """Welcome, and die of the first trial."""
    if isinstance(message, Shard):
        way.die()
    else:
        good(way, message)


@on_a_loop
async def test_trials_of_one_round_travel_as_one_shard_to_each_worker() -> None:
    places = Places(a=good, b=good)
    async with fleet(places) as (made, _):
        run = made.add(Belief())  # type: ignore[arg-type]
        told = await asyncio.gather(*(made.finish(run, planned(n), 7) for n in range(10)))
    assert [each["who"] for each in told] == [*range(10)]
    shards = [[m for m in way.heard if isinstance(m, Shard)] for way in places.ways.values()]
    assert [len(plain.loads(shard.body)) for of_one in shards for shard in of_one] == [5, 5]


@on_a_loop
async def test_a_trial_of_a_lost_worker_is_run_by_another() -> None:
    places = Places(a=dying, b=good)
    async with fleet(places) as (made, _):
        run = made.add(Belief())  # type: ignore[arg-type]
        told = await asyncio.gather(*(made.finish(run, planned(n), 7) for n in range(4)))
    assert [each["who"] for each in told] == [0, 1, 2, 3]


@on_a_loop
async def test_a_trial_that_kills_each_worker_is_an_error_in_the_end() -> None:
    async with fleet(Places(a=dying)) as (made, _):
        run = made.add(Belief())  # type: ignore[arg-type]
        with pytest.raises(OutageError, match=r"10 workers were lost while they ran trial 0.*it was killed"):
            await made.finish(run, PLANNED, 7)


@on_a_loop
async def test_without_a_worker_it_is_an_error_with_the_reason() -> None:
    async with fleet(Places()) as (made, _):
        run = made.add(Belief())  # type: ignore[arg-type]
        with pytest.raises(OutageError, match=r"no worker for 0\.2 s: the cluster has no worker"):
            await made.finish(run, PLANNED, 7)


@on_a_loop
async def test_a_worker_with_something_else_fails_the_trials() -> None:
    def other(way: Way, message: Message) -> None:
        if isinstance(message, Hello):
            way.say(Welcome(host="box", prints={"python": "2"}))

    async with fleet(Places(a=other)) as (made, _):
        run = made.add(Belief())  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="python is 2 there, 3 here"):
            await made.finish(run, PLANNED, 7)


@on_a_loop
async def test_a_run_that_is_refused_there_fails_with_that_error() -> None:
    def refusing(way: Way, message: Message) -> None:
        if isinstance(message, Shard):
            body = plain.dumps(plain.error_to_plain(UsageError("its cases are different there")))
            way.say(Refused(run=message.run, body=body))
        else:
            good(way, message)

    async with fleet(Places(a=refusing)) as (made, _):
        run = made.add(Belief())  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="its cases are different there"):
            await made.finish(run, PLANNED, 7)


def ask(run: int, call: int) -> Ask:
    body = plain.dumps(REQUEST)
    return Ask(call=call, run=run, target="lab/tiny", key="k", slot=("", 0, call, ""), body=body)


def asking(then: Callable[[Way, Attempt], None]) -> Callable[[Way, Message], None]:
    """A worker whose trials make one call each; `then` is what becomes of the attempt."""

    def work(way: Way, message: Message) -> None:
        match message:
            case Shard():
                for at, _ in plain.loads(message.body):
                    way.say(ask(message.run, at["index"]))
            case Attempt():
                then(way, message)
            case Answer():
                way.say(Ended(run=0, index=message.call, body=message.body))
            case _:
                good(way, message)

    return work


def made_reply(way: Way, attempt: Attempt) -> None:
    reply = Reply(text="yes", usage=Usage(input_tokens=3, output_tokens=1))
    way.say(Made(attempt=attempt.attempt, body=plain.dumps(plain.reply_to_plain(reply))))


async def told(made: Fleet, *indices: int) -> list[Any]:
    run = made.add(Belief())  # type: ignore[arg-type]
    return await asyncio.gather(*(made.finish(run, planned(n), 7) for n in indices))


@on_a_loop
async def test_a_draw_is_made_where_it_is_asked_for_and_booked_here() -> None:
    async with fleet(Places(a=asking(made_reply)), budget_usd=1.0) as (made, ledger):
        (answer,) = await told(made, 0)
    assert plain.reply_from_plain(answer["reply"]).text == "yes"
    assert ledger.spent("") == pytest.approx(4e-6)


@on_a_loop
async def test_what_was_sent_and_not_reported_is_spent_at_its_worst_price() -> None:
    """One attempt is lost with its worker, and made once more by the other: both are booked."""
    lost: list[str] = []

    def once(way: Way, attempt: Attempt) -> None:
        if lost:
            made_reply(way, attempt)
        else:
            lost.append(way.address)
            way.die()

    async with fleet(Places(a=asking(once), b=asking(once)), budget_usd=1.0) as (made, ledger):
        await told(made, 0)
        # At worst each byte of the prompt is a token.
        assert ledger.spent("") > 4e-6 + 9e-6


@on_a_loop
async def test_the_budget_holds_whatever_is_lost() -> None:
    """A budget for two calls at their worst price: the third is refused, although no reply ever came."""
    worst = 11e-6
    sent: list[int] = []

    def never(way: Way, attempt: Attempt) -> None:
        sent.append(attempt.attempt)
        way.die()

    async with fleet(Places(a=asking(never)), budget_usd=2.2 * worst) as (made, ledger):
        (answer,) = await told(made, 0)
        error = plain.error_from_plain(answer)
        assert type(error).__name__ == "BudgetError"
        assert ledger.spent("") <= 2.2 * worst
    assert len(sent) == 2
