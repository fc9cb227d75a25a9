"""Evidence from a finite list of 0/1 outcomes seen in random order, without replacement.

The truth is a count: K ones among N. The likelihood of K after n of them is hypergeometric. The evidence
against "at most k ones" is the average likelihood ratio of up to sixteen larger counts against k. Under k its
expectation does not grow, and under smaller counts it falls, because every one raises it: it is a
non-negative supermartingale under the whole null, so Ville's inequality holds. When the null has become
impossible, the evidence is infinite.

Source: Waudby-Smith & Ramdas (2020), "Confidence sequences for sampling without replacement", NeurIPS.
"""

from __future__ import annotations

import math

from pytest_velo.stats.engine.mixture import NEAREST, Side

N_COUNTS = 16

CERTAIN = 700.0
"""Stands for infinite log evidence, so that reports hold plain numbers; e^-700 is as good as 0."""


def alternatives(count: int, side: Side, size: int) -> tuple[int, ...]:
    """Return the counts that the evidence against a null averages over, nearest first.

    `count` is the null's edge: in 0..size - 1 for side +1 (alternatives above it), in 1..size for side -1.
    """
    span = size - count if side > 0 else count
    nearest = min(max(1, round(NEAREST * size)), span / 2)
    steps = (round(nearest * (span / nearest) ** (j / (N_COUNTS - 1))) for j in range(N_COUNTS))
    return tuple(dict.fromkeys(count + side * max(1, step) for step in steps))


def log_e_census(ones: float, zeros: float, count: int, counts: tuple[int, ...], size: int) -> float:
    """Return the log evidence of outcomes drawn without replacement; it depends on their counts alone.

    `count` is the null's edge and `counts` its `alternatives`; `ones + zeros <= size`.
    """
    too_many, too_few = ones > count, zeros > size - count
    if too_many or too_few:  # no count on the null's side is left, or none on the other
        return CERTAIN if too_many == (counts[0] > count) else -CERTAIN
    under_null = _log_ways(ones, zeros, count, size)
    logs = [_log_ways(ones, zeros, other, size) - under_null for other in counts]
    top = max(logs)
    if top == -math.inf:
        return -CERTAIN
    mean = top + math.log(sum(math.exp(value - top) for value in logs) / len(logs))
    return min(CERTAIN, max(-CERTAIN, mean))


def _log_ways(ones: float, zeros: float, count: int, size: int) -> float:
    """Return the log number of ordered ways to draw the ones and zeros seen, given this many ones."""
    if ones > count or zeros > size - count:
        return -math.inf
    ways = math.lgamma(count + 1.0) - math.lgamma(count - ones + 1.0)
    return ways + math.lgamma(size - count + 1.0) - math.lgamma(size - count - zeros + 1.0)
