"""The versioned document of a run: what every reporter reads and what is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.errors import StoreError
from pytest_velo.records import OutcomeKind
from pytest_velo.report.document import (
    compact,
    from_compact,
    from_json,
    result_from_json,
    result_to_json,
    shown_trials,
    to_json,
)
from support.reports import document, paired, refuted, trial


def test_document_to_json() -> None:
    data = to_json(document(refuted()))
    assert data["version"] == 3
    assert data["results"][0]["decision"]["certified"] == "rate < 0.7"
    assert data["circumstances"]["duration_s"] == 6.0


def test_document_survives_json_and_newer_versions_are_refused() -> None:
    result = refuted(trials=())
    assert from_json(to_json(document(result))) == document(result)
    with pytest.raises(StoreError) as caught:
        from_json({**to_json(document(result)), "version": 9})
    assert caught.value.where == "run record"
    assert caught.value.what == "its format is version 9; this pytest-velo reads versions up to 3"
    assert caught.value.fix == "pip install --upgrade pytest-velo"


def test_result_to_json() -> None:
    data = result_to_json(refuted(), refuted().trials[:2])
    assert data["claim"] == "rate >= 0.7"
    assert [trial["kind"] for trial in data["trials"]] == ["one", "zero"]
    assert data["circumstances"]["n_calls"] == 9


def test_result_survives_json() -> None:
    assert result_from_json(result_to_json(refuted(), refuted().trials)) == refuted()


def test_shown_trials_are_the_first_telling_ones() -> None:
    assert [trial.index for trial in shown_trials(refuted(), 2)] == [1, 2]


def test_compact_is_ascii_and_holds_the_trials_shown() -> None:
    text = compact(refuted(belief="It's naïve"), show=1)
    assert text.isascii()
    assert text.count('"index"') == 1


def test_compact_result_is_read_again() -> None:
    assert [trial.index for trial in from_compact(compact(refuted(), show=2)).trials] == [1, 2]


def test_pairs_and_what_older_records_lack_survive_the_record() -> None:
    told = replace(paired(), outside={"127.0.0.1:80": 2}, n_unpriced=1, priced_usd=0.5, body_digest="d")
    data = result_to_json(told)
    back = result_from_json(data)
    assert back.decision.evidence.pairs == told.decision.evidence.pairs
    assert (back.outside, back.n_unpriced, back.priced_usd, back.body_digest) == (
        {"127.0.0.1:80": 2},
        1,
        0.5,
        "d",
    )

    del data["body_digest"], data["decision"]["evidence"]["pairs"]
    for name in ("outside", "n_unpriced", "priced_usd", "usd_per_turn"):
        del data["circumstances"][name]
    older = result_from_json(data)
    assert older.decision.evidence.pairs is None
    assert (older.outside, older.n_unpriced, older.body_digest) == ({}, None, "")


def test_whole_pairs_are_shown_and_one_invalid_trial_of_each_reason() -> None:
    assert [trial.index for trial in shown_trials(paired(), 1)] == [0, 1]
    broken = [
        trial(index, 0, kind=OutcomeKind.INVALID, detail="cut" if index < 3 else "empty")
        for index in range(5)
    ]
    told = refuted(trials=tuple(broken), telling=())
    assert [trial.index for trial in shown_trials(told, 2)] == [0, 3]
