"""One worker's process, as the controller sees it: what it is asked to do, and what it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Protocol

from pytest_velo.case_sets import Planned
from pytest_velo.errors import LostCallError
from pytest_velo.records import Reply, Request
from pytest_velo.shards import plain
from pytest_velo.shards.messages import (
    Ask,
    Attempt,
    Begin,
    End,
    Ended,
    Made,
    Message,
    Refused,
    Shard,
    encode,
)


class GoneError(Exception):
    """A worker, or the cluster, is gone; the text says why.

    Attributes:
        ended: A worker's process has ended, while the worker is there.
    """

    def __init__(self, why: str, *, ended: bool = False) -> None:
        super().__init__(why)
        self.ended = ended


class Way(Protocol):
    """The way to one worker's process; `GoneError` says that it is gone."""

    address: str

    async def send(self, frames: list[bytes]) -> None:
        """Send messages, in order."""
        ...

    async def receive(self) -> list[bytes]:
        """Return the next messages, perhaps none."""
        ...

    async def stop(self) -> None:
        """End the process."""
        ...


class Spawn(Protocol):
    """Starts work on the loop."""

    def __call__(self, work: Coroutine[Any, Any, None], /) -> asyncio.Task[None]:
        """Start it."""
        ...


class Worker:
    """One worker's process.

    Args:
        address: Names the worker.
        begin: Returns what it must know of a run; None once that is over.
        spawn: Starts work, in no trial's context.
    """

    def __init__(self, address: str, begin: Callable[[int], Begin | None], spawn: Spawn) -> None:
        self.address = address
        self.way: Way | None = None
        self._begin = begin
        self._spawn = spawn
        self.is_ready = False
        self.is_lost = False
        self._trials: dict[tuple[int, int], asyncio.Future[plain.Plain]] = {}
        self._begun: set[int] = set()
        self._refused: dict[int, BaseException] = {}
        self._shards: dict[int, list[tuple[plain.Plain, int]]] = {}
        self._answers: dict[int, asyncio.Task[None]] = {}
        self._attempts: dict[int, asyncio.Future[Reply]] = {}
        self._ids = count()
        self._outbox: list[Message] = []
        self._sending = False

    @property
    def is_starting(self) -> bool:
        """It has not welcomed us yet."""
        return not self.is_ready and not self.is_lost

    @property
    def n_trials(self) -> int:
        """Trials under way there."""
        return len(self._trials)

    async def finish(self, run: int, planned: Planned, seed: int) -> plain.Plain:
        """Return what a trial came to; the trials of one round of the loop travel as one shard."""
        if run in self._refused:
            raise self._refused[run]
        if run not in self._begun:
            begin = self._begin(run)
            if begin is None:
                raise asyncio.CancelledError
            self._begun.add(run)
            self.post(begin)
        if run not in self._shards:
            self._shards[run] = []
            asyncio.get_running_loop().call_soon(self._send_shard, run)
        self._shards[run].append((plain.planned_to_plain(planned), seed))
        future: asyncio.Future[plain.Plain] = asyncio.get_running_loop().create_future()
        self._trials[run, planned.index] = future
        try:
            return await future
        finally:
            self._trials.pop((run, planned.index), None)

    def end(self, run: int) -> None:
        """Tell it that a run is over."""
        self._shards.pop(run, None)
        if run in self._begun:
            self._begun.discard(run)
            self.post(End(run=run))

    def post(self, message: Message) -> None:
        """Send a message with the others of this round of the loop."""
        self._outbox.append(message)
        if not self._sending and not self.is_lost:
            self._sending = True
            self._spawn(self._send())

    def answer(self, ask: Ask, work: Coroutine[Any, Any, None]) -> None:
        """Answer a call."""
        task = self._answers[ask.call] = self._spawn(work)
        task.add_done_callback(lambda _: self._answers.pop(ask.call, None))

    def drop(self, call: int) -> None:
        """Stop waiting for a draw that no trial needs; if it is under way it is kept all the same."""
        if (task := self._answers.get(call)) is not None:
            task.cancel()

    async def attempt(self, call: int, request: Request, seed: int | None) -> Reply:
        """Have one attempt made; errors as in `Asker.attempt`."""
        if self.is_lost:
            raise _lost(self.address, was_sent=False)
        name = next(self._ids)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._attempts[name] = future
        self.post(Attempt(attempt=name, call=call, seed=seed, n=request.parameters.get("n")))
        try:
            return await future
        finally:
            self._attempts.pop(name, None)

    def made(self, made: Made) -> None:
        """Take what an attempt brought."""
        future = self._attempts.get(made.attempt)
        if future is None or future.done():
            return
        told = plain.loads(made.body)
        if made.failed:
            future.set_exception(plain.error_from_plain(told))
        else:
            future.set_result(plain.reply_from_plain(told))

    def ended(self, ended: Ended) -> None:
        """Take what a trial came to."""
        future = self._trials.get((ended.run, ended.index))
        if future is not None and not future.done():
            future.set_result(plain.loads(ended.body))

    def refused(self, refused: Refused) -> None:
        """Fail the trials of a run that it cannot serve."""
        error = self._refused[refused.run] = plain.error_from_plain(plain.loads(refused.body))
        for (run, _), future in self._trials.items():
            if run == refused.run and not future.done():
                future.set_exception(error)

    def lose(self, why: str) -> None:
        """Give up everything: trials go elsewhere, calls under way are lost."""
        self.is_ready, self.is_lost = False, True
        for task in list(self._answers.values()):
            task.cancel()
        for attempt in self._attempts.values():
            if not attempt.done():
                attempt.set_exception(_lost(self.address, was_sent=True))
        self.fail(GoneError(why))

    def fail(self, error: Exception) -> None:
        """End the waiting for all trials."""
        for future in self._trials.values():
            if not future.done():
                future.set_exception(error)

    def _send_shard(self, run: int) -> None:
        trials = self._shards.pop(run, None)
        if trials:
            self.post(Shard(run=run, body=plain.dumps(trials)))

    async def _send(self) -> None:
        """Send what is to be said; in order, since nothing else sends."""
        try:
            while self._outbox and not self.is_lost:
                outbox, self._outbox = self._outbox, []
                assert self.way is not None  # nothing is said before it is open
                await self.way.send([encode(message) for message in outbox])
        except GoneError as error:
            self.lose(f"worker {self.address}: {error}")
        finally:
            self._sending = False


class Asker:
    """One call of one worker."""

    def __init__(self, worker: Worker, call: int) -> None:
        self._worker = worker
        self._call = call

    async def attempt(self, request: Request, seed: int | None) -> Reply:
        """Have one attempt made there."""
        return await self._worker.attempt(self._call, request, seed)


def _lost(address: str, *, was_sent: bool) -> LostCallError:
    booked = "it may have been answered, and is booked at its worst price" if was_sent else "it was not sent"
    return LostCallError(
        f"a call was lost with the worker that was to make it; {booked}",
        was_sent=was_sent,
        where=f"worker {address}",
    )
