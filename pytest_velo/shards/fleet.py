"""The controller's side: trials go to workers, and their calls are answered from this process's sampler.

Cache, budget, concurrency, limits and retries stay where they are without workers: a worker asks for each
draw, and makes an attempt when it is told to. So a draw is stored before its trial sees it, what was to be
sent and was not reported is booked at its worst price, and nothing has to be shared out beforehand.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import Context
from itertools import count
from typing import Any, Protocol

import msgspec

from pytest_velo.case_sets import Planned
from pytest_velo.errors import LostCallError, OutageError, UsageError, VeloError
from pytest_velo.providers.registry import resolve
from pytest_velo.records import Slot
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.sampling.elsewhere import asker
from pytest_velo.sampling.sampler import DrawResult, Sampler
from pytest_velo.settings import Settings
from pytest_velo.shards import plain
from pytest_velo.shards.messages import (
    Answer,
    Ask,
    Begin,
    Broken,
    Drop,
    Ended,
    Hello,
    Made,
    Refused,
    Welcome,
    from_worker,
)
from pytest_velo.shards.prints import check_prints
from pytest_velo.shards.worker import Asker, GoneError, Way, Worker

LOOK_EVERY_S = 1.0  # how often new workers are looked for
MOST_UNSTARTED = 3
"""How many processes may end before they serve: then they do not end by accident."""
GATHER_S = 10.0  # how long the first trials wait for workers that are slower to start
MOST_LOST = 10
"""How many workers may be lost while they run one trial: then the trial is what kills them."""
_CLOSING_S = 9.0

_log = logging.getLogger(__name__)


class Workers(Protocol):
    """Where workers are; `GoneError` says that it cannot be reached."""

    @property
    def patience_s(self) -> float:
        """How long there may be no worker."""
        ...

    async def workers(self) -> list[str]:
        """Return the addresses of those there are now."""
        ...

    async def open(self, address: str, folder: str, inside: str) -> Way:
        """Start a process at one."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


class Fleet:
    """The workers of a session; on the sampling loop. They are started with the first trial for them.

    Args:
        workers: Where they are.
        hello: The pytest session each of them has.
        prints: What each must have collected.
        settings: This session's.
        sampler: Returns the sampler that gets all draws.
    """

    def __init__(
        self,
        workers: Workers,
        hello: Hello,
        prints: Mapping[str, str],
        settings: Settings,
        sampler: Callable[[], Sampler],
    ) -> None:
        self._workers = workers
        self._hello = hello
        self._prints = prints
        self._settings = settings
        self._sampler = sampler
        self._fleet: dict[str, Worker] = {}
        self._runs: dict[int, Hypothesis] = {}
        self._ids = count()
        self._trouble: VeloError | None = None
        self._why_none = "none has started yet"
        self._changed: asyncio.Event | None = None
        self._missing: asyncio.Event
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathered_at = 0.0
        self._n_unstarted = 0
        self.n_lost = 0

    def add(self, hypothesis: Hypothesis) -> int:
        """Announce a run; return its name."""
        run = next(self._ids)
        self._runs[run] = hypothesis
        return run

    def end(self, run: int) -> None:
        """End a run: workers drop what they still do for it."""
        self._runs.pop(run, None)
        for worker in self._fleet.values():
            worker.end(run)

    async def finish(self, run: int, planned: Planned, seed: int) -> plain.Plain:
        """Return what a trial came to at some worker; where that is lost, at another one.

        Raises:
            OutageError: There is no worker any more, or each that runs the trial is lost.
            VeloError: The workers cannot serve it.
        """
        for _ in range(MOST_LOST):
            worker = await self._free()
            try:
                return await worker.finish(run, planned, seed)
            except GoneError as error:
                self._why_none = str(error)
        raise OutageError(
            f"{MOST_LOST} workers were lost while they ran trial {planned.index}, the last one so:"
            f" {self._why_none}",
            where="--velo-workers",
            fix="does its body end its process, or take all memory? Draws made so far are kept",
        )

    async def aclose(self) -> None:
        """End the workers' processes, and leave the cluster."""
        for task in self._tasks:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                ways = [worker.way for worker in self._fleet.values() if worker.way is not None]
                await asyncio.gather(*(way.stop() for way in ways))
        if self._changed is not None:
            await self._workers.close()

    async def _free(self) -> Worker:
        """Return the worker with the fewest trials, waiting for one if there is none."""
        loop = asyncio.get_running_loop()
        if self._changed is None:
            self._changed, self._missing = asyncio.Event(), asyncio.Event()
            self._gathered_at = loop.time() + GATHER_S
            self.spawn(self._look())
        patience_s = self._workers.patience_s
        until = loop.time() + patience_s
        while True:
            if self._trouble is not None:
                raise self._trouble
            ready = [worker for worker in self._fleet.values() if worker.is_ready]
            if ready and (self._n_starting == 0 or loop.time() >= self._gathered_at):
                return min(ready, key=lambda worker: worker.n_trials)
            if self._n_starting:
                until = loop.time() + patience_s
            if loop.time() >= until:
                raise OutageError(
                    f"there has been no worker for {patience_s:g} s: {self._why_none}",
                    where="--velo-workers",
                    fix="look at the scheduler and its workers; what was drawn is kept, and the same command"
                    " goes on from there",
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    self._changed.clear()
                    await self._changed.wait()

    @property
    def _n_starting(self) -> int:
        return sum(worker.is_starting for worker in self._fleet.values())

    async def _look(self) -> None:
        """Start a process at every worker that has none, for as long as the session lasts."""
        while True:
            try:
                found = await self._workers.workers()
                if not found:
                    self._why_none = "the cluster has no worker"
                for address in found:
                    if address not in self._fleet:
                        self._fleet[address] = worker = Worker(address, self.begin, self.spawn)
                        self.spawn(self._serve(worker))
            except GoneError as error:
                self._why_none = str(error)
                _log.info("no cluster: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._missing.wait()
            self._missing.clear()

    async def _serve(self, worker: Worker) -> None:
        """Talk to one worker until it is gone."""
        address = worker.address
        try:
            worker.way = way = await self._workers.open(address, self._hello.folder, self._hello.inside)
            worker.post(self._hello)
            while True:
                for frame in await way.receive():
                    self._handle(worker, frame)
        except GoneError as error:
            self.n_lost += worker.is_ready
            self._why_none = f"worker {address}: {error}"
            self._n_unstarted += error.ended and worker.is_starting
            _log.info("lost %s", self._why_none)
            worker.lose(self._why_none)
            self._fleet.pop(address, None)
            if error.ended:
                self._missing.set()
            if self._n_unstarted > MOST_UNSTARTED:
                self._fail(_never_started(self._why_none))
        except VeloError as error:
            self._fail(error)
        finally:
            self._wake()

    def _handle(self, worker: Worker, frame: bytes) -> None:
        try:
            message = from_worker(frame)
        except msgspec.DecodeError as error:
            raise UsageError(
                f"a worker says what this version does not understand ({error})",
                where=f"worker {worker.address}",
                fix="install the same version of pytest-velo on it",
            ) from None
        match message:
            case Welcome():
                check_prints(self._prints, message.prints, worker=worker.address, host=message.host)
                worker.is_ready = True
                self._wake()
            case Broken():
                raise UsageError(
                    f"the tests cannot be collected there: {message.why}",
                    where=f"worker {worker.address}",
                    fix="run the same command on that host; it needs the same files and packages",
                )
            case Ask():
                worker.answer(message, self._answer(worker, message))
            case Drop():
                worker.drop(message.call)
            case Made():
                worker.made(message)
            case Ended():
                worker.ended(message)
            case Refused():
                worker.refused(message)

    def _fail(self, error: VeloError) -> None:
        """Fail every trial: what one worker lacks is missing whatever runs there."""
        self._trouble = self._trouble or error
        for worker in self._fleet.values():
            worker.fail(error)

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()

    async def _answer(self, worker: Worker, ask: Ask) -> None:
        """Get a draw for a worker's call."""
        try:
            drawn = await self._drawn(worker, ask)
            address = drawn.address
            told = {
                "reply": plain.reply_to_plain(drawn.reply),
                "address": [address.key, address.seed, address.stream, address.slot],
                "drawn_at": drawn.drawn_at,
                "cached": drawn.cached,
            }
            worker.post(Answer(call=ask.call, body=plain.dumps(told)))
        except Exception as error:
            worker.post(Answer(call=ask.call, body=plain.dumps(plain.error_to_plain(error)), failed=True))

    async def _drawn(self, worker: Worker, ask: Ask) -> DrawResult:
        hypothesis = self._runs.get(ask.run)
        if hypothesis is None:
            raise asyncio.CancelledError
        request = plain.request_from_plain(plain.loads(ask.body))
        target = resolve(ask.target, self._settings.endpoints)
        if target.endpoint.identity != request.endpoint:
            raise UsageError(
                f"{ask.target} is at {request.endpoint} there and at {target.endpoint.identity} here",
                where=f"worker {worker.address}",
                fix="give both the same ini file, and the same variables with addresses of servers",
            )
        case, repeat, ordinal, label = ask.slot
        asker.set(Asker(worker, ask.call))
        while True:
            try:
                return await self._sampler().draw(
                    target,
                    request,
                    key=ask.key,
                    slot=Slot(case=case, repeat=repeat, ordinal=ordinal, label=label),
                    stream=hypothesis.stream,
                    may_pay=hypothesis.may_pay,
                )
            except LostCallError:
                # The draw was another worker's, which is gone: now it is this one's.
                if worker.is_lost:
                    raise

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start work of this fleet, in no trial's context."""
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def begin(self, run: int) -> Begin | None:
        """Return what a worker must know of a run; None once it is over."""
        hypothesis = self._runs.get(run)
        if hypothesis is None:
            return None
        return Begin(
            run=run,
            node_id=hypothesis.node_id,
            set_digest=hypothesis.set_digest,
            body_digest=hypothesis.body_digest,
        )


def _never_started(why: str) -> OutageError:
    return OutageError(
        f"the processes that were to run trials end before they do: {why}",
        where="--velo-workers",
        fix="look at what they wrote; nothing was sent to a model",
    )
