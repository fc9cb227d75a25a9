"""The engine for bounded means: a test martingale whose bets learn how much the outcomes vary."""

from __future__ import annotations

import math

from pytest_velo.stats.engine.adaptive import MeanProcess, best_walk


def test_mean_process_gains_on_high_outcomes() -> None:
    process = MeanProcess(0.5, 1)
    for outcome in (0.7, 0.8, 0.7, 0.75, 0.8, 0.7, 0.7, 0.8, 0.75, 0.7):
        process.update(outcome)
    assert round(math.exp(process.log_e), 1) == 22.8


def test_best_walk_gains_more_from_less_variance() -> None:
    assert [round(math.log(20) / best_walk(0.5, 0.1, v).drift) for v in (0.6 * 0.4, 0.02, 0.0)] == [
        149,
        19,
        16,
    ]
