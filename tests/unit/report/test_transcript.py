"""Trials and their calls as JSON: a pair of pure functions each, with an allow-list of fields."""

from __future__ import annotations

import math
from dataclasses import replace

from pytest_velo.report.transcript import number_from_json, number_to_json, trial_from_json, trial_to_json
from support.reports import call, trial


def test_infinite_numbers_are_written_as_text() -> None:
    assert number_to_json(0.5) == 0.5
    assert number_to_json(float("-inf")) == "-inf"
    assert number_to_json(None) is None


def test_infinite_numbers_are_read_from_text() -> None:
    assert number_from_json("-inf") == -math.inf
    assert number_from_json(0.5) == 0.5
    assert number_from_json(None) is None


def test_trial_to_json_holds_its_calls() -> None:
    data = trial_to_json("test_a.py::test_b", trial(0, 1, calls=(call("Say hello.", "Hello!"),)))
    assert next(iter(data)) == "node_id"
    assert data["kind"] == "one"
    assert data["values"] == {"": 1.0}
    assert data["calls"][0]["text"] == "Hello!"


def test_trial_survives_json() -> None:
    assert trial_from_json(trial_to_json("test_a.py::test_b", trial(0, 1))) == trial(0, 1)


def test_what_a_turn_began_with_survives_json_and_older_records_lack_it() -> None:
    asked = call("7 + 5?", " 12.")
    asked = replace(
        asked,
        request=replace(
            asked.request, messages=({"role": "user", "content": "7 + 5?", "name": "Ada", "key": "x"},)
        ),
        reply=replace(asked.reply, prefill="It is"),
    )
    data = trial_to_json("test_a.py::test_b", trial(0, 1, calls=(asked,)))
    assert data["calls"][0]["messages"] == [{"role": "user", "content": "7 + 5?", "name": "Ada"}]
    assert trial_from_json(data).calls[0].reply.prefill == "It is"
    del data["calls"][0]["prefill"]
    assert trial_from_json(data).calls[0].reply.prefill == ""
