"""The main thread's waits for other threads end by a signal."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import Future

import pytest

from pytest_velo.waiting import result_of


def test_a_signal_that_another_thread_receives_ends_the_wait() -> None:
    """The same as one that comes just before the wait begins: Python notes it, and wakes nobody."""
    goes_on = threading.Event()
    future: Future[bool] = Future()

    def work() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        future.set_result(goes_on.wait(300))

    def wait() -> None:
        threading.Thread(target=work, daemon=True).start()
        result_of(future)

    with pytest.raises(KeyboardInterrupt):
        wait()
    goes_on.set()
    assert result_of(future), "the wait ended before the work"


def test_a_wait_has_its_limit_and_gives_what_there_is() -> None:
    future: Future[int] = Future()
    with pytest.raises(TimeoutError):
        result_of(future, 0)
    future.set_result(7)
    assert result_of(future, 0) == 7
    failed: Future[int] = Future()
    failed.set_exception(OSError("no"))
    with pytest.raises(OSError, match="no"):
        result_of(failed, 1)
