"""The sequential rule for several claims that must all hold, about named outcomes of the same trials.

**Supported** when every part is, each at alpha and latched. If the joint claim is false, at least one of its
parts is false, and "supported" requires that part's own test to reject a true null: P <= alpha, however many
parts there are and however they depend on each other. A part `within` two ends has a test for each, at alpha,
too: if it is false, the rate is beyond one of its ends, and that one's null is true. So where units are
single 0/1 trials, each test of a rate has the exact threshold of its horizon, one end or two.

**Refuted** at beta in total. Each of K parts has beta/K to spend. A part whose refuting test is calibrated
spends its own: it rejects at beta/K. The M others (means, and rates within two ends, which the average of two
e-processes refutes) pool theirs: the average of their refute e-values starts at 1 and its expectation does
not grow if all parts are true, so by Ville it reaches K / (M beta) with probability at most M beta / K.
Together, (K - M) beta/K + M beta/K = beta. Pooling loses nothing: the average of M e-values reaches K / (M
beta) no later than any one of them reaches its own threshold K / beta.

A part by itself is shown as refuted when its own test rejects at beta/K.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from pytest_velo.claims import Claim, Joint
from pytest_velo.errors import VeloError
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.nulls import Null, Nulls, nulls_of
from pytest_velo.stats.one_sided.mean import EitherMean, LimitTest, MeanTest, NullTest, refuting
from pytest_velo.stats.one_sided.rate_forecast import RateTest
from pytest_velo.stats.rules.composed import certified_inequality, check_bounds, interval_of, verdict_of
from pytest_velo.verdicts import Interval, Verdict


def make_joint_rule(claim: Joint, design: Design) -> JointRule:
    """Build the rule for a joint claim; a unit has one outcome for each part.

    Raises:
        UsageError: The margin reaches beyond a statistic's range.
    """
    share = design.beta / len(claim.parts)
    parts = []
    for part in claim.parts:
        nulls = nulls_of(part, design.margin)
        calibrated = design.calibrates and part.statistic.binary
        parts.append(_part(part, nulls, design.alpha, share, design.max_units if calibrated else None))
    return JointRule(claim, parts, design)


def _part(claim: Claim, nulls: Nulls, alpha: float, beta: float, horizon: int | None) -> Part:
    """Return one part with its tests, calibrated to the horizon where a calibrated test exists."""

    def test(null: Null, level: float) -> LimitTest:
        return MeanTest(*null, level) if horizon is None else RateTest(*null, level, max_n=horizon)

    refute = test(nulls.refute[0], beta) if len(nulls.refute) == 1 else refuting(nulls.refute, beta)
    support = tuple(test(null, alpha) for null in nulls.support)
    return Part(claim=claim, nulls=nulls, support=support, refute=refute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a joint claim with its tests, which keep going after the part itself is decided.

    Attributes:
        support: One test for each null that must be rejected, each at alpha.
        refute: The test against the part, at its share of beta.
    """

    claim: Claim
    nulls: Nulls
    support: tuple[LimitTest, ...]
    refute: LimitTest | EitherMean

    @property
    def supported(self) -> bool:
        """Whether all of its support tests have rejected."""
        return all(test.crossed for test in self.support)

    @property
    def verdict(self) -> Verdict:
        """The verdict of its own tests."""
        return verdict_of(self.support, self.refute) or Verdict.INCONCLUSIVE

    @property
    def log_e_support(self) -> float:
        """Log evidence for the part now."""
        return min(test.log_e for test in self.support)

    def feed(self, low: float, high: float) -> None:
        """Take in this part's outcome of one unit."""
        for test in (*self.support, self.refute):
            test.feed(low, high)

    def p_support(self) -> float:
        """Return the p-value of rejecting "part false"."""
        return max(test.p_value() for test in self.support)

    def interval(self, *, at_stop: bool = False) -> Interval:
        """Return its interval in its own units, at 1 - alpha - beta/K (`within`: 1 - 2 alpha)."""
        ends = [*self.support, *([] if isinstance(self.refute, EitherMean) else [self.refute])]
        return interval_of(ends, self.claim.statistic.scale.from_unit, at_stop=at_stop)

    def certified(self) -> str:
        """Return the inequality that its verdict certifies."""
        return certified_inequality(self.claim, self.nulls, self.verdict)


class JointRule:
    """A joint claim under test: feed it units in submission order until it returns a verdict.

    Build it with `make_joint_rule`.

    Attributes:
        n: Units fed.
        parts: The parts in the claim's order, each with its own verdict.
        verdict: Supported or refuted once decided; None before, never inconclusive.
        kind: `calibrated` if all tests of its parts are, `ville` if none is, else `mixed`.
    """

    def __init__(self, claim: Joint, parts: Sequence[Part], design: Design) -> None:
        self.claim = claim
        self.parts = tuple(parts)
        self.max_units = design.max_units
        self.min_units = design.min_units
        self.n = 0
        self.verdict: Verdict | None = None
        self._beta = design.beta
        self._alone = [part.refute for part in parts if part.refute.calibrated]
        self._pooled = [part.refute for part in parts if not part.refute.calibrated]
        self._max_pool = -math.inf
        self.kind = _kind_of([test for part in parts for test in (*part.support, part.refute)])

    @property
    def log_e_support(self) -> float:
        """Log evidence for the claim now: that of its weakest part."""
        return min(part.log_e_support for part in self.parts)

    @property
    def log_e_refute(self) -> float:
        """Log evidence against the claim now: the average of the parts' e-values."""
        return _log_mean([part.refute.log_e for part in self.parts])

    def feed(self, unit: Sequence[tuple[float, float] | None]) -> Verdict | None:
        """Take in one unit: for each part the bounds of its outcome in [0, 1], or None if it does not count.

        Returns:
            The verdict if this unit decides, else None.

        Raises:
            VeloError: The rule has decided or is at its horizon; or an outcome is invalid.
        """
        if self.verdict is not None or self.n >= self.max_units:
            state = self.verdict or f"at its horizon of {self.max_units} units"
            raise VeloError(f"the rule for `{self.claim}` is {state}", fix="add no more outcomes")
        for bounds in unit:
            if bounds is not None:
                check_bounds(*bounds)
        for part, bounds in zip(self.parts, unit, strict=True):
            if bounds is not None:
                part.feed(*bounds)
        self.n += 1
        if self._pooled:
            self._max_pool = max(self._max_pool, _log_mean([test.log_e for test in self._pooled]))
        if self.n >= self.min_units:
            self.verdict = self._decide()
        return self.verdict

    def _decide(self) -> Verdict | None:
        supported = all(part.supported for part in self.parts)
        refuted = any(test.crossed for test in self._alone) or self._max_pool >= self._log_pool_bar()
        if supported and refuted:  # both by the first look, across a margin
            for_it = min(test.excess for part in self.parts for test in part.support)
            supported = for_it >= max(part.refute.excess for part in self.parts)
        if supported:
            return Verdict.SUPPORTED
        return Verdict.REFUTED if refuted else None

    def _log_pool_bar(self) -> float:
        """Return the log threshold of the pooled average e-value: K / (M beta)."""
        return math.log(len(self.parts) / self._beta / max(1, len(self._pooled)))

    def _p_refute(self) -> float:
        """Return the p-value of "all parts are true": at most beta iff the rule refutes.

        P(p <= x) <= x under the null: (K - M)/K of x from the calibrated parts, M/K from the pool.
        """
        k = len(self.parts)
        alone = min((test.p_value() for test in self._alone), default=1.0)
        pooled = math.exp(-self._max_pool) / len(self._pooled) if self._pooled else 1.0
        return min(1.0, k * alone, k * pooled)

    def evidence_bounds(self) -> tuple[float, float, Interval | None]:
        """Return (p_support, p_refute, None), anytime-valid; only the parts have intervals."""
        return max(part.p_support() for part in self.parts), self._p_refute(), None

    def min_more(self) -> int:
        """Return a number of further units before which a verdict is practically impossible; 0 once decided.

        It looks at each part alone; the pool may get there a unit or two sooner. Never more than the units
        left.
        """
        return self._further(lambda test, left: test.fewest(left))

    def expected_more(self) -> int:
        """Guess how many further units the verdict needs; 0 once decided.

        Optimistic at first, accurate with more data. At least `min_more()`, never more than the units left.
        """
        return max(self.min_more(), self._further(lambda test, left: test.expected(left)))

    def _further(self, units: Callable[[NullTest, int], float]) -> int:
        left = self.max_units - self.n
        if self.verdict is not None or left == 0:
            return 0
        support = max(units(test, left) for part in self.parts for test in part.support)
        refute = min(units(part.refute, left) for part in self.parts)
        return int(min(left, max(1, self.min_units - self.n, min(support, refute))))

    def predictive_probability(self) -> float:
        """Estimate P(a verdict by the horizon | data so far), rather too high than too low."""
        if self.verdict is not None:
            return 1.0
        left = self.max_units - self.n
        support = min(test.chance(left) for part in self.parts for test in part.support)
        return min(1.0, support + sum(part.refute.chance(left) for part in self.parts))

    def certified(self, verdict: Verdict) -> str:
        """Return what a verdict certifies, in terms of the parts."""
        match verdict:
            case Verdict.SUPPORTED:
                return " and ".join(
                    certified_inequality(part.claim, part.nulls, Verdict.SUPPORTED) for part in self.parts
                )
            case Verdict.REFUTED:
                refuted = [part.certified() for part in self.parts if part.verdict is Verdict.REFUTED]
                return " and ".join(refuted) if refuted else f"not all of {self.claim}"
            case Verdict.INCONCLUSIVE | Verdict.MEASURED:  # a claim is never measured
                return f"undecided: {self.claim}"
            case _:
                assert_never(verdict)


def _log_mean(logs: Sequence[float]) -> float:
    """Return the log of the mean of e-values given by their logs."""
    top = max(logs)
    return top + math.log(sum(math.exp(value - top) for value in logs) / len(logs))


def _kind_of(tests: Sequence[LimitTest | EitherMean]) -> Literal["calibrated", "ville", "mixed"]:
    calibrated = {test.calibrated for test in tests}
    return "mixed" if len(calibrated) > 1 else "calibrated" if calibrated.pop() else "ville"
