"""Labelled trials on a page: what people say beside what was judged, those that differ most first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.records import HypothesisResult, OutcomeKind, TruthSeen
from pytest_velo.report.page.data import page_of
from pytest_velo.report.page.labelled import labelled_of
from pytest_velo.report.page.render import html_of
from support.reports import call, recorded, refuted, trial


def seen(labels: dict[int, float | None]) -> TruthSeen:
    return TruthSeen(
        source="labels.csv",
        every=2,
        n_judged=40,
        n_labelled=len(labels),
        n_skipped=sum(label is None for label in labels.values()),
        n_waiting=0,
        n_changed=0,
        judged=0.5,
        judged_interval=None,
        correlation=None,
        agreement=None,
        n_alone=None,
        labels=labels,
    )


def result(labels: dict[int, float | None], n: int = 9, **fields: Any) -> HypothesisResult:
    trials = tuple(trial(at, at % 2, calls=(call(f"Question {at}?", f"Answer {at}."),)) for at in range(n))
    return refuted(trials=trials, truth=seen(labels), **fields)


def test_those_that_differ_come_first_and_what_is_not_known_last() -> None:
    found = result({1: 1.0, 2: 1.0, 3: 0.0, 5: None, 6: 0.0, 7: 1.0})
    unjudged = replace(found.trials[7], kind=OutcomeKind.INVALID, values={})
    found = replace(found, trials=(*found.trials[:7], unjudged, *found.trials[8:]))
    table = labelled_of(found)
    assert table is not None
    assert table.counts == (
        "2 trials judged otherwise, 2 as people say, 1 of which people cannot say, 1 not judged"
    )
    assert [(each.label, each.judged, each.differs) for each in table.trials] == [
        ("yes", "no", True),
        ("no", "yes", True),
        ("yes", "yes", False),
        ("no", "no", False),
        ("yes", "invalid", False),
        ("cannot say", "yes", False),
    ]
    assert [each.sight.title.split()[1] for each in table.trials] == ["2", "3", "1", "6", "7", "5"]


def test_scores_that_are_farther_apart_come_first() -> None:
    found = result({0: 3.0, 2: 9.5, 4: 5.0}, claim="mean(0, 10) >= 7")
    trials = tuple(replace(each, kind=OutcomeKind.VALUE, values={"": 5.0}) for each in found.trials)
    table = labelled_of(replace(found, trials=trials))
    assert table is not None
    assert [(each.label, each.judged) for each in table.trials] == [("9.5", "5"), ("3", "5"), ("5", "5")]


def test_a_page_shows_them_and_how_many_more_there_are(tmp_path: Path) -> None:
    found = result({at: 1.0 - at % 2 for at in range(30)}, n=30)
    html = html_of(page_of(recorded(tmp_path, found))).decode()
    assert "What people say, beside what was judged" in html
    assert "30 trials judged otherwise, 0 as people say." in html
    assert "people: <strong>yes</strong> · judged: <strong>no</strong> · trial 0" in html
    assert html.count("people: <strong>") == 20
    assert "10 more labelled trials are in the record." in html


@pytest.mark.parametrize("found", [refuted(), result({})])
def test_a_claim_without_labels_has_no_such_part(found: HypothesisResult) -> None:
    assert labelled_of(found) is None
