"""What would likely decide an undecided hypothesis: trials, dollars, time and the line to type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.report.outlook import outlook
from support.reports import undecided


def test_outlook_of_an_undecided_hypothesis() -> None:
    guess = outlook(undecided(log_e_support=1.0))
    assert guess.n_units == 600
    assert guess.cost_usd == 0.8
    assert guess.duration_s == 200.0
    assert guess.command == "pytest test_a.py::test_c --velo-seed=0 --velo-max-trials=600"


def test_the_runs_own_guess_goes_before_an_extrapolation() -> None:
    told = undecided(log_e_support=-1.0)
    guess = outlook(replace(told, decision=replace(told.decision, n_needed=812)))
    assert guess.n_units == 820
    assert guess.command.endswith("--velo-max-trials=820")


def test_trials_read_from_the_cache_are_priced_by_what_they_cost_and_set_no_pace() -> None:
    cached = undecided(log_e_support=1.0)
    guess = outlook(replace(cached, n_cached=200, cost_usd=0.0, usd_per_turn=0.004))
    assert guess.cost_usd == pytest.approx(400 * 0.004)
    assert guess.duration_s is None
    assert outlook(replace(cached, n_cached=200, cost_usd=0.0)).cost_usd is None


def test_calls_past_the_fixture_have_no_known_price() -> None:
    told = replace(undecided(), n_calls=0, cost_usd=0.0)
    assert outlook(told).cost_usd == 0.0
    assert outlook(replace(told, outside={"127.0.0.1:80": 3})).cost_usd is None


def test_moving_a_threshold_is_called_a_new_claim_that_wants_fresh_draws() -> None:
    guess = outlook(undecided(log_e_support=-1.0))
    assert guess.n_units is None
    assert "new claim" in guess.advice
    assert "--velo-profile=confirm" in guess.advice
