"""A rule composed of tests of its claim's nulls: what such tests say together.

Its guarantees are those of every rule: P(supported | claim false) is at most alpha and P(refuted | claim
true) at most beta, at any stopping time. Every test is valid alone and latched: supported when all that must
be rejected has been, refuted when the test against the claim rejects. A false claim makes one null of
`support` true, so a wrong verdict is a wrong rejection of that one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, assert_never, cast

from pytest_velo.claims import Claim
from pytest_velo.errors import VeloError
from pytest_velo.stats.engine.nulls import Null, Nulls
from pytest_velo.stats.one_sided.mean import LimitTest, NullTest
from pytest_velo.verdicts import Interval, Verdict


class ComposedRule:
    """One claim under test: feed it units in submission order until it returns a verdict.

    Build it with `make_mean_rule`, `make_difference_rule` or `make_census_rule`.

    Args:
        claim: What is claimed, for words and units.
        nulls: Its nulls.
        support: One test for each null of `nulls.support`, each at alpha.
        refute: The test against the claim, at beta; one with a limit unless the claim is `within`.
        max_units: No unit is fed after it.
        min_units: No verdict comes before it; what is rejected earlier stays so.
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
        """Log evidence for the claim now; for `within` that of the end with less of it."""
        return min(test.log_e for test in self._support)

    @property
    def log_e_refute(self) -> float:
        """Log evidence against the claim now."""
        return self._refute.log_e

    def feed(self, low: float, high: float) -> Verdict | None:
        """Take in one unit.

        Args:
            low: The least its outcome can be, in [0, 1].
            high: The most; equal to `low` for a valid unit.

        Returns:
            The verdict if this unit decides, else None.

        Raises:
            VeloError: The rule has decided or is at its horizon; or the outcome is none.
        """
        if self.verdict is not None or self.n >= self.max_units:
            state = self.verdict or f"at its horizon of {self.max_units} units"
            raise VeloError(f"the rule for `{self.claim}` is {state}", fix="stop feeding it")
        check_bounds(low, high)
        for test in (*self._support, self._refute):
            test.feed(low, high)
        self.n += 1
        if self.n >= self.min_units:
            self.verdict = verdict_of(self._support, self._refute)
        return self.verdict

    def evidence_bounds(self) -> tuple[float, float, Interval | None]:
        """Return (p_support, p_refute, interval), all anytime-valid and of this very rule.

        The interval's ends are limits at the level of the test that moves them (alpha for support, beta for
        refutation; for `within` both alpha), in the statistic's own units; None before any unit.
        """
        p_support = max(test.p_value() for test in self._support)
        return p_support, self._refute.p_value(), self._interval() if self.n else None

    def _interval(self) -> Interval:
        ends = list(self._support)
        if len(ends) == 1:
            ends.append(cast(LimitTest, self._refute))
        return interval_of(ends, self.claim.statistic.scale.from_unit)

    def min_more(self) -> int:
        """Return a number of further units before which no verdict can come; 0 when decided.

        It is a few units optimistic. At most the units left.
        """
        return self._further(lambda test, left: test.fewest(left))

    def reach(self, limit: int) -> tuple[float, float]:
        """Return numbers of further units before which the claim cannot be supported, and refuted.

        Args:
            limit: Units beyond which one is inf.
        """
        return max(test.fewest(limit) for test in self._support), self._refute.fewest(limit)

    def expected_more(self) -> int:
        """Guess how many further units the verdict needs; 0 when decided.

        At first it hopes, with data it knows. At least `min_more()`, at most the units left.
        """
        return max(self.min_more(), self._further(lambda test, left: test.expected(left)))

    def _further(self, units: Callable[[NullTest, int], float]) -> int:
        left = self.max_units - self.n
        if self.verdict is not None or left == 0:
            return 0
        needed = min(max(units(test, left) for test in self._support), units(self._refute, left))
        return int(min(left, max(1, self.min_units - self.n, needed)))

    def predictive_probability(self) -> float:
        """Return an approximate P(a verdict by the horizon | data so far), in [0, 1], rather too high.

        Stopping on a small value (futility) never touches the error rates. A millisecond at most for means.
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
    """Refuse what cannot be the bounds of an outcome, before a test learns from it.

    Raises:
        VeloError: They are not 0 <= low <= high <= 1.
    """
    if not 0.0 <= low <= high <= 1.0:
        raise VeloError(f"an outcome has bounds 0 <= low <= high <= 1, got {low!r} and {high!r}")


def verdict_of(support: Sequence[NullTest], refute: NullTest) -> Verdict | None:
    """Return the verdict of latched tests; where both are reached, that with the larger excess.

    Args:
        support: Must all have rejected for "supported"; at least one.
        refute: Refutes alone.

    Returns:
        Supported or refuted; None where neither is reached.
    """
    supported = all(test.crossed for test in support)
    if supported and refute.crossed:  # both by the first look, across a margin
        supported = min(test.excess for test in support) >= refute.excess
    if supported:
        return Verdict.SUPPORTED
    return Verdict.REFUTED if refute.crossed else None


def interval_of(tests: Sequence[LimitTest], native: Callable[[float], float]) -> Interval:
    """Return the interval between the limits of a test of side +1 and one of side -1.

    Args:
        tests: One of each side, in any order.
        native: Maps the scale of [0, 1] to the units wanted.

    Returns:
        An interval at 1 minus the levels of both tests; of no width where the limits cross.
    """
    up, down = sorted(tests, key=lambda test: -test.side)
    low, high = up.limit(), down.limit()
    if low > high:  # the path contradicts itself; the test with more evidence has the last word
        low = high = low if up.excess >= down.excess else high
    return Interval(low=native(low), high=native(high), level=1.0 - up.level - down.level)


def certified_inequality(claim: Claim, nulls: Nulls, verdict: Verdict, *, closed: bool = False) -> str:
    """Return the inequality that a verdict about a claim certifies, in the statistic's own units.

    Args:
        claim: What was claimed.
        nulls: Its nulls on the scale of [0, 1].
        verdict: What came of it.
        closed: "Supported" leaves the edge itself possible.
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
