import math

import numpy as np
import pytest

from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.mixture import LOG_N_BETS, NEAREST, EProcess, bets, log_e_counts
from pytest_velo.stats.exact.boundary import RUINED, log_gains

EVERY_PAIR = [(percent / 100, side) for percent in range(1, 100) for side in (1, -1)]


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_hazard_07_every_threshold_survives_uniform_paths(outcome):
    for threshold, side in EVERY_PAIR:
        process = EProcess(threshold, side)
        for _ in range(300):
            process.update(outcome)
            assert math.isfinite(process.log_e)
        expected = log_e_counts(300, 300 if outcome else 0, threshold, side)
        assert process.log_e == pytest.approx(expected, rel=1e-12)
        for_the_bet = (outcome == 1.0) == (side == 1)
        assert (process.log_e > 0) == for_the_bet


def test_hazard_07_the_boldest_bettor_is_ruined_for_good():
    for threshold, side in EVERY_PAIR:
        against = 0.0 if side > 0 else 1.0
        process = EProcess(threshold, side)
        process.update(against)
        for _ in range(60):
            process.update(1.0 - against)
        boldest_but_one = bets(threshold, side)[-2]
        best_left = 60 * math.log1p(boldest_but_one * (1.0 - against - threshold))
        assert process.log_e < best_left  # the boldest would be far above it


def test_hazard_07_numpy_and_plain_gains_agree():
    outcomes = np.array([0.0, 0.25, 1.0])
    thresholds = np.array([percent / 100 for percent in range(1, 100)])
    gains = log_gains(outcomes, thresholds)
    assert np.isfinite(gains).all()
    assert (gains[:, -1, 0] == RUINED).all()
    for i, threshold in enumerate(thresholds):
        for j, outcome in enumerate(outcomes):
            process = EProcess(float(threshold), 1)
            process.update(float(outcome))
            top = gains[i, :, j].max()
            together = top + math.log(np.exp(gains[i, :, j] - top).sum()) - LOG_N_BETS
            assert together == pytest.approx(process.log_e, abs=1e-12)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.1, 1.5, math.nan])
@pytest.mark.parametrize("side", [1, -1])
def test_hazard_07_edges_of_the_scale_have_their_own_message(threshold, side):
    with pytest.raises(UsageError, match="a rate can only be tested against a threshold inside"):
        EProcess(threshold, side)


@pytest.mark.parametrize(("threshold", "side"), EVERY_PAIR)
def test_grid_is_the_documented_one(threshold, side):
    span = 1 - threshold if side > 0 else threshold
    expected = side * np.geomspace(min(NEAREST, span / 2), span, 12) / (threshold * (1 - threshold))
    assert bets(threshold, side) == pytest.approx(expected, rel=1e-12)


def test_max_log_e_counts_units_only():
    process = EProcess(0.5, 1)
    assert process.max_log_e == -math.inf
    process.update(0.0)
    assert process.max_log_e == process.log_e < 0
    process.update(1.0)
    process.update(0.0)
    assert process.max_log_e > process.log_e


def test_ahead_is_what_updates_would_give_and_changes_nothing():
    process = EProcess(0.4, -1)
    for outcome in (0.2, 0.9, 0.0):
        process.update(outcome)
    before = process.log_e
    foreseen = process.ahead(2, 3)
    assert process.log_e == before == pytest.approx(process.ahead(0, 0))
    for outcome in (1.0, 0.0, 1.0, 0.0, 0.0):
        process.update(outcome)
    assert process.log_e == pytest.approx(foreseen, abs=1e-12)
