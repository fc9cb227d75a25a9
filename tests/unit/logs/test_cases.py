"""Cases from logs: what a body sees, and when a trial is invalid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_velo import InvalidTrial, UsageError, from_log
from pytest_velo.case_sets import load, pick_order
from support.logs import promptfoo_file, promptfoo_result, write_rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two logs; the sample 2 broke in `a`, and `b` lacks it."""
    rows: list[dict[str, Any]] = [
        {"id": 1, "input": "Is 1 even?", "target": "no", "output": "no", "correct": True, "quality": 0.5},
        {"id": 2, "input": "Is 2 even?", "target": "yes", "error": "429"},
    ]
    write_rows(tmp_path / "a.jsonl", rows)
    write_rows(tmp_path / "b.jsonl", [{"id": 1, "correct": False, "quality": 0.25}])
    return tmp_path


def test_a_case_holds_what_each_log_recorded(folder: Path) -> None:
    cases = load(from_log("a.jsonl", "b.jsonl"), base=folder)

    first, second = cases.items
    assert (cases.ids, cases.default_over, cases.is_recorded) == (("1", "2"), "population", True)
    assert (first.id, first.epoch, first.input, first.target) == ("1", 1, "Is 1 even?", "no")
    assert (first["a"].outcome, first.b.outcome) == (True, False)
    assert first["a"].output == "no"
    assert first["b"].score("quality") == 0.25
    with pytest.raises(InvalidTrial, match="429"):
        _ = second["a"].outcome
    with pytest.raises(InvalidTrial, match="no such sample"):
        _ = second["b"].output
    with pytest.raises(InvalidTrial, match="no output"):
        _ = first["b"].output
    with pytest.raises(UsageError, match="2 logs: a, b"):
        _ = first.outcome


def test_a_score_that_is_not_0_or_1_is_a_number(folder: Path) -> None:
    cases = load(from_log(log="b.jsonl", score="quality"), base=folder)
    assert cases.items[0].outcome == 0.25


def test_each_trial_of_a_case_gets_the_next_epoch(tmp_path: Path) -> None:
    rows = [{"id": "x", "epoch": epoch, "correct": epoch == 2} for epoch in (1, 2, 3)]
    write_rows(tmp_path / "a.jsonl", rows)
    cases = load(from_log("a.jsonl"), base=tmp_path)

    assert (cases.n_draws, len(cases)) == (3, 1)
    plan = pick_order(cases, "cases", seed=0)
    assert [plan[turn].case.outcome for turn in range(3)] == [False, True, False]
    with pytest.raises(InvalidTrial, match="more often than the log has draws of a sample"):
        _ = plan[3].case.outcome
    apart = load(from_log("a.jsonl", each_epoch=True), base=tmp_path)
    assert (apart.n_draws, apart.ids) == (1, ("x (epoch 1)", "x (epoch 2)", "x (epoch 3)"))
    assert [case.outcome for case in apart.items] == [False, True, False]


def test_what_was_recorded_does_not_change_which_cases_they_are(folder: Path) -> None:
    before = load(from_log("a.jsonl"), base=folder)
    write_rows(folder / "a.jsonl", [{"id": 1, "correct": False}, {"id": 2, "correct": False}])
    assert load(from_log("a.jsonl"), base=folder).digest == before.digest


def test_odd_pairs_are_said_with_the_verdict(tmp_path: Path) -> None:
    for name, text in (("a", "Is it?"), ("b", "Is it not?")):
        write_rows(tmp_path / f"{name}.jsonl", [{"id": 1, "input": text, "correct": True}])
    [notice] = load(from_log("a.jsonl", "b.jsonl"), base=tmp_path).notices
    assert "another input in b" in notice


def test_arms_of_one_file_are_named_after_what_tells_them_apart(tmp_path: Path) -> None:
    promptfoo_file(tmp_path / "r.json", [promptfoo_result(0, provider) for provider in ("p", "q")])
    [case] = load(from_log("r.json"), base=tmp_path).items
    assert case["r:p"].outcome is True
    assert case["r:q"].output == "yes"


@pytest.mark.parametrize(
    ("named", "told", "what", "fix"),
    [
        ({}, {}, "names no log", 'from_log("a.eval"'),
        ({"log": "odl.jsonl"}, {}, "no such log", ".jsonl"),
        ({"log": "a.jsonl"}, {"score": "corect"}, "no score 'corect'", "did you mean 'correct'?"),
        ({"log": "a.jsonl"}, {"format": "inspct"}, "no format 'inspct'", "did you mean 'inspect'?"),
        ({"log": "a.jsonl"}, {"group": "topic"}, "no field 'topic'", "known:"),
        ({"input": "a.jsonl"}, {}, "cannot be named 'input'", "log_input="),
    ],
)
def test_a_mistake_is_seen_when_the_cases_are_read(
    folder: Path, named: dict[str, str], told: dict[str, str], what: str, fix: str
) -> None:
    with pytest.raises(UsageError) as error:
        load(from_log(**named, **told), base=folder)  # type: ignore[arg-type]
    assert what in error.value.what
    assert fix in error.value.fix
