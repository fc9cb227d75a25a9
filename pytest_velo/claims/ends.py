"""The two ends of a range that is claimed, or what to write instead."""

from __future__ import annotations

import math
from collections.abc import Callable

from pytest_velo.claims.scale import Scale
from pytest_velo.errors import UsageError

_NEAR = 0.05
"""How far the ends of an example lie from its middle, in widths of the range of values."""

_INSIDE = 0.01
"""How far they stay from the ends of that range, likewise."""


def ends_of(
    name: str,
    scale: Scale,
    ends: tuple[object, object],
    between: Callable[[float, float], str],
    compared: Callable[[str, float], str],
) -> tuple[float, float]:
    """Return the ends of a range that can be tested.

    Args:
        name: The statistic.
        scale: The range of its values.
        ends: What was given for the lower and the upper end.
        between: Writes a range.
        compared: Writes a claim with one end.

    Raises:
        UsageError: One is no number inside the range of values, or nothing lies between them.
    """
    usual = between(scale.from_unit(0.3), scale.from_unit(0.7))
    low, high = (_number(end, name, scale, usual) for end in ends)
    outside = [end for end in (low, high) if not scale.low <= end <= scale.high]
    if outside:
        are_shares = (scale.low, scale.high) == (0, 1) and low != high
        percent = are_shares and all(1 < end < 100 for end in (low, high))
        raise UsageError(
            f"an end for {name} must be between {scale.low:g} and {scale.high:g}, got {outside[0]:g}",
            fix=between(*sorted((low / 100, high / 100))) if percent else usual,
        )
    given = between(low, high)
    if low > high:
        raise UsageError(f"{given} is empty: give the lower end first", fix=between(high, low))
    if low == high:
        near = (low - _NEAR * scale.span, low + _NEAR * scale.span)
        inside = (scale.from_unit(_INSIDE), scale.from_unit(1 - _INSIDE))
        example = between(max(near[0], inside[0]), min(near[1], inside[1]))
        raise UsageError(f"{given} is one value, and no finite sample can support it", fix=example)
    if (low, high) == scale:
        raise UsageError(f"{given} cannot be tested: every value satisfies it", fix=usual)
    if low == scale.low or high == scale.high:
        fix = compared("<=", high) if low == scale.low else compared(">=", low)
        raise UsageError(f"{given} has an end that it cannot pass: claim the other one", fix=fix)
    return low, high


def _number(end: object, name: str, scale: Scale, usual: str) -> float:
    if isinstance(end, bool) or not isinstance(end, int | float) or math.isnan(end):
        raise UsageError(
            f"an end for {name} must be a number between {scale.low:g} and {scale.high:g}, got {end!r}",
            fix=usual,
        )
    return float(end)
