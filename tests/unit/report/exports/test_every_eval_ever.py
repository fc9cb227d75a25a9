"""Every Eval Ever's document of a run, held against its schema."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.exports.every_eval_ever import Evaluation, evaluations
from pytest_velo.verdicts import Interval, PartVerdict, Verdict
from support.reports import call, document, paired, refuted, trial, undecided

SCHEMA = Path(__file__).parents[3] / "reference" / "every_eval_ever" / "eval.schema.json"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def of(*results: HypothesisResult) -> list[Evaluation]:
    """Return the documents of a run, each valid by the format's own schema."""
    jsonschema = pytest.importorskip("jsonschema", reason="pip install 'pytest-velo[dev]'")
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    trials = {result.node_id: result.trials for result in results}
    found = evaluations(document(*results), trials.__getitem__, NOW)
    for one in found:
        validator.validate(json.loads(json.dumps(one.content, allow_nan=False)))
    return found


def only(*results: HypothesisResult) -> dict[str, Any]:
    (found,) = of(*results)
    return found.content


def test_a_refuted_rate() -> None:
    content = only(refuted())
    (entry,) = content["evaluation_results"]
    assert entry["evaluation_name"] == "test_a.py::test_b"
    assert entry["score_details"]["score"] == pytest.approx(1 / 3)
    told = entry["score_details"]["uncertainty"]
    assert told["num_samples"] == 9
    ends = told["confidence_interval"]
    assert (ends["lower"], ends["upper"], ends["confidence_level"]) == (0.09, 0.69, 0.9)
    assert "anytime-valid" in ends["method"]
    details = entry["score_details"]["details"]
    assert (details["verdict"], details["certified"], details["alpha"]) == ("refuted", "rate < 0.7", "0.05")
    metric = entry["metric_config"]
    assert (metric["metric_name"], metric["min_score"], metric["max_score"]) == ("rate", 0, 1)
    assert metric["lower_is_better"] is False
    assert content["model_info"]["id"] == "lab/tiny"


def test_what_is_not_known_is_not_guessed() -> None:
    content = only(refuted())
    details = content["model_info"]["additional_details"]
    assert (details["deployment_type"], details["model_availability"]) == ("unknown", "unknown")
    assert content["source_metadata"]["source_organization_name"] == "unknown"
    assert "standard_error" not in content["evaluation_results"][0]["score_details"]["uncertainty"]
    embedded = only(refuted(model="local/smollm2-135m"))["model_info"]["additional_details"]
    assert embedded["deployment_type"] == "self_deployed"


def test_a_difference_has_its_own_range_and_arms() -> None:
    (entry,) = only(paired())["evaluation_results"]
    assert (entry["metric_config"]["min_score"], entry["metric_config"]["max_score"]) == (-1, 1)
    assert entry["score_details"]["details"]["mean of a"] == "0.5"


def test_a_claim_of_at_most_says_that_the_direction_is_its_own() -> None:
    metric = only(refuted(claim="rate <= 0.05"))["evaluation_results"][0]["metric_config"]
    assert metric["lower_is_better"] is True
    assert "claim" in metric["additional_details"]["lower_is_better"]


def test_a_joint_claim_is_a_result_for_each_part() -> None:
    result = refuted(claim='(rate("x") >= 0.5) & (mean(0, 10, "y") >= 5)')
    ends = Interval(low=0.1, high=0.2, level=0.9)
    parts = tuple(
        PartVerdict(claim=claim, verdict=Verdict.REFUTED, certified="", estimate=0.15, interval=ends)
        for claim in ('rate("x") >= 0.5', 'mean(0, 10, "y") >= 5')
    )
    entries = only(replace(result, decision=replace(result.decision, parts=parts)))["evaluation_results"]
    assert [entry["metric_config"]["metric_name"] for entry in entries] == ['rate("x")', 'mean(0, 10, "y")']
    assert len({entry["evaluation_result_id"] for entry in entries}) == 2


def test_a_claim_of_a_plugin_has_a_number_without_a_range() -> None:
    metric = only(refuted(claim="better than a coin"))["evaluation_results"][0]["metric_config"]
    assert metric["metric_kind"] == "claim"
    assert "score_type" not in metric


def test_each_model_has_its_document() -> None:
    found = of(refuted(model="b/two"), undecided(), refuted(model="b/two", node_id="t.py::test_d"))
    assert [(one.model, len(one.content["evaluation_results"])) for one in found] == [
        ("b/two", 2),
        ("lab/tiny", 1),
    ]
    assert len({one.name for one in found}) == 2
    assert [one.name for one in of(refuted(), refuted(model="b/two"))] == [
        one.name for one in of(refuted(), refuted(model="b/two"))
    ]


def test_what_has_no_model_or_no_number_is_left_out() -> None:
    broken = refuted(outcome=Outcome.ERROR, decision=None, problem="it broke")
    assert of(broken, refuted(model=None)) == []


def test_parameters_are_told_where_all_calls_share_them() -> None:
    calls = [call("Hi?", "Hello.") for _ in range(2)]
    given = [{"temperature": 0.5, "top_p": "inf", "max_tokens": n} for n in (5, 6)]
    calls = [
        replace(one, request=replace(one.request, parameters=parameters))
        for one, parameters in zip(calls, given, strict=True)
    ]
    result = refuted(trials=tuple(trial(n, 1, calls=(one,)) for n, one in enumerate(calls)))
    told = only(result)["evaluation_results"][0]["generation_config"]["generation_args"]
    assert told == {"temperature": 0.5, "execution_command": result.rerun}


def test_half_a_character_and_an_infinite_p_value_are_written() -> None:
    result = refuted(notices=("\ud800",))
    text = json.dumps(only(result), allow_nan=False)
    assert text.isascii()
