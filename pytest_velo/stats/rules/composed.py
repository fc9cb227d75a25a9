"""A rule composed of tests of its claim's nulls, and how their decisions combine.

Like every rule it keeps P(supported | claim false) <= alpha and P(refuted | claim true) <= beta, at any
stopping time. Every test is valid by itself and latched. The claim is supported when every test of `support`
has rejected, and refuted when the test of `refute` has. If the claim is false, at least one null of `support`
is true, so a wrong "supported" requires a wrong rejection of that one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, assert_never, cast

from pytest_velo.claims import Claim
from pytest_velo.errors import VeloError
from pytest_velo.stats.engine.nulls import Null, Nulls
from pytest_velo.stats.one_sided.mean import LimitTest, NullTest
from pytest_velo.verdicts import Interval, Verdict


class ComposedRule:
    """A claim under test: feed it units in submission order until it returns a verdict.

    Build it with `make_mean_rule`, `make_difference_rule` or `make_census_rule`.

    Args:
        claim: What is claimed, for wording and units.
        nulls: Its nulls.
        support: One test for each null of `nulls.support`, each at alpha.
        refute: The test against the claim, at beta; it has a limit unless the claim is `within`.
        max_units: No unit is fed after it.
        min_units: No verdict comes before it; earlier rejections stay latched.
        closed: "Supported" leaves the edge itself possible: `>=` is certified, not `>`.

    Attributes:
        n: Units fed.
        verdict: Supported or refuted once decided; None before, never inconclusive.
        kind: `calibrated` or `ville`: where the threshold for "supported" comes from.
    """

    def __init__(
        self,
        claim: Claim,
        nulls: Nulls,
        *,
        support: Sequence[LimitTest],
        refute: NullTest,
        max_units: int,
        min_units: int,
        closed: bool = False,
    ) -> None:
        self.claim = claim
        self.nulls = nulls
        self._closed = closed
        self.max_units = max_units
        self.min_units = min_units
        self.n = 0
        self.verdict: Verdict | None = None
        self.kind: Literal["calibrated", "ville"] = "calibrated" if support[0].calibrated else "ville"
        self._support = tuple(support)
        self._refute = refute

    @property
    def log_e_support(self) -> float:
        """Log evidence for the claim now; for `within` that of the weaker end."""
        return min(test.log_e for test in self._support)

    @property
    def log_e_refute(self) -> float:
        """Log evidence against the claim now."""
        return self._refute.log_e

    def feed(self, low: float, high: float) -> Verdict | None:
        """Take in one unit by the bounds of its outcome, 0 <= low <= high <= 1, equal if it is valid.

        Returns:
            The verdict if this unit decides, else None.

        Raises:
            VeloError: The rule has decided or is at its horizon; or the bounds are invalid.
        """
        if self.verdict is not None or self.n >= self.max_units:
            state = self.verdict or f"at its horizon of {self.max_units} units"
            raise VeloError(f"the rule for `{self.claim}` is {state}", fix="add no more outcomes")
        check_bounds(low, high)
        for test in (*self._support, self._refute):
            test.feed(low, high)
        self.n += 1
        if self.n >= self.min_units:
            self.verdict = verdict_of(self._support, self._refute)
        return self.verdict

    def evidence_bounds(self) -> tuple[float, float, Interval | None]:
        """Return (p_support, p_refute, interval), all anytime-valid and derived from this rule.

        The interval's ends are limits at the level of the test that moves them (alpha for support, beta for
        refutation; for `within` both alpha), in the statistic's own units; None before any unit.
        """
        return *self.p_values(), self._interval() if self.n else None

    def p_values(self) -> tuple[float, float]:
        """Return p_support and p_refute alone, which takes a fraction of the time."""
        return max(test.p_value() for test in self._support), self._refute.p_value()

    def boundaries(self) -> tuple[float, float]:
        """Return the log evidence at which the claim is supported, and refuted."""
        return max(
            test.log_e - test.excess for test in self._support
        ), self._refute.log_e - self._refute.excess

    def interval_at_stop(self) -> Interval:
        """Return the interval by the evidence at the last unit alone; see `rules.interval`."""
        return self._interval(at_stop=True)

    def _interval(self, *, at_stop: bool = False) -> Interval:
        ends = list(self._support)
        if len(ends) == 1:
            ends.append(cast(LimitTest, self._refute))
        return interval_of(ends, self.claim.statistic.scale.from_unit, at_stop=at_stop)

    def min_more(self) -> int:
        """Return a number of further units before which no verdict can come; 0 once decided.

        It may be a few units too low. Never more than the units left.
        """
        return self._further(lambda test, left: test.fewest(left))

    def reach(self, limit: int) -> tuple[float, float]:
        """Return the further units before which the claim cannot be supported, and refuted; or inf."""
        return max(test.fewest(limit) for test in self._support), self._refute.fewest(limit)

    def expected_more(self) -> int:
        """Guess how many further units the verdict needs; 0 once decided.

        Optimistic at first, accurate with more data. At least `min_more()`, never more than the units left.
        """
        return max(self.min_more(), self._further(lambda test, left: test.expected(left)))

    def _further(self, units: Callable[[NullTest, int], float]) -> int:
        left = self.max_units - self.n
        if self.verdict is not None or left == 0:
            return 0
        needed = min(max(units(test, left) for test in self._support), units(self._refute, left))
        return int(min(left, max(1, self.min_units - self.n, needed)))

    def predictive_probability(self) -> float:
        """Estimate P(a verdict by the horizon | data so far), rather too high than too low.

        Stopping on a small value (futility) never affects the error rates. It takes at most a millisecond for
        means.
        """
        if self.verdict is not None:
            return 1.0
        left = self.max_units - self.n
        support = min(test.chance(left) for test in self._support)
        return min(1.0, support + self._refute.chance(left))

    def certified(self, verdict: Verdict) -> str:
        """Return the inequality that a verdict certifies, e.g. `mean(0, 10) > 7`."""
        return certified_inequality(self.claim, self.nulls, verdict, closed=self._closed)


def check_bounds(low: float, high: float) -> None:
    """Reject invalid bounds before a test learns from them.

    Raises:
        VeloError: They are not 0 <= low <= high <= 1.
    """
    if not 0.0 <= low <= high <= 1.0:
        raise VeloError(f"an outcome must have bounds 0 <= low <= high <= 1, got {low!r} and {high!r}")


class Latched(Protocol):
    """A test of one null that stays rejected once it is."""

    @property
    def crossed(self) -> bool:
        """The null is rejected."""
        ...

    @property
    def excess(self) -> float:
        """Log evidence beyond the threshold; negative short of it."""
        ...


def verdict_of(support: Sequence[Latched], refute: Latched) -> Verdict | None:
    """Return the verdict of latched tests, or None: all of `support` must reject, or `refute` alone.

    If both verdicts are reached, the one with the larger excess wins.
    """
    supported = all(test.crossed for test in support)
    if supported and refute.crossed:  # both by the first look, across a margin
        supported = min(test.excess for test in support) >= refute.excess
    if supported:
        return Verdict.SUPPORTED
    return Verdict.REFUTED if refute.crossed else None


def interval_of(
    tests: Sequence[LimitTest], native: Callable[[float], float], *, at_stop: bool = False
) -> Interval:
    """Return the interval between the limits of a test of side +1 and one of side -1, in any order.

    Its level is 1 minus the levels of both tests. If the limits cross, it has no width. `native` maps the
    scale [0, 1] to the units wanted. `at_stop` goes by the evidence at the last unit alone.
    """
    up, down = sorted(tests, key=lambda test: -test.side)
    low, high = up.limit(at_stop=at_stop), down.limit(at_stop=at_stop)
    if low > high:  # the path contradicts itself: the test with more evidence prevails
        low = high = low if up.excess >= down.excess else high
    return Interval(low=native(low), high=native(high), level=1.0 - up.level - down.level)


def certified_inequality(claim: Claim, nulls: Nulls, verdict: Verdict, *, closed: bool = False) -> str:
    """Return the inequality that a verdict about a claim certifies, in the statistic's own units.

    `closed` means that "supported" leaves the edge itself possible.
    """
    name, native = claim.statistic, claim.statistic.scale.from_unit

    equal = "=" if closed else ""

    def beyond(null: Null, equal: str = "") -> str:
        edge = native(null.threshold)
        edge = 0.0 if math.isclose(edge, 0.0, abs_tol=1e-12) else edge
        return name.compared(f"{'>' if null.side > 0 else '<'}{equal}", edge)

    match verdict:
        case Verdict.SUPPORTED if len(nulls.support) == 2:
            low, high = (native(null.threshold) for null in nulls.support)
            return f"{low:g} <{equal} {name} <{equal} {high:g}"
        case Verdict.SUPPORTED:
            return beyond(nulls.support[0], equal)
        case Verdict.REFUTED:
            return " or ".join(beyond(null) for null in nulls.refute)
        case Verdict.INCONCLUSIVE | Verdict.MEASURED:  # a claim is never measured
            return f"undecided: {claim}"
        case _:
            assert_never(verdict)
