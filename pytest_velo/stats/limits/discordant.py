"""The confidence limit of a difference tested by its discordant pairs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.design import NO_DIFFERENCE
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold, crossing_probability
from pytest_velo.stats.limits.mean import mean_limit

_KNOTS = 24


def discordant_limit(
    outcomes: Sequence[float], side: Side, level: float, *, max_n: int, crossed: bool, at_stop: bool = False
) -> float:
    """Return the confidence limit for (1 + mean of d) / 2, beyond 1/2 iff the test rejects.

    Args:
        outcomes: All pairs, in the order fed: 0, 1/2 or 1.
        side: +1: a lower limit, -1: an upper one.
        level: In (0, 1).
        max_n: The largest number of pairs.
        crossed: The tosses reject "no difference".
        at_stop: Go by the evidence at the last pair alone.
    """

    def log_bars(nulls: Floats) -> Floats:
        short = (nulls <= NO_DIFFERENCE) if side > 0 else (nulls >= NO_DIFFERENCE)
        if crossed:
            return np.where(short, -np.inf, -np.log(level))
        left = np.maximum(level - _errors_at(nulls, side, level, max_n), 0.0)
        with np.errstate(divide="ignore"):
            return np.where(short, -np.log(left), np.inf)

    limit = mean_limit(outcomes, side, log_bars, at_stop=at_stop)
    nearer = max if crossed == (side > 0) else min
    return nearer(limit, NO_DIFFERENCE)


def _errors_at(nulls: Floats, side: Side, level: float, max_n: int) -> Floats:
    """Bound P(the tosses reject) for a mean of d at each null, if all pairs were discordant."""
    edges = nulls if side > 0 else 1.0 - nulls
    knots, errors = _errors(calibrated_log_threshold(NO_DIFFERENCE, side, level, max_n), max_n)
    # The error rises with the rate: that of the next knot bounds it.
    above = np.searchsorted(knots, edges)
    return np.where(above < len(knots), errors[np.minimum(above, len(knots) - 1)], 1.0)


@cache
def _errors(log_threshold: float, max_n: int) -> tuple[Floats, Floats]:
    """Return rates up to 1/2 and the exact probabilities that tosses at these rates reject (side +1)."""
    knots = NO_DIFFERENCE - np.geomspace(0.25, 2e-4, _KNOTS)
    return knots, crossing_probability(knots, NO_DIFFERENCE, log_threshold, 1, max_n)
