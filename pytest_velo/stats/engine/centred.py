"""The engine for bounded means with a covariate: bets on outcomes less what was foreseen of them.

Before a unit is picked, every case of the list has a number z, so that the mean of z over the list is known.
The unit's case comes with its `centre`, g = z - mean of z: known before its outcome x, and 0 on average over
the picks. So for any coefficient c and any bet that are chosen before the case is picked,

    1 + bet * (x - c * g - t)    has an expectation of 1 + bet * (mean of x - t),

whatever z is: right, wrong, constant or chosen to mislead. Under the null "the mean is at most t" no bettor's
expected fortune can grow, and their average is a non-negative supermartingale as long as no factor can be
negative. That bounds the bet: x may be 0 just where c * g is largest, so `bet <= 1 / (t + max of c * g)`. Two
things would break it, and ``tests/calibration/test_centred.py`` shows that they do: a g whose mean over the
list is not 0, and a coefficient that has seen its own unit.

What is gained is variance. The coefficient is the slope of the earlier outcomes on their centres, drawn
towards 0 by two pseudo-units without any correlation. Where z says nothing it is about 0, and for c = 0 the
bets are those of `engine.adaptive`. Where z correlates with x, the variance of x - c * g is smaller by the
squared correlation, and the bets grow as that is seen. The bettor who stakes everything does without centres:
it lives from outcomes that hardly vary anyway, and a wider range would only shrink its bet. Measured in
``benchmarks/covariates.py``.

Sources: Waudby-Smith & Ramdas (2024), "Estimating means of bounded random variables by betting", JRSS B 86:1
(the bets, and why a predictable one is valid); a variable with a known mean that is subtracted is a control
variate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.adaptive import (
    EFFECTS,
    LEAST_SPREAD,
    PRIOR_SPREAD,
    PRIOR_UNITS,
    Fortunes,
    best_walk,
)
from pytest_velo.stats.engine.mixture import Side

UNCORRELATED_UNITS = 2.0
"""Pseudo-units without any correlation that the coefficient starts from."""

LEAST_VARIANCE = 1e-12
"""Centres that vary less are taken for constant, and say nothing."""


@dataclass(frozen=True, slots=True)
class Centring:
    """What is known of the centres before the first unit: their range and their variance over the list.

    Attributes:
        low, high: No centre lies outside; `low <= 0 <= high`.
        variance: Of the centres over the list, >= 0. It sets the coefficient's start, and no error rate
            depends on it.
    """

    low: float
    high: float
    variance: float

    def __post_init__(self) -> None:
        if not (-math.inf < self.low <= 0.0 <= self.high < math.inf and 0.0 <= self.variance < math.inf):
            raise UsageError(
                "centres are numbers around their mean, so their range includes 0, got"
                f" {self.low!r} to {self.high!r}",
                fix="subtract the mean over the list from each value",
            )

    def turned(self, side: Side) -> Centring:
        """Return what is known of the centres in side +1 terms, where outcomes and centres change sign."""
        return self if side > 0 else Centring(-self.high, -self.low, self.variance)


class CentredProcess(Fortunes):
    """Evidence against a null about the mean of bounded outcomes with known centres, unit by unit.

    Side +1 tests "mean <= threshold", side -1 "mean >= threshold".

    Attributes:
        n: Units so far.
        log_e: Natural log of the evidence now; 0 before the first unit.
        max_log_e: The largest value after any unit; -inf before the first.

    Raises:
        UsageError: The threshold is not strictly between 0 and 1.
    """

    __slots__ = (
        "_aways",
        "_centres",
        "_centring",
        "_coefficient",
        "_products",
        "_squares",
        "_squares_of_centres",
    )

    def __init__(self, threshold: float, side: Side, centring: Centring) -> None:
        super().__init__(threshold, side)
        self._centring = centring.turned(side)
        self._aways = 0.0
        self._squares = 0.0
        self._centres = 0.0
        self._squares_of_centres = 0.0
        self._products = 0.0
        self._coefficient = 0.0

    def update(self, outcome: float, centre: float) -> None:
        """Take in one outcome in [0, 1] and the centre of its case, which was known before the outcome.

        Raises:
            UsageError: The centre is outside the range that the bets reckon with.
        """
        away, centre = (outcome, centre) if self.side > 0 else (1.0 - outcome, -centre)
        away -= self.edge
        low, high = self._centring.low, self._centring.high
        if not low - _ROUNDING <= centre <= high + _ROUNDING:
            raise UsageError(
                f"a centre of {self.side * centre:g} is outside the range that was declared",
                fix="give `Centring` the smallest and the largest centre of the list",
            )
        gained = away - self._coefficient * centre
        self._settle([*(bet * gained for bet in self.bets()), away / self.edge])
        self._aways += away
        self._squares += away * away
        self._centres += centre
        self._squares_of_centres += centre * centre
        self._products += away * centre
        self._coefficient = self._slope()

    @property
    def coefficient(self) -> float:
        """What the next unit's centre is multiplied by, in side +1 terms; from the earlier units alone."""
        return self._coefficient

    def _slope(self) -> float:
        together = self._products - self._aways * self._centres / self.n
        own = self._squares_of_centres - self._centres**2 / self.n
        spread = own + UNCORRELATED_UNITS * self._centring.variance
        return together / spread if self.n > 1 and spread > LEAST_VARIANCE else 0.0

    def bets(self) -> list[float]:
        """Return the bets on the next centred outcome in side +1 terms; none can lose more than all.

        The last bettor is not among them: it stakes the whole fortune on the outcome as it is.
        """
        lost, won = self.room()
        most = lost * won
        _, variance = self.moments()
        spread = min(1.0, max(LEAST_SPREAD, variance / most))
        deviation = math.sqrt(spread * most)
        steady = (1.0 - spread) * lost
        aims = [effect * deviation / (1.0 + effect * deviation / won) for effect in EFFECTS]
        return [aim / (spread * most + steady * aim) for aim in aims]

    def room(self) -> tuple[float, float]:
        """Return how far the next centred outcome may fall below the edge, and rise above it."""
        coefficient = self._coefficient
        ends = coefficient * self._centring.low, coefficient * self._centring.high
        return self.edge + max(ends), 1.0 - self.edge - min(ends)

    def moments(self) -> tuple[float, float]:
        """Return the running mean (from the edge) and variance of the centred outcomes, in side +1 terms."""
        units, slope = self.n + PRIOR_UNITS, self._coefficient
        mean = (self._aways - slope * self._centres) / units
        squares = self._squares - 2.0 * slope * self._products + slope**2 * self._squares_of_centres
        squares += PRIOR_UNITS * PRIOR_SPREAD * self.edge * (1.0 - self.edge)
        return mean, max(0.0, squares / units - mean * mean)

    def growth(self, distance: float) -> float:
        """Return the drift of the evidence this far beyond the edge, at the variance seen so far.

        It is that of outcomes on the scale that the centred ones may fill.
        """
        lost, won = self.room()
        span = lost + won
        return best_walk(lost / span, distance / span, self.moments()[1] / span**2).drift

    @property
    def most_growth(self) -> float:
        """What one unit adds to the log evidence at most, whatever the coefficients to come.

        As much is staked as may be and the centred outcome is as high as it can be. As the coefficient
        grows, that goes from 1/edge to the width of the centres over their end on its side.
        """
        width = self._centring.high - self._centring.low
        ends = [end for end in (self._centring.high, -self._centring.low) if end > 0.0]
        return math.log(max([1.0 / self.edge, *(width / end for end in ends)]))


_ROUNDING = 1e-9
