"""Which trials have a partner in a baseline, and what a run stores as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo.baselines.entry import CASE_LENGTH, Sampled, StoredTurn
from pytest_velo.case_sets import load
from pytest_velo.claims import baseline, rate
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.spec import Spec
from pytest_velo.integration.baseline.pairs import beside_stored, pairs_of, sampled_of
from pytest_velo.integration.startup import session_of
from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.run import Run
from pytest_velo.settings import Settings
from support.items import built


def test_only_cases_that_are_still_there_are_paired() -> None:
    now = load(["b", "c"], base=Path())
    frame = make_frame(Spec(claim=rate >= baseline - 0.1), now, Settings())
    turns = tuple(StoredTurn(name[:CASE_LENGTH], 0, 1.0) for name in ("gone", now.digests[1]))
    stored = Sampled(made_at="", seed=0, set_digest="of other cases", turns=turns)
    trials, outcomes = pairs_of(stored, frame, now)
    assert [trial.case for trial in trials] == ["c"]
    assert outcomes == (1.0,)


def test_a_finished_run_becomes_a_sample(request: pytest.FixtureRequest) -> None:
    test = "def test_it(trial): return trial.index != 1"
    hypothesis = built(request, "estimate(rate, halfwidth=0.4)", test, max_trials=3)
    session = session_of(request.config)
    run = Run(hypothesis, session.sampler, session.loop)
    session.loop.run(run.go())
    sampled = sampled_of(run, hypothesis.frame.trials(), hypothesis)
    assert [(turn.repeat, turn.outcome) for turn in sampled.turns] == [(0, 1.0), (1, 0.0), (2, 1.0)]


def test_trials_are_noted_beside_stored_outcomes() -> None:
    trial = TrialRecord(index=0, case_id="", repeat=0, seed=0, kind=OutcomeKind.ZERO, values={"": 0.0})
    assert [noted.notes for noted in beside_stored([trial] * 3, [1.0, None])] == [
        ("in the baseline: 1",),
        ("in the baseline: invalid",),
        (),
    ]
