"""Sources of cases: each kind as an iterator of rows with their places."""

from __future__ import annotations

import inspect
import os
import random
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_velo.canonical import digest
from pytest_velo.case_sets.files import SOURCES, read_rows
from pytest_velo.case_sets.formats import Row
from pytest_velo.case_sets.hub import SCHEME, open_hub
from pytest_velo.errors import UsageError

MOST_ENUMERATED = 100_000
"""Rows a generator without `rng` may yield before it counts as endless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A source ready to be read once.

    Attributes:
        rows: `(where, value)` for each case.
        generated: The rows are a sample of something larger: a generator or a strategy.
        endless: There are always more rows, in the order of independent draws.
        origin: What was read, if `cases=` does not say it in full; empty otherwise.
        notices: What the reader of a verdict should know about them.
    """

    rows: Iterator[Row]
    generated: bool = False
    endless: bool = False
    origin: str = ""
    notices: tuple[str, ...] = ()


class Source(ABC):
    """A source that another room offers, e.g. logs; it is opened where the test file is."""

    @abstractmethod
    def open(self, base: Path) -> Opened:
        """Open it; relative paths start from `base`.

        Raises:
            UsageError: It cannot be read.
        """


def open_source(source: Any, base: Path, seed: int) -> Opened:
    """Open a source of cases of any kind; functions with `rng` and strategies draw from `seed`.

    Raises:
        UsageError: It is not a known kind, or its function fails.
    """
    if isinstance(source, str) and source.startswith(SCHEME):
        rows, origin = open_hub(source)
        return Opened(rows=rows, origin=origin)
    if isinstance(source, Source):
        return source.open(base)
    if isinstance(source, str | os.PathLike):
        return Opened(rows=read_rows(os.fspath(source), base))
    if isinstance(source, list | tuple | range):
        return Opened(rows=_located(source))
    if isinstance(source, set | frozenset):
        return Opened(rows=_located(_by_digest(source)))
    if is_strategy(source):
        from pytest_velo.case_sets.strategies import draw_cases  # weight: the Hypothesis library

        return Opened(rows=_located(draw_cases(source, seed)), generated=True, endless=True)
    if callable(source) and not isinstance(source, type):
        return _open_function(source, seed)
    once = isinstance(source, Iterator)
    raise UsageError(
        f"cases= got {'an iterator, which can be read only once' if once else f'a {type(source).__name__}'}",
        where="cases",
        fix="pass the function that creates it" if once else f"cases= takes {SOURCES}",
    )


def _open_function(function: Callable[..., Any], seed: int) -> Opened:
    name = getattr(function, "__name__", repr(function))
    seeded = _takes_rng(function, name)
    try:
        result = function(rng=random.Random(f"cases {seed}")) if seeded else function()
    except Exception as error:
        raise _failed(name, error) from error
    if isinstance(result, list | tuple | range):
        return Opened(rows=_located(result))
    if isinstance(result, set | frozenset):
        return Opened(rows=_located(_by_digest(result)))
    if not isinstance(result, Iterator):
        if inspect.iscoroutine(result):
            result.close()
        raise UsageError(
            f"the function {name} returned a {type(result).__name__}",
            where="cases",
            fix="return a list, or yield",
        )
    rows = _guarded(result, name)
    return Opened(rows=_located(rows if seeded else _ending(rows, name)), generated=True, endless=seeded)


def _takes_rng(function: Callable[..., Any], name: str) -> bool:
    """Tell whether it has a parameter `rng`; every other one must have a default."""
    parameters = inspect.signature(function).parameters.values()
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and parameter.name != "rng"
    ]
    if needed:
        raise UsageError(
            f"the function {name} requires {', '.join(needed)}",
            where="cases",
            fix="a function for cases= takes no arguments, or `rng` (a seeded random.Random)",
        )
    return any(parameter.name == "rng" for parameter in parameters)


def _guarded(rows: Iterator[Any], name: str) -> Iterator[Any]:
    try:
        yield from rows
    except Exception as error:
        raise _failed(name, error) from error


def _ending(rows: Iterator[Any], name: str) -> Iterator[Any]:
    for count, row in enumerate(rows):
        if count == MOST_ENUMERATED:
            raise UsageError(
                f"the generator {name} yielded {count} cases and does not end",
                where="cases",
                fix="add a parameter `rng` and draw from it (only as much as needed is then read), or set n=",
            )
        yield row


def _failed(name: str, error: Exception) -> UsageError:
    return UsageError(
        f"the function {name} raised {type(error).__name__}: {error}",
        where="cases",
        fix="it is called at collection, with `rng` or without arguments",
    )


def _by_digest(source: Iterable[Any]) -> list[Any]:
    """Order a set by its cases' content: its own order differs between runs (PYTHONHASHSEED)."""
    try:
        return sorted(source, key=digest)
    except UsageError as error:
        raise UsageError(
            f"a set has no order, and its cases cannot be ordered by their content: {error.what}",
            where="cases",
            fix="give a list, in an order that does not change between runs",
        ) from None


def _located(rows: Iterable[Any]) -> Iterator[Row]:
    return ((f"case {position}", row) for position, row in enumerate(rows))


def is_strategy(source: Any) -> bool:
    """Tell whether it is a strategy, without importing the Hypothesis library: its users have."""
    library = sys.modules.get("hypothesis.strategies")
    return library is not None and isinstance(source, library.SearchStrategy)
