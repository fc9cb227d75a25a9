"""The statistics of a written claim: run records store claims as they are written in the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_velo.claims import (
    AnyClaim,
    Change,
    Difference,
    Direction,
    EachCase,
    Estimation,
    Mean,
    Ranking,
    Rate,
    Statistic,
)
from pytest_velo.claims.text import claim_in
from pytest_velo.errors import UsageError

Better = Literal[-1, 0, 1]

_BETTER: dict[Direction, Better] = {Direction.AT_LEAST: 1, Direction.AT_MOST: -1, Direction.WITHIN: 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One statistic of a claim.

    Attributes:
        statistic: A rate or a mean; for a difference, what its arms are compared by.
        better: +1 if the claim is that it is large, -1 if small, 0 if neither is better.
        arms: The arms of a difference; empty without arms.
    """

    statistic: Rate | Mean
    better: Better
    arms: tuple[str, ...] = ()


def parts_of(claim: str) -> tuple[Part, ...] | None:
    """Return the statistics of a claim written as `str(claim)`, without evaluating it; None for others."""
    try:
        found = claim_in(claim)
    except UsageError:
        return None  # in a record that is not ours, a claim may be any text
    if isinstance(found, Ranking | EachCase):
        return None  # which trials it has depends on their outcomes
    if isinstance(found, Estimation):
        return (_part(found.statistic, 0),)
    return tuple(_part(part.statistic, _BETTER[part.direction]) for part in found.parts)


def claim_of(text: str) -> AnyClaim | None:
    """Undo `str(claim)`, without evaluating it; None for a text that is no claim of ours, to the letter."""
    try:
        claim = claim_in(text)
    except UsageError:
        return None
    return claim if str(claim) == text else None


def _part(statistic: Statistic, better: Better) -> Part:
    match statistic:
        case Change(of=of):
            return Part(statistic=of, better=better)
        case Difference(of=of, arms=arms):
            return Part(statistic=of, better=0, arms=arms)
        case Rate() | Mean():
            return Part(statistic=statistic, better=better)
    raise AssertionError(statistic)  # no other can be written
