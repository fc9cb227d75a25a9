"""The usual ways to decide: a fixed n, what was observed, and an interval that is looked at all the time.

Of counts they are exact (dynamic programming over trials and ones), of scores simulated on seeded paths.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import binom

from compared.kinds import ALPHA, FIRST_LOOK, MAX_TRIALS, POWER, SHARE_OF

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

Z = float(ndtri(1.0 - ALPHA))
MOST_FIXED = 100_000
CHUNK = 1_000


class Ends(NamedTuple):
    """A range that is claimed, open where an end is None."""

    low: float | None
    high: float | None


class Verdicts(NamedTuple):
    """How often a way says what, and its mean trials."""

    supported: float
    refuted: float
    trials: float


def peeked(truth: float, ends: Ends, max_trials: int = MAX_TRIALS, first: int = FIRST_LOOK) -> Verdicts:
    """Return the law of stopping as soon as Wilson's interval lies inside the range, or outside of it."""
    going = np.zeros(max_trials + 2)
    going[0], supported, refuted, mean = 1.0, 0.0, 0.0, 0.0
    for n in range(1, max_trials + 1):
        mean += float(going.sum())
        risen = going[:-1] * truth
        going[:-1] -= risen
        going[1:] += risen
        if n < first:
            continue
        above = [_score(n, end) for end in ends if end is not None]
        inside, outside = np.ones(n + 1, dtype=bool), np.zeros(n + 1, dtype=bool)
        for score, is_low in zip(above, [ends.low is not None, False], strict=False):
            score = score if is_low else -score
            inside &= score > Z
            outside |= score < -Z
        supported += float(going[: n + 1][inside].sum())
        refuted += float(going[: n + 1][outside].sum())
        going[: n + 1][inside | outside] = 0.0
    return Verdicts(supported, refuted, mean)


def _score(n: int, end: float) -> Floats:
    """Return the score statistic of each count, which Wilson's interval inverts."""
    return np.asarray((np.arange(n + 1) / n - end) / math.sqrt(end * (1.0 - end) / n))


def observed(truth: float, ends: Ends, n: int = SHARE_OF) -> Verdicts:
    """Return the law of asking whether the observed rate of `n` trials lies in the range."""
    fewest = 0 if ends.low is None else math.ceil(ends.low * n - 1e-9)
    most = n if ends.high is None else math.floor(ends.high * n + 1e-9)
    supported = float(binom.cdf(most, n, truth) - binom.cdf(fewest - 1, n, truth))
    return Verdicts(supported, 1.0 - supported, n)


def fixed_test(truth: float, threshold: float) -> tuple[int, float] | None:
    """Return the trials of the smallest exact binomial test with power 0.9, and its P(wrong rejection)."""
    edge, true = (threshold, truth) if truth > threshold else (1.0 - threshold, 1.0 - truth)
    for first in range(1, MOST_FIXED, CHUNK):
        n = np.arange(first, first + CHUNK)
        last = binom.isf(ALPHA, n, edge)  # it rejects beyond this count
        enough = np.flatnonzero(binom.sf(last, n, true) >= POWER)
        if enough.size:
            at = enough[0]
            return int(n[at]), float(binom.sf(last[at], n[at], edge))
    return None


def fixed_mean(variance: float, distance: float) -> int:
    """Return the units of the one-sided test of a mean with power 0.9 whose variance is known."""
    return max(1, math.ceil((Z + float(ndtri(POWER))) ** 2 * variance / distance**2))


Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]
"""Makes units on the scale [0, 1], of a shape (runs, units)."""


class Followed(NamedTuple):
    """What peeking at a mean does on simulated paths: as `Verdicts`, and whether the mean was missed."""

    supported: float
    refuted: float
    trials: float


def peeked_means(paths: Floats, threshold: float) -> Followed:
    """Stop each path as soon as the normal interval of its mean excludes the threshold.

    No look is taken before two values differ: the interval has no width there.
    """
    mean, error = _running(paths)
    score = np.where(error > 0.0, (mean - threshold) / np.where(error > 0.0, error, 1.0), 0.0)
    at = first_of(np.abs(score) > Z)
    last = np.minimum(at, paths.shape[1]) - 1
    final = np.take_along_axis(score, last[:, None], axis=1)[:, 0]
    return Followed(float((final > Z).mean()), float((final < -Z).mean()), float((last + 1).mean()))


def narrowed(paths: Floats, centre: float, halfwidth: float) -> tuple[float, float]:
    """Stop each path when its mean's normal 95% interval is that narrow: mean trials, share that misses."""
    mean, error = _running(paths)
    z = float(ndtri(1.0 - ALPHA / 2))
    at = np.minimum(first_of((error > 0.0) & (z * error <= halfwidth)), paths.shape[1]) - 1
    away = np.take_along_axis(np.abs(mean - centre), at[:, None], axis=1)
    width = z * np.take_along_axis(error, at[:, None], axis=1)
    return float((at + 1).mean()), float((away > width).mean())


def first_of(flags: Flags) -> npt.NDArray[np.intp]:
    """Return how many units each path takes to the first flag after `FIRST_LOOK`; one more than it has."""
    looked = flags.copy()
    looked[:, : FIRST_LOOK - 1] = False
    first: npt.NDArray[np.intp] = np.where(looked.any(axis=1), looked.argmax(axis=1) + 1, flags.shape[1] + 1)
    return first


def _running(paths: Floats) -> tuple[Floats, Floats]:
    """Return the mean and its standard error after each unit."""
    n = np.arange(1.0, paths.shape[1] + 1)
    mean = paths.cumsum(axis=1) / n
    square = np.maximum(np.square(paths).cumsum(axis=1) / n - mean**2, 0.0)
    square[square < 1e-12] = 0.0
    return mean, np.sqrt(square / np.maximum(n - 1.0, 1.0))
