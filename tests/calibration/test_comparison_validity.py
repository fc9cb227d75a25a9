"""Two runs that each stopped by what they saw: "changed" is wrong in at most alpha of comparisons."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from pytest_velo import rate
from pytest_velo.baselines.paired import Pair, changed
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.one_sided.rate import OneSided
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.stats.rules.composed import ComposedRule
from pytest_velo.verdicts import Verdict

MAX_TRIALS = 60
ALPHA = 0.2
"""Large, so that the few trials of these runs can show an excess."""


def first_verdicts(outcomes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return how many trials a run of `rate >= 0.5` takes on each row of outcomes."""
    sides = [OneSided(0.5, side, 0.1, max_n=MAX_TRIALS, min_n=1, calibrated=True) for side in (1, -1)]
    decided = np.zeros((MAX_TRIALS + 1, MAX_TRIALS + 1), dtype=bool)
    for n in range(1, MAX_TRIALS + 1):
        for ones in range(n + 1):
            decided[n, ones] = any(
                log_e_counts(n, ones, test.threshold, test.side) >= test.log_threshold for test in sides
            )
    at = decided[np.arange(1, MAX_TRIALS + 1), outcomes.cumsum(axis=1)]
    return np.where(at.any(axis=1), at.argmax(axis=1) + 1, MAX_TRIALS)


def test_the_table_stops_where_the_rule_does() -> None:
    outcomes = np.random.default_rng(3).random((50, MAX_TRIALS)) < 0.5
    for row, n in zip(outcomes.tolist(), first_verdicts(outcomes).tolist(), strict=True):
        rule = rule_for(rate >= 0.5, Design(alpha=0.1, beta=0.1, max_units=MAX_TRIALS))
        taken = next((k for k, one in enumerate(row, 1) if rule.feed(one, one) is not None), MAX_TRIALS)
        assert taken == n


@pytest.mark.parametrize(("share_shared", "share_of_ones"), [(0.0, 0.5), (0.5, 0.6)])
def test_a_change_that_is_none_is_reported_at_alpha_at_most(
    calibration: Any, monkeypatch: pytest.MonkeyPatch, share_shared: float, share_of_ones: float
) -> None:
    """20,000 pairs of runs. The interval, which takes most of a comparison's time, is no part of it."""
    monkeypatch.setattr(ComposedRule, "evidence_bounds", lambda rule: (1.0, 1.0, None))
    rng, n_runs = np.random.default_rng(7), calibration.n_runs
    before, anew = rng.random((2, n_runs, MAX_TRIALS)) < share_of_ones
    now = np.where(rng.random(before.shape) < share_shared, before, anew)
    ends = np.minimum(first_verdicts(before), first_verdicts(now)).tolist()
    found: Counter[Verdict] = Counter()
    for n, *both in zip(ends, now.astype(float).tolist(), before.astype(float).tolist(), strict=True):
        pairs = [Pair(*pair) for pair in zip(*(outcomes[:n] for outcomes in both), strict=True)]
        found[changed(rate, pairs, max_units=MAX_TRIALS, alpha=ALPHA).verdict] += 1
    share = 1 - found[Verdict.INCONCLUSIVE] / n_runs
    calibration.tell({"changed": share})
    assert ALPHA / 10 < share <= calibration.most(ALPHA)


def test_a_change_that_is_one_is_found() -> None:
    rng = random.Random(7)
    n_right = 0
    for _ in range(200):
        pairs = [Pair(float(rng.random() < 0.5), float(rng.random() < 0.9)) for _ in range(MAX_TRIALS)]
        found = changed(rate, pairs, max_units=MAX_TRIALS, alpha=0.05)
        n_right += found.verdict is Verdict.REFUTED
    assert n_right >= 0.9 * 200
