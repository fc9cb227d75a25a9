"""Two runs that each stopped by what they saw: "changed" is wrong in at most alpha of comparisons."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from pytest_velo import rate
from pytest_velo.baselines.paired import Pair, changed
from pytest_velo.stats.choosing import rule_for
from pytest_velo.verdicts import Verdict

N_RUNS = 1_000
MAX_TRIALS = 60
ALPHA = 0.2
"""Large, so that few simulations show an excess."""


def stopped(outcomes: Sequence[float]) -> int:
    """Return how many trials a run of `rate >= 0.5` takes on these outcomes."""
    rule = rule_for(rate >= 0.5, alpha=0.1, beta=0.1, max_units=MAX_TRIALS)
    for n, outcome in enumerate(outcomes, 1):
        if rule.feed(outcome, outcome) is not None:
            return n
    return len(outcomes)


@pytest.mark.parametrize(("share_shared", "share_of_ones"), [(0.0, 0.5), (0.5, 0.6)])
def test_a_change_that_is_none_is_reported_at_alpha_at_most(
    share_shared: float, share_of_ones: float
) -> None:
    rng = random.Random(7)
    n_wrong = 0
    for _ in range(N_RUNS):
        before = [float(rng.random() < share_of_ones) for _ in range(MAX_TRIALS)]
        now = [old if rng.random() < share_shared else float(rng.random() < share_of_ones) for old in before]
        n = min(stopped(before), stopped(now))
        pairs = [Pair(*both) for both in zip(now[:n], before[:n], strict=True)]
        found = changed(rate, pairs, max_units=MAX_TRIALS, alpha=ALPHA)
        n_wrong += found.verdict is not Verdict.INCONCLUSIVE
    excess = 3 * (ALPHA * (1 - ALPHA) / N_RUNS) ** 0.5
    assert n_wrong / N_RUNS <= ALPHA + excess


def test_a_change_that_is_one_is_found() -> None:
    rng = random.Random(7)
    n_right = 0
    for _ in range(200):
        pairs = [Pair(float(rng.random() < 0.5), float(rng.random() < 0.9)) for _ in range(MAX_TRIALS)]
        found = changed(rate, pairs, max_units=MAX_TRIALS, alpha=0.05)
        n_right += found.verdict is Verdict.REFUTED
    assert n_right >= 0.9 * 200
