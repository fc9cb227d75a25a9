"""Estimates: how often the interval misses the truth at the moment its own width ends the sampling.

20,000 runs with fixed seeds through units, rule and interval as shipped, held to the exact binomial bound of
so many runs; and, for a rate, exactly: the chance that a limit is ever beyond the truth, whatever stops it.
An interval costs milliseconds. So only those runs are weighed in which the test against the truth itself
comes near to rejecting it at some moment, and 100 of the others, none of which may miss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from pytest_velo.claims import difference, estimate, mean, rate
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold, crossing_probability
from pytest_velo.stats.limits.mean import max_log_evidence

ALPHA = 0.1
BATCH = 4_000
NEAR = 0.05
"""Log evidence that a run may lack of rejecting the truth and is weighed all the same."""
ROUNDING = 1e-12


def ever_near(paths, truth: float, *, calibrated: bool):
    """Tell for each path, on the scale of [0, 1], whether a test of the truth nearly rejects it."""
    near = np.zeros(len(paths), dtype=bool)
    for side in (1, -1):
        if calibrated:
            bar = calibrated_log_threshold(truth, side, ALPHA / 2, paths.shape[1])
            table = np.array(
                [
                    [n > 0 and s <= n and log_e_counts(n, s, truth, side) >= bar - NEAR for s in range(n + 1)]
                    + [False] * (paths.shape[1] - n)
                    for n in range(paths.shape[1] + 1)
                ]
            )
            ones = paths.cumsum(axis=1).astype(int)
            near |= table[np.arange(1, paths.shape[1] + 1), ones].any(axis=1)
            continue
        bar = math.log(2 / ALPHA) - NEAR
        for first in range(0, len(paths), BATCH):
            some = slice(first, first + BATCH)
            near[some] |= max_log_evidence(paths[some], [truth], side) >= bar
    return near


def missed(calibration, hypothesis, units: Sequence, values, places, truth: float) -> float:
    """Return the share of runs whose interval misses the truth.

    Args:
        units: The trials of each unit there can be.
        values: What each unit is worth.
        places: Which unit comes when, an array of shape (runs, units).
        truth: In the statistic's own units.
    """
    scale = hypothesis.claim.statistic.scale
    paths = np.array([scale.to_unit(value) for value in values])[places]
    calibrated = calibration.weighed(hypothesis, [])[0].kind == "calibrated"
    near = ever_near(paths, scale.to_unit(truth), calibrated=calibrated)
    ended: dict[tuple[int, ...], bool] = {}

    def misses(run: tuple[int, ...]) -> bool:
        for n in range(1, len(run)):  # what comes after its end changes nothing
            if run[:n] in ended:
                return ended[run[:n]]
        weigher, _ = calibration.weighed(hypothesis, (units[place] for place in run))
        interval = weigher.bounds()[2]
        ended[run[: weigher.n]] = wrong = not interval.low <= truth <= interval.high
        return wrong

    wrong = sum(misses(tuple(run)) for run in places[near].tolist())
    assert not any(misses(tuple(run)) for run in places[~near][:100].tolist())
    taken = [len(run) for run in ended]
    share = wrong / calibration.n_runs
    print(f"missed {share:.4f}; near {near.mean():.3f}; {min(taken)} to {max(taken)} units")
    assert len(places) == calibration.n_runs
    assert max(taken) > min(taken) + 4  # it is the width that ends it
    return share


def singles(calibration, values):
    return [[calibration.trial(_=float(value))] for value in values]


def test_a_rate(calibration):
    """Of up to 40 trials."""
    truth = 0.3
    ones = np.random.default_rng(1).random((calibration.n_runs, 40)) < truth
    hypothesis = calibration.hypothesis(estimate(rate, halfwidth=0.25), 40, alpha=ALPHA)
    share = missed(calibration, hypothesis, singles(calibration, (0, 1)), (0, 1), ones.astype(int), truth)
    assert 0.01 < share <= calibration.most(ALPHA)


def test_a_mean(calibration):
    """Scores of a rubric, 0 to 4; up to 60 of them."""
    places = np.random.default_rng(2).choice(5, (calibration.n_runs, 60), p=[0.1, 0.2, 0.1, 0.2, 0.4])
    hypothesis = calibration.hypothesis(estimate(mean(0, 4), halfwidth=0.8), 60, alpha=ALPHA)
    values = range(5)
    share = missed(calibration, hypothesis, singles(calibration, values), values, places, 2.6)
    assert 0.01 < share <= calibration.most(ALPHA)


def test_a_difference(calibration):
    """Of the rates of two arms that mostly go together."""
    trial = calibration.trial
    units = [[trial("b", _=b), trial("a", _=a)] for a, b in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0))]
    places = np.random.default_rng(3).choice(3, (calibration.n_runs, 60), p=[0.5, 0.35, 0.15])
    hypothesis = calibration.hypothesis(
        estimate(difference("a", "b"), halfwidth=0.35), 60, alpha=ALPHA, arms=("b", "a")
    )
    share = missed(calibration, hypothesis, units, (0, 1, -1), places, 0.2)
    assert 0.005 < share <= calibration.most(ALPHA)


def three_draws(calibration):
    """Return cases that are always right or always wrong, three draws of each."""
    return [[calibration.trial(_=one)] * 3 for one in (0.0, 1.0)]


def test_several_draws_of_a_case(calibration):
    places = np.random.default_rng(4).integers(0, 2, (calibration.n_runs, 40))
    hypothesis = calibration.hypothesis(estimate(rate, halfwidth=0.25), 40, alpha=ALPHA, turns_per_unit=3)
    share = missed(calibration, hypothesis, three_draws(calibration), (0, 1), places, 0.5)
    assert 0.01 < share <= calibration.most(ALPHA)


def test_draws_taken_as_independent_fail_the_same_test(calibration):
    """Exactly: up to 24 draws are up to eight cases, which come out in 256 ways."""
    hypothesis = calibration.hypothesis(estimate(rate, halfwidth=0.25), 24, alpha=ALPHA)
    wrong = 0
    for way in range(256):
        cases = (way >> case & 1 for case in range(8))
        draws = ([calibration.trial(_=float(case))] for case in cases for _ in range(3))
        interval = calibration.weighed(hypothesis, draws)[0].bounds()[2]
        wrong += not interval.low <= 0.5 <= interval.high
    calibration.tell({"missed": wrong / 256})
    assert wrong / 256 > 2 * ALPHA


@pytest.mark.parametrize("truth", [0.03, 0.3, 0.5, 0.9])
def test_a_rate_at_every_moment_at_once_exactly(calibration, truth):
    """The test of each side against the truth itself, up to 300 trials: a limit excludes what it rejects."""
    ever = [
        crossing_probability(truth, truth, calibrated_log_threshold(truth, side, ALPHA / 2, 300), side, 300)
        for side in (1, -1)
    ]
    calibration.tell({"ever missed": sum(ever)})
    assert ALPHA / 2 < sum(ever) <= ALPHA + ROUNDING


def test_a_limit_excludes_only_what_its_test_rejects(calibration):
    """Up to 300 trials: the ends of 30 intervals against the very tests of which the errors are exact."""
    hypothesis = calibration.hypothesis(estimate(rate, halfwidth=0.1), 300, alpha=ALPHA)
    rng = np.random.default_rng(5)
    for truth in rng.random(30).tolist():
        ones = (rng.random(300) < truth).tolist()
        weigher, _ = calibration.weighed(hypothesis, ([calibration.trial(_=float(one))] for one in ones))
        interval, counts = weigher.bounds()[2], np.cumsum(ones[: weigher.n]).tolist()
        for end, side in ((interval.low, 1), (interval.high, -1)):
            if not 0.0 < (null := end - 1e-4 * side) < 1.0:
                continue  # nothing is excluded on this side
            best = max(log_e_counts(n, s, null, side) for n, s in enumerate(counts, 1))
            assert best >= calibrated_log_threshold(null, side, ALPHA / 2, 300) - 1e-6
