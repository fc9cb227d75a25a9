"""A test of "no difference" on pairs of 0/1 outcomes, by the discordant pairs alone, like McNemar's test.

A pair gives d = a - b, fed as (d + 1) / 2. A pair with d = 0 is skipped; one with d = +1 or -1 is a coin toss
that shows +1 with probability at most 1/2 under "the mean of d is at most 0". So the calibrated boundary of a
rate of 1/2 applies. Its horizon is the largest number of pairs: there are never more discordant ones, and
tosses that are not made by then are looks not taken, which can only lower the error.

For a pair with an invalid arm, the test against "at most 0" takes the low bound: -1 counts, 0 is skipped.
That is valid however arms become invalid. Given the past, low <= d has a mean of at most 0, that is, P(low =
+1) <= P(low = -1); so given that low is not 0, it is +1 with probability at most 1/2, whatever came before.
Tosses biased this way cross no more often than fair ones: they can be built from fair tosses by turning some
+1 into -1, and the evidence falls with every such change. (Dropping the pairs with an invalid arm has no such
justification, and fails the tests in ``tests/calibration``.)
"""

from __future__ import annotations

import math
from array import array

from pytest_velo.errors import VeloError
from pytest_velo.stats import limits
from pytest_velo.stats.engine.design import NO_DIFFERENCE, PRIOR
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.one_sided.rate_forecast import RateTest


class DiscordantTest:
    """A test of "no difference" on pairs of 0/1 outcomes, at the calibrated threshold of a fair coin.

    Side +1 tests "d <= 0 on average", side -1 "d >= 0".

    Attributes:
        outcomes: All pairs, in the order fed: 0, 1/2 or 1.
    """

    calibrated = True
    threshold = NO_DIFFERENCE

    def __init__(self, side: Side, level: float, *, max_n: int) -> None:
        self.side: Side = side
        self.level = level
        self.max_n = max_n
        self.outcomes = array("d")
        self._tosses = RateTest(NO_DIFFERENCE, side, level, max_n=max_n)

    @property
    def crossed(self) -> bool:
        """The null is rejected."""
        return self._tosses.crossed

    @property
    def log_e(self) -> float:
        """Log evidence against the null now."""
        return self._tosses.log_e

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        return self._tosses.excess

    def feed(self, low: float, high: float) -> None:
        """Take in one pair by the bounds of (d + 1) / 2."""
        if not {low, high} <= {0.0, 0.5, 1.0}:
            raise VeloError(
                f"a pair of 0/1 outcomes must give 0, 1/2 or 1, got {low!r} and {high!r}",
                fix="build the rule with binary=False for scores and for means of pairs",
            )
        outcome = low if self.side > 0 else high
        self.outcomes.append(outcome)
        if outcome != NO_DIFFERENCE:
            self._tosses.feed(outcome, outcome)

    def p_value(self) -> float:
        """Return the anytime-valid p-value; at most `level` iff it rejects."""
        return self._tosses.p_value()

    def limit(self, *, at_stop: bool = False) -> float:
        """Return the confidence limit for (1 + mean of d) / 2, beyond 1/2 iff it rejects."""
        return limits.discordant_limit(
            self.outcomes, self.side, self.level, max_n=self.max_n, crossed=self.crossed, at_stop=at_stop
        )

    def fewest(self, left: int) -> float:
        """Return a number of further pairs before which it cannot reject; inf if more than `left`."""
        return self._tosses.fewest(left)

    def expected(self, left: int) -> float:
        """Guess the further pairs it needs if the truth is a little more favourable than observed."""
        share, _ = self._discordance()
        tosses = self._tosses.expected(left)
        return tosses if math.isinf(tosses) else math.ceil(tosses / share)

    def chance(self, left: int) -> float:
        """Estimate P(it rejects within `left` further pairs | data so far).

        It is exact for a given number of tosses, which is taken one standard deviation above the expected
        number.
        """
        share, deviation = self._discordance()
        return self._tosses.chance(min(left, round(left * min(1.0, share + deviation))))

    def _discordance(self) -> tuple[float, float]:
        """Return the share of discordant pairs and its standard deviation."""
        pairs = len(self.outcomes) + 2 * PRIOR
        share = (self._tosses.n + PRIOR) / pairs
        return share, (share * (1.0 - share) / pairs) ** 0.5
