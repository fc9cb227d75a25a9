"""Confidence limits by inverting sequential tests over their nulls. Loaded on use: it needs numpy.

A limit (side +1) is the smallest null that the recorded path does not reject. It is found on a successively
refined grid, and its outer end is reported: the last grid point that the path rejects.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.exact.boundary import log_gains, log_mean_exp
from pytest_velo.stats.exact.thresholds import ROUNDING, crossing_probability

_POINTS = 32
_EXACT_POINTS = 16
_COARSE_ROUNDS = 2
_FINE_ROUNDS = 2
_EXACT_ROUNDS = 3
_KEPT = 256
"""Limits that are kept: those of paths of 1,000 units take 4 MB."""


class RatePath(Protocol):
    """A test of one null about a rate, with the path it was fed."""

    outcomes: array[float]
    threshold: float
    side: Side
    level: float
    max_n: int
    min_n: int
    calibrated: bool
    crossed: bool

    @property
    def n(self) -> int:
        """Units fed."""
        ...


Rejects = Callable[[Floats], npt.NDArray[np.bool_]]


def rate_limits(tests: Sequence[RatePath], *, at_stop: bool = False) -> list[float]:
    """Return each test's confidence limit, at its own level.

    What an earlier unit ruled out stays ruled out, unless `at_stop`: the evidence at the last unit alone.
    The tests belong to one rule: they share horizon, first look and kind, and were fed at least one unit.
    Side +1 gives the rate up to which all nulls are rejected, side -1 the rate down to which they are,
    rounded outward by less than 0.0002. The limit lies on the rejecting side of a test's own null iff the
    test rejects.
    """
    if tests[0].n < tests[0].min_n:
        return [0.0 if test.side > 0 else 1.0 for test in tests]
    return [*_limits(tuple(map(_seen, tests)), at_stop)]


class _Seen(NamedTuple):
    """As much of a test as its limit depends on; `outcomes` are the bytes of the path."""

    outcomes: bytes
    threshold: float
    side: Side
    level: float
    max_n: int
    min_n: int
    calibrated: bool
    crossed: bool


def _seen(test: RatePath) -> _Seen:
    design = (test.threshold, test.side, test.level, test.max_n, test.min_n, test.calibrated, test.crossed)
    return _Seen(test.outcomes.tobytes(), *design)


@lru_cache(maxsize=_KEPT)
def _limits(tests: tuple[_Seen, ...], at_stop: bool) -> tuple[float, ...]:
    """Return the limits of tests. Hypotheses that are decided early often went the same short way."""
    rule = tests[0]
    paths = [_Path(test, at_stop=at_stop) for test in tests]
    levels = np.array([[test.level] for test in tests])
    log_bars = np.log(1.0 / levels)

    def evidence(nulls: Floats) -> Floats:
        return np.stack([path.max_log_e(row) for path, row in zip(paths, nulls, strict=True)])

    def ville(nulls: Floats) -> npt.NDArray[np.bool_]:
        return evidence(nulls) >= log_bars

    def exact(nulls: Floats) -> npt.NDArray[np.bool_]:
        seen = evidence(nulls)
        errors = crossing_probability(nulls, nulls, seen - ROUNDING, 1, rule.max_n, rule.min_n)
        return np.asarray((seen >= 0.0) & (errors <= levels))  # no threshold is below 0

    ends = [(0.0, 1.0) for _ in tests]
    ends = close_in(ville, ends, points=_POINTS, rounds=_COARSE_ROUNDS)
    if rule.calibrated:
        # The calibrated test rejects all that Ville's does, and nothing above every mean of the path.
        ends = [(low, max(high, path.max_mean)) for (low, high), path in zip(ends, paths, strict=True)]
        ends = close_in(exact, ends, points=_EXACT_POINTS, rounds=_EXACT_ROUNDS)
    else:
        ends = close_in(ville, ends, points=_POINTS, rounds=_FINE_ROUNDS)
    return tuple(_on_its_side(test, low) for test, (low, _) in zip(tests, ends, strict=True))


def _on_its_side(test: _Seen, limit: float) -> float:
    """Convert a limit found in side +1 terms to the test's own side.

    The search stops at a finite grain, and the tests of neighbouring nulls need not be nested to the last
    digit. The test of this null is valid by itself, so the limit follows its decision.
    """
    up = test.side > 0
    nearer = max if test.crossed == up else min
    return nearer(limit if up else 1.0 - limit, test.threshold)


def close_in(
    rejects: Rejects, ends: Sequence[tuple[float, float]], *, points: int, rounds: int
) -> list[tuple[float, float]]:
    """Return, for each search, the last null rejected before the first one that is not, and that first one.

    Args:
        rejects: Tells which nulls, an array of shape (searches, nulls), are rejected.
        ends: For each search a rejected null, or the end of the scale, and one that is not rejected.
        points: Nulls tested per round, between the ends.
        rounds: Rounds, each on the interval left by the one before.
    """
    found = list(ends)
    for _ in range(rounds):
        grid = np.stack([np.linspace(low, high, points + 2) for low, high in found])
        rejected = rejects(grid[:, 1:-1])
        firsts = np.where(rejected.all(axis=1), points, rejected.argmin(axis=1))
        found = [(float(row[i]), float(row[i + 1])) for row, i in zip(grid, firsts, strict=True)]
    return found


class _Path:
    """A test's recorded path in side +1 terms, ready for evidence against many nulls at once.

    Only some looks can hold the maximum over the path. The unit after a maximum is not a 1, which would raise
    the evidence against every null, and the unit at the maximum is not a 0, which would have lowered it. For
    0/1 units the log evidence is a convex function of their counts, so the maximum is at a corner of their
    hull. `at_stop` keeps the last look alone.
    """

    def __init__(self, test: _Seen, *, at_stop: bool = False) -> None:
        outcomes = np.frombuffer(test.outcomes)
        outcomes = outcomes if test.side > 0 else 1.0 - outcomes
        self._values, self._index = np.unique(outcomes, return_inverse=True)
        peak = np.ones(len(outcomes), dtype=bool)
        peak[:-1] &= outcomes[1:] < 1.0
        peak[1:] &= outcomes[1:] > 0.0
        peak[test.min_n - 1] = True
        peak[: len(outcomes) - 1 if at_stop else test.min_n - 1] = False
        peak[-1] |= at_stop
        self._peaks = np.flatnonzero(peak)
        sums = np.cumsum(outcomes)[self._peaks]
        self.max_mean = float((sums / (self._peaks + 1)).max())
        self._corners: Floats | None = None
        if np.isin(self._values, (0.0, 1.0)).all():
            self._corners = _upper_hull((self._peaks + 1).astype(np.float64), sums)

    def max_log_e(self, nulls: Floats) -> Floats:
        """Return the largest log evidence at any look against each null "rate <= t"."""
        if self._corners is not None:
            units, ones = self._corners
            gains = log_gains(np.array([1.0, 0.0]), nulls)
            fortunes = gains[:, :, :1] * ones + gains[:, :, 1:] * (units - ones)
        else:
            gains = log_gains(self._values, nulls)[:, :, self._index]
            fortunes = np.cumsum(gains, axis=2)[:, :, self._peaks]
        return np.asarray(log_mean_exp(fortunes, axis=1).max(axis=1))


def _upper_hull(x: Floats, y: Floats) -> Floats:
    """Return the corners of the upper hull of points with rising x, as an array of shape (2, corners)."""
    corners: list[tuple[float, float]] = []
    for point in zip(x.tolist(), y.tolist(), strict=True):
        while len(corners) > 1 and _is_below(corners[-1], corners[-2], point):
            corners.pop()
        corners.append(point)
    return np.array(corners).T


def _is_below(middle: tuple[float, float], left: tuple[float, float], right: tuple[float, float]) -> bool:
    """Tell whether a point is on or below the line from a point left of it to a point right of it."""
    rise = (middle[1] - left[1]) * (right[0] - left[0])
    return rise <= (right[1] - left[1]) * (middle[0] - left[0])
