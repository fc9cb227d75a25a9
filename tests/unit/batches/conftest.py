"""A loopback server with batch APIs, and a desk in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pytest_velo.batches.book import Book
from pytest_velo.batches.desk import Desk
from pytest_velo.batches.entry import Batch, Wanted
from pytest_velo.batches.submission import Submission, submit
from pytest_velo.batches.watching import Look, look_at_all, wait
from pytest_velo.cache.keys import request_key
from pytest_velo.cache.store import Store
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.registry import Target
from pytest_velo.records import Address, Draw
from pytest_velo.settings import Settings
from support.batch_server import EPOCH, BatchServer

T = TypeVar("T")
APIS = ("openai-chat", "openai-responses", "anthropic")


class Instant:
    """A clock on which no time passes, that remembers how long it was asked to wait."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Office:
    """Submits and collects at the loopback server, in a cache folder of its own."""

    def __init__(
        self, server: BatchServer, folder: Path, api: str, more: str = "price=1/1 batch=0.5"
    ) -> None:
        self.server = server
        self.endpoint = parse_endpoint(server.endpoint(api, more))
        self.settings = Settings(
            endpoints=(self.endpoint,), cache_dir=folder, budget_usd=None, batch_every_s=1.0
        )
        self.clock = Instant()
        self.now = float(EPOCH)

    def wants(self, n: int = 3, model: str = "tiny", **parameters: Any) -> list[Wanted]:
        """Return draws of as many cases."""
        target = Target(endpoint=self.endpoint, model=model)
        found = []
        for place in range(n):
            request = target.request([{"role": "user", "content": f"question {place}"}], parameters)
            address = Address(key=request_key(request), seed=0, stream="", slot=f"case-{place}:0:0")
            found.append(Wanted(target=target, request=request, address=address))
        return found

    def at_desk(self, work: Callable[[Desk], Coroutine[Any, Any, T]]) -> T:
        """Do something at a desk that is opened for it."""

        async def worked() -> T:
            store = Store.open(self.settings.cache_dir / "draws.sqlite")
            desk = Desk(self.settings, store, clock=self.clock, now=lambda: self.now)
            try:
                return await work(desk)
            finally:
                await desk.aclose()
                store.close()

        return asyncio.run(worked())

    def submit(self, wanted: Sequence[Wanted], committed_usd: float | None = 0.0) -> Submission:
        """Hand in."""
        return self.at_desk(lambda desk: submit(desk, wanted, committed_usd=committed_usd))

    def look(self, *, collects: bool = True, served: str = "") -> list[Look]:
        """Look once at all that is under way."""
        return self.at_desk(lambda desk: look_at_all(desk, collects=collects, served=served))

    def wait(self) -> list[Look]:
        """Wait for all that is under way."""

        async def waited(desk: Desk) -> list[Look]:
            return await wait(desk, [batch.name for batch in desk.book.batches()], lambda _: None)

        return self.at_desk(waited)

    def batches(self) -> list[Batch]:
        """Return what the book has."""
        book = Book.open(self.settings.cache_dir)
        try:
            return book.batches()
        finally:
            book.close()

    def draw(self, wanted: Wanted) -> Draw | None:
        """Return the draw that is stored for what was wanted."""
        store = Store.open(self.settings.cache_dir / "draws.sqlite")
        try:
            return store.get(wanted.address)
        finally:
            store.close()

    def stored(self, wanted: Sequence[Wanted]) -> list[str | None]:
        """Return the texts that are stored."""
        store = Store.open(self.settings.cache_dir / "draws.sqlite")
        try:
            draws = [store.get(each.address) for each in wanted]
        finally:
            store.close()
        return [None if draw is None else draw.reply.text for draw in draws]

    def says(self, each: Wanted) -> str:
        """Return what the server answers to this request and to no other."""

        async def answered(desk: Desk) -> str:
            wire = desk.service_of(self.endpoint).wire
            body = wire.to_wire(each.request, each.seed)
            _, answer = self.server.answer(wire.path, body)
            return wire.from_wire(answer, each.request, 0.0).text

        return self.at_desk(answered)

    def capped(self, usd: float | None) -> Office:
        """Set the budget."""
        self.settings = replace(self.settings, budget_usd=usd)
        return self


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    """Serve the batch APIs."""
    monkeypatch.setenv("LAB_KEY", "sk-canary-7f3a91c2e5d84b60")
    serving = BatchServer()
    yield serving
    serving.close()


@pytest.fixture(params=APIS)
def office(server: BatchServer, tmp_path: Path, request: pytest.FixtureRequest) -> Office:
    """Work with each API in turn."""
    return Office(server, tmp_path, request.param)


@pytest.fixture
def chat(server: BatchServer, tmp_path: Path) -> Office:
    """Work with chat completions."""
    return Office(server, tmp_path, "openai-chat")


@pytest.fixture
def messages(server: BatchServer, tmp_path: Path) -> Office:
    """Work with the messages API."""
    return Office(server, tmp_path, "anthropic")
