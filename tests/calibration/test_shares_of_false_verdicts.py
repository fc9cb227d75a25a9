"""Under e-BH the mean share of false ones among the supported is at most alpha, whatever members share."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_velo.stats.limits.mean import log_evidence
from pytest_velo.stats.multiplicity import e_bh

ALPHA, N_RUNS, N_UNITS = 0.2, 20_000, 40
FALSE, TRUE = 4, 2
"""Claims `mean >= 0.5`: at the edge, and far beyond it."""


def paths(shared: bool, seed: int) -> np.ndarray:
    """Return the log evidence of each run, member and unit; false claims share their draws, or none do."""
    rng = np.random.default_rng(seed)
    luck = rng.random((N_RUNS, 1 if shared else FALSE, N_UNITS))
    false = np.broadcast_to(luck < 0.5, (N_RUNS, FALSE, N_UNITS))
    true = rng.random((N_RUNS, TRUE, N_UNITS)) < 0.75
    outcomes = np.concatenate([false, true], axis=1).astype(float)
    flat = log_evidence(outcomes.reshape(-1, N_UNITS), [0.5], 1)
    return flat.reshape(N_RUNS, FALSE + TRUE, N_UNITS)


def stopped(log_e: np.ndarray, bar: float) -> np.ndarray:
    """Return the evidence where each member stops: at the bar, or at the end."""
    over = log_e >= bar
    at = np.where(over.any(axis=2), over.argmax(axis=2), N_UNITS - 1)
    return np.take_along_axis(log_e, at[:, :, None], axis=2)[:, :, 0]


def share(rejected: np.ndarray) -> float:
    """Return the mean share of false claims among those that are supported."""
    return float((rejected[:, :FALSE].sum(axis=1) / np.maximum(1, rejected.sum(axis=1))).mean())


@pytest.mark.parametrize("shared", [False, True])
def test_the_share_holds_and_without_the_procedure_it_would_not(shared: bool) -> None:
    evidence = paths(shared, seed=11 + shared)
    found = stopped(evidence, math.log((FALSE + TRUE) / ALPHA))
    rejected = np.array([e_bh(list(map(float, row)), ALPHA).rejects for row in found])
    most = ALPHA + 4 * math.sqrt(ALPHA * (1 - ALPHA) / N_RUNS)
    assert share(rejected) <= most
    assert rejected[:, FALSE:].mean() > 0.1  # it supports what is true
    if not shared:  # each at alpha: if all claims are false, any that is supported is a share of 1
        alone = (evidence[:, :FALSE].max(axis=2) >= math.log(1 / ALPHA)).any(axis=1)
        assert alone.mean() > 1.5 * most
