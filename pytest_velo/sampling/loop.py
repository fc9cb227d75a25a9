"""One asyncio loop in its own thread, on which all draws of a process are made.

Three kinds of callers meet here: the main thread runs a whole session with `run`, coroutine bodies live on
the loop itself, and blocking bodies run in worker threads (`run_blocking`) and wait with `call` for what they
ask of the loop. All waiting callers are told when the loop ends, so none waits on a stopped loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_velo import parallel
from pytest_velo.errors import UsageError
from pytest_velo.sampling.jobs import Body, Job, current_body, run_body, stopped
from pytest_velo.sampling.threads import DaemonThreads

if TYPE_CHECKING:
    from pytest_velo.parallel import Crew

T = TypeVar("T")

Closer = Callable[[], Awaitable[None]]

WIND_DOWN_S = 10.0  # how long Ctrl-C and `close` wait for what was cancelled
_STRAGGLERS_S = 1.0  # how long `close` waits for tasks that resist their cancellation
_HURRIED_S = 0.6  # how long each wait may take once Ctrl-C came: a run ends within 3 s
_UNANSWERED_S = 0.3  # the same once one was in vain
_CALLS_S = 5.0  # how long calls under way may still take at the end

_log = logging.getLogger(__name__)


class SampleLoop:
    """The sampling loop of this process; its thread starts with the first work it is given.

    A process forked from one with a running loop gets its own loop. Ctrl-C and `close` wait up to
    `wind_down_s` seconds for cancelled work.

    Args:
        wind_down_s: As above.
        jobs: As in `parallel.Crew`, which is made on first use.
        workers: How many processes share that number.
    """

    def __init__(
        self, *, wind_down_s: float = WIND_DOWN_S, jobs: int | None = None, workers: int = 1
    ) -> None:
        self._wind_down_s = wind_down_s
        self._jobs = jobs
        self._workers = workers
        self._crew: Crew | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._running: _Running | None = None
        self._closed = False
        self._hurried = False
        self._unanswered = False
        self._closing: _Running | None = None
        self._closers: list[Closer] = []

    @property
    def is_hurried(self) -> bool:
        """Ctrl-C came: nothing is waited for longer than a moment, and what blocks is left behind."""
        return self._hurried

    @property
    def calls_s(self) -> float:
        """How long a closer may wait for calls under way, in seconds."""
        return _HURRIED_S / 2 if self._hurried else _CALLS_S

    def hurry(self) -> None:
        """Note that Ctrl-C came while the main thread did not wait for the loop; shorten all waits."""
        self._hurried = True
        if (running := self._running or self._closing) is not None:
            running.hurry(_HURRIED_S / 2)

    def on_close(self, closer: Closer) -> None:
        """Have `closer` awaited on the loop when it closes; the last one registered comes first."""
        self._closers.append(closer)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start `work` on the loop, from any other thread, in a copy of the caller's context.

        Raises:
            StoppedError: The loop was closed.
            UsageError: Called on the loop itself, where work is awaited.
        """
        job = self._job(work)
        job.start()
        return job.result

    async def join(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and await it on another one; cancelling the wait cancels it.

        Raises:
            StoppedError: The loop was closed, before or during the wait.
            UsageError: Called on the loop itself, where work is awaited.
        """
        job = self._job(work)
        job.start()
        try:
            return await asyncio.wrap_future(job.result)
        except asyncio.CancelledError:
            job.cancel()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop from the main thread and wait for it.

        The exception of a timeout plugin's signal cancels `work`, gives it `wind_down_s` seconds to finish
        with what it has, and is then raised. Ctrl-C gives it a moment; a second one does not wait.

        Raises:
            StoppedError: The loop was closed, before or during the wait; or, after Ctrl-C, the work takes
                longer than a moment, which it does if a body blocks the loop.
            UsageError: Called on the loop itself, which would wait for itself.
        """
        job = self._job(work)
        try:
            job.start()
            return job.wait(self._limit_s() if self._hurried else None)
        except BaseException as error:
            if job.result.done():
                raise
            if isinstance(error, TimeoutError) and self._hurried:
                job.cancel()
                raise stopped() from None
            self._hurried |= isinstance(error, KeyboardInterrupt)
            job.cancel()  # the waiting was interrupted, not the work
            _, late = wait_for_futures([job.result], timeout=self._limit_s())
            self._unanswered = bool(late)
            raise

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop from a worker thread of a blocking body and wait for it.

        Raises:
            StoppedError: The loop was closed, or the body was cancelled, before or during the wait.
            UsageError: Called on the loop itself, which would wait for itself.
        """
        job = self._job(work)
        job.start()
        body = current_body.get()
        return job.result.result() if body is None else body.wait_for(job)

    async def run_blocking(self, func: Callable[[], T]) -> T:
        """Run `func` in a worker thread, in a copy of this context, and await its result.

        If the awaiting task is cancelled, every pending or later `call` of the function raises StoppedError;
        the function itself cannot be interrupted and is not waited for.

        Raises:
            StoppedError: The loop was closed before.
        """
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        body = Body()
        context = contextvars.copy_context()
        context.run(current_body.set, body)
        running = self._running
        if running is None or not running.threads.submit(
            partial(run_body, partial(context.run, func), loop, outcome)
        ):
            raise stopped()
        try:
            return await outcome
        except asyncio.CancelledError:
            body.stop()
            raise

    def crew(self) -> Crew:
        """Return the worker processes of scorers.

        Raises:
            StoppedError: The loop was closed.
        """
        self._forget_parent()
        with self._lock:
            if self._closed:
                raise stopped()
            if self._crew is None:
                self._crew = parallel.Crew(self._jobs, sharing=self._workers)
            return self._crew

    def close(self) -> None:
        """End the loop; on return nothing waits for it any more. A second call does nothing.

        The order matters: waiting threads are failed, and new work refused, before the loop stops. Then the
        closers run (a sampler lets calls that were already sent finish), the remaining tasks are cancelled,
        and the thread ends. It takes little more than `wind_down_s` seconds, after Ctrl-C little more than
        one: what resists longer is left behind in daemon threads. Ctrl-C during it ends the waiting only.
        """
        self._forget_parent()
        with self._lock:
            self._closed = True
            running, self._running = self._running, None
            crew, self._crew = self._crew, None
            self._closing = running
        if crew is not None:
            crew.close()
        if running is None:
            return
        try:
            running.close(
                self._closers[::-1], self._limit_s(), _HURRIED_S / 4 if self._hurried else _STRAGGLERS_S
            )
        except KeyboardInterrupt:
            self._hurried = True  # the end is near, and what is known is yet to be written

    def _limit_s(self) -> float:
        if not self._hurried:
            return self._wind_down_s
        return min(self._wind_down_s, _UNANSWERED_S if self._unanswered else _HURRIED_S)

    def _job(self, work: Coroutine[Any, Any, T]) -> Job[T]:
        try:
            return self._ensure().job(work)
        except BaseException:
            work.close()  # else Python warns of a coroutine that was never awaited
            raise

    def _ensure(self) -> _Running:
        self._forget_parent()
        with self._lock:
            if self._closed:
                raise stopped()
            if self._running is None:
                self._running = _Running()
            return self._running

    def _forget_parent(self) -> None:
        """Drop what a fork copied: the loop's thread stayed in the parent."""
        if self._pid != os.getpid():
            self._pid, self._lock, self._running = os.getpid(), threading.Lock(), None
            self._crew = None


class _Running:
    """A loop with its thread, its worker threads and the jobs being waited for."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.threads = DaemonThreads("velo-body")
        self._jobs: dict[Job[Any], None] = {}  # the oldest first
        self._jobs_lock = threading.Lock()
        self._refusing = False
        self._stopping = False
        self._winding_down: asyncio.Task[None] | None = None
        self._patience: asyncio.Timeout | None = None
        self._thread = threading.Thread(target=self._serve, name="velo-sampling", daemon=True)
        self._thread.start()

    def job(self, work: Coroutine[Any, Any, T]) -> Job[T]:
        """Accept `work`, not yet started; refused on the loop's own thread and after `close`."""
        if threading.current_thread() is self._thread:
            raise UsageError(
                "a blocking call on the sampling loop would wait for itself",
                fix="await it instead; run a helper that blocks with asyncio.to_thread",
            )
        job = Job(self.loop, work)
        with self._jobs_lock:
            if self._refusing:
                raise stopped()
            self._jobs[job] = None
        job.result.add_done_callback(partial(self._forget, job))
        return job

    def close(self, closers: Sequence[Closer], wind_down_s: float, stragglers_s: float) -> None:
        """Fail the waiting threads, refuse new work, wind down, stop."""
        with self._jobs_lock:
            self._refusing = True
            waiting = tuple(self._jobs)
        # Work is told before the calls that its bodies make: a body that swallows what its call raises would
        # else end work that then looks whole.
        for job in waiting:
            job.stop()
        self.threads.close()
        self.loop.call_soon_threadsafe(self._start_winding_down, closers, wind_down_s, stragglers_s)
        if threading.current_thread() is not self._thread:
            self._thread.join(wind_down_s + 3 * stragglers_s)

    def hurry(self, limit_s: float) -> None:
        """Give what is winding down no longer than this, from any thread."""

        def shorten() -> None:
            if self._patience is not None:
                self._patience.reschedule(self.loop.time() + limit_s)

        with suppress(RuntimeError):  # the loop has closed
            self.loop.call_soon_threadsafe(shorten)

    def _forget(self, job: Job[Any], _: Future[Any]) -> None:
        with self._jobs_lock:
            self._jobs.pop(job, None)

    def _start_winding_down(self, closers: Sequence[Closer], wind_down_s: float, stragglers_s: float) -> None:
        self._winding_down = self.loop.create_task(self._wind_down(closers, wind_down_s, stragglers_s))

    async def _wind_down(self, closers: Sequence[Closer], wind_down_s: float, stragglers_s: float) -> None:
        try:
            async with asyncio.timeout(wind_down_s) as self._patience:
                for closer in closers:
                    await _close_quietly(closer)
        except TimeoutError:
            _log.warning("closing the providers took more than %g s: they are left open", wind_down_s)
        self._patience = None
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=stragglers_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(stragglers_s):
                await self.loop.shutdown_asyncgens()
        self._stopping = True
        self.loop.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._stopping:
            # A body that raises SystemExit throws it through run_forever. The loop goes on; the
            # exception reaches the caller that waits for that body.
            with suppress(SystemExit, KeyboardInterrupt):
                self.loop.run_forever()
        self.loop.close()


async def _close_quietly(closer: Closer) -> None:
    """Run one closer; log its failure, so that the others still run."""
    try:
        await closer()
    except Exception as error:
        _log.warning("closing failed: %s: %s", type(error).__name__, error)
