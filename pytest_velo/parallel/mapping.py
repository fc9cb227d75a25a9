"""A function over many things, in processes where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from joblib import Parallel, delayed

A = TypeVar("A")
B = TypeVar("B")


def mapped(function: Callable[[A], B], things: Iterable[A], jobs: int) -> Iterator[B]:
    """Yield the results in the order of the things; with one job, in this process.

    The function and what it takes and returns go through pickle, so it is one of a module.
    """
    if jobs == 1:
        return map(function, things)
    results: Iterator[B] = Parallel(n_jobs=jobs, return_as="generator")(delayed(function)(x) for x in things)
    return results
