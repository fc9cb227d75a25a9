"""The fixture `judge`: yes or no, scores, and what it cannot read."""

from __future__ import annotations

import pytest

from .conftest import Answer

JUDGES = """
import json
from pytest_velo import Reply
def strict(request):
    text = request.messages[-1]["content"]
    return json.dumps({"answer": "yes" if "good" in text else "no"})
def generous(request):
    return json.dumps({"score": 8 if "good" in request.messages[-1]["content"] else 3})
STRICT, GENEROUS = scripted("strict", strict), scripted("generous", generous)
MUMBLES = scripted("mumbles", ["well...", "hm"])
GOOD = scripted("good", ["a good essay"])
"""


def hypothesis(judge: str, verdict: str, *, kind: str = "async def", claim: str = "rate >= 0.5") -> str:
    wait = "await " if kind == "async def" else ""
    return (
        f"@pytest.mark.hypothesis({claim}, models=[GOOD], judge={judge}, max_trials=20)\n"
        f"{kind} test_h(model, judge):\n    reply = {wait}model('Write.')\n    return {wait}{verdict}\n"
    )


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_a_judge_says_yes_or_no(run, kind):
    run.file(JUDGES + hypothesis("STRICT", "judge('Is it any good?', reply)", kind=kind))
    assert run().ret == 0
    first = run.record["test_h"].trials[0]
    assert [call.model for call in first.calls] == ["scripted/good", "scripted/strict"]
    assert first.calls[1].reply.text == '{"answer": "yes"}'


def test_a_judge_scores(run):
    body = hypothesis("GENEROUS", "judge.score('How good is it?', reply)")
    run.file(JUDGES + body.replace("return await judge", "assert 7 <= await judge"))
    assert run().ret == 0


def test_a_score_alone_is_no_outcome_of_a_rate(run):
    run.file(JUDGES + hypothesis("GENEROUS", "judge.score('How good is it?', reply)"))
    result = run()
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*a rate takes True or False: return a comparison*"])


@pytest.mark.parametrize("verdict", ["judge('Good?', reply)", "judge.score('Good?', reply) > 5"])
def test_an_unreadable_judgement_is_an_invalid_trial_and_never_a_no(run, verdict):
    run.file(
        JUDGES
        + hypothesis("MUMBLES", verdict).replace(
            "await judge.score('Good?', reply)", "(await judge.score('Good?', reply))"
        )
    )
    assert run().parseoutcomes() == {"inconclusive": 1}
    trials = run.record["test_h"].trials
    assert {trial.kind for trial in trials} == {"invalid"}
    assert all(
        trial.detail.startswith(("the judge's answer", "the judge's reply does not follow"))
        for trial in trials
    )


def test_a_score_out_of_range_is_an_invalid_trial(run):
    run.file(
        JUDGES
        + "ELEVEN = scripted('eleven', ['{\"score\": 11}'])\n"
        + hypothesis("ELEVEN", "judge.score('Good?', reply)").replace("return await", "assert 7 <= await")
    )
    assert run().parseoutcomes() == {"inconclusive": 1}
    assert run.record["test_h"].trials[0].detail == (
        "the judge's score 11 is outside 0..10 (scripted/eleven)"
    )


def test_a_judge_that_was_not_awaited_is_an_error(run):
    run.file(JUDGES + hypothesis("STRICT", "x").replace("return await x", "assert judge('Good?', reply)"))
    result = run()
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*judge(...) was used without await*", "*fix: write `await judge(...)`*"])


def test_the_sessions_judge_serves_where_the_mark_names_none(run):
    source = hypothesis("STRICT", "judge('Is it any good?', reply)").replace("judge=STRICT, ", "")
    run.file(JUDGES + source)
    assert run("--velo-judge=scripted/strict").ret == 0


def test_hazard_01_two_cases_with_one_short_reply_are_judged_apart(run, lab):
    lab.share = 0.5
    run.file(
        JUDGES
        + "@pytest.mark.hypothesis(rate >= 0.9, models=[GOOD], judge='lab/tiny', cases=list(range(30)),"
        " over='population', min_trials=20)\n"
        "async def test_h(model, judge, case):\n"
        "    return await judge('Good?', await model(str(case)), context=None)\n"
    )
    lab.answer = _judgement(lab)
    run("-m", "velo")
    judged = [trial.calls[1].address for trial in run.record["test_h"].trials]
    assert len({address.key for address in judged}) == 1, "the judge was asked the same of every case"
    assert len({address.slot for address in judged}) == len(judged), "and every case got a draw of its own"


def test_labels_are_judged_once_and_read_from_then_on(run, lab):
    (run.path / "labels.csv").write_text("reply,label\nyes,yes\nno,no\nno,no\nno,yes\n", encoding="utf-8")
    run.file(
        "from pytest_velo import estimate, mean\n"
        "@pytest.mark.hypothesis(estimate(mean(0, 1), halfwidth=0.4), judge='lab/tiny', max_trials=5)\n"
        "async def test_h(judge):\n"
        "    agreement = await judge.validate('labels.csv', 'Is it yes?')\n"
        "    print(agreement)\n"
        "    return agreement.rate\n"
    )
    lab.answer = _judgement(lab)
    first = run("-m", "velo", "-rP")
    first.stdout.fnmatch_lines(["*the judge lab/tiny agrees with people on * of 4*"])
    n_calls = len(lab.calls)
    trials = run.record["test_h"].trials
    assert [len(trial.calls) for trial in trials] == [4] * len(trials)
    assert run("-m", "velo", "--velo-mode=replay").ret == 0
    assert len(lab.calls) == n_calls
    assert [trial.values for trial in run.record["test_h"].trials] == [trial.values for trial in trials]


def test_a_judge_that_cannot_be_asked_is_an_error_of_the_judge_and_not_of_the_model(run, lab):
    run.file(JUDGES + hypothesis("'lab/tiny'", "judge('Good?', reply)"))
    lab.answer = lambda body: Answer({"error": {"message": "no such key"}}, status=401)
    result = run("-m", "velo")
    assert result.parseoutcomes() == {"errors": 1}
    assert "(judge): " in run.record["test_h"].problem.splitlines()[0]
    assert "lab" in run.record["test_h"].problem.splitlines()[0]


def _judgement(lab):
    def answer(body):
        plain = lab.reply(body)
        message = plain.body["choices"][0]["message"]
        message["content"] = f'{{"answer": "{message["content"]}"}}'
        return plain

    return answer
