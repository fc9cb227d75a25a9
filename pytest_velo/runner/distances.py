"""How far each turn speaks against a claim: what is counted as against it, and what is shown first."""

from __future__ import annotations

from collections.abc import Callable

from pytest_velo.claims import Claim, Direction
from pytest_velo.runner.units import Units

Distance = float | None
"""Widths of the range on the wrong side of the threshold, at most 0 on the claim's; None when invalid."""


def wrong_by(claim: Claim, units: Units) -> list[Distance]:
    """Return for each turn how far it speaks against the claim."""
    measure = _measure(claim, units.estimate)
    span = claim.statistic.scale.span
    return [None if turn.value is None else measure(turn.value) / span for turn in units.turns]


def _measure(claim: Claim, estimate: float | None) -> Callable[[float], float]:
    """Return how far a value is on the wrong side of the threshold; for `within`, of the nearer end."""
    low, high = claim.low, claim.high
    match claim.direction:
        case Direction.AT_LEAST:
            return lambda value: claim.threshold - value
        case Direction.AT_MOST:
            return lambda value: value - claim.threshold
        case Direction.WITHIN:
            assert low is not None  # their constructor sees to it
            assert high is not None
            above = estimate is not None and estimate > (low + high) / 2
            return (lambda value: value - high) if above else (lambda value: low - value)
