"""From a claim to its nulls: what must be rejected to support it, and what to refute it."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from pytest_velo.claims import Claim, Direction
from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.design import NO_DIFFERENCE
from pytest_velo.stats.engine.mixture import Side


class Null(NamedTuple):
    """One null about a mean in [0, 1]: "mean <= threshold" (side +1) or "mean >= threshold" (side -1)."""

    threshold: float
    side: Side


class Nulls(NamedTuple):
    """The nulls of a claim.

    Attributes:
        support: All of them are rejected when the claim is supported.
        refute: One null, or the two whose averaged evidence refutes `within`.
    """

    support: tuple[Null, ...]
    refute: tuple[Null, ...]


def is_no_difference(null: Null) -> bool:
    """Tell whether a null about the difference of two arms is that there is none."""
    return abs(null.threshold - NO_DIFFERENCE) < 1e-12


def nulls_of(claim: Claim, margin: float = 0.0) -> Nulls:
    """Return the nulls of a claim, on the scale [0, 1].

    The margin moves the nulls of `support` away from the threshold.

    Raises:
        UsageError: The margin is negative, or leaves no false claim to rule out.
    """
    if not margin >= 0.0:
        raise UsageError(f"`margin` must be >= 0, got {margin!r}", fix="margin=0.05")
    scale = claim.statistic.scale
    room = margin / scale.span
    match claim.direction:
        case Direction.AT_LEAST:
            edge = scale.to_unit(claim.threshold)
            nulls = Nulls((Null(edge - room, 1),), (Null(edge, -1),))
        case Direction.AT_MOST:
            edge = scale.to_unit(claim.threshold)
            nulls = Nulls((Null(edge + room, -1),), (Null(edge, 1),))
        case Direction.WITHIN:
            assert claim.low is not None  # guaranteed by its constructor
            assert claim.high is not None
            low, high = scale.to_unit(claim.low), scale.to_unit(claim.high)
            nulls = Nulls((Null(low - room, 1), Null(high + room, -1)), (Null(low, -1), Null(high, 1)))
        case _:
            assert_never(claim.direction)
    for threshold, side in nulls.support:
        if not 0.0 < threshold < 1.0:
            most = (threshold + room if side > 0 else 1.0 - (threshold - room)) * scale.span
            raise UsageError(
                f"the margin {margin:g} of `{claim}` reaches to {scale.from_unit(threshold):g}:"
                " no value is left to rule out",
                fix=f"margin below {most:g}",
            )
    return nulls
