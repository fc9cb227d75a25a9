"""When a run gives up because a verdict has become unlikely.

Futility is non-binding: it only ever turns a verdict into none, so no error rate depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Futility:
    """When a run checks whether a verdict is still likely.

    Attributes:
        below: The run ends if the chance of a verdict is below this; in [0, 1].
        first: Units before the first check.
        every: Units between checks.
    """

    below: float
    first: int
    every: int

    def looks(self, horizon: int, min_units: int = 1) -> range:
        """Return the numbers of units at which a run checks; never the horizon, where it ends anyway."""
        return range(max(self.first, min_units), horizon, self.every)


def usual_futility(max_units: int) -> Futility:
    """Return the default schedule: from 20 units on, at most about twenty checks, each of a few milliseconds.

    A run ends if the chance of a verdict is below 5%.
    """
    return Futility(below=0.05, first=20, every=max(10, max_units // 20))
