"""A calibrated test of a rate with forecasts and a limit: the interface of the composed rules."""

from __future__ import annotations

import math

from pytest_velo.stats import exact, limits
from pytest_velo.stats.engine.barrier import Bar
from pytest_velo.stats.engine.design import PRIOR
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.one_sided.rate import OneSided


class RateTest:
    """A test of one null about the rate of single 0/1 trials, at the exact threshold of its horizon.

    Side +1 tests "rate <= threshold", side -1 "rate >= threshold". No trial is fed after `max_n`.
    """

    calibrated = True

    def __init__(self, threshold: float, side: Side, level: float, *, max_n: int) -> None:
        self.threshold = threshold
        self.side: Side = side
        self.level = level
        self.max_n = max_n
        self._test = OneSided(threshold, side, level, max_n=max_n, min_n=1, calibrated=True)
        self._ones = 0.0

    @property
    def n(self) -> int:
        """Trials fed."""
        return self._test.n

    @property
    def crossed(self) -> bool:
        """The null is rejected."""
        return self._test.crossed

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        return self._test.log_e

    @property
    def log_threshold(self) -> float:
        """The log evidence that rejects; it takes up to a second on first use."""
        return self._test.log_threshold

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        return self._test.excess

    def feed(self, low: float, high: float) -> None:
        """Take in one trial by the bounds of its outcome."""
        self._test.feed(low, high)
        self._ones += low if self.side > 0 else high

    def p_value(self) -> float:
        """Return the anytime-valid p-value; at most `level` iff it rejects."""
        return self._test.p_value()

    def limit(self, *, at_stop: bool = False) -> float:
        """Return the confidence limit at `level`, on the rejecting side of the null iff it rejects."""
        return limits.rate_limits([self._test], at_stop=at_stop)[0]

    def fewest(self, left: int) -> float:
        """Return a number of further trials before which it cannot reject; inf if more than `left`."""
        return self._units_to(Bar.LOWEST, 1.0 if self.side > 0 else 0.0, left)

    def expected(self, left: int) -> float:
        """Guess the further trials it needs at a rate one standard deviation better than observed."""
        total = self.n + 2 * PRIOR
        mean = (self._ones + PRIOR) / total
        deviation = math.sqrt(mean * (1.0 - mean) / (total + 1.0))
        return self._units_to(Bar.HIGHEST, min(1.0, max(0.0, mean + self.side * deviation)), left)

    def chance(self, left: int) -> float:
        """Return P(it rejects within `left` further trials | data so far), under a Jeffreys prior."""
        if self.crossed or left <= 0:
            return float(self.crossed)
        law = exact.as_it_looks(self._test.barriers(Bar.EXACT), [], steps=left, ones=self._ones, n=self.n)
        return float(min(1.0, law.supported[0]))

    def _units_to(self, bar: Bar, rate: float, left: int) -> float:
        """Return the units to its only barrier; 0 once it is crossed."""
        needed = (barrier.units_to(rate, left) for barrier in self._test.barriers(bar))
        return max((math.inf if units is None else units for units in needed), default=0)
