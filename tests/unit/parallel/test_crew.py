"""Worker processes: what they do, how they end, and that they are replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.errors import BodyError, ScorerError, StoppedError
from pytest_velo.parallel import Crew, Parcel, Work
from pytest_velo.sampling.outside import Outside

pytestmark = pytest.mark.processes

KEPT: list[int] = []


def keep(value: int) -> list[int]:
    KEPT.append(value)
    return KEPT


def process() -> int:
    return os.getpid()


def end_by(number: int) -> None:
    os.kill(os.getpid(), number)


def leave(code: int) -> None:
    os._exit(code)


def hang(fifo: str) -> None:
    """Tell that this runs, by a pipe that is closed once this process and its child have ended."""
    with open(fifo, "w") as told:
        told.write("running\n")
        told.flush()
        subprocess.run([sys.executable, "-c", "import signal; signal.pause()"], pass_fds=[told.fileno()])


def connect(port: int) -> str:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return "failed"
    return "connected"


def work(function: Any, *args: Any, **given: Any) -> Work:
    return Work(Parcel(function, f"the scorer `{function.__name__}`"), args, {}, **given)


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    """One process, so that what ends it is seen by the next call."""
    crew = Crew(1)
    yield crew
    crew.close()


@pytest.fixture
def fifo(tmp_path) -> Path:
    path = tmp_path / "told"
    os.mkfifo(path)
    return path


def ran(crew: Crew, function: Any, *args: Any, **given: Any) -> Any:
    return asyncio.run(crew.run(work(function, *args, **given)))


def test_a_process_is_kept_and_what_it_keeps_too(crew) -> None:
    first = ran(crew, process)
    assert first != os.getpid()
    assert ran(crew, keep, 1) == [1]
    assert ran(crew, keep, 2) == [1, 2]
    assert ran(crew, process) == first
    assert KEPT == [], "it is a copy"


@pytest.mark.parametrize(
    ("function", "by", "how"),
    [
        (end_by, signal.SIGKILL, "`end_by` was ended by SIGKILL"),
        (end_by, signal.SIGTERM, "`end_by` was ended by SIGTERM"),
        (leave, 3, "`leave` ended with exit code 3"),
        (leave, 0, "`leave` ended with exit code 0"),
    ],
)
def test_a_process_that_dies_is_an_error_and_is_replaced(crew, function, by, how) -> None:
    before = ran(crew, process)
    with pytest.raises(ScorerError) as raised:
        ran(crew, function, by)
    assert how in raised.value.what
    assert ("--velo-jobs=1" in raised.value.fix) == (by == signal.SIGKILL)
    assert ran(crew, process) != before


def test_a_process_that_dies_while_it_is_idle_is_replaced(crew) -> None:
    idle = ran(crew, process)
    os.kill(idle, signal.SIGKILL)
    pause = threading.Event()
    while Path(f"/proc/{idle}").exists():  # until it was waited for
        pause.wait(0.01)
    assert ran(crew, process) != idle


def test_what_takes_too_long_is_ended_with_what_it_started(crew, fifo) -> None:
    with pytest.raises(ScorerError, match=r"longer than its timeout of 0\.2 s"):
        ran(crew, time.sleep, 1e6, timeout_s=0.2)

    async def cancelled() -> str:
        task = asyncio.ensure_future(crew.run(work(hang, str(fifo))))
        with await asyncio.to_thread(open, fifo) as told:
            assert await asyncio.to_thread(told.readline) == "running\n"
            queued = asyncio.ensure_future(crew.run(work(end_by, signal.SIGKILL)))
            await asyncio.sleep(0)
            queued.cancel()
            task.cancel()
            await asyncio.wait([task, queued])
            assert task.cancelled()
            assert queued.cancelled()
            return await asyncio.to_thread(told.read)  # it ends once nobody holds the pipe

    assert asyncio.run(cancelled()) == ""
    assert ran(crew, abs, -1) == 1, "what was dropped before it began ends no process"


def test_connections_are_told_and_refused(crew) -> None:
    listening = __import__("socket").create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    try:
        may, may_not = Outside(), Outside("this mode opens no socket")
        allowed = work(connect, port, watch=may.elsewhere())
        assert asyncio.run(crew.run(allowed)) == "connected"
        assert allowed.seen == (f"127.0.0.1:{port}",)
        refused = work(connect, port, watch=may_not.elsewhere())
        with pytest.raises(BaseException, match="opens no socket"):
            asyncio.run(crew.run(refused))
        assert isinstance(refused.trouble, BodyError)
    finally:
        listening.close()


def test_closing_ends_what_runs_and_what_waits(fifo) -> None:
    crew = Crew(1)

    async def closed() -> list[Any]:
        tasks = [asyncio.ensure_future(crew.run(work(hang, str(fifo)))) for _ in range(2)]
        with await asyncio.to_thread(open, fifo) as told:
            assert await asyncio.to_thread(told.readline) == "running\n"
            await asyncio.to_thread(crew.close)
            assert await asyncio.to_thread(told.read) == ""
        return await asyncio.gather(*tasks, return_exceptions=True)

    ended = asyncio.run(closed())
    assert all(isinstance(each, StoppedError | asyncio.CancelledError) for each in ended), ended
    with pytest.raises(StoppedError):
        ran(crew, abs, -1)


def test_processes_that_share_the_processors_share_the_number() -> None:
    assert [Crew(5, sharing=n).size for n in (1, 2, 9)] == [5, 2, 1]
    assert Crew(None).size >= 1
