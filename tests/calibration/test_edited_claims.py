"""Thresholds that are edited between looks at the same draws: when that costs nothing, and when it does.

The chance that *any* of the claims that were made is wrongly supported, exactly: a forward pass over the
number of ones and over which tests have rejected so far.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pytest_velo.claims import Claim, rate
from pytest_velo.runner.history import ends_of, n_ends_at_stake
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.engine.nulls import Null, nulls_of
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold

ALPHA, HORIZON = 0.05, 100


def least_ones(null: Null) -> np.ndarray:
    """Return for each number of trials the ones (zeros on side -1) from which the null is rejected."""
    edge = null.threshold if null.side > 0 else 1.0 - null.threshold
    bar = calibrated_log_threshold(null.threshold, null.side, ALPHA, HORIZON)
    least, found = np.zeros(HORIZON + 1, dtype=int), 0
    for n in range(1, HORIZON + 1):
        while found <= n and log_e_counts(n, found, edge, 1) < bar:
            found += 1
        least[n] = found
    return least


def chance_of_any(claims: Sequence[Claim], truth: float) -> float:
    """Return P(any of these claims, all false at this rate, is supported by its own rule)."""
    nulls = [*dict.fromkeys(null for claim in claims for null in nulls_of(claim).support)]
    needs = [sum(1 << nulls.index(null) for null in nulls_of(claim).support) for claim in claims]
    bars = [least_ones(null) for null in nulls]
    mass = np.zeros((1 << len(nulls), HORIZON + 2))
    mass[0, 0] = 1.0
    ones = np.arange(HORIZON + 2)
    for n in range(1, HORIZON + 1):
        mass[:, 1:] = mass[:, 1:] * (1.0 - truth) + mass[:, :-1] * truth
        mass[:, 0] *= 1.0 - truth
        for place, (null, bar) in enumerate(zip(nulls, bars, strict=True)):
            crossed = (ones if null.side > 0 else n - ones) >= bar[n]
            for flags in range(len(mass)):
                if not flags >> place & 1:
                    mass[flags | 1 << place, crossed] += mass[flags, crossed]
                    mass[flags, crossed] = 0.0
    wrong = [any(flags & need == need for need in needs) for flags in range(len(mass))]
    return float(mass[wrong].sum())


@pytest.mark.parametrize("truth", [0.2, 0.5, 0.9])
def test_edited_thresholds_of_one_end_cost_nothing(truth: float) -> None:
    """Whoever tries thirty false thresholds on the same draws is wrong as often as with the nearest."""
    least = np.min([least_ones(Null(t, 1)) for t in np.linspace(truth, 0.99, 30)], axis=0)
    law, wrong = np.zeros(HORIZON + 2), 0.0
    law[0] = 1.0
    for n in range(1, HORIZON + 1):
        law[1:] = law[1:] * (1.0 - truth) + law[:-1] * truth
        law[0] *= 1.0 - truth
        wrong += law[least[n] :].sum()
        law[least[n] :] = 0.0
    print(f"any of 30 false thresholds at {truth}: {wrong:.3%}")
    assert 0.9 * ALPHA < wrong <= ALPHA + 1e-12


APART = [rate.within(0.15, 0.5), rate.within(0.5, 0.85)]
OVERLAPPING = [rate.within(0.1, 0.5), rate.within(0.2, 0.49), rate.within(0.3, 0.45)]


@pytest.mark.parametrize(("claims", "n_ends"), [(APART, 2), (OVERLAPPING, 1), (APART[:1], 1)])
def test_edited_ranges(claims: list[Claim], n_ends: int) -> None:
    assert n_ends_at_stake(claims[0], map(ends_of, claims)) == n_ends
    wrong = chance_of_any(claims, 0.5)
    print(f"any of {' and '.join(map(str, claims))} at 0.5: {wrong:.3%}, told {n_ends * ALPHA:.0%}")
    assert 0.9 * n_ends * ALPHA < wrong <= n_ends * ALPHA + 1e-12
