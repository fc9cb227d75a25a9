"""Texts that people have labelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo import UsageError, cases
from pytest_velo.scorers.labels import is_slot_of_label, labels_of


def read(rows: object, question: str | None = "Polite?", base: Path = Path(), level: float = 0.95):
    return labels_of(rows, question, base, level)


def test_a_file_of_labels(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("id,prompt,reply,label\nq1,Hi,Hello.,yes\nq2,Hi,Go.,no\n")
    first, second = read("labels.csv", base=tmp_path)
    assert (first.id, first.text, first.label, first.context, first.question) == (
        "q1",
        "Hello.",
        True,
        "Hi",
        "Polite?",
    )
    assert second.label is False


@pytest.mark.parametrize(
    ("label", "read_as"),
    [("yes", True), (" NO ", False), ("TRUE", True), (True, True), (0, False), ("1", True), (1.0, True)],
)
def test_the_words_of_a_label(label: object, read_as: bool) -> None:
    assert read([{"text": "x", "label": label}])[0].label is read_as


def test_each_row_may_bring_its_question() -> None:
    rows = [{"text": "x", "label": 1, "question": "Is it a letter?"}]
    assert read(rows, question=None)[0].question == "Is it a letter?"
    shown = [{"text": "x", "label": 1, "question": "A letter?", "prompt": "Write one."}]
    assert read(shown, "Is it short?")[0].question == "Is it short?"


def test_equal_rows_have_draws_of_their_own_which_other_rows_do_not_move() -> None:
    row, other = {"text": "x", "label": 1}, {"text": "y", "label": 1}
    first, second = read([row, row])
    assert first.digest != second.digest
    assert [each.digest for each in read([other, row, row])][1:] == [first.digest, second.digest]


@pytest.mark.parametrize(
    ("rows", "question", "what", "fix"),
    [
        ([{"text": "x", "label": "maybe"}], "?", "neither yes nor no", "filter="),
        ([{"text": "x", "label": ""}], "?", "neither yes nor no", "filter="),
        ([{"text": "x", "label": 2}], "?", "neither yes nor no", "yes or no"),
        ([{"text": "x", "labl": 1}], "?", "no field `label`, it has 'text', 'labl'", "rename"),
        ([{"txt": "x", "label": 1}], "?", "no field `text`, it has 'txt'", "rename"),
        ([{"text": 5, "label": 1}], "?", "not text", "text"),
        ([{"text": "x", "reply": "y", "label": 1}], "?", "mean the same", "rename"),
        ([{"text": "x", "label": 1}], None, "what the judge is asked", "validate(labels,"),
        ([{"text": "x", "label": 1}], " ", "must be a text", "validate(labels,"),
        ([{"text": "x", "label": 1, "question": "2 + 2?"}], "Right?", "one question about all", "prompt"),
        (["x"], "?", "row with fields", "label"),
        ([], "?", "no cases", ""),
        ("nowhere.csv", "?", "nowhere.csv", ""),
    ],
)
def test_a_row_that_cannot_be_used_is_named_before_anything_is_asked(rows, question, what, fix) -> None:
    with pytest.raises(UsageError) as caught:
        read(rows, question)
    assert what in str(caught.value)
    assert fix in caught.value.fix


def test_a_row_is_named_by_its_place_and_its_file(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("text,label\na,yes\nb,perhaps\n")
    with pytest.raises(UsageError, match=r"labels\.csv, label 1: its label is 'perhaps'"):
        read("labels.csv", base=tmp_path)
    assert len(read(cases("labels.csv", filter=lambda row: row.label == "yes"), base=tmp_path)) == 1


@pytest.mark.parametrize("level", [0, 1, 95, True, "0.95"])
def test_a_level_is_between_0_and_1(level: object) -> None:
    with pytest.raises(UsageError, match="level="):
        read([{"text": "x", "label": 1}], level=level)


def test_a_slot_of_a_label_ends_with_its_digest() -> None:
    slots = ("c:0:0:0123456789abcdef", "c:0:0", "c:0:0:again")
    assert [is_slot_of_label(slot) for slot in slots] == [True, False, False]
