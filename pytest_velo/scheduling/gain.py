"""What the next trial of a hypothesis is expected to gain: its share of what a verdict still needs.

For a true mean m, a trial adds KL(m, threshold) of log evidence on average (approximated as Gaussian for
scores), and the verdict still needs log(1/level) minus the current log evidence. Their ratio, averaged over
the posterior of m, is one over the trials to go: large for a hypothesis that is nearly settled or far from
its threshold, small for one whose truth is at the threshold. Allocating trials by it changes no error rate:
each verdict holds at any stopping time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pytest_velo.claims import Claim
from pytest_velo.runner.run import Run
from pytest_velo.scheduling.earlier import Earlier
from pytest_velo.stats.engine.nulls import Null, nulls_of

_POINTS = 24
_MEANS = [(place + 0.5) / _POINTS for place in range(_POINTS)]
_IF_MISLED = 0.1  # the chance that the world is another one than the earlier runs saw
_NEAREST, _FARTHEST = 0.5, 6.0  # what a verdict may still need, in nats: beyond them the ratio says little


def expected_gain(run: Run, earlier: Earlier | None = None) -> float:
    """Return the expected gain of the next unit of a run without a verdict: about one over the units to go.

    For joint claims and estimates it is one over the rule's own guess of the units to go. What earlier runs
    saw says where the mean probably is, until the run's own units contradict it.
    """
    claim = run.hypothesis.claim
    log_e = run.weigher.log_e()
    if not isinstance(claim, Claim) or log_e is None:
        return 1.0 / max(1.0, _units_to_go(run, earlier))
    n, mean, variance = run.units.moments
    nulls = nulls_of(claim, run.hypothesis.design.margin)
    needed = [
        *((null, math.log(1.0 / run.hypothesis.design.alpha) - log_e[0]) for null in nulls.support),
        *((null, math.log(1.0 / run.hypothesis.design.beta) - log_e[1]) for null in nulls.refute),
    ]
    binary = run.hypothesis.single
    total = weight = 0.0
    for value, chance in _posterior(n, mean, variance, binary, _prior(earlier)):
        best = max(_gain_at(value, null, left, variance, binary) for null, left in needed)
        total += chance * best
        weight += chance
    return max(total / weight, 1e-9)


def _units_to_go(run: Run, earlier: Earlier | None) -> float:
    """Return the rule's guess of the units to go, and, before it has many, what the newest run took."""
    guess = run.weigher.expected_more()
    if earlier is None:
        return guess
    n = run.weigher.n
    left = max(0, earlier.n_units - n)
    return (n * guess + earlier.weight * left) / (n + earlier.weight)


def _gain_at(value: float, null: Null, needed: float, variance: float, binary: bool) -> float:
    """Return the share of what a rejection still needs that a trial adds if the mean is `value`."""
    distance = (value - null.threshold) * null.side
    if distance <= 0.0:
        return 0.0
    edge = null.threshold
    growth = _kl(value, edge) if binary else distance * distance / (2.0 * (variance + distance * distance))
    return growth / min(max(needed, _NEAREST), _FARTHEST)


def _prior(earlier: Earlier | None) -> list[float]:
    """Return the chances of the means in `_MEANS` before the first unit.

    With earlier runs they are those after `earlier.weight` trials like theirs, mixed with a flat share: if
    the run's own units do not fit the earlier ones, the flat share soon weighs the most. (The robust prior of
    Schmidli et al. 2014, Biometrics 70:1023.)
    """
    flat = 1.0 / _POINTS
    if earlier is None:
        return [flat] * _POINTS
    ones, zeros = earlier.weight * earlier.mean, earlier.weight * (1.0 - earlier.mean)
    logs = [ones * math.log(x) + zeros * math.log1p(-x) for x in _MEANS]
    top = max(logs)
    fits = [math.exp(log - top) for log in logs]
    whole = sum(fits)
    return [(1.0 - _IF_MISLED) * fit / whole + _IF_MISLED * flat for fit in fits]


def _posterior(
    n: float, mean: float, variance: float, binary: bool, prior: list[float]
) -> Iterator[tuple[float, float]]:
    """Yield possible means on [0, 1] with their weights."""
    ones, zeros = n * mean, n * (1.0 - mean)
    spread = variance / (n + 1.0) + 1e-9
    logs = [
        ones * math.log(x) + zeros * math.log1p(-x) if binary else -((x - mean) ** 2) / (2.0 * spread)
        for x in _MEANS
    ]
    top = max(logs)
    for x, log, chance in zip(_MEANS, logs, prior, strict=True):
        yield x, chance * math.exp(log - top)


def _kl(p: float, q: float) -> float:
    """Return the Kullback-Leibler divergence of two coins, in nats, both inside (0, 1)."""
    return p * math.log(p / q) + (1.0 - p) * math.log((1.0 - p) / (1.0 - q))
