"""Evidence that a coin is not fair, at whatever toss one stops looking."""

from __future__ import annotations

import math

_NEGLIGIBLE = 1e-17


def log_evidence(heads: int, tails: int) -> float:
    """Return the log e-value against a fair coin, of tosses that came up heads too often.

    It is the likelihood ratio of a coin whose chance of heads is uniform on [1/2, 1]: more heads never make
    it smaller, more tails never larger. Of a fair coin it is a martingale that begins at 1, so that it
    reaches 1/alpha with a probability of at most alpha, however the tosses were stopped: Ville (1939),
    "Étude critique de la notion de collectif". With n = heads + tails it is
    sum(comb(n + 1, j) for j in 0..heads) / ((n + 1) * comb(n, heads)).
    """
    n = heads + tails
    log_ways = math.lgamma(n + 1) - math.lgamma(heads + 1) - math.lgamma(tails + 1)
    return _log_at_most(heads, n + 1) - math.log(n + 1) - log_ways


def _log_at_most(most: int, n: int) -> float:
    """Return log of the number of subsets of n things with at most `most` < n members.

    The sum runs from its largest term away from the middle, where terms only fall.
    """
    below = 2 * most < n
    first = most if below else most + 1
    total = term = 1.0
    for count in range(first, 0, -1) if below else range(first, n):
        term *= count / (n - count + 1) if below else (n - count) / (count + 1)
        total += term
        if term < total * _NEGLIGIBLE:
            break
    log_sum = math.lgamma(n + 1) - math.lgamma(first + 1) - math.lgamma(n - first + 1) + math.log(total)
    if below:
        return log_sum
    log_all = n * math.log(2.0)
    return log_all + math.log1p(-math.exp(log_sum - log_all))
