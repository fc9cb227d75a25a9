"""The distance between a test on 0/1 units and its threshold."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.engine.nulls import Null


class Bar(StrEnum):
    """Which threshold to look ahead to; a calibrated one is computed only when it is needed."""

    LOWEST = "lowest"
    EXACT = "exact"
    HIGHEST = "highest"


class Barrier(NamedTuple):
    """What a test still lacks to its threshold, as a function of the units to come.

    Attributes:
        side: +1: crossed with many ones; -1: crossed with few.
        ahead: Log evidence after so many further ones and zeros.
        log_bar: The log evidence to reach.
        null: The null of the evidence if nothing was fed yet and it comes from one `EProcess`; else None.
    """

    side: Side
    ahead: Callable[[float, float], float]
    log_bar: float
    null: Null | None = None

    def units_to(self, rate: float, limit: int) -> int | None:
        """Return the fewest units that cross if a share `rate` of them are ones; None if `limit` do not."""

        def crosses(units: int) -> bool:
            return self.ahead(units * rate, units * (1.0 - rate)) >= self.log_bar

        # Along a fixed share the evidence is convex: below the bar now, it crosses once at most.
        low, high = -1, 1
        while high < limit and not crosses(high):
            low, high = high, 2 * high
        high = min(high, limit)
        if not crosses(high):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if crosses(middle) else (middle, high)
        return high
