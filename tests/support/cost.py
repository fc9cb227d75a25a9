"""How much work something is, whatever the machine: compared with a plain loop, in one thread."""

from __future__ import annotations

import time
from collections.abc import Callable

_N = 10_000


def steps(work: Callable[[], object]) -> float:
    """Return the processor time that `work` takes in this thread, in steps of a plain loop (some 20 ns)."""
    step_s = min(_processor_s(_loop) for _ in range(10)) / _N
    return _processor_s(work) / step_s


def _processor_s(work: Callable[[], object]) -> float:
    began_s = time.thread_time()
    work()
    return time.thread_time() - began_s


def _loop() -> None:
    value = 1.0
    for _ in range(_N):
        value = value * 0.5 + 1.0
