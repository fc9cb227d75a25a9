"""One-sided tests of a bounded mean with a covariate: `one_sided.mean`, fed the centre of each unit, too.

An invalid unit comes as its bounds, as everywhere. It is valid here because every unit is fed: the low bounds
have a mean of at most t whenever the outcomes do, and the centres have a mean of 0 over all units, but not
over those that happen to be valid. So invalid units must not be left out.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Protocol

from pytest_velo.stats import limits
from pytest_velo.stats.engine.adaptive import PRIOR_UNITS
from pytest_velo.stats.engine.centred import CentredProcess, Centring
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.engine.nulls import Null
from pytest_velo.stats.one_sided.mean import Either, NullTest, OneNull

Ends = tuple[float, float]
"""The range of one centre: the lowest and the highest that it could have been."""


class Centred(NullTest, Protocol):
    """A test that is told the centre of each unit before its outcome."""

    def foresee(self, centre: float, ends: Ends | None = None) -> None:
        """Take in the centre of the next unit, and the range of it if that is its own."""
        ...


class CentredTest(OneNull):
    """A test of one null about a bounded mean with known centres.

    Attributes:
        outcomes, centres: The path, in the order fed.
        lows, highs: The range of each centre.
    """

    def __init__(self, threshold: float, side: Side, level: float, centring: Centring) -> None:
        self._process = CentredProcess(threshold, side, centring)
        super().__init__(self._process, threshold, side, level)
        self.outcomes = array("d")
        self.centres = array("d")
        self.lows, self.highs = array("d"), array("d")
        self._centring = centring
        self._centre = 0.0
        self._ends: Ends | None = None

    @property
    def mean(self) -> float:
        """The mean of the outcomes as they were fed, less what their centres foresaw, in [0, 1]."""
        away, _ = self._process.moments()
        n = self._process.n
        seen = away * (n + PRIOR_UNITS) / n if n else 0.0
        return min(1.0, max(0.0, self.threshold + self.side * seen))

    @property
    def variance(self) -> float:
        """The variance of the outcomes less what their centres foresaw, as the bets reckon with it."""
        return self._process.moments()[1]

    def foresee(self, centre: float, ends: Ends | None = None) -> None:
        """Take in the centre of the next unit, and the range of it if that is its own."""
        self._centre, self._ends = centre, ends

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        outcome = low if self.side > 0 else high
        self._process.update(outcome, self._centre, self._ends)
        self.outcomes.append(outcome)
        self.centres.append(self._centre)
        low_end, high_end = self._ends or (self._centring.low, self._centring.high)
        self.lows.append(low_end)
        self.highs.append(high_end)

    def limit(self, *, at_stop: bool = False) -> float:
        """Return the confidence limit, on the rejecting side of the null iff it rejects."""
        limit = limits.centred_limit(
            self.outcomes,
            self.centres,
            self.side,
            self._centring,
            limits.constant(self.level),
            ends=(self.lows, self.highs),
            at_stop=at_stop,
        )
        return self._on_its_side(limit)


class EitherCentred(Either):
    """The test of a bounded mean with known centres against both ends of a range."""

    def __init__(self, ends: Sequence[Null], level: float, centring: Centring) -> None:
        self._ends: Ends | None = None
        self._below, self._above = (CentredProcess(*null, centring) for null in ends)
        super().__init__(self._below, self._above, level)
        self._centre = 0.0

    def foresee(self, centre: float, ends: Ends | None = None) -> None:
        """Take in the centre of the next unit, and the range of it if that is its own."""
        self._centre, self._ends = centre, ends

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        self._below.update(high, self._centre, self._ends)
        self._above.update(low, self._centre, self._ends)
        self.max_log_e = max(self.max_log_e, self.log_e)
