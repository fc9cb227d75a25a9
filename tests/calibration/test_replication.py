"""The combined verdict of replications keeps its error rate, however they are stopped and repeated."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_velo.stats.engine.mixture import bets
from pytest_velo.stats.exact import calibrated_log_threshold
from pytest_velo.stats.replication import combined
from pytest_velo.verdicts import Verdict

pytestmark = pytest.mark.calibration

N_RUNS, EDGE, ALPHA, HORIZON, MOST = 20_000, 0.5, 0.05, 60, 6


def stopped(rng: np.random.Generator, n: int, log_threshold: float) -> np.ndarray:
    """Return the log evidence at the null's edge of `n` runs, each stopped as its author would.

    A run ends at its verdict, or where it looks hopeless, or at the horizon.
    """
    stakes = np.array(bets(EDGE, 1))
    with np.errstate(divide="ignore"):
        win, lose = np.log1p(stakes * (1 - EDGE)), np.log1p(np.maximum(-1.0, -stakes * EDGE))
    ones = np.cumsum(rng.random((n, HORIZON)) < EDGE, axis=1)
    looks = np.arange(1, HORIZON + 1)
    logs = np.full((n, HORIZON), -math.inf)
    for one, zero in zip(win, lose, strict=True):
        zeros = looks - ones
        lost = np.where(zeros > 0, np.maximum(zeros, 1) * zero, 0.0)
        logs = np.logaddexp(logs, ones * one + lost)
    logs -= math.log(len(stakes))
    ends = (logs >= log_threshold) | (logs < -2.0)
    ends[:, -1] = True
    return logs[np.arange(n), ends.argmax(axis=1)]


def until_it_holds(log_bar: float, log_threshold: float) -> float:
    """Return how often a false claim is supported by the product, replicated until it is or hope is lost."""
    rng = np.random.default_rng(20)
    total, found, open_ = np.zeros(N_RUNS), np.zeros(N_RUNS, dtype=bool), np.ones(N_RUNS, dtype=bool)
    for _ in range(MOST):
        at = np.flatnonzero(open_)
        total[at] += stopped(rng, len(at), log_threshold)
        found |= open_ & (total >= log_bar)
        open_ &= ~found & (total > -8.0)  # replicated where it is close: the choice may depend on all so far
    return float(found.mean())


def test_a_false_claim_is_rarely_supported_by_all_runs_together():
    threshold = calibrated_log_threshold(EDGE, 1, ALPHA, HORIZON, 1)
    allowed = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / N_RUNS)
    log_bar = -math.log(ALPHA)
    assert combined([(log_bar, 0.0)], alpha=ALPHA, beta=ALPHA).verdict is Verdict.SUPPORTED
    assert until_it_holds(log_bar, threshold) <= allowed
    assert until_it_holds(threshold, threshold) > allowed  # a run's own threshold is wrong for a product
