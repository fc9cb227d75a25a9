"""From a claim to the nulls that are tested: what must be rejected to support it, and what to refute it."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from pytest_velo.claims import Direction, RateClaim
from pytest_velo.errors import UsageError
from pytest_velo.stats.eprocess import Side


class Null(NamedTuple):
    """One null about a rate: "rate <= threshold" (side +1) or "rate >= threshold" (side -1)."""

    threshold: float
    side: Side


class Nulls(NamedTuple):
    """The nulls of a claim.

    Attributes:
        support: All are rejected when the claim is supported.
        refute: One null, or the two whose average evidence refutes `within`.
    """

    support: tuple[Null, ...]
    refute: tuple[Null, ...]


def nulls_of(claim: RateClaim, margin: float = 0.0) -> Nulls:
    """Return the nulls of a claim.

    Args:
        claim: What is claimed.
        margin: How far off the claim must be to count as false, from 0; it moves the nulls of `support`.

    Raises:
        UsageError: The margin is negative, or leaves no false claim to rule out.

    >>> from pytest_velo.claims import rate
    >>> nulls_of(rate >= 0.5, 0.25)
    Nulls(support=(Null(threshold=0.25, side=1),), refute=(Null(threshold=0.5, side=-1),))
    """
    if not margin >= 0.0:
        raise UsageError(f"a margin is a distance from 0 up, got {margin!r}", fix="margin=0.05")
    match claim.direction:
        case Direction.AT_LEAST:
            nulls = Nulls((Null(claim.threshold - margin, 1),), (Null(claim.threshold, -1),))
        case Direction.AT_MOST:
            nulls = Nulls((Null(claim.threshold + margin, -1),), (Null(claim.threshold, 1),))
        case Direction.WITHIN:
            assert claim.low is not None  # its constructor sees to it
            assert claim.high is not None
            nulls = Nulls(
                (Null(claim.low - margin, 1), Null(claim.high + margin, -1)),
                (Null(claim.low, -1), Null(claim.high, 1)),
            )
        case _:
            assert_never(claim.direction)
    for threshold, side in nulls.support:
        if not 0.0 < threshold < 1.0:
            room = threshold + margin if side > 0 else 1.0 - (threshold - margin)
            raise UsageError(
                f"the margin {margin:g} of `{claim}` reaches to {threshold:g}: no rate is left to rule out",
                fix=f"margin below {room:g}",
            )
    return nulls
