"""A server that misbehaves: what depends on a prompt is an invalid trial, what does not is an error."""

from __future__ import annotations

from functools import partial

import pytest

from pytest_velo.sampling.retrying import RetryPolicy

HYPOTHESIS = """
@pytest.mark.hypothesis(
    rate >= 0.5, models=["lab/tiny"], cases=[f"case {n}" for n in range(40)], over="population", min_trials=40
)
async def test_h(model, case):
    assert (await model(case)).answers("yes")
"""


def failing(lab, status, error, *, for_case):
    """Answer `status` for prompts that `for_case` picks, and yes for the others."""

    def answer(body):
        good = lab.reply(body)
        if for_case(body["messages"][-1]["content"]):
            return type(good)({"error": error}, status)
        return good

    lab.answer = answer


def is_odd(prompt: str) -> bool:
    return int(prompt.split()[1]) % 8 == 1


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (
            {"code": "content_filter", "message": "filtered"},
            "the provider's content filter stopped the model's call",
        ),
        (
            {"code": "context_length_exceeded", "message": "too long"},
            "the prompt does not fit the model's context",
        ),
    ],
)
def test_a_prompt_the_provider_does_not_take_is_an_invalid_trial(run, lab, error, detail):
    failing(lab, 400, error, for_case=is_odd)
    run.file(HYPOTHESIS)
    assert run("-m", "velo").ret == 0
    trials = run.record["test_h"].trials
    assert {trial.detail for trial in trials if trial.kind == "invalid"} == {detail}
    assert {trial.case_id for trial in trials if trial.kind == "invalid"} == {"1", "9", "17", "25", "33"}
    n_calls = len(lab.calls)
    run("-m", "velo")
    assert len(lab.calls) == n_calls, "such a reply is an observation, and is kept"


def test_a_request_the_provider_calls_malformed_is_an_error(run, lab):
    failing(lab, 400, {"code": "bad_parameter", "message": "no such parameter"}, for_case=lambda _: True)
    run.file(HYPOTHESIS)
    result = run("-m", "velo")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*RequestError: *no such parameter*"])
    assert run.outcomes == ["error"]


def test_a_key_that_is_refused_is_an_error_without_the_key_in_it(run, lab):
    failing(lab, 401, {"code": "invalid_api_key", "message": "wrong key"}, for_case=lambda _: True)
    run.file(HYPOTHESIS)
    result = run("-m", "velo")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*AccessError: *wrong key*", "*fix: check the endpoint's key variable*"])
    assert "sk-canary" not in result.stdout.str()


def test_a_server_that_is_gone_is_an_error_and_never_a_refutation(run, lab, monkeypatch):
    impatient = partial(RetryPolicy, first_delay_s=0.01, unreached_after_s=0.2)
    monkeypatch.setattr("pytest_velo.sampling.retrying.RetryPolicy", impatient)
    lab.close()
    run.file(HYPOTHESIS)
    result = run("-m", "velo")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*OutageError: *no answer after *", "*fix: run again later*"])


def test_garbage_on_one_prompt_is_an_invalid_trial(run, lab):
    def answer(body):
        good = lab.reply(body)
        return type(good)(b"<html>hm</html>") if body["messages"][-1]["content"] == "case 3" else good

    lab.answer = answer
    run.file(HYPOTHESIS)
    assert run("-m", "velo").ret == 0
    invalid = [trial for trial in run.record["test_h"].trials if trial.kind == "invalid"]
    assert [trial.case_id for trial in invalid] == ["3"]
    assert invalid[0].detail.startswith("no reply to this prompt in 4 attempts")
    assert run.record["test_h"].n_retries == 3
