"""One-sided tests of a bounded mean with a covariate: `one_sided.mean`, fed the centre of each unit, too.

An invalid unit comes as its bounds, as everywhere. It is valid here because every unit is fed: the low bounds
have a mean of at most t whenever the outcomes do, and the centres have a mean of 0 over all units, but not
over those that happen to be valid. So invalid units must not be left out.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Protocol

from pytest_velo.stats import limits
from pytest_velo.stats.engine.adaptive import PRIOR_UNITS
from pytest_velo.stats.engine.centred import CentredProcess, Centring
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.engine.nulls import Null
from pytest_velo.stats.one_sided.mean import NullTest, chance_within, expected_units, fewest_units

Ends = tuple[float, float]
"""The range of one centre: the lowest and the highest that it could have been."""


class Centred(NullTest, Protocol):
    """A test that is told the centre of each unit before its outcome."""

    def foresee(self, centre: float, ends: Ends | None = None) -> None:
        """Take in the centre of the next unit, and the range of it if that is its own."""
        ...


class CentredTest:
    """A test of one null about a bounded mean with known centres, at Ville's threshold.

    Side +1 tests "mean <= threshold", side -1 "mean >= threshold".

    Attributes:
        outcomes, centres: The path, in the order fed.
        lows, highs: The range of each centre.
    """

    calibrated = False

    def __init__(self, threshold: float, side: Side, level: float, centring: Centring) -> None:
        self.threshold = threshold
        self.side: Side = side
        self.level = level
        self.log_threshold = math.log(1.0 / level)
        self.outcomes = array("d")
        self.centres = array("d")
        self.lows, self.highs = array("d"), array("d")
        self._centring = centring
        self._centre = 0.0
        self._ends: Ends | None = None
        self._process = CentredProcess(threshold, side, centring)

    @property
    def crossed(self) -> bool:
        """The null is rejected."""
        return self._process.max_log_e >= self.log_threshold

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        return self._process.log_e

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        return self.log_e - self.log_threshold

    @property
    def mean(self) -> float:
        """The mean of the outcomes as they were fed, less what their centres foresaw, in [0, 1]."""
        away, _ = self._process.moments()
        n = self._process.n
        seen = away * (n + PRIOR_UNITS) / n if n else 0.0
        return min(1.0, max(0.0, self.threshold + self.side * seen))

    @property
    def variance(self) -> float:
        """The variance of the outcomes less what their centres foresaw, as the bets reckon with it."""
        return self._process.moments()[1]

    def foresee(self, centre: float, ends: Ends | None = None) -> None:
        """Take in the centre of the next unit, and the range of it if that is its own."""
        self._centre, self._ends = centre, ends

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        outcome = low if self.side > 0 else high
        self._process.update(outcome, self._centre, self._ends)
        self.outcomes.append(outcome)
        self.centres.append(self._centre)
        low_end, high_end = self._ends or (self._centring.low, self._centring.high)
        self.lows.append(low_end)
        self.highs.append(high_end)

    def p_value(self) -> float:
        """Return the anytime-valid p-value: 1 / the largest evidence so far, at most 1."""
        return min(1.0, math.exp(-self._process.max_log_e))

    def limit(self, *, at_stop: bool = False) -> float:
        """Return the confidence limit, on the rejecting side of the null iff it rejects."""
        limit = limits.centred_limit(
            self.outcomes,
            self.centres,
            self.side,
            self._centring,
            limits.constant(self.level),
            ends=(self.lows, self.highs),
            at_stop=at_stop,
        )
        nearer = max if self.crossed == (self.side > 0) else min
        return nearer(limit, self.threshold)

    def fewest(self, left: int) -> float:
        """Return a number of further units before which it cannot reject; inf if more than `left`."""
        return 0 if self.crossed else fewest_units(self._process, -self.excess, left)

    def expected(self, left: int) -> float:
        """Guess the further units it needs if the truth is a little more favourable than observed."""
        return 0 if self.crossed else expected_units(self._process, -self.excess, left)

    def chance(self, left: int) -> float:
        """Estimate P(it rejects within `left` further units | data so far)."""
        return 1.0 if self.crossed else chance_within(self._process, -self.excess, left)


class EitherCentred:
    """A test against "the mean lies between two ends", by averaging two processes, at Ville's threshold.

    As `one_sided.mean.EitherMean`, with centres.
    """

    calibrated = False

    def __init__(self, ends: Sequence[Null], level: float, centring: Centring) -> None:
        self.level = level
        self.log_threshold = math.log(1.0 / level)
        self.max_log_e = -math.inf
        self._centre = 0.0
        self._ends: Ends | None = None
        self._below, self._above = (CentredProcess(*null, centring) for null in ends)

    @property
    def crossed(self) -> bool:
        """The null is rejected."""
        return self.max_log_e >= self.log_threshold

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        below, above = self._below.log_e, self._above.log_e
        top = max(below, above)
        return top + math.log((math.exp(below - top) + math.exp(above - top)) / 2)

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        return self.log_e - self.log_threshold

    def foresee(self, centre: float, ends: Ends | None = None) -> None:
        """Take in the centre of the next unit, and the range of it if that is its own."""
        self._centre, self._ends = centre, ends

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        self._below.update(high, self._centre, self._ends)
        self._above.update(low, self._centre, self._ends)
        self.max_log_e = max(self.max_log_e, self.log_e)

    def p_value(self) -> float:
        """Return the anytime-valid p-value: 1 / the largest evidence so far, at most 1."""
        return min(1.0, math.exp(-self.max_log_e))

    def fewest(self, left: int) -> float:
        """Return a number of further units before which it cannot reject; inf if more than `left`."""
        if self.crossed:
            return 0
        return min(fewest_units(process, -self.excess, left) for process in (self._below, self._above))

    def expected(self, left: int) -> float:
        """Guess the further units it needs if the truth is a little more favourable than observed."""
        if self.crossed:
            return 0
        return min(expected_units(process, missing, left) for process, missing in self._ways())

    def chance(self, left: int) -> float:
        """Estimate P(it rejects within `left` further units | data so far)."""
        if self.crossed:
            return 1.0
        return min(1.0, sum(chance_within(process, missing, left) for process, missing in self._ways()))

    def _ways(self) -> list[tuple[CentredProcess, float]]:
        """Return each process with the log evidence it would need to reject without the other."""
        needed = self.log_threshold + math.log(2.0)
        return [(process, needed - process.log_e) for process in (self._below, self._above)]
