"""The sampling loop: who waits for it, how the waiting ends, and that nothing hangs."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest

from pytest_velo.errors import StoppedError, UsageError
from pytest_velo.sampling.loop import SampleLoop

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


@pytest.fixture
def loop() -> Iterator[SampleLoop]:
    loop = SampleLoop(wind_down_s=60.0)
    yield loop
    loop.close()


async def thread_name() -> str:
    return threading.current_thread().name


def test_work_runs_on_one_thread_of_its_own(loop: SampleLoop) -> None:
    names = {loop.run(thread_name()), loop.run(thread_name())}
    assert names == {"velo-sampling"}


def test_the_thread_starts_with_the_first_work() -> None:
    before = {*threading.enumerate()}
    loop = SampleLoop()
    assert not {*threading.enumerate()} - before  # those of other tests may end meanwhile
    loop.close()


def test_an_exception_reaches_the_caller_and_the_loop_lives_on(loop: SampleLoop) -> None:
    async def fail() -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        loop.run(fail())
    assert loop.run(thread_name()) == "velo-sampling"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_a_body_that_exits_does_not_kill_the_loop(loop: SampleLoop, error: BaseException) -> None:
    async def leave() -> None:
        raise error

    with pytest.raises(type(error)):
        loop.run(leave())
    assert loop.run(thread_name()) == "velo-sampling"


def test_the_callers_context_is_copied_both_ways_down(loop: SampleLoop) -> None:
    async def outer() -> tuple[str, str]:
        WHO.set("trial 7")
        return await loop.run_blocking(lambda: (WHO.get(), loop.call(inner())))

    async def inner() -> str:
        return WHO.get()

    WHO.set("main")
    assert loop.run(inner()) == "main"
    assert loop.run(outer()) == ("trial 7", "trial 7")
    assert WHO.get() == "main"


def test_blocking_bodies_run_side_by_side(loop: SampleLoop) -> None:
    everyone = threading.Barrier(12, timeout=60)

    async def session() -> list[int]:
        return await asyncio.gather(*(loop.run_blocking(everyone.wait) for _ in range(12)))

    assert sorted(loop.run(session())) == list(range(12))


def test_threads_are_reused(loop: SampleLoop) -> None:
    async def session() -> set[int]:
        return {await loop.run_blocking(threading.get_ident) for _ in range(100)}

    assert len(loop.run(session())) == 1


@pytest.mark.parametrize("kind", [StopIteration, GeneratorExit])
def test_what_ends_a_generator_in_a_blocking_body_is_an_error_not_a_hang(
    loop: SampleLoop, kind: type[BaseException]
) -> None:
    def body() -> None:
        raise kind

    async def session() -> object:
        return await loop.run_blocking(body)

    with pytest.raises(RuntimeError, match=kind.__name__):
        loop.run(session())


def test_a_blocking_call_on_the_loop_itself_is_refused(loop: SampleLoop) -> None:
    async def session() -> None:
        loop.call(thread_name())

    with pytest.raises(UsageError, match="wait for itself") as caught:
        loop.run(session())
    assert "await" in caught.value.fix


def test_a_cancelled_blocking_body_is_told_at_its_next_call(loop: SampleLoop) -> None:
    waiting, told = threading.Event(), []

    async def for_ever() -> None:
        waiting.set()
        await asyncio.Event().wait()

    finished = threading.Event()

    def body() -> None:
        for _ in range(2):  # the call it waits for, and the one it makes later
            try:
                loop.call(for_ever())
            except StoppedError as error:
                told.append(error.what)
        finished.set()

    async def session() -> None:
        task = asyncio.create_task(loop.run_blocking(body))
        await asyncio.to_thread(waiting.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    loop.run(session())
    assert finished.wait(60)
    assert told == ["sampling was stopped"] * 2


def test_hazard_13_closing_frees_blocking_bodies_and_refuses_new_calls() -> None:
    loop = SampleLoop(wind_down_s=60.0)
    everyone = threading.Barrier(6, timeout=60)
    told: list[str] = []
    finished = threading.Semaphore(0)

    async def for_ever() -> None:
        await asyncio.Event().wait()

    def body() -> None:
        everyone.wait()
        for _ in range(3):  # a body that catches everything and tries again
            try:
                loop.call(for_ever())
            except Exception as error:
                told.append(type(error).__name__)
        finished.release()

    async def session() -> None:
        await asyncio.gather(*(loop.run_blocking(body) for _ in range(5)))

    waiting = loop.submit(session())
    everyone.wait()
    loop.close()
    for _ in range(5):
        assert finished.acquire(timeout=60)
    assert told == ["StoppedError"] * 15
    with pytest.raises(StoppedError):
        waiting.result(timeout=60)
    with pytest.raises(StoppedError):
        loop.run(for_ever())
    loop.close()  # a second time: nothing to do


def test_work_that_bodies_end_because_the_loop_closes_is_not_taken_for_whole() -> None:
    for _ in range(20):
        loop = SampleLoop(wind_down_s=60.0)
        waits = threading.Event()

        async def for_ever(waits: threading.Event) -> None:
            waits.set()
            await asyncio.Event().wait()

        def body(loop: SampleLoop, waits: threading.Event) -> None:
            with suppress(StoppedError):  # such as a body's own `except Exception`
                loop.call(for_ever(waits))

        work = loop.submit(loop.run_blocking(partial(body, loop, waits)))
        assert waits.wait(timeout=60)
        loop.close()
        with pytest.raises(StoppedError):
            work.result(timeout=60)


def test_hazard_13_a_stuck_body_does_not_hang_the_exit() -> None:
    script = """
        import asyncio, threading
        from pytest_velo.sampling.loop import SampleLoop
        loop = SampleLoop(wind_down_s=0.2)
        started = threading.Event()
        def stuck():
            started.set()
            threading.Event().wait()
        async def session():
            await loop.run_blocking(stuck)
        loop.submit(session())
        started.wait()
        {close}
        print("end of script")
    """
    for close in ("loop.close()", "pass"):  # closed in order, and forgotten
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script).format(close=close)],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.stdout == "end of script\n"
        assert done.returncode == 0


def test_ctrl_c_winds_the_work_down_and_goes_on_as_keyboard_interrupt(loop: SampleLoop) -> None:
    kept: list[str] = []

    async def session() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # winding down may await
            kept.append("what it has")
            raise

    with pytest.raises(KeyboardInterrupt):
        loop.run(session())
    assert kept == ["what it has"]
    assert loop.run(thread_name()) == "velo-sampling"


def test_ctrl_c_that_another_thread_receives_ends_the_wait(loop: SampleLoop) -> None:
    """The same as one that comes just before the wait begins: Python notes it, and wakes nobody."""

    async def session() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        loop.run(session())
    assert loop.run(thread_name()) == "velo-sampling"


def test_ctrl_c_waits_no_longer_than_the_bound_for_work_that_resists() -> None:
    loop = SampleLoop(wind_down_s=0.1)
    released = threading.Event()

    async def session() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while not released.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        loop.run(session())
    released.set()
    assert time.monotonic() - begun < 60
    loop.close()


def test_closers_run_last_first_on_the_loop_and_one_failure_stops_none(
    loop: SampleLoop, caplog: pytest.LogCaptureFixture
) -> None:
    order: list[str] = []

    async def note(name: str) -> None:
        order.append(f"{name} on {threading.current_thread().name}")

    async def fail() -> None:
        raise OSError("no such socket")

    loop.on_close(lambda: note("first"))
    loop.on_close(fail)
    loop.on_close(lambda: note("last"))
    loop.run(thread_name())
    loop.close()
    assert order == ["last on velo-sampling", "first on velo-sampling"]
    assert "no such socket" in caplog.text


def test_close_is_bounded_when_a_provider_does_not_close() -> None:
    loop = SampleLoop(wind_down_s=0.1)
    loop.on_close(lambda: asyncio.Event().wait())  # type: ignore[arg-type, return-value]
    loop.run(thread_name())
    begun = time.monotonic()
    loop.close()
    assert time.monotonic() - begun < 60, "it would be for ever"


def test_tasks_left_over_are_cancelled_by_close() -> None:
    loop = SampleLoop(wind_down_s=60.0)
    ended = threading.Event()

    async def background() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks = []

    async def session() -> None:
        tasks.append(asyncio.create_task(background()))
        await asyncio.sleep(0)

    loop.run(session())
    assert not ended.is_set()
    loop.close()
    assert ended.is_set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_forked_child_gets_a_loop_of_its_own() -> None:
    script = """
        import os, warnings
        warnings.simplefilter("ignore")
        from pytest_velo.sampling.loop import SampleLoop
        async def pid():
            return os.getpid()
        loop = SampleLoop()
        parent = loop.run(pid())
        child = os.fork()
        if child == 0:
            ok = loop.run(pid()) == os.getpid() != parent
            loop.close()
            os._exit(0 if ok else 1)
        print(os.waitpid(child, 0)[1], loop.run(pid()) == parent)
        loop.close()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "0 True\n", done.stderr


def test_ctrl_c_and_the_end_do_not_wait_for_a_body_that_blocks_the_loop() -> None:
    loop, released = SampleLoop(), threading.Event()

    async def session() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        released.wait(600)

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        loop.run(session())
    assert loop.is_hurried
    with pytest.raises(StoppedError):
        loop.run(thread_name())  # the loop does not answer
    loop.close()
    took_s = time.monotonic() - begun
    released.set()
    assert took_s < 120, "some 3 s where nothing else runs; the body takes 10 minutes"


def test_hurry_shortens_what_close_waits_for() -> None:
    loop, closing = SampleLoop(wind_down_s=600), threading.Event()

    async def slow() -> None:
        closing.set()
        await asyncio.sleep(600)

    loop.on_close(slow)
    loop.run(thread_name())
    hurrying = threading.Thread(target=lambda: closing.wait(60) and loop.hurry())
    hurrying.start()
    begun = time.monotonic()
    loop.close()
    hurrying.join()
    assert time.monotonic() - begun < 120, "it would be 10 minutes"
