"""How strongly each turn speaks against a claim: what counts as against it, and what is shown first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_velo.claims import Claim, Direction
from pytest_velo.runner.units import Turn, Units
from pytest_velo.verdicts import PairCounts

Distance = float | None
"""Distance to the wrong side of the threshold, as a share of the range; None if invalid."""

MOST_TELLING = 100


def wrong_by(claim: Claim, units: Units) -> list[Distance]:
    """Return how far each turn, in order, lies on the wrong side of the threshold, as a share of the range.

    For `within`, the estimate from `units` decides which end is meant.
    """
    measure = distance_from(claim, units.estimate)
    span = claim.statistic.scale.span
    return [None if turn.value is None else measure(turn.value) / span for turn in units.turns]


def n_against(distances: Iterable[Distance], units: Units) -> int:
    """Count the turns on the wrong side of the claim's threshold; pairs whose arms are alike are on none."""
    turns = zip(distances, units.turns, strict=True)
    return sum(far is not None and far > 0 and not (units.compares and _is_tie(turn)) for far, turn in turns)


def telling(distances: Iterable[Distance], units: Units) -> tuple[int, ...]:
    """Return the indices of the trials against the claim, those of the farthest turn first.

    Of a difference, the trials of whole pairs: those that differ first, the ones against the claim ahead,
    then pairs that are alike and fall short of it. At most `MOST_TELLING` trials, whole turns; among equally
    distant turns the earlier ones come first.
    """
    found = [(far, turn) for far, turn in zip(distances, units.turns, strict=True) if far is not None]
    if units.compares:
        found = [(far, turn) for far, turn in found if far > 0 or not _is_tie(turn)]
        found.sort(key=lambda pair: (_is_tie(pair[1]), -pair[0]))
    else:
        found = sorted(((far, turn) for far, turn in found if far > 0), key=lambda pair: -pair[0])
    shown: list[int] = []
    for _, turn in found:
        if len(shown) + len(turn.trials) > MOST_TELLING:
            break
        shown += turn.trials
    return tuple(shown)


def pair_counts(units: Units, *, binary: bool) -> PairCounts | None:
    """Count how the valid pairs of a difference came out; None for units of another kind."""
    if not units.compares:
        return None
    first, second = units.compares
    values = [turn.value for turn in units.turns if turn.value is not None]
    n_first, n_second = sum(value > 0 for value in values), sum(value < 0 for value in values)
    return PairCounts(
        first=first,
        second=second,
        n_first=n_first,
        n_second=n_second,
        n_equal=len(values) - n_first - n_second,
        binary=binary,
    )


def _is_tie(turn: Turn) -> bool:
    return turn.value == 0


def distance_from(claim: Claim, estimate: float | None) -> Callable[[float], float]:
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
