"""How far each turn speaks against a claim: what is counted as against it, and what is shown first."""

from __future__ import annotations

from pytest_velo.claims import mean
from pytest_velo.runner.distance import n_against, telling, wrong_by
from pytest_velo.runner.units import Turn
from support.runs import sampled


def test_wrong_by_is_negative_on_the_side_of_the_claim() -> None:
    units = sampled(mean(0, 10) >= 6, [10, 3, None, 6]).units
    assert wrong_by(mean(0, 10) >= 6, units) == [-0.4, 0.3, None, 0.0]
    assert wrong_by(mean(0, 10) <= 6, units) == [0.4, -0.3, None, 0.0]


def test_n_against_counts_positive_distances() -> None:
    assert n_against([0.1, -0.2, 0.0, None, 0.3]) == 2


def test_telling_trials_are_the_worst_first() -> None:
    turns = [Turn(5.0, (0, 1)), Turn(9.0, (2, 3)), Turn(None, (4, 5)), Turn(1.0, (6, 7))]
    assert telling([0.1, -0.3, None, 0.5], turns) == (6, 7, 0, 1)
