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
    impatient = partial(RetryPolicy, first_delay_s=0.01, nobody_after_s=0.2)
    monkeypatch.setattr("pytest_velo.sampling.retrying.RetryPolicy", impatient)
    lab.close()
    run.file(HYPOTHESIS)
    result = run("-m", "velo")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(
        ["*OutageError: *no answer after *: nothing answers at 127.0.0.1:*", "*fix: start the server there*"]
    )


def test_what_is_the_same_for_all_is_said_once_below_the_table(run, lab, monkeypatch):
    monkeypatch.setattr(
        "pytest_velo.sampling.retrying.RetryPolicy",
        partial(RetryPolicy, first_delay_s=0.01, nobody_after_s=0.2),
    )
    lab.close()
    run.file(
        """
@pytest.mark.parametrize("word", ["a", "b", "c", "d"])
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_h(model, word):
    assert (await model(word)).answers("yes")
"""
    )
    result = run("-m", "velo")
    assert result.parseoutcomes() == {"errors": 4}
    text = result.stdout.str()
    above, below = text.split("= hypotheses =")
    assert above.count("fix: start the server there") == 4, "once with each error"
    assert above.count("error      as above") == 4
    assert below.count("fix: start the server there") == 1
    result.stdout.fnmatch_lines(["*4 tests: test_h?a], test_h?b], test_h?c] and 1 more"])


@pytest.mark.slow
def test_garbage_on_one_prompt_is_an_invalid_trial(run, lab):
    def answer(body):
        good = lab.reply(body)
        return type(good)(b"<html>hm</html>") if body["messages"][-1]["content"] == "case 3" else good

    lab.answer = answer
    run.file(HYPOTHESIS)
    assert run("-m", "velo").ret == 0
    invalid = [trial for trial in run.record["test_h"].trials if trial.kind == "invalid"]
    assert [trial.case_id for trial in invalid] == ["3"]
    assert invalid[0].detail.startswith("the model gave no reply to this prompt in 4 attempts")
    assert run.record["test_h"].n_retries == 3


def quick(monkeypatch):
    """Shorten the waits between attempts, not their number."""
    impatient = partial(RetryPolicy, first_delay_s=0.01, longest_delay_s=0.02, loading_delay_s=0.02)
    monkeypatch.setattr("pytest_velo.sampling.retrying.RetryPolicy", impatient)


ONE_PROMPT = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=15)
async def test_h(model):
    assert (await model("the only prompt")).answers("yes")
"""


def test_a_server_that_answers_500_to_everything_is_an_error_with_one_prompt_and_few_trials(
    run, lab, monkeypatch
):
    quick(monkeypatch)
    failing(lab, 500, {"message": "it broke"}, for_case=lambda _: True)
    run.file(ONE_PROMPT)
    result = run("-m", "velo", "--velo-concurrency=1")
    assert result.ret == 1
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*OutageError: *3 calls in a row went unanswered*it broke*"])
    assert len(lab.calls) == 3 * 4
    assert run.outcomes == ["error"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!doctype html><title>Open WebUI", ["an HTML page", "<!doctype html><title>Open WebUI"]),
        (b'data: {"choices": []}\n\ndata: [DONE]', ["an event stream", 'data: {"choices": []} data: [DONE]']),
        ({"error": {"message": "upstream exploded"}}, ["upstream exploded"]),
        ({"object": "chat.completion", "choices": []}, ['{"object": "chat.completion", "choices": []}']),
    ],
    ids=["html", "event stream", "error object", "no choices"],
)
def test_what_is_no_answer_ends_the_item_after_few_attempts(run, lab, monkeypatch, body, told):
    quick(monkeypatch)
    lab.answer = lambda asked: type(lab.reply(asked))(body)
    run.file(ONE_PROMPT)
    result = run("-m", "velo", "--velo-concurrency=2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*OutageError: *answers in a row were no replies*"])
    assert run.outcomes == ["error"]
    assert [words for words in told if words not in run.record["test_h"].problem] == []
    assert len(lab.calls) <= 6, "no storm"


LIMITS = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=15)
async def test_waits(model):
    assert (await model("waits")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=15)
async def test_too_large(model):
    assert (await model("too large")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=15)
async def test_daily(model):
    assert (await model("daily")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=15)
async def test_loads(model):
    assert (await model("loads")).answers("yes")
"""


def test_a_limit_that_heals_is_waited_for_and_no_other_is_stored(run, lab, monkeypatch):
    quick(monkeypatch)
    minute = "tokens per minute (TPM): Limit 6000, Used 5900, Requested 900. Please try again in 20ms."
    errors = {
        "waits": (413, {"message": f"Request too large on {minute}", "code": "rate_limit_exceeded"}),
        "too large": (413, {"message": "on tokens per minute (TPM): Limit 6000, Requested 7200"}),
        "daily": (429, {"message": "on tokens per day (TPD): Limit 9, Used 9. Please try again in 2h30m."}),
        "loads": (503, {"message": "Loading model", "type": "unavailable_error"}),
    }
    heals = {"waits", "loads"}
    met = set()

    def answer(body):
        good, prompt = lab.reply(body), body["messages"][-1]["content"]
        if prompt in heals and (prompt in met or met.add(prompt)):
            return good
        status, error = errors[prompt]
        return type(good)({"error": error}, status)

    lab.answer = answer
    run.file(LIMITS)
    result = run("-m", "velo", "--velo-concurrency=1", "--velo-scheduler=in-order")
    assert result.parseoutcomes() == {"passed": 2, "errors": 2}
    assert "no wait helps" in run.record["test_too_large"].problem
    assert "in 2 h 30 min, at " in run.record["test_daily"].problem
    assert [body["messages"][-1]["content"] for body in lab.calls].count("daily") == 1
    n_calls = len(lab.calls)
    errors.clear()
    heals |= {"too large", "daily"}
    met |= heals
    assert run("-m", "velo", "--velo-concurrency=1").ret == 0, "nothing of it was stored"
    assert len(lab.calls) > n_calls


ENDINGS = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/new"], max_trials=15)
async def test_new(model):
    assert (await model("hi")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/broken"], max_trials=15)
async def test_broken(model):
    assert (await model("hi")).answers("yes")
"""


def test_an_ending_that_nobody_knows_is_noticed_and_one_that_broke_is_no_outcome(run, lab, monkeypatch):
    quick(monkeypatch)

    def answer(body):
        good = lab.reply(body)
        reason = "a_new_reason" if body["model"] == "new" else "abort"
        good.body["choices"][0]["finish_reason"] = reason
        return good

    lab.answer = answer
    run.file(ENDINGS)
    result = run("-m", "velo", "--velo-concurrency=2")
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    found = [each for each in run.record["test_new"].found if each.code == "F14"]
    assert ["'a_new_reason'" in each.message for each in found] == [True]
    assert "broke the reply off" in run.record["test_broken"].problem
    assert all(trial.kind == "invalid" for trial in run.record["test_broken"].trials)
