"""Claims about a finite list of recorded outcomes, looked at in random order, each once (``once=True``).

The evidence is that of `hypergeometric`: what has been seen cannot come again, so support is certain when the
rest of the list cannot undo it, and at the end of the list every claim is decided but for invalid outcomes.
The certificate is about these recorded outcomes, not about what made them.
"""

from __future__ import annotations

import math
from array import array

from pytest_velo.claims import Claim
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.stats.engine.census import alternatives, log_e_census
from pytest_velo.stats.engine.design import check_design
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.engine.nulls import Null, nulls_of
from pytest_velo.stats.one_sided.rate import Barrier
from pytest_velo.stats.rules.composed import ComposedRule
from pytest_velo.stats.rules.rate import PRIOR

_ROUNDING = 1e-9


def make_census_rule(
    claim: Claim,
    *,
    size: int,
    alpha: float,
    beta: float,
    max_units: int | None = None,
    margin: float = 0.0,
    min_units: int = 1,
) -> ComposedRule:
    """Build the rule for a claim about the share of ones among recorded outcomes.

    Args:
        claim: What is claimed of their rate.
        size: How many outcomes the list has, from 1.
        alpha: P(wrong supported), at most; in (0, 1).
        beta: P(wrong refuted), at most; in (0, 1).
        max_units: No outcome is looked at after it; the whole list by default. It may be raised later.
        margin: How far off the claim must be to count as false, from 0.
        min_units: No verdict comes before this many outcomes.

    Raises:
        UsageError: A number is outside its range, or the claim is not about a rate.
    """
    if size < 1 or claim.statistic.arms or not claim.statistic.binary:
        raise UsageError(
            f"`{claim}` over {size} recorded outcomes cannot be counted", fix="claim a rate, leave once out"
        )
    horizon = size if max_units is None else min(size, max_units)
    check_design(alpha=alpha, beta=beta, max_units=horizon, min_units=min_units)
    support, against = census_tests(claim, size=size, alpha=alpha, beta=beta, margin=margin)
    return ComposedRule(
        claim,
        nulls_of(claim, margin),
        support=support,
        refute=against[0] if len(against) == 1 else EitherCount(against, beta),
        max_units=horizon,
        min_units=min_units,
        closed=True,
    )


def census_tests(
    claim: Claim, *, size: int, alpha: float, beta: float, margin: float = 0.0
) -> tuple[list[CensusTest], list[CensusTest]]:
    """Return fresh tests for the claim, which must all reject, and against it, one for each end of it.

    Args:
        claim: What is claimed of the share of ones.
        size: Outcomes in the list, from 1.
        alpha: The level of each test for the claim, in (0, 1).
        beta: The level of the tests against it, in (0, 1).
        margin: How far off the claim must be to count as false, from 0.

    Returns:
        Tests whose nulls are counts of ones.

    Raises:
        UsageError: The margin is negative, or leaves no false claim to rule out.
    """
    nulls = nulls_of(claim, margin)
    against = [_against_claim(null, beta, size) for null in nulls.refute]
    return [_for_claim(null, alpha, size) for null in nulls.support], against


def _for_claim(null: Null, level: float, size: int) -> CensusTest:
    """Return the test of the largest (side -1: smallest) count that is short of the claim."""
    counts = size * null.threshold
    short = math.ceil(counts - _ROUNDING) - 1 if null.side > 0 else math.floor(counts + _ROUNDING) + 1
    return CensusTest(short, null.side, level, size=size)


def _against_claim(null: Null, level: float, size: int) -> CensusTest:
    """Return the test of the count that fulfils the claim by least."""
    counts = size * null.threshold
    enough = math.floor(counts + _ROUNDING) if null.side > 0 else math.ceil(counts - _ROUNDING)
    return CensusTest(enough, null.side, level, size=size)


class CensusTest:
    """One test against one null about the number of ones in a list, latched, at Ville's threshold.

    Args:
        count: The null's edge, in 0..size.
        side: +1: the null is "at most `count` ones"; -1: "at least `count`".
        level: P(rejecting a true null), at most; in (0, 1).
        size: Outcomes in the list.

    Attributes:
        outcomes: The path, in the order fed.
        log_e: Log evidence against the null now, the largest there is when it has become impossible.
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
                f"a recorded outcome is 0 or 1, got {low!r} and {high!r}", fix="leave once out for means"
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

    def limit(self) -> float:
        """Return its confidence limit for the share of ones, beyond its own null iff it rejects."""
        from pytest_velo.stats.one_sided.census_limits import count_limit

        limit = count_limit(self.outcomes, self.side, self.log_threshold, self.size)
        nearest = self.count + (self.side if self.crossed else 0)
        farther = max if self.crossed == (self.side > 0) else min
        return farther(limit, nearest) / self.size

    def fewest(self, left: int) -> float:
        """Return the fewest further outcomes that could reject; inf if not within `left`."""
        return self._units_to(1.0 if self.side > 0 else 0.0, left)

    def expected(self, left: int) -> float:
        """Guess the further outcomes it needs at a rate one standard deviation kinder than it looks."""
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
        """Return P(it rejects within `left` further outcomes | data so far), the prior being Jeffreys'."""
        if self.crossed or left <= 0:
            return float(self.crossed)
        import numpy as np

        from pytest_velo.stats.exact.law import race

        ones = np.arange(left + 1.0) + PRIOR + self._ones
        total = len(self.outcomes) + 2 * PRIOR
        law = race(
            [Barrier(self.side, self.ahead, self.log_threshold)],
            [],
            steps=left,
            first_look=1,
            chance=lambda units: np.divide(ones[None, : units + 1], total + units),
        )
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
        """Return a number of further outcomes before which it cannot reject; inf if not within `left`."""
        return 0 if self.crossed else min(test.fewest(left) for test in self._ends)

    def expected(self, left: int) -> float:
        """Guess the further outcomes it needs if the truth is a little kinder than it looks."""
        return 0 if self.crossed else min(test.expected(left) for test in self._ends)

    def chance(self, left: int) -> float:
        """Guess P(it rejects within `left` further outcomes | data so far)."""
        return 1.0 if self.crossed else min(1.0, sum(test.chance(left) for test in self._ends))
