"""Confidence limits for bounded means: `engine.adaptive` on a whole path, for many nulls at once.

Loaded on use: it needs numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from pytest_velo.stats.engine.adaptive import EFFECTS, LEAST_SPREAD, PRIOR_SPREAD, PRIOR_UNITS, WEIGHTS
from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.mixture import ALL_IN, Side
from pytest_velo.stats.limits.rate import close_in

_POINTS = 24
_ROUNDS = 4

LogBars = Callable[[Floats], Floats]
"""Returns the log evidence that rejects each given null, in the limit's own terms."""


def max_log_evidence(
    outcomes: Sequence[float] | Floats, thresholds: Sequence[float] | Floats, side: Side
) -> Floats:
    """Return the largest log evidence of a path against each null, equal to `MeanProcess.max_log_e`."""
    return np.asarray(log_evidence(outcomes, thresholds, side).max(axis=1))


def log_evidence(
    outcomes: Sequence[float] | Floats, thresholds: Sequence[float] | Floats, side: Side
) -> Floats:
    """Return the log evidence against each null after each unit, equal to `MeanProcess.log_e` at every n.

    `outcomes` is one path in [0, 1], or an array of paths, shape (paths, n), against a single null. The
    result has shape (nulls, n) or (paths, n).
    """
    edges = np.asarray(thresholds, dtype=float)[:, None]
    edges = edges if side > 0 else 1.0 - edges
    path = np.asarray(outcomes, dtype=float)
    away = (path if side > 0 else 1.0 - path) - edges
    spread = _spreads(away, edges)
    deviation = np.sqrt(spread * edges * (1.0 - edges))
    total = _log_fortune(away, np.broadcast_to(1.0 / edges, away.shape), WEIGHTS[-1])
    for effect, weight in zip(EFFECTS, WEIGHTS, strict=False):
        aim = effect * deviation / (1.0 + effect * deviation / (1.0 - edges))
        bet = aim / (edges * (spread * (1.0 - edges) + (1.0 - spread) * aim))
        np.logaddexp(total, _log_fortune(away, bet, weight), out=total)
    return total


def mean_limit(outcomes: Sequence[float], side: Side, log_bars: LogBars, *, at_stop: bool = False) -> float:
    """Return a confidence limit for a mean by inverting the engine over its nulls.

    Side +1 gives the mean up to which all nulls are rejected, side -1 the mean down to which they are,
    rounded outward by less than 0.00001. `log_bars` gives the log evidence that rejects each null; use
    `constant(level)` for a limit at `level`. `at_stop` goes by the evidence at the last unit alone.
    """

    def rejects(nulls: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        own = nulls[0] if side > 0 else 1.0 - nulls[0]
        evidence = log_evidence(outcomes, own, side)
        return ((evidence[:, -1] if at_stop else evidence.max(axis=1)) >= log_bars(own))[None, :]

    [(limit, _)] = close_in(rejects, [(0.0, 1.0)], points=_POINTS, rounds=_ROUNDS)
    return limit if side > 0 else 1.0 - limit


def constant(level: float) -> LogBars:
    """Return Ville's log threshold, log(1/level), the same for every null."""
    return lambda nulls: np.full_like(nulls, math.log(1.0 / level))


def _spreads(away: Floats, edges: Floats) -> Floats:
    """Return the bettors' variance estimate before each unit, as a share of the largest possible."""
    most = edges * (1.0 - edges)
    units = np.arange(away.shape[1]) + PRIOR_UNITS
    sums = np.cumsum(away, axis=1) - away
    squares = np.cumsum(away * away, axis=1) - away * away
    variance = (PRIOR_UNITS * PRIOR_SPREAD * most + squares) / units - (sums / units) ** 2
    return np.asarray(np.clip(variance / most, LEAST_SPREAD, 1.0))


def _log_fortune(away: Floats, bet: Floats, weight: float) -> Floats:
    """Return the log of one bettor's fortune after each unit; -inf once ruined."""
    gain = bet * away
    ruined = gain <= ALL_IN
    logs = np.where(ruined, -np.inf, np.log1p(np.where(ruined, 0.0, gain)))
    return np.asarray(math.log(weight) + np.cumsum(logs, axis=1))
