"""Which case each trial gets: pure functions of the set of cases and the seed, never of max_trials."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from pytest_velo.case_sets import load
from pytest_velo.case_sets.order import chosen_order, pick_order, plain_order, with_arms


def test_the_order_of_a_population_takes_each_case_once() -> None:
    plan = pick_order(load(["a", "b", "c"], base=Path()), "population", seed=0)
    assert sorted(trial.case for trial in plan) == ["a", "b", "c"]
    assert plan.n_units == 3


def test_a_chosen_order_takes_the_pairs_of_case_and_repeat() -> None:
    trials = chosen_order(load(["a", "b"], base=Path()), [(1, 0), (0, 0), (1, 1)])
    assert [(trial.index, trial.case, trial.repeat) for trial in trials] == [
        (0, "b", 0),
        (1, "a", 0),
        (2, "b", 1),
    ]


def test_each_turn_has_every_arm() -> None:
    trials = with_arms(plain_order(), ["a", "b"])
    assert [(trial.index, trial.turn, trial.arm) for trial in islice(trials, 3)] == [
        (0, 0, "a"),
        (1, 0, "b"),
        (2, 1, "a"),
    ]


def test_the_plain_order_repeats_without_a_case() -> None:
    assert [(trial.unit, trial.case, trial.repeat) for trial in islice(plain_order(), 3)] == [
        (0, None, 0),
        (1, None, 1),
        (2, None, 2),
    ]
