"""Limits of a mean whose bets aim at the unit at which its interval will be tight enough.

There is a test for each of a fixed list of nulls, the multiples of a step. Up to some unit its evidence is
that of `engine.adaptive`. From there on, one bettor carries that evidence F against "the mean is at most m":
with u = log(2 / alpha) - log F still to gain and a sum of units ahead whose deviation is D, it bets
sqrt(2 u) / D per unit, which is the bet that gets there if the units are as likely as must be hoped for. It
never stakes all it has.

**Why it covers, whatever the distribution.** Let the mean of every unit given the past be mu.

1. Each bet is at least 0, at most 1/m, and chosen before its outcome x is seen. So E[1 + bet (x - m) | past]
   <= 1 if m >= mu: F is a non-negative supermartingale that starts at 1, whatever the bets are made of. By
   Ville P(F ever reaches 2 / alpha) <= alpha / 2.
2. Let m be the least multiple of the step that is not below mu. A lower limit above mu is a multiple above
   mu up to which all were rejected: m is among them. So P(the lower limit is ever above mu) <= alpha / 2.
   No test of another null counts, nor whether rejected nulls lie side by side.
3. The same for the upper limit. Together P(the interval ever misses mu) <= alpha, at any stop: of its own
   width, a budget, or somebody who looks.

Limits from before that unit are moved outward to the list (`rounded_out`), so that step 2 is about the
same test all along. Loaded on use: it needs numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pytest_velo.stats.engine.aim import Means
from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.limits.mean import log_evidence

STEPS = 200
"""Nulls to a half-width."""

_LEAST_MISSING = 0.3
"""Evidence that a bettor always thinks it lacks, so that it gets there and not almost."""

_AT_ONCE = 2_000_000
"""Numbers in an array."""


def n_steps(halfwidth: float) -> int:
    """Return the number of steps of the list of nulls from 0 to 1."""
    return math.ceil(STEPS / halfwidth)


def rounded_out(limit: float, side: Side, halfwidth: float) -> float:
    """Return a limit of side +1 rounded down to the list of nulls, or one of side -1 rounded up."""
    steps = n_steps(halfwidth)
    place = math.floor((limit if side > 0 else 1.0 - limit) * steps)
    return place / steps if side > 0 else 1.0 - place / steps


def grown(log_e: Floats, bar: float, outcome: float | Floats, nulls: Floats, means: Means) -> Floats:
    """Return the log evidence against "the mean is at most this null" after one more outcome.

    Args:
        log_e: The evidence so far.
        bar: The evidence that rejects.
        outcome: In [0, 1].
        nulls: In (0, 1).
        means: From the units before.
    """
    missing = np.maximum(_LEAST_MISSING, bar - log_e)
    bets = np.sqrt(2.0 * missing) / means.deviation
    steady = np.maximum(0.0, nulls - means.variance / (1.0 - nulls))
    bets = np.minimum(bets / (1.0 + steady * bets), means.stake / nulls)
    return np.asarray(log_e + np.log1p(bets * (outcome - nulls)))


class AimedLimit:
    """The limit on one side, unit by unit."""

    def __init__(self, outcomes: Sequence[float], side: Side, halfwidth: float, level: float) -> None:
        """Begin after these outcomes; the limit is passed with probability `level` at most."""
        self._side = side
        self._bar = math.log(1.0 / level)
        self._steps = n_steps(halfwidth)
        self._nulls = np.arange(1, self._steps) / self._steps  # in side +1 terms
        own = self._nulls if side > 0 else 1.0 - self._nulls
        size = max(1, _AT_ONCE // max(1, len(outcomes)))
        last, most = [], []
        for first in range(0, len(own), size):
            evidence = log_evidence(outcomes, own[first : first + size], side)
            last.append(evidence[:, -1])
            most.append(evidence.max(axis=1))
        self._log_e: Floats = np.concatenate(last)
        self._rejected = np.concatenate(most) >= self._bar
        self._place = 0
        self._advance()

    def add(self, outcome: float, means: Means) -> None:
        """Take in one outcome in [0, 1]; `means` are from before it."""
        nulls = self._nulls
        x = outcome if self._side > 0 else 1.0 - outcome
        self._log_e = grown(self._log_e, self._bar, x, nulls, means)
        self._rejected |= self._log_e >= self._bar
        self._advance()

    def limit(self, *, at_stop: bool = False) -> float:
        """Return the limit in its own terms; `at_stop` goes by the evidence at the last unit alone."""
        place = self._place
        if at_stop:
            now = self._log_e >= self._bar
            place = len(now) if now.all() else int(now.argmin())
        limit = place / self._steps
        return limit if self._side > 0 else 1.0 - limit

    def _advance(self) -> None:
        rest = self._rejected[self._place :]
        self._place += len(rest) if rest.all() else int(rest.argmin())
