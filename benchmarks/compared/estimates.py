"""Estimates to a half-width: of a rate exactly, of scores simulated through the rule that ships."""

from __future__ import annotations

import math
from statistics import NormalDist, fmean

import numpy as np
from estimates import HALFWIDTHS, RATES, SHAPES, fixed_n, taken
from scipy.stats import binom

from compared.habits import Floats, narrowed
from compared.kinds import ALPHA, FIRST_LOOK, FIXED, OURS, PEEKING, Cell, Kind, Law
from pytest_velo.claims import mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.estimate import make_estimate

Z = NormalDist().inv_cdf(1.0 - ALPHA / 2)
MAX_TRIALS = 3_000
"""Where a narrow interval of a rate of a half is reached."""

PATHS = 1_000
LEAST_NORMAL = 50
"""Scores whose normal n is smaller are no fair comparison: no interval holds that early."""


def estimates_of_rates() -> Kind:
    """Compute rates from 0.05 to 0.95 to half-widths from 0.1 to 0.02."""
    cells = []
    for halfwidth in HALFWIDTHS:
        few = make_estimate(rate, halfwidth, Design(alpha=ALPHA, beta=ALPHA, max_units=MAX_TRIALS)).few_looks
        assert few is not None
        for p in RATES:
            law, n, (looked, missed) = few.law(p), fixed_n(p, halfwidth, ALPHA), _peeked(p, halfwidth)
            cell = Cell(
                claim=f"rate to {halfwidth:g}",
                truth=f"{p:g}",
                least=n,
                laws={
                    OURS: Law(trials=law.n, right=law.measured),
                    FIXED: Law(trials=n),
                    PEEKING: Law(trials=looked),
                },
                wrong={OURS: law.missed, FIXED: _missed(p, n), PEEKING: missed},
            )
            cells.append(cell)
    return Kind(name="estimate(rate, halfwidth=h)", least="Wilson's n, the rate known", runs=0, cells=cells)


def estimates_of_scores(runs: int) -> Kind:
    """Measure the shapes of `estimates.py` to half-widths of 0.1, 0.05 and 0.03."""
    cells = []
    for name, (centre, deviation, draw) in SHAPES.items():
        for halfwidth in HALFWIDTHS[0], HALFWIDTHS[2], HALFWIDTHS[3]:
            normal = math.ceil((Z * deviation / halfwidth) ** 2)
            if normal < LEAST_NORMAL:
                continue
            horizon, rng = max(400, 6 * normal), np.random.default_rng(7)
            design = Design(alpha=ALPHA, beta=ALPHA, max_units=horizon)
            rules = [make_estimate(mean(0, 1), halfwidth, design) for _ in range(runs)]
            n_taken = [taken(rule, draw(rng, (1, horizon))[0].tolist()) for rule in rules]
            within = [rule.interval().low <= centre <= rule.interval().high for rule in rules]
            paths = draw(rng, (PATHS, max(2 * normal, normal + 100)))
            looked, missed = narrowed(paths, centre, halfwidth)
            means = paths[:, :normal].mean(axis=1)
            cell = Cell(
                claim=f"mean to {halfwidth:g}",
                truth=name,
                least=normal,
                laws={
                    OURS: Law(trials=fmean(n_taken), right=fmean(rule.measured for rule in rules)),
                    FIXED: Law(trials=normal),
                    PEEKING: Law(trials=looked),
                },
                wrong={
                    OURS: 1.0 - fmean(within),
                    FIXED: float((np.abs(means - centre) > Z * deviation / math.sqrt(normal)).mean()),
                    PEEKING: missed,
                },
            )
            cells.append(cell)
    return Kind(
        name="estimate(mean(0, 1), halfwidth=h)",
        least="the normal n, the deviation known",
        runs=runs,
        cells=cells,
    )


def _halfwidths(n: int) -> tuple[Floats, Floats]:
    """Return the middle and half the width of Wilson's interval for each count."""
    share, total = np.arange(n + 1) / n, 1.0 + Z * Z / n
    half = Z / total * np.sqrt(share * (1.0 - share) / n + Z * Z / (4.0 * n * n))
    return np.asarray((share + Z * Z / (2.0 * n)) / total), np.asarray(half)


def _missed(p: float, n: int) -> float:
    """Return P(Wilson's interval after n trials misses the rate)."""
    middle, half = _halfwidths(n)
    return float(binom.pmf(np.arange(n + 1), n, p)[np.abs(middle - p) > half].sum())


def _peeked(p: float, halfwidth: float) -> tuple[float, float]:
    """Stop as soon as Wilson's interval is that narrow: mean trials, and P(it misses the rate)."""
    going = np.zeros(MAX_TRIALS + 2)
    going[0], looked, missed = 1.0, 0.0, 0.0
    for n in range(1, MAX_TRIALS + 1):
        looked += float(going.sum())
        risen = going[:-1] * p
        going[:-1] -= risen
        going[1:] += risen
        if n < FIRST_LOOK:
            continue
        middle, half = _halfwidths(n)
        stops = half <= halfwidth
        missed += float(going[: n + 1][stops & (np.abs(middle - p) > half)].sum())
        going[: n + 1][stops] = 0.0
        if not going.sum() > 0.0:
            break
    return looked, missed
