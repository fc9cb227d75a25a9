"""Waiting on the main thread for another thread's work, so that Ctrl-C ends it."""

from __future__ import annotations

import time
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from typing import TypeVar

T = TypeVar("T")

# A signal ends no wait that began just after it came, nor one of another thread than the kernel gave it to:
# Python only notes it then, for the main thread's next step. So that thread makes a step now and then.
_STEP_EVERY_S = 0.2


def result_of(future: Future[T], limit_s: float | None = None) -> T:
    """Return the result of what another thread does; what a signal raises meanwhile ends the wait.

    Raises:
        TimeoutError: There is none after `limit_s` seconds; or the work raised it.
    """
    ends_at = None if limit_s is None else time.monotonic() + limit_s
    while not future.done():
        left_s = _STEP_EVERY_S if ends_at is None else ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        wait_for_futures([future], timeout=min(left_s, _STEP_EVERY_S))
    return future.result()
