"""A crew of worker processes for functions that need a processor.

Each worker is a loky executor with one process, and a thread of this process that hands it one call at a
time. One pool of several processes would break as a whole when one of them dies, and could not say whose call
it was, or end one call and leave the others. Only these threads ever wait for a process: not the sampling
loop, and not the bodies.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Future, InvalidStateError
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

import cloudpickle
from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor

from pytest_velo.errors import ScorerError, StoppedError
from pytest_velo.parallel.parcels import Parcel
from pytest_velo.parallel.worker import Answer, Came, Unwatched, Watching, begin, perform, ready, unpacked

_THREADS = (
    "BLIS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_JOIN_S = 1.0  # how long `close` waits for a worker that was told to end


class Work:
    """One call of a function in a worker process.

    Attributes:
        result: What the function returned, or the exception it raised.
        told: The errors that the trial must hear of, whatever the function made of them.
        seen: The connections that it opened.
        trouble: Why one of them was refused.
    """

    def __init__(
        self,
        parcel: Parcel,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        timeout_s: float | None = None,
        watch: Callable[[], Watching] = Unwatched,
    ) -> None:
        self.parcel = parcel
        self.args = args
        self.kwargs = kwargs
        self.timeout_s = timeout_s
        self.watch = watch
        self.seen: tuple[str, ...] = ()
        self.trouble: BaseException | None = None
        self.told: list[BaseException] = []
        self.result: Future[Any] = Future()
        self.is_unwanted = False
        self._changed = threading.Event()

    def abandon(self) -> None:
        """Want no result any more, from any thread: what waits does not start, what runs is ended."""
        self.is_unwanted = True
        self.result.cancel()
        self._changed.set()

    def wait_for(self, answer: Future[Any], timeout_s: float | None) -> bool:
        """Wait until an answer is there; return False if it took too long, or is not wanted any more."""
        answer.add_done_callback(lambda _: self._changed.set())
        if not self.is_unwanted:
            self._changed.wait(timeout_s)
            self._changed.clear()
        return answer.done() and not self.is_unwanted

    def settle(self, value: Any = None, error: BaseException | None = None) -> None:
        """Give the result, if somebody waits for it."""
        if isinstance(error, StopIteration | GeneratorExit):  # they would end the awaiting coroutine instead
            other = RuntimeError(f"{self.parcel.name} raised {type(error).__name__}")
            other.__cause__, error = error, other
        with suppress(InvalidStateError):
            if error is None:
                self.result.set_result(value)
            else:
                self.result.set_exception(error)


class Crew:
    """Worker processes, each started with the first call that finds no idle one.

    Args:
        most: How many run at once; None for the processors that this process may use.
        sharing: How many processes have a crew of their own and share that number (pytest-xdist).
    """

    def __init__(self, most: int | None, *, sharing: int = 1) -> None:
        self._most = most
        self._sharing = sharing
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[Work | None] = SimpleQueue()
        self._members: list[_Member] = []
        self._n_idle = 0
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """No call is made any more."""
        return self._closed

    @property
    def size(self) -> int:
        """How many calls run at once."""
        return max(1, (self._most or cpu_count()) // self._sharing)

    @property
    def environment(self) -> dict[str, str]:
        """What a worker is told of its share of the processors, where the user has said nothing."""
        threads = str(max(1, cpu_count() // (self.size * self._sharing)))
        return {name: threads for name in _THREADS if name not in os.environ}

    async def run(self, work: Work) -> Any:
        """Have a call made, and return its result; cancelling this ends the call.

        Raises:
            ScorerError: Its process died, or took too long; or what it takes or returns cannot be sent.
            StoppedError: The crew was closed.
        """
        self._start(work)
        try:
            return await asyncio.wrap_future(work.result)
        except asyncio.CancelledError:
            work.abandon()
            raise

    def _start(self, work: Work) -> None:
        with self._lock:
            if self._closed:
                raise StoppedError("sampling was stopped")
            if self._n_idle:
                self._n_idle -= 1
            elif len(self._members) < self.size:
                self._members.append(_Member(self))
            self._waiting.put(work)

    def close(self) -> None:
        """Drop what waits, end what runs, and end the processes. A second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            while not self._waiting.empty():
                if (work := self._waiting.get()) is not None:
                    work.abandon()
            for _ in self._members:
                self._waiting.put(None)
        for member in self._members:
            member.stop()
        for member in self._members:
            member.join(_JOIN_S)

    def next_work(self) -> Work | None:
        """Wait for the next call; None once the crew is closed."""
        return self._waiting.get()

    def note_idle(self) -> None:
        """Count a worker that ended a call; it takes the next one, if one waits."""
        with self._lock:
            if self._waiting.qsize() <= 0:
                self._n_idle += 1


class _Member:
    """One worker process and the thread that waits for it."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._process: ProcessPoolExecutor | None = None
        self._pid: int | None = None  # it leads a group, of what it started
        self._sent: set[str] = set()
        self._work: Work | None = None
        self._thread = threading.Thread(target=self._serve, name="velo-worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End what runs, from any thread."""
        if (work := self._work) is not None:
            work.abandon()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread."""
        self._thread.join(timeout_s)

    def _serve(self) -> None:
        while (work := self._crew.next_work()) is not None:
            self._work = work
            if self._crew.is_closed:
                work.abandon()
            if work.result.set_running_or_notify_cancel():
                try:
                    self._make(work)
                except BaseException as error:
                    work.settle(error=error)
            self._work = None
            del work  # an idle thread keeps no trial alive
            self._crew.note_idle()
        self._end()

    def _make(self, work: Work) -> None:
        """Make a call and settle it."""
        self._make_ready(work)
        answer = self._answer(work)
        work.told = [unpacked(error) for error in answer.told]
        work.seen = answer.seen
        work.trouble = None if answer.trouble is None else unpacked(answer.trouble)
        self._read(work, answer)

    def _make_ready(self, work: Work) -> None:
        """See that there is a process: one that died while it was idle was nobody's fault.

        The start is not the function's time.
        """
        if self._process is not None:
            try:
                alive = self._process.submit(ready)
                if work.wait_for(alive, None) and alive.exception() is None:
                    return
            except BrokenExecutor:
                pass
            if work.is_unwanted:
                raise StoppedError("sampling was stopped")
            self._end()
        self._process = ProcessPoolExecutor(max_workers=1, initializer=begin, env=self._crew.environment)
        self._pid = self._ask(work, self._process.submit(ready), None)

    def _answer(self, work: Work) -> Answer:
        parcel = work.parcel
        content, call = parcel.content, parcel.call(work.args, work.kwargs)
        answer = self._perform(work, None if parcel.digest in self._sent else content, call)
        if answer.came is Came.UNKNOWN:  # loky has replaced the process: it grew too large
            answer = self._perform(work, content, call)
        self._sent.add(parcel.digest)
        return answer

    def _perform(self, work: Work, function: bytes | None, call: bytes) -> Answer:
        assert self._process is not None
        parcel = work.parcel
        answer = self._process.submit(perform, parcel.name, parcel.digest, function, call, work.watch)
        answered: Answer = self._ask(work, answer, work.timeout_s)
        return answered

    def _ask(self, work: Work, answer: Future[Any], timeout_s: float | None) -> Any:
        """Wait for the process; if it dies, takes too long or is not wanted any more, end it.

        Raises:
            ScorerError: It died, or it took too long.
            StoppedError: It is not wanted any more.
        """
        if not work.wait_for(answer, timeout_s):
            self._end()
            raise StoppedError("sampling was stopped") if work.is_unwanted else _late(work)
        try:
            return answer.result()
        except BrokenExecutor as error:
            self._end()
            raise _died(work, str(error)) from None

    def _end(self) -> None:
        """End the process, and what it started; the next call gets another one."""
        process, self._process = self._process, None
        pid, self._pid = self._pid, None
        self._sent.clear()
        if pid is not None and hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        if process is not None:
            process.shutdown(wait=True, kill_workers=True)

    @staticmethod
    def _read(work: Work, answer: Answer) -> None:
        name = work.parcel.name
        match answer.came:
            case Came.RETURNED:
                work.settle(cloudpickle.loads(answer.content))
            case Came.RAISED:
                work.settle(error=unpacked(answer.content))
            case Came.UNSENDABLE:
                kind, _, why = answer.content.decode().partition("\n")
                raise ScorerError(
                    f"{name} returned a {kind}, which cannot be sent back: {why}",
                    fix="return plain values: numbers, texts, lists, dicts",
                )
            case _:
                raise ScorerError(
                    f"{name} cannot be read in its process: {answer.content.decode()}",
                    fix="a fresh Python must find what it imports: install it, or put it on PYTHONPATH",
                )


def _late(work: Work) -> ScorerError:
    return ScorerError(
        f"{work.parcel.name} took longer than its timeout of {work.timeout_s:g} s, and was ended",
        fix="give it more; what counts as an outcome must be limited inside of the scorer",
    )


def _died(work: Work, told: str) -> ScorerError:
    """Return the error of a call whose process is gone. loky tells how only in words."""
    found = re.search(r"\{(?:(SIG\w+)\(|EXIT\()?(-?\d+)", told)
    by = found and found[1]
    how = f"was ended by {by}" if by else f"ended with exit code {found[2]}" if found else "is gone"
    fix = "run the scorer alone on the texts of this trial; its own output, on stderr, may say more"
    if by == "SIGKILL":
        fix = "the memory may have run out: --velo-jobs=1 runs one at a time"
    return ScorerError(
        f"the process of {work.parcel.name} {how} during its call, so there is no outcome", fix=fix
    )
