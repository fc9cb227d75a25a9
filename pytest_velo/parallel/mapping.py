"""A function called many times, by several processes where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import starmap
from typing import Any, TypeVar

from pytest_velo.lazy import lazily

R = TypeVar("R")

_joblib = lazily("pytest_velo.parallel", {"spread": "spreading"})  # not for a single process


def mapped(function: Callable[..., R], calls: Iterable[tuple[Any, ...]], jobs: int) -> Iterator[R]:
    """Yield what the calls return, in their order; with one job, from this process.

    With more, the function must be one of a module, and what it takes and returns goes through pickle.

    Args:
        function: What is called.
        calls: The arguments of each call.
        jobs: How many processes there are at most, from 1.
    """
    if jobs == 1:
        return starmap(function, calls)
    spread: Iterator[R] = _joblib("spread")(function, calls, jobs)
    return spread
