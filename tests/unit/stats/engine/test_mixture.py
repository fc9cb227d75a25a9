"""The engine: a test martingale that bets against a null about a mean, in plain floats."""

from __future__ import annotations

import math

from pytest_velo.stats.engine.mixture import EProcess, bets, log_e_counts


def test_bets_on_either_side() -> None:
    assert [round(bet, 3) for bet in bets(0.5, 1)[::11]] == [0.12, 2.0]
    assert bets(0.25, -1)[-1] == -1.3333333333333333


def test_four_successes_are_strong_evidence() -> None:
    process = EProcess(0.3, 1)
    for outcome in (1, 1, 1, 1):
        process.update(outcome)
    assert round(math.exp(process.log_e), 1) == 21.2


def test_log_e_of_four_successes() -> None:
    assert round(log_e_counts(4, 4, 0.3, 1), 4) == 3.0553
