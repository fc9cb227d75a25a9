"""One-sided tests of a rate, fed unit by unit: the parts of the sequential rules.

A unit is fed as the bounds of its outcome; they are equal if it is valid. A test against "rate <= t" (side
+1) takes the low bound and a test against "rate >= t" (side -1) the high one: a null is rejected only if it
would be whichever way the invalid trials fell.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import assert_never

from pytest_velo.stats import exact
from pytest_velo.stats.engine.barrier import Bar, Barrier
from pytest_velo.stats.engine.mixture import EProcess, Side, log_e_counts
from pytest_velo.stats.engine.nulls import Null


class OneSided:
    """A test of one null about a rate, latched once it rejects.

    Side +1 tests "rate <= threshold", side -1 "rate >= threshold". `calibrated` uses the exact threshold for
    0/1 outcomes with looks at min_n..max_n; otherwise Ville's, for outcomes in [0, 1].

    Attributes:
        crossed: The null is rejected.
        max_log_e: The largest log evidence at a look; -inf before the first.
        outcomes: The path, in the order fed.
    """

    def __init__(
        self, threshold: float, side: Side, level: float, *, max_n: int, min_n: int, calibrated: bool
    ) -> None:
        self.threshold = threshold
        self.side: Side = side
        self.level = level
        self.max_n = max_n
        self.min_n = min_n
        self.calibrated = calibrated
        self.crossed = False
        self.max_log_e = -math.inf
        self._process = EProcess(threshold, side)
        self.outcomes = array("d")
        self._highest = math.log(1.0 / level)
        self._lowest = self._highest
        if calibrated:
            self._lowest = _below_calibrated(threshold, side, level, max_n=max_n, min_n=min_n)

    @property
    def n(self) -> int:
        """Units fed."""
        return len(self.outcomes)

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        return self._process.log_e

    @property
    def log_threshold(self) -> float:
        """The log evidence that rejects; a calibrated one takes up to a second on first use."""
        if self._lowest < self._highest:
            self._lowest = self._highest = exact.calibrated_log_threshold(
                self.threshold, self.side, self.level, self.max_n, self.min_n
            )
        return self._highest

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        outcome = low if self.side > 0 else high
        self.outcomes.append(outcome)
        self._process.update(outcome)
        log_e = self._process.log_e
        if log_e > self.max_log_e and self.n >= self.min_n:
            self.max_log_e = log_e
            self.crossed = self.crossed or self._reaches(log_e)

    def _reaches(self, log_e: float) -> bool:
        """Tell whether the threshold is reached, computing it only if its bounds do not decide."""
        if log_e >= self._highest or log_e <= self._lowest:
            return log_e >= self._highest
        return log_e >= self.log_threshold

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        return self.log_e - self.log_threshold

    def p_value(self) -> float:
        """Return the anytime-valid p-value; at most `level` iff it rejects."""
        if not self.calibrated:
            return math.exp(-max(0.0, self.max_log_e))
        if self.max_log_e == -math.inf:
            return 1.0
        return exact.anytime_p(self.max_log_e, self.threshold, self.side, self.max_n, self.min_n)

    def barriers(self, bar: Bar) -> list[Barrier]:
        """Return what is still to be crossed; nothing once the null is rejected."""
        if self.crossed:
            return []
        null = None if self.outcomes else Null(self.threshold, self.side)
        return [Barrier(self.side, self._process.ahead, self._bar(bar), null)]

    def _bar(self, bar: Bar) -> float:
        match bar:
            case Bar.LOWEST:
                return self._lowest
            case Bar.EXACT:
                return self.log_threshold
            case Bar.HIGHEST:
                return self._highest
            case _:
                assert_never(bar)


class EitherSide:
    """A test against "the rate lies between two ends", by averaging two e-processes (Ville).

    Its `ends` are the nulls "rate >= low end" and "rate <= high end". Under the null both hold, so both
    e-processes are valid and so is their average.
    """

    def __init__(self, ends: Sequence[Null], level: float, *, min_n: int) -> None:
        self.min_n = min_n
        self.crossed = False
        self.max_log_e = -math.inf
        self.log_threshold = math.log(1.0 / level)
        self._below, self._above = (EProcess(*null) for null in ends)
        self._n = 0

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        return self._ahead(0, 0)

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        return self.log_e - self.log_threshold

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        self._n += 1
        self._below.update(high)
        self._above.update(low)
        if self._n >= self.min_n:
            self.max_log_e = max(self.max_log_e, self.log_e)
            self.crossed = self.max_log_e >= self.log_threshold

    def p_value(self) -> float:
        """Return the anytime-valid p-value: 1 / the largest evidence at a look, at most 1."""
        return math.exp(-max(0.0, self.max_log_e))

    def barriers(self, bar: Bar = Bar.EXACT) -> list[Barrier]:
        """Return both ways to reject: the evidence is convex in the ones, so it is high at either end."""
        del bar  # Ville's threshold is known
        if self.crossed:
            return []
        return [Barrier(-1, self._ahead, self.log_threshold), Barrier(1, self._ahead, self.log_threshold)]

    def _ahead(self, ones: float, zeros: float) -> float:
        below, above = self._below.ahead(ones, zeros), self._above.ahead(ones, zeros)
        top = max(below, above)
        return top + math.log((math.exp(below - top) + math.exp(above - top)) / 2)


def p_values(tests: Sequence[OneSided | EitherSide]) -> list[float]:
    """Return the p-values of one rule's tests; the calibrated ones share their horizon and one pass."""
    calibrated = [test for test in tests if isinstance(test, OneSided) and test.calibrated]
    if len(calibrated) < 2:
        return [test.p_value() for test in tests]
    nulls = [(test.threshold, test.side) for test in calibrated]
    found = iter(
        exact.anytime_p_values(
            [test.max_log_e for test in calibrated], nulls, calibrated[0].max_n, calibrated[0].min_n
        )
    )
    return [next(found) if test in calibrated else test.p_value() for test in tests]


def shortest_run(threshold: float, side: Side, level: float) -> int:
    """Return the length of the shortest run of equal units that rejects the null: edge**n <= level.

    No test of 0/1 units at `level` can reject with fewer. Side +1 tests "rate <= threshold", side -1 "rate >=
    threshold".
    """
    edge = threshold if side > 0 else 1.0 - threshold
    run = max(1, math.ceil(math.log(level) / math.log(edge)) - 1)
    while edge**run > level:
        run += 1
    return run


def _below_calibrated(threshold: float, side: Side, level: float, *, max_n: int, min_n: int) -> float:
    """Return a log evidence that the calibrated threshold certainly exceeds, without computing the threshold.

    A rule that rejects on a run too short for its level would break the level, so the threshold lies above
    the evidence of the longest such run.
    """
    edge = threshold if side > 0 else 1.0 - threshold
    longest = min(max_n, shortest_run(threshold, side, level) - 1)
    if edge**longest <= level * (1 + 1e-12):
        longest -= 1  # a tie within rounding: not certain
    return log_e_counts(longest, longest, edge, 1) if longest >= min_n else 0.0
