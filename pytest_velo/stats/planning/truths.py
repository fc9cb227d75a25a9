"""The true values at which a plan is shown, and the nearest ones that it can detect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pytest_velo.claims import Claim, Direction, Statistic
from pytest_velo.stats.planning.law import IN_CLOSED_FORM, Law, Search, smallest_detectable
from pytest_velo.stats.planning.operating import OperatingCharacteristics

STEPS = (0.02, 0.05, 0.1, 0.2, 0.35)
"""Distances from a threshold that are shown, as shares of the range of a trial's outcome."""

_NEAR_AN_END = 0.1
_CLOSEST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Detectable:
    """The truths nearest to the thresholds that are detected often enough.

    Attributes:
        power: How often, in (0, 1).
        supported: For each threshold the true value from which on the claim is supported that often; None if
            there is none.
        refuted: The same for refuted, on the other side.
    """

    power: float
    supported: tuple[float | None, ...]
    refuted: tuple[float | None, ...]


def truths_of(claim: Claim, more: tuple[float, ...] = ()) -> list[float]:
    """Return the true values to show, rising: thresholds, and widening steps on both sides of them.

    `more` are further values, such as the expected one.
    """
    found = {*more}
    if claim.direction is Direction.WITHIN:
        low, high = _ends(claim)
        found |= {*_side(claim.statistic, low, -1), *_side(claim.statistic, high, 1)}
        found |= {low, (low + high) / 2, high}
    else:
        edge = claim.threshold
        found |= {edge, *_side(claim.statistic, edge, -1), *_side(claim.statistic, edge, 1)}
    rising = sorted(round(truth, 12) for truth in found)
    span = claim.statistic.scale.span
    return rising[:1] + [after for before, after in pairwise(rising) if after - before > _CLOSEST * span]


def detectable_of(claim: Claim, law: Law, power: float = 0.8, search: Search = IN_CLOSED_FORM) -> Detectable:
    """Return the truths nearest to the thresholds that a design detects with this probability.

    `search` is as in `smallest_detectable`.
    """
    low, high = claim.statistic.scale

    def swapped(truths: Sequence[float]) -> list[OperatingCharacteristics]:
        return [replace(at, supported=at.refuted, refuted=at.supported) for at in law(truths)]

    match claim.direction:
        case Direction.WITHIN:
            ends, middle = _ends(claim), sum(_ends(claim)) / 2
            return Detectable(
                power=power,
                supported=tuple(smallest_detectable(law, end, middle, power, search) for end in ends),
                refuted=tuple(
                    smallest_detectable(swapped, end, far, power, search)
                    for end, far in zip(ends, (low, high), strict=True)
                ),
            )
        case Direction.AT_LEAST:
            right, wrong = high, low
        case Direction.AT_MOST:
            right, wrong = low, high
    return Detectable(
        power=power,
        supported=(smallest_detectable(law, claim.threshold, right, power, search),),
        refuted=(smallest_detectable(swapped, claim.threshold, wrong, power, search),),
    )


def _ends(claim: Claim) -> tuple[float, float]:
    assert claim.low is not None  # `within` has both
    assert claim.high is not None
    return claim.low, claim.high


def _side(statistic: Statistic, edge: float, side: int) -> list[float]:
    """Return the values on one side of a threshold, nearest first, including the end of the range if near."""
    scale, outcome = statistic.scale, statistic.outcomes.span
    end = scale.high if side > 0 else scale.low
    room = abs(end - edge)
    inside = [edge + side * step * outcome for step in STEPS if step * outcome < room * (1.0 - 1e-9)]
    if room > _NEAR_AN_END * outcome:
        return inside
    return [*(inside or [edge + side * room / 2]), end]
