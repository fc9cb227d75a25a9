"""`cases=from_log(...)`: recorded outcomes as the cases of a test."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from support.logs import rows_of, write_rows

TESTS = """
from pytest_velo import difference, from_log

@pytest.mark.hypothesis(
    difference("new", "old") >= 0.05, arms=("new", "old"), cases=from_log("new.jsonl", "old.jsonl")
)
def test_paired(case, arm):
    return case[arm].outcome

@pytest.mark.hypothesis(rate >= 0.5, cases=from_log("new.jsonl"))
def test_one_log(case):
    assert case.outcome

@pytest.mark.hypothesis(rate >= 0.5, cases=from_log("new.jsonl", each_epoch=True), once=True)
def test_census(case):
    return case.outcome

@pytest.mark.hypothesis(rate >= 0.5, cases=from_log("new.jsonl"), over="cases", max_trials=100)
def test_with_replacement(case):
    return case.outcome

@pytest.mark.hypothesis(rate >= 0.5, cases=from_log("new.jsonl", group="topic"))
def test_grouped(case):
    return case.outcome

@pytest.mark.hypothesis(rate >= 0.5, cases=from_log(log="broken.jsonl"))
def test_broken(case):
    try:
        return case.outcome
    except Exception:
        return True

@pytest.mark.hypothesis(rate >= 0.5, cases=from_log("new.jsonl"))
def test_scored_anew(case):
    return case.output.endswith("7") or case.target in case.output
"""


def logs(folder: Path) -> None:
    rng = Random(5)
    for name, rate in (("new", 0.85), ("old", 0.4)):
        rows = rows_of([rate] * 60, rng, epochs=2)
        for row in rows:
            row |= {"topic": row["id"][-1], "input": row["id"], "target": "yes", "output": "yes indeed"}
        write_rows(folder / f"{name}.jsonl", rows)
    write_rows(folder / "broken.jsonl", [{"id": n, "correct": True, "error": "429"} for n in range(40)])


def test_recorded_outcomes_are_judged_by_the_usual_rules(run: Any) -> None:
    logs(run.path)
    run.file(TESTS)

    result = run()

    found = {recorded.node_id.partition("::")[2]: recorded for recorded in run.record.results}
    assert {name: recorded.outcome.value for name, recorded in found.items()} == {
        "test_paired": "supported",
        "test_one_log": "supported",
        "test_census": "supported",
        "test_with_replacement": "supported",
        "test_grouped": "supported",
        "test_broken": "inconclusive",
        "test_scored_anew": "supported",
    }, result.stdout.str()
    assert {name: (recorded.scope, recorded.unit.value) for name, recorded in found.items()} == {
        "test_paired": ("beyond these cases, paired on the case", "case"),
        "test_one_log": ("beyond these cases", "case"),
        "test_census": ("these 120 recorded outcomes", "outcome"),
        "test_with_replacement": ("over these 60 cases", "trial"),
        "test_grouped": ("beyond these cases (unit: group)", "group"),
        "test_broken": ("beyond these cases", "trial"),
        "test_scored_anew": ("beyond these cases", "case"),
    }
    rows = [json.loads(line) for line in (run.path / "new.jsonl").read_text().splitlines()]
    recorded = {(row["id"], row["epoch"]): float(row["correct"]) for row in rows}
    trials = [trial for trial in found["test_paired"].trials if trial.arm == "new"]
    assert all(trial.values[""] == recorded[trial.case_id, trial.repeat + 1] for trial in trials)
    assert found["test_one_log"].max_trials == 60  # all of a log, which costs nothing
    picks = [(trial.case_id, trial.repeat) for trial in found["test_with_replacement"].trials]
    assert len(set(picks)) == len(picks)
    assert {trial.detail for trial in found["test_broken"].trials} == {"error in the log: 429"}
    assert all(not recorded.n_calls for recorded in found.values())
