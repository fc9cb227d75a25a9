"""The sequential rule for a rate: fed unit by unit, it says when the data support or refute the claim.

Two error rates hold at any stopping time, however sampling is steered: P(supported | claim false) <= alpha
and P(refuted | claim true) <= beta. With a margin m, "false" means off by m or more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Literal

from pytest_velo.claims import Claim
from pytest_velo.errors import VeloError
from pytest_velo.stats import exact, limits
from pytest_velo.stats.engine.barrier import Bar, Barrier
from pytest_velo.stats.engine.design import PRIOR, Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.stats.one_sided.rate import EitherSide, OneSided, p_values
from pytest_velo.stats.rules.composed import certified_inequality, check_bounds, verdict_of
from pytest_velo.verdicts import Interval, Verdict

if TYPE_CHECKING:
    from pytest_velo.stats.engine.arrays import Floats
    from pytest_velo.stats.exact.chances import Chances
    from pytest_velo.stats.exact.law import Race

_TABLES = 64
"""Tables of chances kept in memory; one for a horizon of 1,000 takes 80 kB."""


def make_rate_rule(claim: Claim, design: Design) -> RateRule:
    """Build a fresh rule for a rate.

    For single trials its tests of one null are calibrated, each to its own level. `within` is supported when
    both of its ends are rejected. If the rate lies beyond one of them, that end's test has to err, which it
    does with probability alpha at most, whatever else may stop the run before. The two averaged e-values that
    refute `within` are at Ville's threshold, as are all tests of other units.

    Raises:
        UsageError: The margin reaches beyond 0 or 1.
    """
    support, refute = nulls_of(claim, design.margin)
    test = partial(OneSided, max_n=design.max_units, min_n=design.min_units, calibrated=design.calibrates)
    return RateRule(
        claim,
        design,
        [test(*null, design.alpha) for null in support],
        test(*refute[0], design.beta)
        if len(refute) == 1
        else EitherSide(refute, design.beta, min_n=design.min_units),
    )


class RateRule:
    """A claim under test: feed it units in submission order until it returns a verdict.

    Build it with `make_rate_rule`.

    Attributes:
        n: Units fed.
        verdict: Supported or refuted once decided; None before, never inconclusive.
        kind: `calibrated` or `ville`: where the threshold for "supported" comes from.
    """

    def __init__(
        self, claim: Claim, design: Design, support: Sequence[OneSided], refute: OneSided | EitherSide
    ) -> None:
        self.claim = claim
        self.max_units = design.max_units
        self.min_units = design.min_units
        self.n = 0
        self.verdict: Verdict | None = None
        self.kind: Literal["calibrated", "ville"] = "calibrated" if support[0].calibrated else "ville"
        self._support = tuple(support)
        self._refute = refute
        self._design = design
        self._low_sum = 0.0
        self._high_sum = 0.0

    @property
    def log_e_support(self) -> float:
        """Log evidence for the claim now; for `within` that of the weaker end."""
        return min(test.log_e for test in self._support)

    @property
    def log_e_refute(self) -> float:
        """Log evidence against the claim now."""
        return self._refute.log_e

    def feed(self, low: float, high: float) -> Verdict | None:
        """Take in one unit by the bounds of its outcome, 0 <= low <= high <= 1.

        The bounds are equal for a valid unit, and 0 and 1 for an invalid one that the verdict must withstand
        whichever way it fell.

        Returns:
            The verdict if this unit decides, else None.

        Raises:
            VeloError: The rule has decided or is at its horizon, where further units would break its error
                rates; or the bounds are invalid.
        """
        self._check_unit(low, high)
        self.n += 1
        self._low_sum += low
        self._high_sum += high
        for test in self._support:
            test.feed(low, high)
        self._refute.feed(low, high)
        self.verdict = verdict_of(self._support, self._refute)
        return self.verdict

    def _check_unit(self, low: float, high: float) -> None:
        if self.verdict is not None or self.n >= self.max_units:
            state = self.verdict or f"at its horizon of {self.max_units} units"
            raise VeloError(f"the rule for `{self.claim}` is {state}", fix="add no more outcomes")
        check_bounds(low, high)
        if self._design.single and (low not in (0, 1) or high not in (0, 1)):
            raise VeloError(
                f"a single trial's outcome must be 0 or 1, got {low!r} and {high!r}",
                fix="give the rule a design with single=False for means",
            )

    def evidence_bounds(self) -> tuple[float, float, Interval | None]:
        """Return (p_support, p_refute, interval), all anytime-valid and derived from this rule.

        The p-values are those of rejecting "claim false" and "claim true". The interval's ends are limits at
        the level of the test that moves them (alpha for support, beta for refutation; for `within` both
        alpha), so it never contradicts the verdict; None before any unit.
        """
        return *self.p_values(), self._interval() if self.n else None

    def p_values(self) -> tuple[float, float]:
        """Return p_support and p_refute alone, which takes a fraction of the time."""
        *p_support, p_refute = p_values([*self._support, self._refute])
        return max(p_support), p_refute

    def boundaries(self) -> tuple[float, float]:
        """Return the log evidence at which the claim is supported (of the weaker end now), and refuted."""
        weaker = min(self._support, key=lambda test: test.log_e)
        return weaker.log_threshold, self._refute.log_threshold

    def interval_at_stop(self) -> Interval:
        """Return the interval by the evidence at the last unit alone; see `rules.interval`."""
        return self._interval(at_stop=True)

    def _interval(self, *, at_stop: bool = False) -> Interval:
        tests = [test for test in (*self._support, self._refute) if isinstance(test, OneSided)]
        up, down = sorted(tests, key=lambda test: -test.side)
        low, high = limits.rate_limits([up, down], at_stop=at_stop)
        if low > high:  # the path contradicts itself: the test that decided prevails
            low = high = low if up.excess >= down.excess else high
        native = self.claim.statistic.scale.from_unit
        return Interval(low=native(low), high=native(high), level=1.0 - up.level - down.level)

    def min_more(self) -> int:
        """Return a number of further units before which no verdict can come; 0 once decided.

        It is exact once a calibrated threshold has been computed, else a few units too low; for `within` it
        is the longer of the two ends' shortest paths. Never more than the units left.
        """
        return self._fewest(Bar.LOWEST, {1: 1.0, -1: 0.0})

    def expected_more(self) -> int:
        """Guess how many further units the verdict needs; 0 once decided.

        The guess is the shortest path at a rate within one standard deviation of the posterior mean:
        optimistic at first, accurate with more data. At least `min_more()`, never more than the units left.
        """
        rates: dict[Side, float] = {}
        for side, ones in ((1, self._low_sum), (-1, self._high_sum)):
            mean = (ones + PRIOR) / (self.n + 2 * PRIOR)
            deviation = math.sqrt(mean * (1.0 - mean) / (self.n + 2 * PRIOR + 1.0))
            rates[1 if side > 0 else -1] = min(1.0, max(0.0, mean + side * deviation))
        return max(self.min_more(), self._fewest(Bar.HIGHEST, rates))

    def _fewest(self, bar: Bar, rates: dict[Side, float]) -> int:
        """Return the fewest further units to a verdict, at the rate given for each side's tests."""
        left = self.max_units - self.n
        if self.verdict is not None or left == 0:
            return 0

        def units(barrier: Barrier) -> float:
            needed = barrier.units_to(rates[barrier.side], left)
            return math.inf if needed is None else needed

        support = max(units(barrier) for test in self._support for barrier in test.barriers(bar))
        refute = min(units(barrier) for barrier in self._refute.barriers(bar))
        return int(min(left, max(1, self.min_units - self.n, min(support, refute))))

    def predictive_probability(self) -> float:
        """Return P(a verdict by the horizon | data so far), under a Jeffreys prior and valid further trials.

        Stopping on a small value (futility) never affects the error rates. At a run's futility looks it needs
        one table per design; elsewhere it takes milliseconds, tens of them a thousand units before the end.
        """
        if self.verdict is not None:
            return 1.0
        chance = self._usual_chance()
        return self._chance() if chance is None else chance

    def _usual_chance(self) -> float | None:
        """Return the chance from the shared table of this design; None if the table does not have it."""
        if not self._design.single:
            return None
        n_invalid = int(self._high_sum - self._low_sum)
        states = _chances(self.claim, self._design, n_invalid).get(self.n - n_invalid)
        if states is None:
            return None
        latched = sum(1 << place for place, test in enumerate(self._support) if test.crossed)
        return float(states[latched][int(self._low_sum)])

    def _chance(self) -> float:
        """Compute the chance from the law of all that may still come."""
        law = self.as_it_looks((self._low_sum + self._high_sum) / 2)
        return float(min(1.0, law.supported[0] + law.refuted[0]))

    def as_it_looks(self, ones: float) -> Race:
        """Return the law of what is still to come, under a Jeffreys prior updated with the units so far."""
        support, refute = self.barriers()
        return exact.as_it_looks(
            support, refute, steps=self._steps, ones=ones, n=self.n, first_look=self._first_look
        )

    def outlook(self, chance: Callable[[int], Floats]) -> Race:
        """Return the exact law of what is still to come on 0/1 units.

        `chance` is P(the next unit is 1) given the number of further units so far: an array that broadcasts
        over (batch, number of ones among them).
        """
        support, refute = self.barriers()
        return exact.race(support, refute, steps=self._steps, first_look=self._first_look, chance=chance)

    @property
    def _steps(self) -> int:
        return self.max_units - self.n if self.verdict is None else 0

    @property
    def _first_look(self) -> int:
        return max(1, self.min_units - self.n)

    def barriers(self) -> tuple[list[Barrier], list[Barrier]]:
        """Return the barriers for the claim (all must be crossed) and against it (any refutes)."""
        support = [barrier for test in self._support for barrier in test.barriers(Bar.EXACT)]
        return support, self._refute.barriers(Bar.EXACT)

    def certified(self, verdict: Verdict) -> str:
        """Return the inequality that a verdict certifies, e.g. `rate > 0.3`."""
        return certified_inequality(self.claim, nulls_of(self.claim, self._design.margin), verdict)


@lru_cache(maxsize=_TABLES)
def _chances(claim: Claim, design: Design, n_invalid: int) -> dict[int, Chances]:
    """Return the chance of a verdict at the futility looks of every run of one design, by valid units.

    The evidence of 0/1 units depends on their counts alone, so one backward pass gives the whole table for
    the price of a look or two, and hypotheses with the same design share it. Invalid units, held against both
    sides, are fed before the valid ones; the rate has a Jeffreys prior.
    """
    rule = make_rate_rule(claim, design)
    for _ in range(n_invalid):
        rule.feed(0.0, 1.0)
    looks = usual_futility(design.max_units).looks(design.max_units, design.min_units)
    return exact.chances_of(
        *rule.barriers(),
        horizon=design.max_units - n_invalid,
        first_look=max(1, design.min_units - n_invalid),
        looks={n - n_invalid for n in looks},
        prior=PRIOR + n_invalid / 2,
    )
