"""The versioned document of a run: what every reporter reads and what is stored."""

from __future__ import annotations

import pytest

from pytest_velo.errors import StoreError
from pytest_velo.report.document import (
    compact,
    from_compact,
    from_json,
    result_from_json,
    result_to_json,
    shown_trials,
    to_json,
)
from support.reports import document, refuted


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
