"""How many units an estimate will take: exactly for a rate, else counted along a few simulated runs.

The number depends on the path, and inverting the tests along one takes a tenth of a second or more. So three
runs with fixed seeds are simulated for each true value, with outcomes on two points that have the assumed
mean and deviation. The result of a single run is usually within half of their mean.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from statistics import fmean

from pytest_velo.claims import Estimation
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.estimate import make_estimate

N_RUNS = 3

SHARES = (0.5, 0.2, 0.05)
"""True values that are shown, as shares of the range from its nearer end."""

MAX_CALIBRATED_RUN = 1_000
"""Beyond this horizon the simulation uses Ville's limits for rates too, which are slightly wider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The outcome of an estimate at one true value, in the mean.

    Attributes:
        truth: In the statistic's own units; the value at the same distance from the other end behaves the
            same.
        n: Units until it is measured, or all there are.
        halfwidth: Half of the interval's width at that point, in the same units.
        measured: The share of runs in which it is as tight as requested.
        n_runs: How many simulated runs these are means of; 0 if they are exact.
    """

    truth: float
    n: float
    halfwidth: float
    measured: float
    n_runs: int


def measured_at(estimation: Estimation, design: Design, truth: float, deviation: float) -> Measured:
    """Simulate units with this mean and standard deviation, in the statistic's own units."""
    scale = estimation.statistic.scale
    points = two_points(scale.to_unit(truth), deviation / scale.span)
    few_looks = make_estimate(estimation.statistic, estimation.halfwidth, design).few_looks
    if few_looks is not None:
        law = few_looks.law(scale.to_unit(truth))
        return Measured(
            truth=truth, n=law.n, halfwidth=law.halfwidth * scale.span, measured=law.measured, n_runs=0
        )
    runs = [_run(estimation, design, points, seed) for seed in range(N_RUNS)]
    return Measured(
        truth=truth,
        n=fmean(run.n for run in runs),
        halfwidth=fmean(run.halfwidth for run in runs),
        measured=fmean(run.measured for run in runs),
        n_runs=N_RUNS,
    )


def two_points(mean: float, deviation: float) -> tuple[float, float, float]:
    """Return two outcomes in [0, 1], low and high, and the share of the high one.

    They have this mean and as much of this standard deviation as the range allows.
    """
    above = min(deviation, 1.0 - mean)
    below = min(deviation**2 / above, mean) if above else 0.0
    above = min(deviation**2 / below, 1.0 - mean) if below else 0.0
    low, high = (min(1.0, max(0.0, round(end, 12))) for end in (mean - below, mean + above))
    return low, high, below / (above + below) if above + below else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    n: int
    halfwidth: float
    measured: bool


def _run(estimation: Estimation, design: Design, points: tuple[float, float, float], seed: int) -> _Run:
    extend = design.extend or design.max_units > MAX_CALIBRATED_RUN
    rule = make_estimate(estimation.statistic, estimation.halfwidth, replace(design, extend=extend))
    low, high, share = points
    rng = random.Random(seed)
    while rule.n < design.max_units:
        unit = high if rng.random() < share else low
        if rule.feed(unit, unit):
            break
    ends = rule.interval()
    return _Run(n=rule.n, halfwidth=(ends.high - ends.low) / 2, measured=rule.measured)
