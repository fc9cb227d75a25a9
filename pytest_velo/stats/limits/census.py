"""Confidence limits for a count, by inverting the hypergeometric test. Loaded on use: it needs numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.census import CERTAIN, alternatives
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.limits.rate import close_in

_POINTS = 24
_ROUNDS = 4


def count_limit(
    outcomes: Sequence[float], side: Side, log_bar: float, size: int, *, at_stop: bool = False
) -> int:
    """Return the first count in 0..size that a path of 0/1 outcomes does not reject.

    Side +1 gives a lower limit (all counts below it are rejected), side -1 an upper one. `log_bar` is the log
    evidence that rejects. `at_stop` goes by the evidence at the last outcome alone.
    """
    path = np.asarray(outcomes, dtype=float)
    ones = np.cumsum(path if side > 0 else 1.0 - path)  # side -1 counts zeros: "at most so many zeros"
    zeros = np.arange(1.0, len(path) + 1.0) - ones
    if at_stop:
        ones, zeros = ones[-1:], zeros[-1:]

    def rejects(shares: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        # A share stands for the count below it, so that the last point rejected is a count rejected.
        counts = np.floor(shares[0] * size).astype(int)
        known = {count: _max_log_e(ones, zeros, count, size) >= log_bar for count in set(counts.tolist())}
        return np.array([[known[count] for count in counts.tolist()]])

    if not bool(rejects(np.zeros((1, 1)))[0, 0]):
        limit = 0
    else:
        [(last, _)] = close_in(rejects, [(0.0, 1.0)], points=_POINTS, rounds=_ROUNDS)
        limit = int(np.floor(last * size)) + 1
    return limit if side > 0 else size - limit


def _max_log_e(ones: Floats, zeros: Floats, count: int, size: int) -> float:
    """Return the largest log evidence along a path against "at most `count` ones", for count < size."""
    if count >= size:
        return -CERTAIN
    from scipy.special import gammaln  # weight: a fifth of a second, for censuses only

    def log_ways(of: int) -> Floats:
        left, left_zeros = of - ones, size - of - zeros
        ways = gammaln(of + 1.0) - gammaln(np.maximum(left, 0.0) + 1.0)
        ways = ways + gammaln(size - of + 1.0) - gammaln(np.maximum(left_zeros, 0.0) + 1.0)
        return np.where((left < 0.0) | (left_zeros < 0.0), -np.inf, ways)

    if (ones > count).any():
        return CERTAIN
    possible = zeros <= size - count  # beyond that the count is impossible: no evidence is left
    if not possible.any():
        return -CERTAIN
    counts = alternatives(count, 1, size)
    logs = np.stack([log_ways(other)[possible] for other in counts]) - log_ways(count)[possible]
    return float((np.logaddexp.reduce(logs, axis=0) - np.log(len(counts))).max())
