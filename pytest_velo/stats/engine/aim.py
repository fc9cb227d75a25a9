"""What a mean's bets aim at while it is being measured: at which unit its interval shall be tight enough.

To be certain of a mean for ever, a bettor hedges over all distances and all horizons. Whoever samples until
the interval is plus or minus h needs its evidence at one moment only, when about `NEEDED` * variance / h^2
units are in. `Aim` estimates that moment after every unit, from the units so far. Bets that are made for it
take the fortune they still lack and the units that are left (`limits.aimed`); so a fortune that fell behind
is bet more boldly, and one that is nearly there is not risked.

Such bets need a variance that can be trusted. `due` says when they may begin: once the units seen vary so
much that the way is long. A short way is left to the bets of `engine.adaptive`, which cannot be beaten there
by much. Until fourth moments tell that the variance is known (`_TRUSTED`), it is taken larger than observed,
the more so the more of the outcomes lie at an end of the scale: a rare outcome at the other end may not have
been seen yet.

Nothing here can make an interval invalid: all of it depends on earlier units alone, as a bet may.

Source of the idea: Voracek & Orabona (2025), "STaR-Bets: Sequential Target-Recalculating Bets for Tighter
Confidence Intervals", NeurIPS.
"""

from __future__ import annotations

import math
from typing import NamedTuple

NEEDED = 6.3
"""Units that are aimed at, in units of variance / halfwidth^2, for alpha = 0.05; a normal interval at a known
variance takes 3.84."""

_USUAL_NATS = math.log(2 / 0.05)

_LONG = 120
"""Units that the way must at least have; shorter ones are left to the bets that hedge."""

_VARIED = 1.7
"""Of outcomes that vary less than this times the half-width, times the distance of their mean from the nearer
end, the bets that hedge stake nearly all they can, and rightly."""

_FIRST, _MANY = 12, 20
"""No aim is taken before so many units, and no variance is trusted before so many."""

_TRUSTED = 0.2
"""The relative standard error at which a variance is known."""

_REST = 0.1
"""At least this share of the units so far is always thought to be left."""

_MOST_STAKED, _STAKED_AT_ENDS = 0.9, 0.3
"""Share of a fortune that a bet risks at most: of outcomes inside the scale, and of outcomes at its ends."""


class Means(NamedTuple):
    """What the next bets are made of.

    Attributes:
        deviation: Standard deviation of the sum of the units that are left.
        variance: Of one unit.
        stake: Share of its fortune that a bettor risks at most, in (0, 1).
    """

    deviation: float
    variance: float
    stake: float


class Aim:
    """Where a mean's sampling will end, estimated from its units in the order fed.

    Attributes:
        due: Bets may aim at the end; latched.
    """

    def __init__(self, halfwidth: float, alpha: float, max_units: float) -> None:
        """`halfwidth` is on the scale [0, 1]; `alpha` is that of the interval; inf is for no horizon."""
        self._halfwidth = halfwidth
        self._needed = NEEDED * math.log(2 / alpha) / _USUAL_NATS
        self._max_units = max_units
        self.due = False
        self._known = False
        self._n = self._at_ends = 0
        self._open = 0.0
        self._sums = [0.0, 0.0, 0.0, 0.0]

    def add(self, low: float, high: float) -> None:
        """Take in one unit by its bounds."""
        middle = (low + high) / 2
        self._n += 1
        self._open += (high - low) / 2
        self._at_ends += low <= 0.0 or high >= 1.0
        self._sums = [total + middle**power for power, total in enumerate(self._sums, 1)]
        variance = self._variance
        if not self._known and self._n >= _MANY and variance > 0.0:
            self._known = self._fourth() / variance**2 - 1.0 <= self._n * _TRUSTED**2
        mean = self._sums[0] / self._n
        varied = variance >= _VARIED * self._halfwidth * min(mean, 1.0 - mean)
        self.due = self.due or (varied and self._n >= _FIRST and self._units(variance) >= _LONG)

    @property
    def end(self) -> int:
        """Units at which the interval will be tight enough, if the rest is like those so far."""
        return math.ceil(self._n + self._left(self._cautious()[0]))

    def means(self) -> Means:
        """Return what the next bets are made of."""
        variance, stake = self._cautious()
        return Means(math.sqrt(self._left(variance) * variance), variance, stake)

    def _cautious(self) -> tuple[float, float]:
        """Return the variance to reckon with, and the share to stake at most."""
        ends = (self._at_ends + 1.0) / (self._n + 1.0)
        units, variance = 2.0 + 8.0 * ends, 0.04 + 0.21 * ends
        if self._known:
            units, variance = 1.0, 0.01
        stake = _MOST_STAKED + (_STAKED_AT_ENDS - _MOST_STAKED) * ends
        return (self._n * self._variance + units * variance) / (self._n + units), stake

    def _units(self, variance: float) -> float:
        """Return the units at which outcomes of this variance give an interval that is tight enough."""
        open_half = self._open / max(1, self._n)
        goal = max(self._halfwidth - open_half, self._halfwidth / 4)
        return min(self._needed * variance / goal**2, self._max_units)

    def _left(self, variance: float) -> float:
        return max(self._units(variance) - self._n, _REST * (self._n + 1), 1.0)

    @property
    def _variance(self) -> float:
        n = max(1, self._n)
        return max(0.0, self._sums[1] / n - (self._sums[0] / n) ** 2)

    def _fourth(self) -> float:
        """Return the fourth central moment."""
        first, second, third, fourth = (total / self._n for total in self._sums)
        return fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
