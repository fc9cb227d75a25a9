"""The published schema of records: bound to the code that writes them."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from pytest_velo.records import FinishReason, Invalid, Outcome, OutcomeKind, UnitKind
from pytest_velo.report.document import VERSION
from pytest_velo.report.schema import schema
from pytest_velo.verdicts import StopReason, Verdict
from support.schemas import faults, strict

BEFORE = Path(__file__).parents[3] / "reference" / "before" / "runs" / "2026-11-29T09-16-38Z"


def test_it_is_the_version_that_records_are_written_in() -> None:
    assert schema("run")["properties"]["version"]["const"] == VERSION
    for part in ("run", "trial"):
        assert f"version {VERSION}" in schema(part)["title"]
        assert schema(part)["$id"].endswith(f"/{part}-{VERSION}.schema.json")


def test_it_is_a_file_of_the_package() -> None:
    names = {file.name for file in files("pytest_velo.report.schema").iterdir()}
    assert {f"run-{VERSION}.schema.json", f"trial-{VERSION}.schema.json"} <= names


def test_its_lists_of_values_are_those_of_the_code() -> None:
    run, trial = schema("run")["$defs"], schema("trial")
    result = run["result"]["properties"]
    assert {*run["verdict"]["enum"]} == {*Verdict}
    assert {*run["decision"]["properties"]["stop"]["enum"]} == {*StopReason}
    assert {*result["outcome"]["enum"]} == {*Outcome}
    assert {*result["unit"]["enum"]} == {*UnitKind, None}
    assert {*result["invalid"]["enum"]} == {*Invalid, None}
    assert {*trial["properties"]["kind"]["enum"]} == {*OutcomeKind}
    assert {*trial["$defs"]["call"]["properties"]["finish_reason"]["enum"]} == {*FinishReason}


def test_an_older_record_is_as_it_says() -> None:
    assert faults(BEFORE, most=10) == []


@pytest.mark.parametrize("place", ["document", "result", "evidence", "circumstances"])
def test_a_field_that_it_does_not_name_is_found(place: str) -> None:
    document = json.loads((BEFORE / "run.json").read_text(encoding="utf-8"))
    result = document["results"][0]
    {
        "document": document,
        "result": result,
        "evidence": result["decision"]["evidence"],
        "circumstances": document["circumstances"]["hypotheses"][0],
    }[place]["new"] = 1
    assert not strict("run").is_valid(document)


def test_a_trial_with_an_unknown_field_is_found() -> None:
    line = (BEFORE / "trials.jsonl").read_text(encoding="utf-8").splitlines()[0]
    trial = json.loads(line)
    assert strict("trial").is_valid(trial)
    assert not strict("trial").is_valid({**trial, "new": 1})
    trial["calls"][0]["messages"][0]["new"] = 1
    assert not strict("trial").is_valid(trial)
