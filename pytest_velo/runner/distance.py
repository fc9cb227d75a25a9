"""How strongly each turn speaks against a claim: what counts as against it, and what is shown first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pytest_velo.claims import Claim, Direction
from pytest_velo.runner.units import Turn, Units

Distance = float | None
"""Distance to the wrong side of the threshold, as a share of the range; None if invalid."""

MOST_TELLING = 100


def wrong_by(claim: Claim, units: Units) -> list[Distance]:
    """Return how far each turn, in order, lies on the wrong side of the threshold, as a share of the range.

    For `within`, the estimate from `units` decides which end is meant.
    """
    measure = _measure(claim, units.estimate)
    span = claim.statistic.scale.span
    return [None if turn.value is None else measure(turn.value) / span for turn in units.turns]


def n_against(distances: Iterable[Distance]) -> int:
    """Count the turns on the wrong side of the claim's threshold."""
    return sum(far is not None and far > 0 for far in distances)


def telling(distances: Iterable[Distance], turns: Sequence[Turn]) -> tuple[int, ...]:
    """Return the indices of the trials against the claim, those of the farthest turn first.

    At most `MOST_TELLING`; among equally distant turns the earlier ones come first.
    """
    against = [
        (far, turn.trials) for far, turn in zip(distances, turns, strict=True) if far is not None and far > 0
    ]
    against.sort(key=lambda turn: -turn[0])
    return tuple(index for _, trials in against for index in trials)[:MOST_TELLING]


def _measure(claim: Claim, estimate: float | None) -> Callable[[float], float]:
    """Return how far a value is on the wrong side of the threshold; for `within`, of the nearer end."""
    low, high = claim.low, claim.high
    match claim.direction:
        case Direction.AT_LEAST:
            return lambda value: claim.threshold - value
        case Direction.AT_MOST:
            return lambda value: value - claim.threshold
        case Direction.WITHIN:
            assert low is not None  # guaranteed by their constructor
            assert high is not None
            above = estimate is not None and estimate > (low + high) / 2
            return (lambda value: value - high) if above else (lambda value: low - value)
