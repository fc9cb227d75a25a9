"""Exact crossing probabilities of the engine on 0/1 outcomes, and thresholds calibrated with them."""

from __future__ import annotations

import math

from pytest_velo.stats.engine.mixture import EProcess
from pytest_velo.stats.exact.thresholds import (
    anytime_p,
    anytime_p_values,
    calibrated_log_threshold,
    crossing_probability,
    history_error,
)


def test_crossing_probability_of_six_successes_at_once() -> None:
    assert float(crossing_probability(0.5, 0.5, math.log(8), 1, 6)) == 0.015625  # six successes at once


def test_calibrated_threshold_is_below_villes() -> None:
    c = calibrated_log_threshold(0.3, 1, 0.05, 200)
    assert c < math.log(20)
    assert crossing_probability(0.3, 0.3, c, 1, 200) <= 0.05


def test_anytime_p_of_six_successes() -> None:
    process = EProcess(0.5, 1)
    for _ in range(6):
        process.update(1)
    # nothing else of six units goes that far
    assert anytime_p(process.max_log_e, 0.5, 1, 6) == 0.015625
    assert 0.5**6 == 0.015625


def test_anytime_p_values() -> None:
    assert [round(p, 4) for p in anytime_p_values([2.5, 1.0], [(0.3, 1), (0.3, -1)], 100)] == [0.0362, 0.2636]


def test_history_error() -> None:
    assert round(history_error(0.3, 1, 0.05, (200, 400)), 3) > 0.05
