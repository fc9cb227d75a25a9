"""Error rates with a covariate at the null's edge, whoever chose it; what breaks the theorem fails."""

import math

import numpy as np
import pytest

from pytest_velo.stats.engine.centred import Centring
from pytest_velo.stats.limits.centred import centred_log_evidence

ALPHA, N, N_CASES = 0.05, 60, 24
BAR = math.log(1 / ALPHA)
BATCH = 5_000

EASY = np.linspace(0.0, 1.0, N_CASES)
"""The cases' rates; their mean, 1/2, is the edge of both nulls."""
SPIKE = np.where(np.arange(N_CASES) == 0, 1.0, 0.0)
RARE = np.where(np.arange(N_CASES) < 2, 0.0, 12 / 22)  # z tells the two cases that never succeed
COVARIATES = {
    "perfect": (EASY, EASY),
    "inverted": (EASY, 1.0 - EASY),
    "constant": (EASY, np.ones(N_CASES)),
    "one huge outlier": (EASY, SPIKE),
    "outlier where all fails": (RARE, np.where(np.arange(N_CASES) < 2, 1.0, 0.0)),
    "chosen to mislead": (EASY, np.where(EASY > 0.5, 1.0 - EASY, EASY)),
    "noise": (np.full(N_CASES, 0.5), np.random.default_rng(4).random(N_CASES)),
}


def centres_of(z):
    width = np.ptp(z) or 1.0
    scaled = (z - z.min()) / width
    centres = scaled - scaled.mean()
    return centres, Centring(min(0.0, centres.min()), max(0.0, centres.max()), float(centres.var()))


def rejected(rates, centres, known, side, n_runs, seed=0, scores=False):
    """Return how often a true null at the edge is rejected at any look: whoever peeks sees the maximum."""
    rng, found = np.random.default_rng(seed), 0
    for _ in range(0, n_runs, BATCH):
        picks = rng.integers(0, N_CASES, (BATCH, N))
        outcomes = rates[picks] if scores else (rng.random((BATCH, N)) < rates[picks]).astype(float)
        evidence = centred_log_evidence(outcomes, centres[picks], [float(rates.mean())], side, known)
        found += int((evidence.max(axis=1) >= BAR).sum())
    return found / n_runs


@pytest.mark.parametrize("name", COVARIATES)
def test_a_true_null_at_the_edge_is_rejected_as_rarely_as_alpha_says(name, calibration):
    rates, z = COVARIATES[name]
    centres, known = centres_of(z)
    for side in (1, -1):
        share = rejected(rates, centres, known, side, calibration.n_runs)
        print(name, side, share)
        assert share <= calibration.most(ALPHA)
    assert rejected(rates, centres, known, 1, BATCH, scores=True) <= calibration.most(ALPHA, BATCH)


def test_a_covariate_whose_mean_is_not_subtracted_fails(calibration):
    _, known = centres_of(EASY)
    off = Centring(0.0, 1.0, known.variance)
    share = rejected(EASY, EASY, off, -1, BATCH)
    assert share > 2 * calibration.most(ALPHA, BATCH)


def test_a_coefficient_that_saw_its_own_unit_fails(calibration):
    """The coefficient's sign follows the unit's own centre: what is subtracted is never positive."""
    rng = np.random.default_rng(0)
    picks = rng.integers(0, N_CASES, (BATCH, N))
    centres, known = centres_of(EASY)
    outcomes = (rng.random((BATCH, N)) < EASY[picks]).astype(float)
    peeked = -np.abs(centres[picks])  # c = -1 where the centre is positive, 1 where it is negative
    evidence = np.cumsum(np.log1p(0.5 * (outcomes - peeked - 0.5)), axis=1)
    honest = np.cumsum(np.log1p(0.5 * (outcomes - centres[picks] - 0.5)), axis=1)
    assert (evidence.max(axis=1) >= BAR).mean() > 2 * calibration.most(ALPHA, BATCH)
    assert (honest.max(axis=1) >= BAR).mean() <= calibration.most(ALPHA, BATCH)
    assert known.low < 0 < known.high
