"""What tests that are latched say together: which verdict, which interval, which inequality."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import assert_never

from pytest_velo.claims import Claim
from pytest_velo.errors import VeloError
from pytest_velo.stats.engine.nulls import Null, Nulls
from pytest_velo.stats.one_sided.mean import LimitTest, NullTest
from pytest_velo.verdicts import Interval, Verdict


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
