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
from pytest_velo.stats.engine.centred import CentredProcess, Centring
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.engine.nulls import Null
from pytest_velo.stats.one_sided.mean import Either, NullTest, OneNull


class Centred(NullTest, Protocol):
    """A test that is told the centre of each unit before its outcome."""

    def foresee(self, centre: float) -> None:
        """Take in the centre of the next unit."""
        ...


class CentredTest(OneNull):
    """A test of one null about a bounded mean with known centres.

    Attributes:
        outcomes, centres: The path, in the order fed.
    """

    def __init__(self, threshold: float, side: Side, level: float, centring: Centring) -> None:
        self._process = CentredProcess(threshold, side, centring)
        super().__init__(self._process, threshold, side, level)
        self.outcomes = array("d")
        self.centres = array("d")
        self._centring = centring
        self._centre = 0.0

    def foresee(self, centre: float) -> None:
        """Take in the centre of the next unit."""
        self._centre = centre

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        outcome = low if self.side > 0 else high
        self._process.update(outcome, self._centre)
        self.outcomes.append(outcome)
        self.centres.append(self._centre)

    def limit(self, *, at_stop: bool = False) -> float:
        """Return the confidence limit, on the rejecting side of the null iff it rejects."""
        limit = limits.centred_limit(
            self.outcomes,
            self.centres,
            self.side,
            self._centring,
            limits.constant(self.level),
            at_stop=at_stop,
        )
        return self._on_its_side(limit)


class EitherCentred(Either):
    """The test of a bounded mean with known centres against both ends of a range."""

    def __init__(self, ends: Sequence[Null], level: float, centring: Centring) -> None:
        self._below, self._above = (CentredProcess(*null, centring) for null in ends)
        super().__init__(self._below, self._above, level)
        self._centre = 0.0

    def foresee(self, centre: float) -> None:
        """Take in the centre of the next unit."""
        self._centre = centre

    def feed(self, low: float, high: float) -> None:
        """Take in one unit by the bounds of its outcome."""
        self._below.update(high, self._centre)
        self._above.update(low, self._centre)
        self.max_log_e = max(self.max_log_e, self.log_e)
