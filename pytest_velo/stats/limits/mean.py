"""Confidence limits for bounded means: the engine of `bounded` on a whole path, for many nulls at once.

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
"""The log evidence that rejects each of the nulls given, in the limit's own terms."""


def max_log_evidence(
    outcomes: Sequence[float] | Floats, thresholds: Sequence[float] | Floats, side: Side
) -> Floats:
    """Return the largest log evidence of a path against each null, as `MeanProcess.max_log_e` has it.

    Args:
        outcomes: As for `log_evidence`.
        thresholds: The nulls' edges, each in (0, 1).
        side: As for `MeanProcess`.
    """
    return np.asarray(log_evidence(outcomes, thresholds, side).max(axis=1))


def log_evidence(
    outcomes: Sequence[float] | Floats, thresholds: Sequence[float] | Floats, side: Side
) -> Floats:
    """Return the log evidence of a path against each null after each unit.

    Args:
        outcomes: The path, at least one outcome in [0, 1]; or an array of paths, shape (paths, n), against a
            single null.
        thresholds: The nulls' edges, each in (0, 1).
        side: As for `MeanProcess`.

    Returns:
        An array of shape (nulls, n) or (paths, n).

    Source: As `MeanProcess`, whose `log_e` it is at every n.
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


def mean_limit(outcomes: Sequence[float], side: Side, log_bars: LogBars) -> float:
    """Return a confidence limit for a mean by inverting the engine over its nulls.

    Args:
        outcomes: The path, at least one outcome in [0, 1].
        side: +1: a lower limit, -1: an upper one.
        log_bars: The log evidence that rejects each null; a constant -log(level) for a limit at `level`.

    Returns:
        For side +1 the mean up to which, for side -1 the mean down to which, all nulls are rejected;
        rounded outward by less than 0.00001.
    """

    def rejects(nulls: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        own = nulls[0] if side > 0 else 1.0 - nulls[0]
        return (max_log_evidence(outcomes, own, side) >= log_bars(own))[None, :]

    [(limit, _)] = close_in(rejects, [(0.0, 1.0)], points=_POINTS, rounds=_ROUNDS)
    return limit if side > 0 else 1.0 - limit


def constant(level: float) -> LogBars:
    """Return Ville's log threshold, the same for every null.

    Args:
        level: P(rejecting a true null), at most; in (0, 1).

    Returns:
        log(1/level) in the shape of the nulls given.
    """
    return lambda nulls: np.full_like(nulls, math.log(1.0 / level))


def _spreads(away: Floats, edges: Floats) -> Floats:
    """Return what the bettors think of the outcomes' variance before each unit, as a share of the most."""
    most = edges * (1.0 - edges)
    units = np.arange(away.shape[1]) + PRIOR_UNITS
    sums = np.cumsum(away, axis=1) - away
    squares = np.cumsum(away * away, axis=1) - away * away
    variance = (PRIOR_UNITS * PRIOR_SPREAD * most + squares) / units - (sums / units) ** 2
    return np.asarray(np.clip(variance / most, LEAST_SPREAD, 1.0))


def _log_fortune(away: Floats, bet: Floats, weight: float) -> Floats:
    """Return the log of one bettor's fortune after each unit; -inf from ruin on."""
    gain = bet * away
    ruined = gain <= ALL_IN
    logs = np.where(ruined, -np.inf, np.log1p(np.where(ruined, 0.0, gain)))
    return np.asarray(math.log(weight) + np.cumsum(logs, axis=1))
