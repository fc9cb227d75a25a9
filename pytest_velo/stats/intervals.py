"""Textbook intervals for a proportion, valid for a fixed n only: reported as descriptive.

In plain floats, within 1e-12 of scipy: every result has them, and importing scipy for two quantiles costs as
much as replaying thousands of trials.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from pytest_velo.errors import UsageError
from pytest_velo.verdicts import Interval


def wilson(successes: int, n: int, level: float) -> Interval:
    """Return Wilson's score interval at a two-sided level in (0, 1).

    Raises:
        UsageError: A number is outside its range.

    Source: Wilson (1927), JASA 22:209, without continuity correction.
    """
    _check(successes, n, level)

    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / n
    shrink = 1.0 + z * z / n
    center = (share + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1.0 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else center - half
    high = 1.0 if successes == n else center + half
    return Interval(low=low, high=high, level=level)


def clopper_pearson(successes: int, n: int, level: float) -> Interval:
    """Return the exact (conservative) binomial interval at a two-sided level in (0, 1).

    Raises:
        UsageError: A number is outside its range.

    Source: Clopper & Pearson (1934), Biometrika 26:404.
    """
    _check(successes, n, level)
    tail = (1.0 - level) / 2
    low, high = _rate_with_tail(successes, n, tail), 1.0 - _rate_with_tail(n - successes, n, tail)
    return Interval(low=low, high=high, level=level)


def _rate_with_tail(successes: int, n: int, tail: float) -> float:
    """Return the rate at which `successes` or more of n have probability `tail` < 1/2; 0 for no successes."""
    if successes == 0:
        return 0.0
    log_ways = math.lgamma(n + 1) - math.lgamma(successes + 1) - math.lgamma(n - successes + 1)
    low, high = 0.0, successes / n
    while low < (middle := (low + high) / 2) < high:
        if _log_upper_tail(successes, n, middle, log_ways) < math.log(tail):
            low = middle
        else:
            high = middle
    return high


def _log_upper_tail(successes: int, n: int, rate: float, log_ways: float) -> float:
    """Return log P(`successes` or more of n) at a rate up to successes / n, where the terms only fall."""
    odds = rate / (1.0 - rate)
    total = term = 1.0
    for count in range(successes, n):
        term *= (n - count) / (count + 1) * odds
        total += term
        if term < total * 1e-17:
            break
    return log_ways + successes * math.log(rate) + (n - successes) * math.log1p(-rate) + math.log(total)


def _check(successes: int, n: int, level: float) -> None:
    if not (n >= 1 and 0 <= successes <= n):
        raise UsageError(f"no interval for {successes} of {n} trials", fix="0 <= successes <= n, n >= 1")
    if not 0.0 < level < 1.0:
        raise UsageError(f"the level must be between 0 and 1, got {level!r}", fix="level=0.95")
