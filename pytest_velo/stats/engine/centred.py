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

The centres of `engine.blocks` and of `engine.learning` come with a range of their own for each unit, known
before it. Nothing above needs one range for all: a bet is bounded by that of its own unit.

Sources: Waudby-Smith & Ramdas (2024), "Estimating means of bounded random variables by betting", JRSS B 86:1
(the bets, and why a predictable one is valid); a variable with a known mean that is subtracted is a control
variate.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.adaptive import (
    EFFECTS,
    LEAST_SPREAD,
    PRIOR_SPREAD,
    PRIOR_UNITS,
    WEIGHTS,
    Fortunes,
    best_walk,
)
from pytest_velo.stats.engine.learning import Learning
from pytest_velo.stats.engine.mixture import Side

UNCORRELATED_UNITS = 2.0
"""Pseudo-units without any correlation that the coefficient starts from."""

LEAST_VARIANCE = 1e-12
"""Centres that vary less are taken for constant, and say nothing."""


@dataclass(frozen=True, slots=True)
class Stakes:
    """How the initial fortune is shared among the bettors; no error rate depends on it.

    Attributes:
        effects: Distances from the null that bettors aim at, in standard deviations of the centred outcomes.
        weights: The share of each, then that of the bettor who stakes everything; they add up to 1.
    """

    effects: tuple[float, ...]
    weights: tuple[float, ...]


USUAL_STAKES = Stakes(EFFECTS, WEIGHTS)
"""Those of `engine.adaptive`."""


@dataclass(frozen=True, slots=True)
class Centring:
    """What is known of the centres before the first unit: their range and their variance over the list.

    Attributes:
        low, high: No centre lies outside; `low <= 0 <= high`.
        variance: Of the centres over the list, >= 0. It sets how fast the coefficient leaves its start, and
            no error rate depends on it.
        start: The coefficient before any unit is seen.
        nearest: Where each unit has a range of its own, no end of it is nearer to 0 than this; else None.
        stakes: How the bets are shared out.
        learning: Of what centres are learned; None if they are known before. A learned centre comes with the
            ends of all that it could have been, and its coefficient is 1: it is drawn to 0 already.
    """

    low: float
    high: float
    variance: float
    start: float = 0.0
    nearest: float | None = None
    stakes: Stakes = USUAL_STAKES
    learning: Learning | None = None

    def __post_init__(self) -> None:
        if not (-math.inf < self.low <= 0.0 <= self.high < math.inf and 0.0 <= self.variance < math.inf):
            raise UsageError(
                "centres are numbers around their mean, so their range includes 0, got"
                f" {self.low!r} to {self.high!r}",
                fix="subtract the mean over the list from each value",
            )

    @property
    def learns(self) -> bool:
        """The centres are learned while the units come."""
        return self.learning is not None

    @property
    def says_nothing(self) -> bool:
        """The centre of every unit is 0."""
        return self.variance <= LEAST_VARIANCE

    def turned(self, side: Side) -> Centring:
        """Return what is known of the centres in side +1 terms, where outcomes and centres change sign."""
        return self if side > 0 else replace(self, low=-self.high, high=-self.low)


def learned_centring(shares: Collection[float], squared: float = 0.5) -> Centring:
    """Return what is known of centres that are learned, of kinds of cases with these shares of the list.

    `squared` is the share of the variance that the kinds are expected to explain once they are known. The
    outcomes lie in [0, 1], so what is foreseen of two kinds differs by 1 at most.
    """
    says = 1.0 if len(shares) > 1 else 0.0
    return Centring(-says, says, says, learning=Learning(min(shares), len(shares), squared))


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
        "_ends",
        "_products",
        "_squares",
        "_squares_of_centres",
    )

    def __init__(self, threshold: float, side: Side, centring: Centring) -> None:
        super().__init__(threshold, side, centring.stakes.weights)
        self._centring = centring.turned(side)
        self._ends = (0.0, 0.0) if centring.learns else (self._centring.low, self._centring.high)
        self._aways = 0.0
        self._squares = 0.0
        self._centres = 0.0
        self._squares_of_centres = 0.0
        self._products = 0.0
        self._coefficient = 1.0 if centring.learns else centring.start

    def update(self, outcome: float, centre: float, ends: tuple[float, float] | None = None) -> None:
        """Take in one outcome in [0, 1] and its centre, which did not depend on the outcome.

        `ends` are those of this unit's centre, if it has a range of its own: `low <= 0 <= high`, known before
        its centre.

        Raises:
            UsageError: The centre is outside the range that the bets reckon with.
        """
        away, centre = (outcome, centre) if self.side > 0 else (1.0 - outcome, -centre)
        away -= self.edge
        if ends is not None:
            self._ends = ends if self.side > 0 else (-ends[1], -ends[0])
        low, high = self._ends
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
        if self._centring.learns:
            return 1.0
        together = self._products - self._aways * self._centres / self.n
        own = self._squares_of_centres - self._centres**2 / self.n
        spread = own + UNCORRELATED_UNITS * self._centring.variance
        start = self._centring.start
        if self.n < 2 or spread <= LEAST_VARIANCE:
            return start
        return (together + start * (spread - own)) / spread

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
        aims = [
            effect * deviation / (1.0 + effect * deviation / won) for effect in self._centring.stakes.effects
        ]
        return [aim / (spread * most + steady * aim) for aim in aims]

    def room(self) -> tuple[float, float]:
        """Return how far the next centred outcome may fall below the edge, and rise above it."""
        coefficient = self._coefficient
        ends = coefficient * self._ends[0], coefficient * self._ends[1]
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
        if self._centring.learning is not None:
            # Learned centres lie no wider than 1 apart, w, and average to 0 over the list. So the highest is
            # at least the least share of w, and no factor is above (1 + w) / (edge + share * w).
            share = self._centring.learning.least_share
            return math.log(max(1.0 / self.edge, 2.0 / (self.edge + share)))
        width, nearest = self._centring.high - self._centring.low, self._centring.nearest
        ends = [end for end in (nearest or self._centring.high, nearest or -self._centring.low) if end > 0.0]
        return math.log(max([1.0 / self.edge, *(width / end for end in ends)]))


_ROUNDING = 1e-9
