"""When a run gives up because a verdict has become unlikely.

Giving up is non-binding: it only ever turns a verdict into none, so no error rate counts on it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Futility:
    """When a run looks whether a verdict is still likely.

    Attributes:
        below: It ends where the chance of a verdict is below this; in [0, 1].
        first: Units before the first look.
        every: Units from look to look.
    """

    below: float
    first: int
    every: int

    def looks(self, horizon: int, min_units: int = 1) -> range:
        """Return the numbers of units at which a run looks; none at the horizon, where it ends anyway."""
        return range(max(self.first, min_units), horizon, self.every)


def usual_futility(max_units: int) -> Futility:
    """Return when runs look: from 20 units on and at most some twenty times, each look costing milliseconds.

    A run ends where the chance of a verdict is below 5%.
    """
    return Futility(below=0.05, first=20, every=max(10, max_units // 20))
