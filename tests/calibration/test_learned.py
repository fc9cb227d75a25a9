"""Error rates of covariates that are learned, at the null's edge; what breaks the theorem fails."""

import math

import numpy as np
import pytest

from pytest_velo.claims import rate
from pytest_velo.stats.engine.centred import learned_centring
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.limits.centred import centred_log_evidence
from pytest_velo.stats.planning.scenarios import scenarios_of
from support.learning import paths

ALPHA, N = 0.05, 80
BAR = math.log(1 / ALPHA)
BATCH = 5_000


def fixed(rates):
    return lambda centres: np.broadcast_to(np.asarray(rates), centres.shape)


def swapped(centres):
    """Those that did well do badly from now on, and the reverse; their mean stays 1/2."""
    turn = np.sign(-centres) * 0.5
    return np.clip(0.5 + turn - turn.mean(axis=1, keepdims=True), 0.0, 1.0)


def halved(centres):
    """The best so far always comes out 1, all others share what is left of a mean of 1/2."""
    best = centres == centres.max(axis=1, keepdims=True)
    n_best, n = best.sum(axis=1, keepdims=True), centres.shape[1]
    top = np.minimum(1.0, 0.5 * n / n_best)
    rest = (0.5 * n - top * n_best) / np.maximum(n - n_best, 1)
    return np.where(best, top, rest)


EVEN = np.full(8, 1 / 8)
UNEVEN = np.array([0.7, 0.2, 0.1])
LISTS = {
    "alike": (EVEN, fixed([0.5] * 8), 0.5),
    "two kinds of cases": (EVEN, fixed([0.95, 0.05] * 4), 0.5),
    "never and always": (EVEN, fixed([1.0, 0.0] * 4), 0.5),
    "one bad case": (EVEN, fixed([0.0] + [4 / 7] * 7), 0.5),
    "one good case": (EVEN, fixed([0.8] + [0.0] * 7), 0.1),
    "uneven kinds": (UNEVEN, fixed([0.4, 0.9, 0.4]), 0.5),
    "cases that swap": (EVEN, swapped, 0.5),
    "the leader wins": (EVEN, halved, 0.5),
    "a long list": (np.full(40, 1 / 40), fixed(np.linspace(0, 1, 40)), 0.5),
}


def rejected(shares, means, edge, side, n_runs, seed=0, centred=lambda found: found.centres, **more):
    """Return how often a true null at the edge is rejected at any look: whoever peeks sees the maximum."""
    rng, n_rejected, known = np.random.default_rng(seed), 0, learned_centring(shares)
    for _ in range(0, n_runs, BATCH):
        found = paths(rng, shares, means, BATCH, N, **more)
        evidence = centred_log_evidence(
            found.outcomes, centred(found), [edge], side, known, (found.lows, found.highs)
        )
        n_rejected += int((evidence.max(axis=1) >= BAR).sum())
    return n_rejected / n_runs


@pytest.mark.parametrize("name", LISTS)
def test_a_true_null_at_the_edge_is_rejected_as_rarely_as_alpha_says(name, calibration):
    shares, means, edge = LISTS[name]
    for side in (1, -1):
        share = rejected(shares, means, edge, side, calibration.n_runs)
        print(name, side, share)
        assert share <= calibration.most(ALPHA)
    assert rejected(shares, means, edge, 1, BATCH, scores=True) <= calibration.most(ALPHA, BATCH)


def test_a_draw_that_is_looked_at_again_fails(calibration):
    """Then the list's mean is that of what was drawn once, and no longer that of the model."""
    shares, _, edge = LISTS["alike"]
    drawn = (np.random.default_rng(1).random((BATCH, len(shares))) < edge).astype(float)
    wrong = min(rejected(shares, lambda _: drawn, edge, side, BATCH) for side in (1, -1))
    assert wrong > 2 * calibration.most(ALPHA, BATCH)


def test_centres_that_take_all_kinds_for_equally_frequent_fail(calibration):
    """The mean over the kinds is not the mean over the list."""

    def off(found):
        own = found.centres
        return own - (found.lows + found.highs) / 2  # around the middle of all kinds, not around the list's

    shares, means, edge = LISTS["uneven kinds"]
    wrong = max(rejected(shares, means, edge, side, BATCH, centred=off) for side in (1, -1))
    assert wrong > 2 * calibration.most(ALPHA, BATCH)


@pytest.mark.parametrize(
    ("n_kinds", "low", "high", "gap"),
    [
        (10, 0.35, 0.95, 0.1),
        (10, 0.05, 1.0, 0.1),
        (10, 0.05, 1.0, 0.06),
        (20, 0.2, 1.0, 0.08),
        (4, 0.1, 0.9, 0.15),
    ],
    ids=str,
)
def test_a_plan_says_how_long_runs_take_that_learn(n_kinds, low, high, gap):
    """To about a fifth, as for all that is approximate in a plan."""
    shares, rates = np.full(n_kinds, 1 / n_kinds), np.array([low, high] * (n_kinds // 2))
    truth, n = float(rates.mean()), 400
    squared = float(rates.var() / (truth * (1 - truth)))
    known = learned_centring(shares, squared)
    found = paths(np.random.default_rng(5), shares, fixed(rates), 1_000, n)
    evidence = centred_log_evidence(
        found.outcomes, found.centres, [truth - gap], 1, known, (found.lows, found.highs)
    )
    crossed = evidence >= BAR
    taken = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, float(n)).mean()
    claim = rate >= round(truth - gap, 9)
    design = Design(
        alpha=ALPHA, beta=ALPHA, max_units=n, centring=known, explained=known.learning.explained(n / 2)
    )
    [scenario] = scenarios_of(claim, design, usual_futility(n))
    [planned] = scenario.law([truth])
    print(n_kinds, squared, gap, "took", taken, "planned", planned.mean_n)
    assert 0.78 < planned.mean_n / taken < 1.28
    assert "once it is learned" in scenario.assuming
