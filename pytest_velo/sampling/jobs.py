"""Work on the sampling loop that a thread waits for, and how the waiting can end early."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from pytest_velo.errors import StoppedError
from pytest_velo.waiting import result_of

T = TypeVar("T")


class Job(Generic[T]):
    """One coroutine on the loop and the thread that waits for its `result`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> None:
        self.result: Future[T] = Future()
        self._loop = loop
        self._work = work
        self._task: asyncio.Task[T] | None = None

    def start(self) -> None:
        """Start it on the loop, from any thread."""
        self._loop.call_soon_threadsafe(self._start)

    def wait(self, limit_s: float | None = None) -> T:
        """Return the result, on the main thread; what a signal raises there ends the wait.

        Raises:
            TimeoutError: There is none after `limit_s` seconds; or the work raised it.
        """
        return result_of(self.result, limit_s)

    def cancel(self) -> None:
        """Cancel the task, from any thread; the result comes once it has wound down."""
        with suppress(RuntimeError):  # the loop is closed: nothing is left to cancel
            self._loop.call_soon_threadsafe(self._cancel)

    def stop(self) -> None:
        """Fail the waiting thread at once, then cancel the task."""
        with suppress(InvalidStateError):
            self.result.set_exception(stopped())
        self.cancel()

    def _start(self) -> None:
        if self.result.done():  # stopped before it began
            self._work.close()
            return
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(self._finish)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        elif not self.result.done():
            self.result.set_exception(stopped())

    def _finish(self, task: asyncio.Task[T]) -> None:
        error = stopped() if task.cancelled() else task.exception()
        with suppress(InvalidStateError):  # it was stopped meanwhile
            if error is None:
                self.result.set_result(task.result())
            else:
                self.result.set_exception(error)


class Body:
    """A blocking body in its worker thread, and the jobs it waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: set[Job[Any]] = set()
        self._stopped = False

    def wait_for(self, job: Job[T]) -> T:
        """Wait for `job` in this thread.

        Raises:
            StoppedError: The body was stopped, before or during the wait.
        """
        with self._lock:
            self._jobs.add(job)
            stopped_before = self._stopped
        if stopped_before:
            job.stop()
        try:
            return job.result.result()
        finally:
            with self._lock:
                self._jobs.discard(job)

    def stop(self) -> None:
        """Fail what the body waits for, and all its later calls."""
        with self._lock:
            self._stopped = True
            waiting = tuple(self._jobs)
        for job in waiting:
            job.stop()


current_body: ContextVar[Body | None] = ContextVar("pytest_velo_body", default=None)


def run_body(
    func: Callable[[], T], loop: asyncio.AbstractEventLoop, outcome: asyncio.Future[T]
) -> Callable[[], None]:
    """Run `func` in a worker thread; return what passes its result or exception to `outcome` on `loop`.

    `loop` runs in another thread. Nothing is raised, and nothing passed if `outcome` is done already.
    """

    def settle(result: Any, error: BaseException | None) -> None:
        if outcome.done():  # nothing waits any more
            if asyncio.iscoroutine(result):
                result.close()  # else Python warns that it was never awaited
            return
        if error is None:
            outcome.set_result(result)
        else:
            outcome.set_exception(error)

    result: Any = None
    error: BaseException | None = None
    try:
        result = func()
    except (StopIteration, GeneratorExit) as stop:  # they would end the awaiting coroutine instead
        error = RuntimeError(f"the body raised {type(stop).__name__}")
        error.__cause__ = stop
    except BaseException as raised:
        error = raised

    def tell() -> None:
        with suppress(RuntimeError):  # the loop is closed: nothing waits any more
            loop.call_soon_threadsafe(settle, result, error)

    return tell


def stopped() -> StoppedError:
    """Return the error for callers that wait while sampling stops."""
    return StoppedError("sampling was stopped")
