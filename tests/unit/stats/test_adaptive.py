import math
import random

import numpy as np
import pytest

from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.adaptive import EFFECTS, WEIGHTS, MeanProcess
from pytest_velo.stats.limits.mean import constant, max_log_evidence, mean_limit
from support.cost import steps

EVERY_EDGE = [1e-6, 0.01, 0.05, 0.3, 0.5, 0.7, 0.95, 0.99, 1 - 1e-6]


def run(threshold, side, outcomes):
    process = MeanProcess(threshold, side)
    for outcome in outcomes:
        process.update(outcome)
    return process


def beta_scores(mean, kappa, n, seed=0):
    rng = random.Random(seed)
    return [rng.betavariate(mean * kappa, (1 - mean) * kappa) for _ in range(n)]


def test_a_first_fortune_of_one_is_divided():
    assert sum(WEIGHTS) == pytest.approx(1.0, abs=1e-15)
    assert len(WEIGHTS) == len(EFFECTS) + 1
    assert MeanProcess(0.3, 1).log_e == 0.0


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("threshold", EVERY_EDGE)
def test_hazard_07_every_threshold_survives_every_extreme_path(threshold, side):
    for path in (
        [0.0] * 400,
        [1.0] * 400,
        [threshold] * 400,
        [0.0, 1.0] * 200,
        [1.0] * 300 + [0.0] * 100,
        [0.0] * 300 + [1.0] * 100,
    ):
        process = MeanProcess(threshold, side)
        for outcome in path:
            bets = process.bets()
            assert all(0.0 <= bet <= (1 + 1e-12) / process.edge for bet in bets)
            assert all(bet < 1.0 / process.edge for bet in bets[:-1])  # only the last can be ruined
            process.update(outcome)
            assert math.isfinite(process.log_e)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_hazard_07_edges_of_the_scale_have_their_own_message(threshold):
    with pytest.raises(UsageError, match="a mean can only be tested against a threshold inside its range"):
        MeanProcess(threshold, 1)


def test_evidence_grows_against_a_false_null_and_not_for_it():
    scores = beta_scores(0.6, 10, 400)
    assert run(0.5, 1, scores).log_e > 20
    assert run(0.5, -1, scores).max_log_e < 1
    assert run(0.7, -1, scores).log_e > 20


def units_to_reject(scores):
    process = MeanProcess(0.5, 1)
    for score in scores:
        process.update(score)
        if process.log_e >= math.log(20):
            break
    return process.n


def test_outcomes_that_vary_less_decide_sooner():
    needed = [
        sum(units_to_reject(beta_scores(0.58, kappa, 2_000, seed)) for seed in range(20))
        for kappa in (1, 4, 16)
    ]
    assert needed[0] > 1.5 * needed[1]
    assert needed[1] > 1.5 * needed[2]


def test_growth_foresees_the_evidence():
    for mean, kappa in ((0.6, 2), (0.6, 10), (0.65, 40)):
        scores = beta_scores(mean, kappa, 4_000, seed=1)
        process = run(0.5, 1, scores)
        assert process.n * process.growth(mean - 0.5) == pytest.approx(process.log_e, rel=0.4)
    assert process.growth(0.0) == process.growth(-0.1) == 0.0
    assert process.growth(0.5) == pytest.approx(math.log(2), abs=1e-9)  # constant ones double an all-in bet
    assert process.growth(0.1) < process.growth(0.2) < process.growth(0.4)


@pytest.mark.parametrize("side", [1, -1])
def test_numpy_and_plain_evidence_agree(side):
    outcomes = [*beta_scores(0.6, 3, 60), 0.0, 1.0, 1.0, 0.0, 0.5]
    nulls = [0.02, 0.3, 0.5, 0.62, 0.99]
    plain = [run(null, side, outcomes).max_log_e for null in nulls]
    assert max_log_evidence(outcomes, nulls, side) == pytest.approx(plain, abs=1e-9)


@pytest.mark.parametrize("side", [1, -1])
def test_a_limit_parts_what_is_rejected_from_what_is_not(side):
    outcomes = beta_scores(0.6, 6, 120)
    limit = mean_limit(outcomes, side, constant(0.05))
    beyond = limit - side * 0.001, limit + side * 0.001
    rejected, kept = (run(null, side, outcomes).max_log_e for null in beyond)
    assert rejected >= math.log(20) > kept


def test_limits_close_in_on_the_mean():
    widths = []
    for n in (20, 100, 500):
        scores = beta_scores(0.6, 10, n)
        low, high = (mean_limit(scores, side, constant(0.05)) for side in (1, -1))
        assert low < 0.6 < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.05


def test_bars_may_differ_from_null_to_null():
    outcomes = [1.0] * 20

    def unreachable_above(nulls):
        return np.where(nulls > 0.4, np.inf, math.log(20))

    assert mean_limit(outcomes, 1, unreachable_above) == pytest.approx(0.4, abs=1e-4)


def test_updating_is_cheap():
    scores = beta_scores(0.6, 5, 3_000)
    assert steps(lambda: run(0.5, 1, scores)) / len(scores) < 3_500  # about 5 microseconds are 150
