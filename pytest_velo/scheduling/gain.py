"""What the next trial of a hypothesis is expected to bring: its share of what a verdict still needs.

For a true mean m a trial brings KL(m, threshold) of log evidence on average (for scores the Gaussian
approximation of it), and the verdict still needs log(1/level) minus the log evidence there is. Their ratio,
averaged over what the trials so far leave open of m, is one over the trials to go: large for a hypothesis
that is nearly settled or far from its threshold, small for one whose truth is at the threshold. Spending by
it changes no verdict's error rate: each holds at any stopping time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pytest_velo.claims import Claim
from pytest_velo.runner.run import Run
from pytest_velo.stats.engine.nulls import Null, nulls_of

_POINTS = 24
_NEAREST, _FARTHEST = 0.5, 6.0  # what a verdict may still need, in nats: beyond them the ratio says little


def expected_gain(run: Run) -> float:
    """Return the expected gain of the next unit: one over the units to go, about; above 0.

    For joint claims and numbers it is one over the rule's own guess of the units to go.

    Args:
        run: One without a verdict.
    """
    claim = run.hypothesis.claim
    log_e = run.weigher.log_e()
    if not isinstance(claim, Claim) or log_e is None:
        return 1.0 / max(1, run.weigher.expected_more())
    n, mean, variance = run.units.moments
    nulls = nulls_of(claim, run.hypothesis.design.margin)
    needed = [
        *((null, math.log(1.0 / run.hypothesis.design.alpha) - log_e[0]) for null in nulls.support),
        *((null, math.log(1.0 / run.hypothesis.design.beta) - log_e[1]) for null in nulls.refute),
    ]
    binary = run.hypothesis.single
    total = weight = 0.0
    for value, chance in _posterior(n, mean, variance, binary):
        best = max(_gain_at(value, null, left, variance, binary) for null, left in needed)
        total += chance * best
        weight += chance
    return max(total / weight, 1e-9)


def _gain_at(value: float, null: Null, needed: float, variance: float, binary: bool) -> float:
    """Return the share of what is needed to reject a null that a trial brings when the mean is `value`."""
    distance = (value - null.threshold) * null.side
    if distance <= 0.0:
        return 0.0
    edge = null.threshold
    growth = _kl(value, edge) if binary else distance * distance / (2.0 * (variance + distance * distance))
    return growth / min(max(needed, _NEAREST), _FARTHEST)


def _posterior(n: float, mean: float, variance: float, binary: bool) -> Iterator[tuple[float, float]]:
    """Yield possible means on [0, 1] with their weights, from a flat prior."""
    ones, zeros = n * mean, n * (1.0 - mean)
    spread = variance / (n + 1.0) + 1e-9
    points = [(place + 0.5) / _POINTS for place in range(_POINTS)]
    logs = [
        ones * math.log(x) + zeros * math.log1p(-x) if binary else -((x - mean) ** 2) / (2.0 * spread)
        for x in points
    ]
    top = max(logs)
    for x, log in zip(points, logs, strict=True):
        yield x, math.exp(log - top)


def _kl(p: float, q: float) -> float:
    """Return the Kullback-Leibler divergence of two coins, in nats, both inside (0, 1)."""
    return p * math.log(p / q) + (1.0 - p) * math.log((1.0 - p) / (1.0 - q))
