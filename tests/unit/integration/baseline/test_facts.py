"""What is said of a baseline beside the verdict: which one it was, whose draws, how far all has drifted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_velo.baselines.entry import Entry, Sampled, StoredTurn
from pytest_velo.claims import Rate
from pytest_velo.integration.baseline.facts import accepted_drift, compared_with, stored_fact
from pytest_velo.integration.baseline.guard import unsampled_result
from support.items import built


def test_stored_fact_counts_invalid_trials() -> None:
    turns = (StoredTurn("", 0, 1.0), StoredTurn("", 1, 0.0), StoredTurn("", 2, None))
    sampled = Sampled(made_at="2026-12-01T09:30:00+00:00", seed=0, set_digest="", turns=turns)
    assert (
        stored_fact(Path("tests/velo-baseline.json"), Rate("asr"), sampled)
        == 'stored in velo-baseline.json as the baseline: rate("asr") 0.50 over 3 trials, 1 of them invalid'
    )


def test_compared_with_a_baseline_of_another_snapshot(request: pytest.FixtureRequest) -> None:
    test = "def test_is_even(case): return case % 2 == 0"
    hypothesis = built(request, "rate >= baseline - 0.1, cases=[1, 2]", test)
    turns = (StoredTurn("", 0, 1.0), StoredTurn("", 1, 0.0))
    now = Sampled(
        made_at="2026-12-24T09:30:00+00:00",
        seed=0,
        set_digest=hypothesis.set_digest,
        turns=turns,
        models_served=("m-2",),
    )
    then = replace(now, made_at="2026-12-01T09:30:00+00:00", models_served=("m-1",))
    entry = Entry(hypothesis="t", model="", statistic="rate", design="", current=then, anchor=then)
    result = unsampled_result(hypothesis, "")
    assert list(compared_with(entry, now, result, hypothesis)) == [
        "compared case by case with the baseline of 2026-12-01: rate 0.50 over 2 trials",
        "the model was served by m-1 then and by m-2 now",
    ]


def test_accepted_drift_is_told(request: pytest.FixtureRequest) -> None:
    hypothesis = built(request, "rate >= baseline - 0.1", "def test_it(): return 1 > 0")
    all_ones = tuple(StoredTurn("", repeat, 1.0) for repeat in range(40))
    then = Sampled(made_at="2026-12-01T09:30:00+00:00", seed=0, set_digest="", turns=all_ones)
    now = replace(then, turns=tuple(turn._replace(outcome=0.0) for turn in all_ones))
    entry = Entry(hypothesis="t", model="", statistic="rate", design="", current=now, anchor=then)
    assert list(accepted_drift(entry, Rate(), now, hypothesis)) == [
        "since the first baseline, of 2026-12-01: -1.00, 95% interval [-1.00, -0.80]: it has drifted"
    ]
