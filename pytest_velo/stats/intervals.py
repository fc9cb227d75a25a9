"""Textbook intervals for a proportion, valid for a fixed n only: reported as descriptive.

scipy.special gives the quantiles; scipy.stats gives the same intervals at three times the import.
"""

from __future__ import annotations

import math

from pytest_velo.errors import UsageError
from pytest_velo.verdicts import Interval


def wilson(successes: int, n: int, level: float) -> Interval:
    """Return Wilson's score interval.

    Args:
        successes: In 0..n.
        n: Trials, from 1.
        level: Two-sided level, in (0, 1).

    Source: Wilson (1927), JASA 22:209, without continuity correction.

    >>> interval = wilson(7, 20, 0.95)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.1812, 0.5671)
    """
    _check(successes, n, level)
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    share = successes / n
    shrink = 1.0 + z * z / n
    center = (share + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1.0 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else center - half
    high = 1.0 if successes == n else center + half
    return Interval(low=low, high=high, level=level)


def clopper_pearson(successes: int, n: int, level: float) -> Interval:
    """Return the exact (conservative) binomial interval.

    Args:
        successes: In 0..n.
        n: Trials, from 1.
        level: Two-sided level, in (0, 1).

    Source: Clopper & Pearson (1934), Biometrika 26:404.

    >>> clopper_pearson(0, 20, 0.95).low, round(clopper_pearson(0, 20, 0.95).high, 4)
    (0.0, 0.1684)
    """
    _check(successes, n, level)
    from scipy.special import betaincinv

    tail = (1.0 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1.0 - tail))
    return Interval(low=low, high=high, level=level)


def _check(successes: int, n: int, level: float) -> None:
    if not (n >= 1 and 0 <= successes <= n):
        raise UsageError(f"no interval for {successes} of {n} trials", fix="0 <= successes <= n, n >= 1")
    if not 0.0 < level < 1.0:
        raise UsageError(f"a level lies between 0 and 1, got {level!r}", fix="level=0.95")
