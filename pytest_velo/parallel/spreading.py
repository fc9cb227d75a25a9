"""`joblib.Parallel` over calls of a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from joblib import Parallel, delayed

R = TypeVar("R")


def spread(function: Callable[..., R], calls: Iterable[tuple[Any, ...]], jobs: int) -> Iterator[R]:
    """Yield what the calls return, in their order, from `jobs` processes."""
    results: Iterator[R] = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(function)(*call) for call in calls
    )
    return results
