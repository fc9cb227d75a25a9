"""Covariates: a number of each case, known or learned before its trial, that foresees its outcome."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_velo.errors import UsageError
from pytest_velo.vocabulary import called


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """The outcomes of an earlier run as a covariate; made by `recorded()`."""

    run: str
    test: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What earlier trials of the same case, or kind of case, came out as; made by `learned()`."""

    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CovariateSource:
    """A covariate with options; made by `covariate()`."""

    source: str | Callable[[Any], Any] | EarlierRun | Learned
    correlation: float | None = None
    missing: float | None = None


@called('recorded("?"): the error then names the runs that fit')
def recorded(run: str | Path, *, test: str | None = None, model: str | None = None) -> EarlierRun:
    """Take each case's mean outcome in an earlier run as a covariate: `covariate=recorded("20261130-1")`.

    A run that asked each case once, as planned, ends with these words. Where they name no run that fits, the
    error has those of the runs that answer the test's cases.

    Args:
        run: The id of a run, or the folder of its record.
        test: Which hypothesis of it, by its node id or the name of its function; needed if it has several.
        model: Which model's, if the test has several.

    Examples:
        >>> recorded("records/mini", test="test_sums")
        EarlierRun(run='records/mini', test='test_sums', model=None)
    """
    return EarlierRun(run=str(run), test=test, model=model)


@called("learned()")
def learned(by: str | None = None) -> Learned:
    """Learn the cases while the trials come, instead of knowing a number of each: `covariate=learned()`.

    What a case is foreseen to come out as are its own earlier trials in the same run. That saves trials where
    cases differ and come up several times: a short list, or a longer one with few kinds of cases.

    Args:
        by: A field that names each case's kind; its kinds are learned then, instead of its cases.

    Examples:
        >>> learned("topic")
        Learned(by='topic')
    """
    if by is not None and not (isinstance(by, str) and by):
        raise UsageError(f"learned({by!r}): expected a field of the cases", fix='learned("topic")')
    return Learned(by=by)


@called('covariate("difficulty", correlation=-0.6)')
def covariate(
    source: str | Callable[[Any], Any] | EarlierRun | Learned,
    *,
    correlation: float | None = None,
    missing: float | None = None,
) -> CovariateSource:
    """Give a covariate options: `covariate=covariate("difficulty", correlation=-0.6)`.

    Args:
        source: A field of the cases, a function of the case that gives a number, `recorded(...)`, or
            `learned(...)`.
        correlation: With the outcomes, as you expect it; between -1 and 1. It decides before the sampling
            whether the covariate is used, and what a plan says. No error rate depends on it.
        missing: The number of a case that has none. Any is valid; a typical one saves the most.

    Raises:
        UsageError: A number is outside its range.

    Examples:
        >>> covariate("difficulty", correlation=-0.6).correlation
        -0.6
    """
    if correlation is not None and not is_number(correlation, -1.0, 1.0):
        raise UsageError(
            f"correlation={correlation!r}: expected a number from -1 to 1", fix="correlation=0.6"
        )
    if missing is not None and not is_number(missing):
        raise UsageError(f"missing={missing!r}: expected a number", fix="missing=0.5")
    if missing is not None and isinstance(source, Learned):
        raise UsageError("missing= is for numbers, and kinds of cases are learned", fix="leave it out")
    return CovariateSource(source=source, correlation=correlation, missing=missing)


def read_source(value: Any) -> Any:
    """Return a keyword's value as it is, if it can be a covariate.

    Raises:
        ValueError: It cannot; the text says what can.
    """
    if isinstance(value, CovariateSource):
        read_source(value.source)
        return value
    if value is learned:
        raise ValueError("learned(), with its parentheses")
    if value is recorded or value is covariate:
        raise ValueError(f"{value.__name__}(...), with its arguments")
    if not (isinstance(value, EarlierRun | Learned) or callable(value) or (isinstance(value, str) and value)):
        raise ValueError("a field of the cases, a function of the case, recorded(...), or learned(...)")
    return value


def is_number(value: Any, low: float = -math.inf, high: float = math.inf) -> bool:
    """Tell whether a value is a finite number between two ends."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and low <= value <= high
