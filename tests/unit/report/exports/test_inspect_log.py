"""A hypothesis as a log of Inspect, as plain JSON: tests/servers has Inspect itself read it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_velo.records import HypothesisResult, Outcome, OutcomeKind, Usage
from pytest_velo.report.exports.inspect_log import log_of
from pytest_velo.verdicts import StopReason
from support.reports import call, document, paired, refuted, trial, undecided


def of(result: HypothesisResult) -> dict[str, Any]:
    log = log_of(document(result), result, result.trials)
    return json.loads(json.dumps(log, allow_nan=False))


def invalid(index: int, **fields: Any) -> Any:
    return trial(index, 0, kind=OutcomeKind.INVALID, values={}, detail="the reply is empty", **fields)


def test_a_sample_for_each_trial_and_the_rate_with_its_interval() -> None:
    log = of(refuted())
    assert (log["status"], log["eval"]["model"], log["eval"]["task"]) == ("success", "lab/tiny", "test_b")
    assert log["results"]["total_samples"] == log["results"]["completed_samples"] == 9
    (score,) = log["results"]["scores"]
    values = {name: metric["value"] for name, metric in score["metrics"].items()}
    assert values == {"rate": 3 / 9, "interval_low": 0.09, "interval_high": 0.69, "n": 9}
    about = score["metrics"]["rate"]["metadata"]
    assert (about["claim"], about["verdict"], about["alpha"]) == ("rate >= 0.7", "refuted", 0.05)
    assert about["interval_level"] == 0.9
    assert [sample["epoch"] for sample in log["samples"]] == [*range(1, 10)]
    assert sum(sample["scores"]["outcome"]["value"] for sample in log["samples"]) == 3
    assert log["eval"]["metadata"]["velo"]["certified"] == "rate < 0.7"
    assert log["results"]["early_stopping"]["metadata"] == {"stopped": "decided", "n_saved": 191}


def test_an_invalid_trial_is_an_error_and_never_a_score() -> None:
    log = of(refuted(trials=(trial(0, 1), invalid(1))))
    good, bad = log["samples"]
    assert good["error"] is None
    assert (bad["scores"], bad["error"]["message"]) == ({}, "invalid trial: the reply is empty")
    results = log["results"]
    assert (results["total_samples"], results["completed_samples"]) == (2, 1)
    assert (results["scores"][0]["scored_samples"], results["scores"][0]["unscored_samples"]) == (1, 1)


def test_the_arms_of_a_pair_share_a_sample() -> None:
    log = of(paired())
    assert [sample["id"] for sample in log["samples"]] == ["q0", "q1"]
    first = log["samples"][0]["scores"]
    assert {name: score["value"] for name, score in first.items()} == {
        "a": 0,
        "b": 1,
        'difference("a", "b")': -1,
    }
    metrics = {score["name"]: score["metrics"] for score in log["results"]["scores"]}
    assert [*metrics] == ['difference("a", "b")', "a", "b"]  # the claim's is the headline
    assert metrics["a"]["mean"]["value"] == 0.5
    assert metrics['difference("a", "b")']["difference"]["value"] == 0.16


def test_arms_may_have_several_outcomes() -> None:
    base = paired('difference("a", "b", of=rate("asr")) >= 0.1')
    trials = tuple(replace(one, values={"asr": 1.0, "other": 0.0}) for one in base.trials)
    log = of(replace(base, trials=trials))
    scores = {score["name"]: score for score in log["results"]["scores"]}
    assert scores["a: asr"]["metrics"]["mean"]["value"] == 0.5
    assert scores["a: other"]["metrics"] == {}
    assert log["samples"][0]["scores"]['difference("a", "b", of=rate("asr"))']["value"] == 0


def test_a_pair_with_an_invalid_arm_has_no_difference() -> None:
    trials = (trial(0, 1, case_id="q", repeat=0, arm="a"), invalid(1, case_id="q", repeat=0, arm="b"))
    (sample,) = of(replace(paired(), trials=trials))["samples"]
    assert [*sample["scores"]] == ["a"]
    assert sample["error"]["message"] == "invalid trial of arm b: the reply is empty"


def test_a_baseline_has_the_other_half_of_its_pairs() -> None:
    log = of(refuted(claim="rate >= baseline - 0.05"))
    scores = {score["name"]: score for score in log["results"]["scores"]}
    assert scores["outcome"]["metrics"] == {}  # what was estimated is the distance
    assert scores["rate - baseline"]["scored_samples"] is None
    assert "difference" in scores["rate - baseline"]["metrics"]


def test_cases_are_samples_and_their_draws_epochs() -> None:
    trials = (
        trial(0, 1, case_id="q0", repeat=0, target="Paris"),
        trial(1, 0, case_id="q1", repeat=0, target=("Rome", "Roma")),
        trial(2, 0, case_id="q0", repeat=1, target="Paris"),
    )
    log = of(refuted(trials=trials))
    assert [(sample["id"], sample["epoch"], sample["target"]) for sample in log["samples"]] == [
        ("q0", 1, "Paris"),
        ("q1", 1, ["Rome", "Roma"]),
        ("q0", 2, "Paris"),
    ]
    assert log["eval"]["dataset"]["sample_ids"] == ["q0", "q1"]
    assert log["eval"]["config"]["epochs"] == 2


def test_no_two_samples_are_alike() -> None:
    trials = (trial(0, 1, case_id="q", repeat=0), trial(1, 1, case_id="q", repeat=0))
    log = of(refuted(trials=trials))
    assert len({(sample["id"], sample["epoch"]) for sample in log["samples"]}) == 2
    assert len({sample["uuid"] for sample in log["samples"]}) == 2


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (undecided(), "success"),
        (undecided(StopReason.BUDGET), "success"),
        (undecided(StopReason.INTERRUPTED), "cancelled"),
        (refuted(outcome=Outcome.SKIPPED, decision=None), "cancelled"),
        (refuted(outcome=Outcome.ERROR, problem="no key"), "error"),
    ],
)
def test_the_status_is_how_the_run_ended_not_its_verdict(result: HypothesisResult, status: str) -> None:
    log = of(result)
    assert log["status"] == status
    assert (log["error"] or {}).get("message") == ("no key" if status == "error" else None)


def test_a_hypothesis_without_trials_or_model_is_a_log_too() -> None:
    log = of(refuted(model=None, trials=(), decision=None, outcome=Outcome.ERROR, problem="it broke"))
    assert (log["samples"], log["results"]["scores"], log["eval"]["model"]) == ([], [], "none/none")


def test_tokens_are_counted_once_and_never_guessed() -> None:
    known = call("Hi?", "Hello.")
    known = replace(
        known, reply=replace(known.reply, usage=Usage(input_tokens=10, output_tokens=2), cost_usd=0.5)
    )
    cached = replace(known, reply=replace(known.reply, cached=True))
    unknown = replace(call("Hi?", "Hello."), model="lab/other")
    log = of(refuted(trials=(trial(0, 1, calls=(known, known)), trial(1, 1, calls=(cached, unknown)))))
    usage = log["stats"]["model_usage"]
    assert [*usage] == ["lab/tiny"]
    assert (usage["lab/tiny"]["input_tokens"], usage["lab/tiny"]["total_cost"]) == (20, 1.0)
    assert log["samples"][1]["model_usage"] == {}


def test_the_messages_of_input_and_output_are_those_of_the_conversation() -> None:
    (sample,) = of(refuted(trials=(trial(0, 1, calls=(call("Hi?", "Hello."),)),)))["samples"]
    assert sample["input"] == sample["messages"][:1]
    assert sample["output"]["choices"][0]["message"] == sample["messages"][-1]


def test_each_call_is_an_event_with_its_parameters() -> None:
    made = call("Hi?", "Hello.")
    given = {"temperature": 0.5, "top_p": "inf", "max_tokens": 5, "effort": "low"}
    made = replace(
        made,
        request=replace(made.request, parameters=given),
        reply=replace(made.reply, latency_s=2.0, cached=True),
    )
    (sample,) = of(refuted(trials=(trial(0, 1, calls=(made, call("Sure?", "Yes."))),)))["samples"]
    first, second = sample["events"]
    assert first["config"] == {"temperature": 0.5, "max_tokens": 5}
    assert first["metadata"]["velo"]["parameters"] == given
    assert (first["cache"], second["cache"]) == ("read", None)
    assert (first["timestamp"], first["completed"]) == ("2026-11-23T21:46:08+00:00", made.drawn_at)
    assert [message["content"] for message in second["input"]] == ["Sure?"]


def test_the_same_run_has_the_same_log() -> None:
    result = refuted(trials=(trial(0, 1, calls=(call("Hi?", "Hello."),)),))
    assert of(result) == of(result)
