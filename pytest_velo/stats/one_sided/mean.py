"""One-sided tests of a bounded mean, fed unit by unit: the parts of the rules for means and differences.

A unit is fed as the bounds of its outcome on the scale [0, 1]; they are equal if it is valid. A test against
"mean <= t" (side +1) takes the low bound and a test against "mean >= t" (side -1) the high one. Given the
past, the low bounds have a mean of at most t whenever the true outcomes do, so the test is valid however
outcomes become invalid.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Protocol

from pytest_velo.stats import limits
from pytest_velo.stats.engine.adaptive import MeanProcess
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.engine.nulls import Null


class NullTest(Protocol):
    """A test of one null, latched once it rejects."""

    @property
    def crossed(self) -> bool:
        """The null is rejected."""
        ...

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        ...

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        ...

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        ...

    def p_value(self) -> float:
        """Return the anytime-valid p-value, at most the level iff the test rejects."""
        ...

    def fewest(self, left: int) -> float:
        """Return a number of further units before which it cannot reject; inf if more than `left`."""
        ...

    def expected(self, left: int) -> float:
        """Guess the further units it needs if the truth is a little more favourable; inf for never."""
        ...

    def chance(self, left: int) -> float:
        """Estimate P(it rejects within `left` further units | data so far), rather too high than too low."""
        ...


class LimitTest(NullTest, Protocol):
    """A test of one null with its confidence limit."""

    @property
    def side(self) -> Side:
        """+1: the limit is a lower one; -1: an upper one."""
        ...

    @property
    def level(self) -> float:
        """Upper bound on P(rejecting a true null)."""
        ...

    @property
    def calibrated(self) -> bool:
        """Whether its threshold is exact for its horizon, rather than Ville's."""
        ...

    def limit(self, *, at_stop: bool = False) -> float:
        """Return the confidence limit at `level`, on the scale [0, 1].

        What earlier units ruled out stays so, unless `at_stop`: the evidence at the last unit alone.
        """
        ...


class Bettors(Protocol):
    """A process of bettors, and what it lets one foresee of its evidence."""

    @property
    def n(self) -> int:
        """Units so far."""
        ...

    @property
    def edge(self) -> float:
        """The null's edge in side +1 terms."""
        ...

    @property
    def most_growth(self) -> float:
        """What one unit adds to the log evidence at most."""
        ...

    def moments(self) -> tuple[float, float]:
        """Return the running mean (from the edge) and variance that set the bets, in side +1 terms."""
        ...

    def growth(self, distance: float) -> float:
        """Return the drift of the log evidence this far beyond the edge."""
        ...


class Evidence(Bettors, Protocol):
    """A process of bettors with the evidence that it has."""

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        ...

    @property
    def max_log_e(self) -> float:
        """The largest after any unit."""
        ...


class OneNull:
    """A test of one null about a bounded mean, at Ville's threshold: valid at any stopping time.

    Side +1 tests "mean <= threshold", side -1 "mean >= threshold". Who extends it feeds the process, and says
    how its limit is found.
    """

    calibrated = False

    def __init__(self, process: Evidence, threshold: float, side: Side, level: float) -> None:
        self.threshold = threshold
        self.side: Side = side
        self.level = level
        self.log_threshold = math.log(1.0 / level)
        self._bettors = process

    @property
    def crossed(self) -> bool:
        """The null is rejected."""
        return self._bettors.max_log_e >= self.log_threshold

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        return self._bettors.log_e

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        return self.log_e - self.log_threshold

    def p_value(self) -> float:
        """Return the anytime-valid p-value: 1 / the largest evidence so far, at most 1."""
        return min(1.0, math.exp(-self._bettors.max_log_e))

    def fewest(self, left: int) -> float:
        """Return a number of further units before which it cannot reject; inf if more than `left`."""
        return 0 if self.crossed else fewest_units(self._bettors, -self.excess, left)

    def expected(self, left: int) -> float:
        """Guess the further units it needs if the truth is a little more favourable than observed."""
        return 0 if self.crossed else expected_units(self._bettors, -self.excess, left)

    def chance(self, left: int) -> float:
        """Estimate P(it rejects within `left` further units | data so far)."""
        return 1.0 if self.crossed else chance_within(self._bettors, -self.excess, left)

    def _on_its_side(self, limit: float) -> float:
        """Return a limit on the rejecting side of the null iff it rejects."""
        nearer = max if self.crossed == (self.side > 0) else min
        return nearer(limit, self.threshold)


class MeanTest(OneNull):
    """The test of one null about a bounded mean.

    Attributes:
        outcomes: The path, in the order fed.
    """

    def __init__(self, threshold: float, side: Side, level: float) -> None:
        self._process = MeanProcess(threshold, side)
        super().__init__(self._process, threshold, side, level)
        self.outcomes = array("d")

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        outcome = low if self.side > 0 else high
        self.outcomes.append(outcome)
        self._process.update(outcome)

    def limit(self, *, at_stop: bool = False) -> float:
        """Return the confidence limit, on the rejecting side of the null iff it rejects."""
        ours = limits.constant(self.level)
        return self._on_its_side(limits.mean_limit(self.outcomes, self.side, ours, at_stop=at_stop))


class Either:
    """A test against "the mean lies between two ends", by averaging two processes, at Ville's threshold.

    Its processes are against the nulls "mean >= low end" and "mean <= high end". Under the null both hold, so
    both e-processes are valid and so is their average. Who extends it feeds them.
    """

    calibrated = False

    def __init__(self, below: Evidence, above: Evidence, level: float) -> None:
        self.level = level
        self.log_threshold = math.log(1.0 / level)
        self.max_log_e = -math.inf
        self._processes = below, above

    @property
    def crossed(self) -> bool:
        """The null is rejected."""
        return self.max_log_e >= self.log_threshold

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        below, above = (process.log_e for process in self._processes)
        top = max(below, above)
        return top + math.log((math.exp(below - top) + math.exp(above - top)) / 2)

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        return self.log_e - self.log_threshold

    def p_value(self) -> float:
        """Return the anytime-valid p-value: 1 / the largest evidence so far, at most 1."""
        return min(1.0, math.exp(-self.max_log_e))

    def fewest(self, left: int) -> float:
        """Return a number of further units before which it cannot reject; inf if more than `left`."""
        if self.crossed:
            return 0
        return min(fewest_units(process, -self.excess, left) for process in self._processes)

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

    def _ways(self) -> list[tuple[Evidence, float]]:
        """Return each process with the log evidence it would need to reject without the other."""
        needed = self.log_threshold + math.log(2.0)
        return [(process, needed - process.log_e) for process in self._processes]


class EitherMean(Either):
    """The test of a bounded mean against both ends of a range."""

    def __init__(self, ends: Sequence[Null], level: float) -> None:
        self._below, self._above = (MeanProcess(*null) for null in ends)
        super().__init__(self._below, self._above, level)

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        self._below.update(high)
        self._above.update(low)
        self.max_log_e = max(self.max_log_e, self.log_e)


def refuting(nulls: Sequence[Null], level: float) -> MeanTest | EitherMean:
    """Return a fresh test that refutes a claim about a mean, from `Nulls.refute` (one null, or both ends)."""
    return MeanTest(*nulls[0], level) if len(nulls) == 1 else EitherMean(nulls, level)


def fewest_units(process: Bettors, missing: float, left: int) -> float:
    """Return a number of units before which the evidence cannot grow by `missing` nats.

    It is inf if more than `left`.
    """
    units = max(1, math.ceil(missing / process.most_growth - 1e-9))
    return units if units <= left else math.inf


def expected_units(process: Bettors, missing: float, left: int) -> float:
    """Guess the units until the evidence has grown by `missing`, from the bettors' estimates.

    The mean is taken one standard error on the favourable side: optimistic at first, accurate with more data.
    """
    mean, variance = process.moments()
    growth = process.growth(mean + math.sqrt(variance / (process.n + 2.0)))
    if growth <= 0.0 or missing > growth * left:
        return math.inf
    return max(1, math.ceil(missing / growth))


def chance_within(process: Bettors, missing: float, left: int) -> float:
    """Estimate P(the evidence grows by `missing` within `left` units).

    Future outcomes are taken as normal around the observed mean, which is itself uncertain. The smallest mean
    of them that grows the evidence enough is found, and its probability is doubled for crossings before the
    end (reflection principle).
    """
    if left <= 0:
        return 0.0
    span = 1.0 - process.edge
    if process.growth(span) * left < missing:
        return 0.0
    low, high = 0.0, span
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if process.growth(middle) * left >= missing else (middle, high)
    mean, variance = process.moments()
    deviation = math.sqrt(variance * (1.0 / left + 1.0 / (process.n + 2.0)))
    if high <= mean or deviation == 0.0:
        return float(high <= mean)
    return min(1.0, math.erfc((high - mean) / deviation / math.sqrt(2.0)))
