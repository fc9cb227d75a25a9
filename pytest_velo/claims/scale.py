"""The range of a statistic's values, and its map to [0, 1], the scale of all computations."""

from __future__ import annotations

from typing import NamedTuple


class Scale(NamedTuple):
    """A range of values and its map to [0, 1]."""

    low: float
    high: float

    @property
    def span(self) -> float:
        """The width of the range, above 0."""
        return self.high - self.low

    def to_unit(self, value: float) -> float:
        """Map the range to [0, 1]."""
        return (value - self.low) / self.span

    def from_unit(self, unit: float) -> float:
        """Map [0, 1] back to the range."""
        return self.low + unit * self.span
