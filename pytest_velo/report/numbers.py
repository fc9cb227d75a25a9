"""Numbers in words, the same everywhere: money, rates, intervals, counts, times. Unknown is `?`.

The report header needs it at every start of pytest, so it imports next to nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_velo.records import UnitKind

if TYPE_CHECKING:
    from pytest_velo.verdicts import Interval


def dollars(amount: float | None) -> str:
    """Format US dollars; unknown is `$?`, never 0."""
    if amount is None:
        return "$?"
    if 0 < amount < 0.0001:
        return "<$0.0001"
    if amount == 0 or amount >= 0.1:
        return f"${amount:,.2f}"
    digits = f"{amount:.4f}".rstrip("0")
    return f"${digits}" if len(digits) >= len("0.00") else f"${amount:.2f}"


def percent(share: float) -> str:
    """Format a share as a percentage with three significant digits, more where it is nearly all: `99.98%`."""
    if 0.995 < share < 1.0:
        return f"{100 - float(f'{100 * (1 - share):.2g}'):.10g}%"
    return f"{100 * share:.3g}%"


def rate(value: float | None) -> str:
    """Format a rate, score or difference: two decimals, more for a rate near 0 or 1; unknown is `?`."""
    if value is None:
        return "?"
    near_an_end = 0 < value < 0.01 or 0.99 < value < 1
    return f"{value:.4f}" if near_an_end else f"{value:.2f}"


def interval(ends: Interval | None) -> str:
    """Format an interval, rounded outward so that it never claims more than it holds."""
    if ends is None:
        return "[?, ?]"
    low, high = outward(ends)
    return f"[{low}, {high}]"


def outward(ends: Interval) -> tuple[str, str]:
    """Format the ends of an interval, rounded outward."""
    slack = 1e-7  # 0.29 * 100 is 28.999...: not a reason to print 0.28
    low = math.floor(ends.low * 100 + slack) / 100
    high = math.ceil(ends.high * 100 - slack) / 100
    return f"{low:.2f}", f"{high:.2f}"


def p_value(p: float) -> str:
    """Format a p-value in [0, 1]."""
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def count(n: int, thing: str, plural: str | None = None) -> str:
    """Count things."""
    return f"{n:,} {thing if n == 1 else plural or thing + 's'}"


def unit_names(unit: UnitKind | None) -> str:
    """Name units that are made of several trials: cases, groups, or just units where that is not known."""
    return f"{unit}s" if unit in (UnitKind.CASE, UnitKind.GROUP) else "units"


def duration(seconds: float) -> str:
    """Format a duration in seconds, minutes or hours."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
