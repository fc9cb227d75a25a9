"""Confidence limits for bounded means with a covariate: `engine.centred` on a path, for many nulls at once.

The coefficients do not depend on the null, so each null bets against the same centred outcomes. Loaded on
use: it needs numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pytest_velo.stats.engine.adaptive import LEAST_SPREAD, PRIOR_SPREAD, PRIOR_UNITS
from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.centred import LEAST_VARIANCE, UNCORRELATED_UNITS, Centring
from pytest_velo.stats.engine.mixture import ALL_IN, Side
from pytest_velo.stats.limits.mean import LogBars
from pytest_velo.stats.limits.rate import close_in

Ends = tuple[Sequence[float] | Floats, Sequence[float] | Floats]
"""The low and the high ends of centres that have a range of their own."""

_POINTS = 24
_ROUNDS = 4


def centred_log_evidence(
    outcomes: Sequence[float] | Floats,
    centres: Sequence[float] | Floats,
    thresholds: Sequence[float] | Floats,
    side: Side,
    centring: Centring,
    ends: Ends | None = None,
) -> Floats:
    """Return the log evidence against each null after each unit, equal to `CentredProcess.log_e` at every n.

    `outcomes` and `centres` are one path, or arrays of paths, shape (paths, n), against a single null; `ends`
    are the low and the high ends of each centre's own range, if it has one. The result has shape (nulls, n)
    or (paths, n).
    """
    edges = np.asarray(thresholds, dtype=float)[:, None]
    edges = edges if side > 0 else 1.0 - edges
    path, beside = np.atleast_2d(outcomes).astype(float), np.atleast_2d(centres).astype(float)
    path, beside = (path, beside) if side > 0 else (1.0 - path, -beside)
    known = centring.turned(side)
    slopes = np.ones_like(path) if known.learns else _slopes(path, beside, known)
    lows, highs = _ends(known, ends, side)
    away = path - edges
    variance = _variances(away, beside, slopes, edges)
    reached = slopes * lows, slopes * highs
    lost, won = edges + np.maximum(*reached), 1.0 - edges - np.minimum(*reached)
    most = lost * won
    spread = np.clip(variance / most, LEAST_SPREAD, 1.0)
    deviation = np.sqrt(spread * most)
    gained = away - slopes * beside
    stakes = known.stakes
    total = _log_fortune(away, 1.0 / edges, stakes.weights[-1])
    for effect, weight in zip(stakes.effects, stakes.weights, strict=False):
        aim = effect * deviation / (1.0 + effect * deviation / won)
        bet = aim / (spread * most + (1.0 - spread) * lost * aim)
        np.logaddexp(total, _log_fortune(gained, bet, weight), out=total)
    return total


def centred_limit(
    outcomes: Sequence[float],
    centres: Sequence[float],
    side: Side,
    centring: Centring,
    log_bars: LogBars,
    *,
    ends: Ends | None = None,
    at_stop: bool = False,
) -> float:
    """Return a confidence limit for a mean by inverting the engine over its nulls, as `mean_limit` does."""

    def rejects(nulls: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        own = nulls[0] if side > 0 else 1.0 - nulls[0]
        evidence = centred_log_evidence(outcomes, centres, own, side, centring, ends)
        return ((evidence[:, -1] if at_stop else evidence.max(axis=1)) >= log_bars(own))[None, :]

    [(limit, _)] = close_in(rejects, [(0.0, 1.0)], points=_POINTS, rounds=_ROUNDS)
    return limit if side > 0 else 1.0 - limit


def _ends(known: Centring, ends: Ends | None, side: Side) -> tuple[Floats, Floats]:
    """Return between what the centres lie, in side +1 terms: the same for all units, or each one's own."""
    if ends is None:
        return np.atleast_2d(known.low), np.atleast_2d(known.high)
    lows, highs = (np.atleast_2d(end).astype(float) for end in ends)
    return (lows, highs) if side > 0 else (-highs, -lows)


def _before(values: Floats) -> Floats:
    """Return the sum of the units before each."""
    return np.asarray(np.cumsum(values, axis=1) - values)


def _slopes(path: Floats, beside: Floats, known: Centring) -> Floats:
    """Return the coefficient of each unit, from the units before it."""
    before = np.arange(path.shape[1])
    n = np.maximum(before, 1)
    sums, centres = _before(path), _before(beside)
    together = _before(path * beside) - sums * centres / n
    spread = _before(beside**2) - centres**2 / n + UNCORRELATED_UNITS * known.variance
    told = (before > 1) & (spread > LEAST_VARIANCE)
    start = known.start * UNCORRELATED_UNITS * known.variance
    return np.asarray(np.where(told, (together + start) / np.where(told, spread, 1.0), known.start))


def _variances(away: Floats, beside: Floats, slopes: Floats, edges: Floats) -> Floats:
    """Return the bettors' estimate of the variance of the centred outcomes before each unit."""
    units = np.arange(away.shape[1]) + PRIOR_UNITS
    mean = (_before(away) - slopes * _before(beside)) / units
    squares = _before(away**2) - 2.0 * slopes * _before(away * beside) + slopes**2 * _before(beside**2)
    squares += PRIOR_UNITS * PRIOR_SPREAD * edges * (1.0 - edges)
    return np.asarray(np.maximum(0.0, squares / units - mean**2))


def _log_fortune(gained: Floats, bet: Floats, weight: float) -> Floats:
    """Return the log of one bettor's fortune after each unit; -inf once ruined."""
    gain = bet * gained
    ruined = gain <= ALL_IN
    logs = np.where(ruined, -np.inf, np.log1p(np.where(ruined, 0.0, gain)))
    return np.asarray(math.log(weight) + np.cumsum(logs, axis=1))
