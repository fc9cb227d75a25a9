"""Running the trials of an earlier run again: the same cases in the same order, on the stored draws."""

from __future__ import annotations

from pathlib import Path

from pytest_velo.case_sets import load
from pytest_velo.claims import rate
from pytest_velo.runner.rescore import cases_changed, planned_as
from support.runs import hypothesis, sampled


def test_a_mended_case_is_planned_by_its_id() -> None:
    wrong, mended = (load([{"id": "sum", "answer": a}], base=Path()) for a in ("3", "4"))
    trials = sampled(rate >= 0.5, [0], cases=wrong).trials
    belief = hypothesis(rate >= 0.5, [1], cases=mended)
    [planned] = planned_as(belief, trials, mended, movable=True)
    assert planned.case_id == "sum"
    assert planned.case.answer == "4"


def test_a_changed_question_is_noticed() -> None:
    then, now = (load(questions, base=Path()) for questions in (["1 + 1?"], ["2 + 2?"]))
    trials = sampled(rate >= 0.5, [1], cases=then).trials
    assert [cases_changed(hypothesis(rate >= 0.5, [1], cases=cases), trials) for cases in (then, now)] == [
        False,
        True,
    ]
