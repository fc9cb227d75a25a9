"""The engine for bounded means: a test martingale whose bets adapt to the variance of the outcomes.

Outcomes x lie in [0, 1]. Against the null "the mean is at most t" (side +1) each bettor stakes ``1 + bet * (x
- t)`` per unit, and the fortunes are averaged with fixed weights. A bet is chosen before its outcome is seen
and never risks more than the fortune, so under the null no bettor's expected fortune can grow: the average is
a non-negative supermartingale that starts at 1, whatever the bets (Ville: P(it ever reaches c) <= 1/c). As in
`engine.mixture`, nothing is assumed about the outcomes except their conditional mean; the bets only decide
how fast evidence accumulates.

The fixed bets of `engine.mixture` suit 0/1 outcomes. Scores and means of several draws vary less, and then
larger bets pay: the best bet against a mean of t + d is d / t(1 - t) for 0/1 outcomes, and the whole fortune
for constant ones. If the outcomes show a share `spread` of the variance of 0/1 outcomes, the bettors here
stake in between,

    d / (spread * t(1 - t) + (1 - spread) * t * d),

which is exact when that share of the outcomes is 0 or 1 and the rest sits at the mean. Seven bettors aim at
distances d of 0.12 to 2.4 observed standard deviations (smaller distances are rarely settled within a
thousand units), clipped to the end of the scale; one stakes everything from the start, for outcomes that
hardly vary. Side -1 is side +1 with x -> 1 - x and t -> 1 - t.

Measured in ``benchmarks/bounded_means.py``. Source of the form: Waudby-Smith & Ramdas (2024), "Estimating
means of bounded random variables by betting", JRSS B 86:1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.mixture import ALL_IN, Side

N_EFFECTS = 7
EFFECTS: tuple[float, ...] = tuple(0.12 * 20.0 ** (j / (N_EFFECTS - 1)) for j in range(N_EFFECTS))
"""Distances from the null that the bettors aim at, in standard deviations of the outcomes."""

ALL_IN_WEIGHT = 0.28
"""Share of the initial fortune that is staked whole, which is right for outcomes that hardly vary."""

WEIGHTS: tuple[float, ...] = (*[(1.0 - ALL_IN_WEIGHT) / N_EFFECTS] * N_EFFECTS, ALL_IN_WEIGHT)

PRIOR_UNITS = 2.0
"""Pseudo-units at the threshold that the bets start from; they never enter the evidence."""

PRIOR_SPREAD = 0.5
"""The variance of those pseudo-units, as a share of that of a 0/1 outcome."""

LEAST_SPREAD = 1e-6


class Fortunes:
    """What bettors against a null about a bounded mean own, unit by unit; who extends it says how they bet.

    Args:
        threshold: The edge of the null, in (0, 1).
        side: +1 for the null "mean <= threshold", -1 for "mean >= threshold".
        weights: The share of the initial fortune that each has; they add up to 1.

    Attributes:
        n: Units so far.
        log_e: Natural log of the evidence now; 0 before the first unit.
        max_log_e: The largest value after any unit; -inf before the first.

    Raises:
        UsageError: The threshold is not strictly between 0 and 1.
    """

    __slots__ = ("_log_fortunes", "edge", "log_e", "max_log_e", "n", "side", "threshold")

    def __init__(self, threshold: float, side: Side, weights: Sequence[float] = WEIGHTS) -> None:
        if not 0.0 < threshold < 1.0:
            raise UsageError(
                f"a mean can only be tested against a threshold inside its range, got {threshold!r} on"
                " the scale [0, 1]",
                fix="thresholds, moved by their margin, must lie strictly inside the range of the outcomes",
            )
        self.threshold = threshold
        self.side: Side = side
        self.edge = threshold if side > 0 else 1.0 - threshold
        self.n = 0
        self.log_e = 0.0
        self.max_log_e = -math.inf
        self._log_fortunes = [math.log(weight) for weight in weights]

    def _settle(self, gains: Iterable[float]) -> None:
        """Pay out what each bettor gained with a unit, as a share of its fortune."""
        logs = [
            -math.inf if gain <= ALL_IN else log_fortune + math.log1p(gain)
            for log_fortune, gain in zip(self._log_fortunes, gains, strict=True)
        ]
        self._log_fortunes = logs
        top = max(logs)  # never that of a ruined bettor: only the last can be ruined
        self.log_e = top + math.log(sum([math.exp(value - top) for value in logs]))
        self.max_log_e = max(self.max_log_e, self.log_e)
        self.n += 1


class MeanProcess(Fortunes):
    """Evidence against a null about the mean of bounded outcomes, unit by unit; about 5 µs per unit.

    Side +1 tests "mean <= threshold", side -1 "mean >= threshold".

    Attributes:
        n: Units so far.
        log_e: Natural log of the evidence now; 0 before the first unit.
        max_log_e: The largest value after any unit; -inf before the first.

    Raises:
        UsageError: The threshold is not strictly between 0 and 1.
    """

    __slots__ = ("_squares", "_sum")

    def __init__(self, threshold: float, side: Side) -> None:
        super().__init__(threshold, side)
        self._sum = 0.0
        self._squares = 0.0

    def update(self, outcome: float) -> None:
        """Take in one outcome in [0, 1]."""
        away = (outcome if self.side > 0 else 1.0 - outcome) - self.edge
        self._settle([bet * away for bet in self.bets()])
        self._sum += away
        self._squares += away * away

    def bets(self) -> list[float]:
        """Return the bets on the next unit in side +1 terms, the boldest last; each in [0, 1/edge]."""
        edge = self.edge
        most = edge * (1.0 - edge)
        _, variance = self.moments()
        spread = min(1.0, max(LEAST_SPREAD, variance / most))
        deviation = math.sqrt(spread * most)
        steady = (1.0 - spread) * edge
        reach = deviation / (1.0 - edge)
        aims = [effect * deviation / (1.0 + effect * reach) for effect in EFFECTS]
        return [*(aim / (spread * most + steady * aim) for aim in aims), 1.0 / edge]

    def moments(self) -> tuple[float, float]:
        """Return the running mean (from the edge) and variance that set the bets, in side +1 terms."""
        units = self.n + PRIOR_UNITS
        mean = self._sum / units
        squares = PRIOR_UNITS * PRIOR_SPREAD * self.edge * (1.0 - self.edge) + self._squares
        return mean, max(0.0, squares / units - mean * mean)

    @property
    def most_growth(self) -> float:
        """What one unit adds to the log evidence at most: all is staked, and it is the scale's end."""
        return -math.log(self.edge)

    def growth(self, distance: float) -> float:
        """Return the drift of `best_walk` this far beyond the edge, at the variance seen so far."""
        return best_walk(self.edge, distance, self.moments()[1]).drift


class Walk(NamedTuple):
    """What one unit adds to the log evidence: its mean and its standard deviation."""

    drift: float
    noise: float


def best_walk(edge: float, distance: float, variance: float) -> Walk:
    """Return how the log evidence grows under the best bet, in side +1 terms.

    The outcomes are taken to lie on two points: one standard deviation above and below the mean, or, where
    one of these is off the scale, the end of the scale and the point that gives the same variance. The result
    is exact for 0/1 and for constant outcomes, and roughly right for scores. `distance` is how far the mean
    lies beyond the null's edge; nothing grows at 0 and below.
    """
    aim = min(distance, 1.0 - edge)
    if aim <= 0.0:
        return Walk(0.0, 0.0)
    mean, deviation = edge + aim, math.sqrt(variance)
    if deviation < 1e-9 or mean >= 1.0 - 1e-9:
        return Walk(math.log(mean / edge), 0.0)
    above = min(deviation, 1.0 - mean)
    below = min(variance / above, mean)
    above = min(variance / below, 1.0 - mean)
    high, low = aim + above, aim - below
    bet = 1.0 / edge if low >= 0.0 else min(1.0 / edge, aim / (-low * high))
    won, lost = math.log1p(bet * high), math.log(max(1e-12, 1.0 + bet * low))
    share = below / (above + below)
    return Walk(share * won + (1.0 - share) * lost, math.sqrt(share * (1.0 - share)) * (won - lost))
