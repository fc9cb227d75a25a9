"""Tests of the number of ones in a finite list of recorded outcomes, seen in random order, each once."""

from __future__ import annotations

import math
from array import array

from pytest_velo.errors import VeloError
from pytest_velo.stats import exact, limits
from pytest_velo.stats.engine.barrier import Barrier
from pytest_velo.stats.engine.census import alternatives, log_e_census
from pytest_velo.stats.engine.design import PRIOR
from pytest_velo.stats.engine.mixture import Side


class CensusTest:
    """A latched test of one null about the number of ones in a list, at Ville's threshold.

    Side +1 tests "at most `count` ones", side -1 "at least `count`".

    Attributes:
        outcomes: The path, in the order fed.
        log_e: Log evidence against the null now; `CERTAIN` once the null has become impossible.
    """

    calibrated = False

    def __init__(self, count: int, side: Side, level: float, *, size: int) -> None:
        self.count = count
        self.side: Side = side
        self.level = level
        self.size = size
        self.log_threshold = math.log(1.0 / level)
        self.log_e = 0.0
        self.max_log_e = -math.inf
        self.outcomes = array("d")
        self._ones = 0
        self._counts = alternatives(count, side, size)

    @property
    def crossed(self) -> bool:
        """The null is rejected."""
        return self.max_log_e >= self.log_threshold

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        return self.log_e - self.log_threshold

    def feed(self, low: float, high: float) -> None:
        """Take in the next outcome of the list by its bounds, each 0 or 1."""
        if not {low, high} <= {0.0, 1.0}:
            raise VeloError(
                f"a recorded outcome must be 0 or 1, got {low!r} and {high!r}", fix="leave once out for means"
            )
        outcome = low if self.side > 0 else high
        self.outcomes.append(outcome)
        self._ones += int(outcome)
        self.log_e = self.ahead(0, 0)
        self.max_log_e = max(self.max_log_e, self.log_e)

    def ahead(self, ones: float, zeros: float) -> float:
        """Return what `log_e` would be after so many further ones and zeros; fractions are allowed."""
        seen = self._ones + ones, len(self.outcomes) - self._ones + zeros
        return log_e_census(*seen, self.count, self._counts, self.size)

    def p_value(self) -> float:
        """Return the anytime-valid p-value: 1 / the largest evidence so far, at most 1."""
        return min(1.0, math.exp(-self.max_log_e))

    def limit(self, *, at_stop: bool = False) -> float:
        """Return the confidence limit for the share of ones, beyond the null iff it is rejected."""
        limit = limits.count_limit(self.outcomes, self.side, self.log_threshold, self.size, at_stop=at_stop)
        nearest = self.count + (self.side if self.crossed else 0)
        farther = max if self.crossed == (self.side > 0) else min
        return farther(limit, nearest) / self.size

    def fewest(self, left: int) -> float:
        """Return the fewest further outcomes that could reject; inf if more than `left`."""
        return self._units_to(1.0 if self.side > 0 else 0.0, left)

    def expected(self, left: int) -> float:
        """Guess the further outcomes it needs at a rate one standard deviation better than observed."""
        total = len(self.outcomes) + 2 * PRIOR
        mean = (self._ones + PRIOR) / total
        deviation = math.sqrt(mean * (1.0 - mean) / (total + 1.0))
        return self._units_to(min(1.0, max(0.0, mean + self.side * deviation)), left)

    def _units_to(self, rate: float, left: int) -> float:
        if self.crossed:
            return 0
        units = Barrier(self.side, self.ahead, self.log_threshold).units_to(rate, left) if left else None
        return math.inf if units is None else units

    def chance(self, left: int) -> float:
        """Return P(it rejects within `left` further outcomes | data so far), under a Jeffreys prior."""
        if self.crossed or left <= 0:
            return float(self.crossed)
        barrier = Barrier(self.side, self.ahead, self.log_threshold)
        law = exact.as_it_looks([barrier], [], steps=left, ones=self._ones, n=len(self.outcomes))
        return float(min(1.0, law.supported[0]))


class EitherCount:
    """A test against "the count lies between two ends" by the average of two e-values (Ville)."""

    calibrated = False

    def __init__(self, ends: list[CensusTest], level: float) -> None:
        self.log_threshold = math.log(1.0 / level)
        self.max_log_e = -math.inf
        self._ends = ends

    @property
    def crossed(self) -> bool:
        """The null is rejected."""
        return self.max_log_e >= self.log_threshold

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        return self.ahead(0, 0)

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        return self.log_e - self.log_threshold

    def feed(self, low: float, high: float) -> None:
        """Take in the next outcome of the list by its bounds."""
        for test in self._ends:
            test.feed(low, high)
        self.max_log_e = max(self.max_log_e, self.log_e)

    def ahead(self, ones: float, zeros: float) -> float:
        """Return what `log_e` would be after so many further ones and zeros."""
        logs = [test.ahead(ones, zeros) for test in self._ends]
        top = max(logs)
        return top + math.log(sum(math.exp(log_e - top) for log_e in logs) / len(logs))

    def p_value(self) -> float:
        """Return the anytime-valid p-value: 1 / the largest evidence so far, at most 1."""
        return min(1.0, math.exp(-self.max_log_e))

    def fewest(self, left: int) -> float:
        """Return a number of further outcomes before which it cannot reject; inf if more than `left`."""
        return 0 if self.crossed else min(test.fewest(left) for test in self._ends)

    def expected(self, left: int) -> float:
        """Guess the further outcomes it needs if the truth is a little more favourable than observed."""
        return 0 if self.crossed else min(test.expected(left) for test in self._ends)

    def chance(self, left: int) -> float:
        """Guess P(it rejects within `left` further outcomes | data so far)."""
        return 1.0 if self.crossed else min(1.0, sum(test.chance(left) for test in self._ends))
