"""When a run gives up because a verdict has become unlikely.

Futility is non-binding: it only ever turns a verdict into none, so no error rate depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass

USUAL = 0.05
"""The chance of a verdict below which a run ends, unless it is told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Futility:
    """When a run checks whether a verdict is still likely.

    Attributes:
        below: The run ends if the chance of a verdict is below this; in [0, 1]. At 0 it never checks.
        first: Units before the first check.
        every: Units between checks.
    """

    below: float
    first: int
    every: int

    def looks(self, horizon: int, min_units: int = 1) -> range:
        """Return the numbers of units at which a run checks; never the horizon, where it ends anyway."""
        return range(max(self.first, min_units), horizon if self.below else 0, self.every)


def usual_futility(max_units: int, below: float = USUAL) -> Futility:
    """Return the usual schedule: from 20 units on, at most about twenty checks of a few milliseconds each."""
    return Futility(below=below, first=20, every=max(10, max_units // 20))
