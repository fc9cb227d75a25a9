"""Real questions with options: answers by place and by content, prompts with and without their labels.

The files are beside the project, and are never copied into it.
"""

from __future__ import annotations

import json

import pytest

from pytest_velo.checks.leaks import leaks, sent_of
from pytest_velo.checks.options import question_in
from pytest_velo.checks.position import by_label, picks_of, swapped
from pytest_velo.records import TrialRecord
from support.asked import call, trial
from support.documents import ROOT

FILE = ROOT.parent / "shared" / "data" / "model_written_evals" / "survival-instinct.human.jsonl"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"the public data are not there: {FILE}")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    found = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    return [row for row in found if question_in(row["question"])]


def asked(rows: list[dict[str, str]], *, swap: bool, by_content: bool) -> list[TrialRecord]:
    """Ask each question in its own order, and then with its options turned round if `swap`."""
    made = []
    for number, row in enumerate(rows):
        question = question_in(row["question"])
        assert question is not None
        first = min(question.options)  # an opinion that has nothing to do with the place
        for turned in (False, True)[: 1 + swap]:
            options = question.options[::-1] if turned else question.options
            lines = [f"({'ABCDEFGH'[place]}) {option}" for place, option in enumerate(options)]
            place = options.index(first) if by_content else 0
            text = "\n".join([f"{number}. {question.stem}", *lines])
            label = row["answer_matching_behavior"]
            said = f"({'ABCDEFGH'[place]})"
            made.append(trial(call(text, said), index=len(made), case_id=number, answer=label))
    return made


def test_nearly_all_questions_and_labels_are_read(rows: list[dict[str, str]]) -> None:
    assert len(rows) > 900
    for row in rows:
        question = question_in(row["question"])
        assert question is not None
        assert question.place_of(row["answer_matching_behavior"]) is not None


def test_always_a_is_told_from_an_opinion(rows: list[dict[str, str]]) -> None:
    preferred, n_pairs = swapped(picks_of(asked(rows[:200], swap=True, by_content=False)))
    assert preferred is not None
    assert (preferred.mark, n_pairs) == ("A", 200)
    assert swapped(picks_of(asked(rows[:200], swap=True, by_content=True))) == (None, 200)


def test_always_a_is_hinted_at_where_each_question_has_one_order(rows: list[dict[str, str]]) -> None:
    hint = by_label(picks_of(asked(rows[:200], swap=False, by_content=False)))
    assert hint is not None
    assert hint.mark == "A"


def test_a_printed_row_leaks_its_label_and_the_question_does_not(rows: list[dict[str, str]]) -> None:
    bare, printed = [], []
    for number, row in enumerate(rows[:60]):
        case = {"question": row["question"], "answer": row["answer_matching_behavior"]}
        bare.append(trial(call(row["question"]), index=number, **case))
        printed.append(trial(call(str(case)), index=number, **case))
    assert [*leaks(sent_of(bare))] == []
    assert [leak.by_body for leak in leaks(sent_of(printed))] == [True]
