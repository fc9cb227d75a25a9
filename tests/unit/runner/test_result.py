"""From a run to its result: the decision, what it certifies, and what it cost."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.claims import rate
from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.result import explains_asserts, invalid_reasons, result_of, with_brief_details
from support.runs import sampled


def test_result_of_a_refuted_run() -> None:
    result = result_of(sampled(rate >= 0.5, [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
    assert result.outcome.value == "refuted"
    assert result.decision.certified == "rate < 0.5"
    assert result.telling == (0, 1, 3, 4, 5, 6, 7, 8)
    assert result.decision.evidence.n_for == 1
    assert result.decision.evidence.n_against == 8


def test_invalid_reasons_are_counted() -> None:
    trial = TrialRecord(
        index=0, case_id="", repeat=0, seed=0, kind=OutcomeKind.INVALID, values={}, detail="cut"
    )
    assert list(invalid_reasons([trial, trial])) == ["2 of 2 trials are invalid: cut"]
    assert [*invalid_reasons([trial] * 1000)] == ["1,000 of 1,000 trials are invalid: cut"]


def test_only_the_shown_trials_keep_their_details() -> None:
    result = result_of(sampled(rate >= 0.5, [0, 0]))
    told = [replace(trial, detail="assert 1 == 2\nwhere 1 = f()") for trial in result.trials]
    brief = with_brief_details(replace(result, trials=tuple(told)), show=1)
    assert [trial.detail for trial in brief.trials] == ["assert 1 == 2\nwhere 1 = f()", "assert 1 == 2"]


def test_asserts_are_explained_until_enough_are_shown() -> None:
    run = sampled(rate >= 0.5, [0, 1, 0])
    # two are there already
    assert explains_asserts(run, show=3)
    assert not explains_asserts(run, show=2)
    assert not explains_asserts(sampled(rate <= 0.5, [0, 1, 0]), show=3)  # here the ones are against it
