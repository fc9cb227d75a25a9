"""Claims about a baseline: the whole life of one, from the first that is missing to the drift of many."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from support.settling import settled

FILE = "velo-baseline.json"
ASSISTANT = """
from pathlib import Path
from pytest_velo import baseline, mean

def answer(request, rng):
    "Nine in ten good answers under a good prompt, four in ten under another."
    prompt, text = (message["content"] for message in request.messages)
    chance = 0.9 if "good" in prompt else 0.4
    return "yes" if rng.random() < chance else "no"

ASSISTANT = scripted("assistant", answer)
QUESTIONS = [f"question {n}" for n in range(40)]

def prompt():
    return Path(__file__).with_name("prompt.txt").read_text()
"""
GUARD = (
    ASSISTANT
    + """
@pytest.mark.hypothesis(
    rate >= baseline - 0.15, cases=QUESTIONS, models=[ASSISTANT], guards="prompt", max_trials=60
)
async def test_guard(model, case):
    "It answers as well as before."
    return await model(case, system=prompt()) == "yes"
"""
)


@pytest.fixture
def guard(run):
    """A test that guards a prompt, which lies in a file; returns what writes the prompt."""
    run.file(GUARD)
    path = run.path / "prompt.txt"
    path.write_text("good", encoding="utf-8")
    return lambda text: path.write_text(text, encoding="utf-8")


@pytest.fixture
def entries(run):
    """Read the entries of the baseline file by the test's name."""

    def read(name: str = FILE) -> dict[str, dict]:
        content = json.loads((run.path / name).read_text(encoding="utf-8"))
        return {entry["hypothesis"].rpartition("::")[2]: entry for entry in content["entries"]}

    return read


def only(run):
    """The only result of the latest run."""
    (result,) = run.record.results
    return result


def text_of(result: pytest.RunResult) -> str:
    """Everything that was printed, on one line, as wrapping does not matter."""
    return re.sub(r"\s+", " ", result.stdout.str() + result.stderr.str())


def facts(run) -> str:
    """What stands beside the verdict of the only result."""
    return " | ".join(only(run).facts)


def test_without_a_baseline_nothing_is_sampled_and_the_line_that_makes_one_is_shown(run, guard):
    result = run()
    assert result.ret == 0
    assert run.outcomes == ["inconclusive"]
    assert only(run).n_calls == 0
    text = text_of(result)
    assert (
        f"{FILE} has no baseline for this test on scripted/assistant: --velo-update samples and stores"
        in text
    )
    assert "pytest test_it.py::test_guard --velo-update" in text
    assert run("--velo-strict").ret == pytest.ExitCode.TESTS_FAILED
    assert not (run.path / FILE).exists()


def test_a_baseline_is_sampled_to_the_end_and_stored_in_one_line(run, guard, entries):
    result = run("--velo-update")
    assert result.ret == 0
    assert run.outcomes == ["measured"]
    assert only(run).decision.evidence.n == len(only(run).trials) == 60
    assert only(run).decision.n_saved == 0
    stored = entries()["test_guard"]
    assert stored["model"] == "scripted/assistant"
    assert len(stored["current"]["outcomes"]) == 60
    assert stored["current"]["outcomes"].count("1") == only(run).decision.evidence.n_ones
    lines = (run.path / FILE).read_text(encoding="utf-8").splitlines()
    assert [line[:14] for line in lines] == ['{"version": 1,', '{"hypothesis":', "]}"]
    assert f"stored in {FILE} as the baseline: rate 0." in facts(run)


def test_neither_prompts_nor_replies_nor_cases_are_in_the_file(run, guard):
    guard("good and secret")
    run("--velo-update")
    content = (run.path / FILE).read_text(encoding="utf-8")
    assert not re.search("secret|question|yes", content)


def test_unchanged_it_is_supported(run, guard):
    run("--velo-update")
    result = run("--velo-strict")
    assert result.ret == 0
    recorded = only(run)
    assert recorded.outcome == "supported"
    assert recorded.decision.certified == "rate > baseline - 0.15"
    assert recorded.decision.evidence.estimate == 0
    assert recorded.decision.evidence.n < 60
    assert "compared case by case with the baseline of 20" in facts(run)


def test_a_regression_is_refuted_with_an_interval_that_says_by_how_much(run, guard):
    run("--velo-update")
    guard("bad")
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    recorded = only(run)
    assert recorded.outcome == "refuted"
    assert recorded.decision.certified == "rate < baseline - 0.15"
    interval = recorded.decision.evidence.interval
    assert -1 <= interval.low < recorded.decision.evidence.estimate < interval.high <= -0.15
    text = text_of(result)
    assert "refuted: rate < baseline - 0.15 (a true claim is refuted at most 5% of the time)" in text
    assert re.search(r"assistant no .{,100} note in the baseline: 1 outcome 0", text)
    assert re.search(
        r"change from the baseline -0\.\d\d \(now 0\.\d\d, baseline 0\.\d\d\); 90% interval \[-", text
    )


def test_a_regression_of_a_score_is_in_the_scores_units(run):
    run.file(
        ASSISTANT
        + """
@pytest.mark.hypothesis(mean(0, 10) >= baseline - 1, cases=QUESTIONS, models=[ASSISTANT], guards="prompt")
def test_score(model, case):
    return 9.5 if model(case, system=prompt()) == "yes" else 2.5
"""
    )
    (run.path / "prompt.txt").write_text("good", encoding="utf-8")
    run("--velo-update")
    assert run().ret == 0
    assert run.outcomes == ["supported"]
    (run.path / "prompt.txt").write_text("bad", encoding="utf-8")
    assert run().ret == pytest.ExitCode.TESTS_FAILED
    recorded = only(run)
    assert recorded.decision.certified == "mean(0, 10) < baseline - 1"
    assert -10 < recorded.decision.evidence.interval.low < recorded.decision.evidence.interval.high <= -1
    assert set(recorded.decision.evidence.arms) == {"now", "baseline"}


def test_an_improvement_can_be_claimed_and_certified(run, guard):
    """With a ceiling the gain is shown as a share of the gap to it."""
    run.file(
        GUARD.replace("rate >= baseline - 0.15", "rate >= baseline + 0.1").replace(
            "guards", "ceiling=1, guards"
        )
    )
    guard("bad")
    run("--velo-update")
    guard("good")
    result = run()
    assert result.ret == 0
    assert only(run).decision.certified == "rate > baseline + 0.1"
    assert 0.5 < only(run).decision.evidence.share_of_gap <= 1
    assert "of the gap)" in text_of(result)


def test_within_guards_both_sides(run, guard):
    run.file(GUARD.replace("rate >= baseline - 0.15", "rate.within(baseline - 0.2, baseline + 0.2)"))
    run("--velo-update")
    assert run().ret == 0
    assert only(run).decision.certified == "-0.2 < rate - baseline < 0.2"
    guard("bad")
    assert run().ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.slow
def test_an_unchanged_model_costs_nothing_and_says_what_that_means(run, lab):
    """The draws are those of the baseline: that nothing changed on our side is all it can say."""
    lab.share = 0.8
    run.file(LAB)
    run("--velo-update", "-m", "velo")
    assert len(lab.calls) == 40
    result = run("-m", "velo")
    assert (result.ret, run.outcomes, len(lab.calls)) == (0, ["supported"], 40)
    assert only(run).n_cached == only(run).n_calls > 0
    assert "every draw is as old as the baseline" in facts(run)
    run("-m", "velo", "--velo-mode=refresh")
    assert "every draw is as old as the baseline" not in facts(run)


LAB = """
from pytest_velo import baseline
SYSTEM = "Agree."
@pytest.mark.hypothesis(
    rate >= baseline - 0.2, cases=[f"question {n}" for n in range(20)], models=["lab/tiny"], max_trials=40
)
async def test_guard(model, case):
    return await model(case, system=SYSTEM, max_tokens=50) == "yes"
"""


def test_a_served_model_that_changed_is_said(run, lab):
    run.file(LAB)
    run("--velo-update", "-m", "velo")
    as_it_was = lab.answer

    def newer(body):
        answer = as_it_was(body)
        return type(answer)({**answer.body, "model": "tiny-2026-12-01"})

    lab.answer = newer
    run("-m", "velo", "--velo-mode=refresh")
    assert "the model was served by tiny-2026-11-01 then and by tiny-2026-12-01 now" in facts(run)


def test_another_prompt_is_not_compared_unless_it_is_what_is_guarded(run, guard):
    run.file(GUARD.replace('guards="prompt", ', ""))
    run("--velo-update")
    guard("also good")
    result = run()
    assert result.ret == 0
    recorded = only(run)
    assert (recorded.outcome, recorded.decision, recorded.n_calls) == ("inconclusive", None, 1)
    text = text_of(result)
    assert "not compared with the baseline of 20" in text
    assert 'the prompt changed (if you guard the prompt: guards="prompt")' in text
    assert "pytest test_it.py::test_guard --velo-update" in text
    assert "p-value" not in text
    assert "no number of trials" not in text
    assert run("--velo-strict").ret == pytest.ExitCode.TESTS_FAILED


def test_the_prompt_hash_needs_its_case_and_its_seed_and_says_so(run, guard):
    """What the first trial sent is compared: with its case gone, or another seed, that may say nothing."""
    source = GUARD.replace('guards="prompt", ', "")
    run.file(source)
    run("--velo-update")
    first = only(run).trials[0].case_id
    run.file(source.replace("range(40)]", f"range(40) if n != {first}]"))
    result = run()
    assert "the case that identifies its prompt is gone" in text_of(result)
    assert only(run).outcome == "inconclusive"
    run.file(
        source.replace("system=prompt()", "system=prompt() + str(trial.rng.random())").replace(
            "model, case", "model, case, trial"
        )
    )
    run("--velo-update")
    assert run().ret == 0
    assert run.outcomes == ["supported"]
    result = run("--velo-seed=1")
    assert "the prompt changed" in text_of(result)
    assert "or it contains draws of trial.rng, and the seed differs" in text_of(result)


JUDGED = (
    ASSISTANT
    + """
JUDGE = scripted("judge", lambda request: '{"answer": "yes"}')
RUBRIC = "Is it right?"
@pytest.mark.hypothesis(rate >= baseline - 0.2, cases=QUESTIONS, models=[ASSISTANT], judge=JUDGE)
async def test_judged(model, case, judge):
    return await judge(RUBRIC, await model(case, system=prompt()))
"""
)


def test_another_rubric_is_not_compared(run, guard):
    run.file(JUDGED)
    run("--velo-update")
    assert run().ret == 0
    assert run.outcomes == ["supported"]
    run.file(JUDGED.replace("Is it right?", "Is it quite right?"))
    result = run()
    assert run.outcomes == ["inconclusive"]
    assert "the judge changed. --velo-update stores a new one" in text_of(result)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('== "yes"', 'in ("yes",)', "the body has changed since"),
        ("max_trials=60", 'max_trials=30, over="population"', "the design (over, draws_per_case, groups or"),
        ("max_trials=60", "max_trials=60, draws_per_case=2", "the design (over, draws_per_case, groups or"),
        ("max_trials=60", 'max_trials=60, invalid="exclude"', "the design (over, draws_per_case, groups or"),
        ('f"question {n}"', 'f"query {n}"', "none of its cases is left"),
    ],
)
def test_what_is_not_the_same_is_not_compared_and_costs_nothing(run, guard, old, new, said):
    run.file(GUARD)
    run("--velo-update")
    run.file(GUARD.replace(old, new))
    result = run()
    assert result.ret == 0
    assert (only(run).outcome, only(run).n_calls) == ("inconclusive", 0)
    assert said in text_of(result)
    assert "--velo-update stores a new one" in text_of(result)


def test_cases_that_were_taken_away_altogether_are_not_compared(run, guard):
    source = GUARD.replace("(model, case)", "(model, velo)").replace("model(case", 'model("question")')
    source = source.replace('model("question"),', 'model("question",')
    run.file(source)
    run("--velo-update")
    run.file(source.replace("cases=QUESTIONS, ", ""))
    result = run()
    assert only(run).outcome == "inconclusive"
    assert "it had cases then and has none now" in text_of(result)


def test_of_changed_cases_those_in_both_are_compared_and_the_scope_says_so(run, guard):
    run.file(GUARD)
    run("--velo-update")
    run.file(GUARD.replace("range(40)", "range(8, 50)"))
    result = run()
    recorded = only(run)
    assert recorded.outcome == "supported"
    assert {int(trial.case_id) for trial in recorded.trials} <= {*range(32)}  # ids are positions in the list
    assert recorded.scope == "over the cases that its baseline has, too, paired on the case"
    assert "the cases have changed since" in facts(run)
    assert result.ret == 0


def test_groups_must_be_the_same(run, guard):
    source = GUARD.replace("cases=QUESTIONS", "cases=GROUPED").replace("model(case,", "model(case.q,")
    source = source.replace(
        "@pytest", "GROUPED = cases([{'q': str(n), 'g': n % 20} for n in range(60)], group='g')\n\n@pytest"
    )
    run.file(source)
    run("--velo-update")
    assert (only(run).decision.evidence.n, len(only(run).trials)) == (20, 60)
    result = run()
    assert only(run).decision.stop == "cases_exhausted"
    assert "has no more trials" not in text_of(result)
    run.file(source.replace("str(n)", "str(n + 1)"))
    text = text_of(run())
    assert "the cases have changed since, and this design does not compare them one by one" in text


def test_another_seed_draws_anew_and_compares_in_the_baselines_order(run, guard):
    run("--velo-update")
    order = [trial.case_id for trial in only(run).trials]
    run("--velo-seed=7")
    recorded = only(run)
    assert recorded.decision is not None
    cases = [trial.case_id for trial in recorded.trials]
    assert cases == order[: len(cases)]
    assert recorded.decision.evidence.estimate != 0


def test_a_baseline_that_is_too_short_says_that_it_is(run, guard):
    run.file(GUARD.replace("max_trials=60", "max_trials=18"))
    run("--velo-update")
    guard("good, in other words")
    run.file(GUARD.replace("max_trials=60", "max_trials=200"))
    result = run("--velo-seed=3")
    recorded = only(run)
    assert (recorded.outcome, recorded.decision.stop) == ("inconclusive", "baseline_ends")
    assert recorded.decision.evidence.n == 18
    text = text_of(result)
    assert "because its baseline has no more trials" in text
    assert "a longer baseline of what was accepted then (--velo-update)" in text
    assert "add cases" not in text


def test_new_baselines_leave_those_that_exist(run, guard, entries):
    run("--velo-update")
    before = entries()["test_guard"]
    run.file(GUARD + GUARD.partition("@")[2].join(["@", ""]).replace("test_guard", "test_other"))
    guard("bad")
    result = run("--velo-update=new")
    assert result.ret == pytest.ExitCode.TESTS_FAILED  # the first one is compared, and refuted
    assert run.outcomes == ["refuted", "measured"]
    assert entries()["test_guard"] == before
    assert "test_other" in entries()


def test_an_update_is_refused_in_ci_but_by_name(run, guard, monkeypatch):
    monkeypatch.setenv("CI", "true")
    for option in ("--velo-update", "--velo-update=new"):
        result = run(option)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        text = text_of(result)
        assert "baselines are not updated in CI" in text
        assert "pytest test_it.py::test_guard --velo-update" in text
    assert run("-m", "velo", "--velo-update").ret == pytest.ExitCode.USAGE_ERROR
    run.file(GUARD, "test_also.py")
    assert run("test_it.py::test_guard", "test_also.py", "--velo-update").ret == pytest.ExitCode.USAGE_ERROR
    assert not (run.path / FILE).exists()
    assert run("test_it.py::test_guard", "--velo-update").ret == 0
    assert (run.path / FILE).exists()


def test_in_ci_a_missing_baseline_fails_and_an_unchanged_one_passes(run, guard, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert run().ret == pytest.ExitCode.TESTS_FAILED
    monkeypatch.delenv("CI")
    run("--velo-update")
    monkeypatch.setenv("CI", "true")
    assert run().ret == 0


def test_ten_accepted_losses_are_shown_as_one(run, guard, entries):
    run("--velo-update")
    assert "since the first baseline" not in facts(run)
    first = entries()["test_guard"]["current"]
    for prompt in ("worse", "bad"):
        guard(prompt)
        run("--velo-update")
        assert re.search(
            r"since the first baseline, of 20\S+: -0\.\d\d, 95% interval \[-.*\]: it has dr", facts(run)
        )
    assert entries()["test_guard"]["anchor"] == first
    assert run().ret == 0  # nothing changed since the last one
    assert run.outcomes == ["supported"]
    assert re.search(r"since the first baseline, of 20\S+: -0\.\d\d.*; its prompt changed too", facts(run))


def test_drift_of_groups_is_that_of_whole_groups_in_the_baselines_order(run, guard):
    """Groups of unlike sizes come in another order under another seed; the units are those of the trials."""
    rows = "[{'q': f'{g} {n}', 'g': g} for g in range(30) for n in range(1 + g % 4)]"
    source = GUARD.replace("cases=QUESTIONS", "cases=GROUPED").replace("model(case,", "model(case.q,")
    source = source.replace("@pytest", f"GROUPED = cases({rows}, group='g')\n\n@pytest")
    run.file(source.replace("return await", "return case.g % 4 < 2 or await"))
    run("--velo-update")
    first = only(run)
    guard("bad")
    run("--velo-update")
    guard("still bad")
    run("--velo-seed=5")
    recorded = only(run)
    groups = {group: [] for group in range(30)}
    for now, then in zip(recorded.trials, first.trials, strict=False):
        assert now.case_id == then.case_id
        group = next(g for g in range(30) if sum(1 + h % 4 for h in range(g + 1)) > int(now.case_id))
        groups[group].append(now.values[""] - then.values[""])
    means = [sum(moved) / len(moved) for moved in groups.values() if moved]
    assert f": {sum(means) / len(means):+.2f}," in facts(run)


@pytest.mark.processes
def test_two_workers_write_all_entries(run):
    tests = "".join(
        GUARD.partition("@")[2].join(["@", ""]).replace("test_guard", f"test_{n}") for n in range(6)
    )
    run.file(ASSISTANT + tests)
    (run.path / "prompt.txt").write_text("good", encoding="utf-8")
    assert run("-n", "2", "--velo-update").ret == 0
    content = (run.path / FILE).read_text(encoding="utf-8")
    assert len(json.loads(content)["entries"]) == len(content.splitlines()) - 2 == 6
    result = run("-n", "2")
    assert (result.ret, run.outcomes) == (0, ["supported"] * 6)
    assert not [*run.path.glob(f".{FILE}*")]


def test_two_models_have_two_baselines(run, guard, entries):
    source = GUARD.replace("[ASSISTANT]", "[ASSISTANT, YES]")
    run.file(source)
    run("--velo-update")
    assert sorted(entries()) == ["test_guard[scripted/assistant]", "test_guard[scripted/yes]"]
    assert run().ret == 0
    guard("bad")
    assert run("-k", "yes").ret == 0
    assert run("-k", "assistant").ret == pytest.ExitCode.TESTS_FAILED


def test_another_file_by_option(run, guard, entries):
    run("--velo-update", "--velo-baseline=kept/there.json")
    assert "test_guard" in entries("kept/there.json")
    assert not (run.path / FILE).exists()
    assert run("--velo-baseline=kept/there.json").ret == 0
    assert run.outcomes == ["supported"]
    result = run("--velo-baseline=elsewhere.json")
    assert "elsewhere.json has no baseline" in text_of(result)


@pytest.mark.parametrize(
    ("content", "said", "fix"),
    [
        ("{", "the file is damaged", "restore it from version control"),
        ('{"version": 99, "entries": []}', "the file has version 99", "pip install --upgrade pytest-velo"),
        ("<<<<<<< HEAD\n", "line 1 is an unresolved merge conflict", "keep one line of each entry"),
    ],
)
@pytest.mark.parametrize("option", [(), ("--velo-update",)])
def test_a_file_that_cannot_be_read_is_an_error_and_left_alone(run, guard, content, said, fix, option):
    (run.path / FILE).write_text(content, encoding="utf-8")
    result = run(*option)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = text_of(result)
    assert said in text
    assert fix in text
    assert FILE in text
    assert (run.path / FILE).read_text(encoding="utf-8") == content


@pytest.mark.parametrize("invalid", ["bound", "exclude", "against"])
def test_invalid_trials_are_stored_as_such_and_enter_as_the_mark_says(run, guard, entries, invalid):
    source = GUARD.replace("max_trials=60", f"invalid={invalid!r}, max_trials=60")
    source = source.replace(
        "    return await", '    if case.endswith("7"):\n        pytest.skip("odd")\n    return await'
    )
    run.file(source)
    result = run("--velo-update")
    assert (result.ret, run.outcomes) == (0, ["measured"])
    outcomes = entries()["test_guard"]["current"]["outcomes"]
    assert len(outcomes) == 60
    n_invalid = outcomes.count("x")
    assert n_invalid == only(run).decision.evidence.n_invalid > 0
    assert f"over 60 trials, {n_invalid} of them invalid" in facts(run)
    run()
    recorded = only(run)
    n_pairs, n = len(recorded.trials), recorded.decision.evidence.n
    n_skipped = recorded.decision.evidence.n_invalid
    assert n == n_pairs - n_skipped * (invalid == "exclude")
    assert ("among valid replies" in recorded.decision.certified) == (invalid == "exclude")


def test_a_budget_that_ends_halfway_stores_nothing(run, lab):
    run.file(LAB)
    result = run("--velo-update", "-m", "velo", "--velo-budget=0.0006")
    assert run.outcomes == ["inconclusive"]
    assert 0 < len(lab.calls) < 40
    assert not (run.path / FILE).exists()
    assert "no baseline was stored: sampling ended before all trials were finished" in text_of(result)
    run("--velo-update", "-m", "velo")
    assert run.outcomes == ["measured"]
    assert len(lab.calls) == 40  # the draws of the first half are kept


def test_an_error_in_the_body_stores_nothing(run, guard):
    run.file(GUARD.replace("    return await", "    1 / len(case.partition('7')[0])\n    return await"))
    (run.path / "test_it.py").write_text(
        (run.path / "test_it.py").read_text(encoding="utf-8").replace("question {n}", "{n}"), encoding="utf-8"
    )
    assert run("--velo-update").ret == pytest.ExitCode.TESTS_FAILED
    assert run.outcomes == ["error"]
    assert not (run.path / FILE).exists()


@pytest.mark.processes
def test_ctrl_c_in_an_update_leaves_the_file_as_it_was(run, guard):
    run("--velo-update")
    before = (run.path / FILE).read_bytes()
    run.file(GUARD.replace("    return await", SLOW + "    return await"))
    (run.path / "conftest.py").write_text("", encoding="utf-8")
    process = run.start("--velo-update", "-p", "no:randomly")
    started = run.path / "started"
    settled(lambda: started.exists() or process.poll() is not None, True)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=500)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert (run.path / FILE).read_bytes() == before
    assert not [*run.path.glob(f".{FILE}*")]
    assert "no baseline was stored" in output


SLOW = """    import asyncio
    Path(__file__).with_name("started").touch()
    if case.endswith("9"):
        await asyncio.sleep(3600)
"""


def test_replay_makes_and_compares_baselines_without_a_call(run, lab):
    run.file(LAB)
    run("-m", "velo", "--velo-update", "--velo-baseline=first.json")
    n_calls = len(lab.calls)
    assert run("--velo-mode=replay", "--velo-update").ret == 0
    assert run("--velo-mode=replay").ret == 0
    assert run.outcomes == ["supported"]
    assert len(lab.calls) == n_calls == 40
    assert (run.path / FILE).exists()


def test_paid_draws_of_an_update_must_be_asked_for(run, lab):
    run.file(LAB)
    result = run("--velo-update")
    assert lab.calls == []
    assert result.parseoutcomes()["skipped"] == 1
    assert not (run.path / FILE).exists()


def test_an_update_is_no_look_and_a_comparison_is_one(run, guard):
    """A baseline that is made again is not said to be exploratory."""
    run("--velo-update")
    run("--velo-update")
    assert only(run).notices == ()


def test_an_expected_regression_is_xfailed(run, guard):
    run.file(GUARD.replace("@pytest", "@pytest.mark.xfail(reason='known')\n@pytest"))
    run("--velo-update")
    guard("bad")
    result = run()
    assert result.ret == 0
    assert result.parseoutcomes()["xfailed"] == 1
    assert run.outcomes == ["refuted"]


@pytest.mark.parametrize(
    ("mark", "said", "fix"),
    [
        ('rate >= 0.5, guards="prompt"', "guards= is for claims about the baseline", "baseline - 0.05"),
        ('rate >= baseline - 0.1, guards="weather"', 'one of "model", "prompt"', "guards="),
        ('rate >= baseline - 0.1, arms=("a", "b")', "arms= is for differences", "difference("),
        ("rate >= baseline - 0.1, once=True", "once=True counts the ones", "claim a rate of one outcome"),
        ("rate >= baseline - 0.1, expect=0.8", "expect= needs one claim", "leave it out"),
        ("rate >= baseline - 2", "must be between -1 and 1", "inside the range"),
        ("rate >= baseline - 0.1, max_trials=3", "can never be supported within 3", "max_trials="),
        ("rate >= 0.9 * baseline", "a baseline can only be moved by a distance", "baseline - 0.05"),
        ("baseline", "is not a claim", "rate >= 0.5"),
        ("rate.within(0.2, baseline + 0.1)", "takes the baseline at both ends", "within(baseline - 0.05"),
        (
            '(rate("a") >= baseline - 0.1) & (rate("b") <= 0.1)',
            "joins differences (of arms, or from a baseline)",
            "one test for each",
        ),
        ("difference('a', 'b') >= baseline", "has no baseline: only rates and means", "difference(...)"),
    ],
)
def test_claims_about_a_baseline_that_make_no_sense_are_refused_before_any_call(run, mark, said, fix):
    run.file(
        "from pytest_velo import baseline, difference\n\n"
        f"@pytest.mark.hypothesis({mark}, models=[YES])\n"
        'def test_h(model):\n    return model("q") == "yes"\n'
    )
    result = run()
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    text = text_of(result)
    assert said in text
    assert fix in text
    assert run.n_runs == 0


def test_the_lock_of_an_update_that_was_killed_is_said(run, guard, monkeypatch):
    monkeypatch.setattr("pytest_velo.baselines.file.LOCK_WAIT_S", 0.1)
    Path(run.path / f".{FILE}.lock").touch()
    result = run("--velo-update")
    assert result.ret != 0
    assert "another process has been updating the file" in text_of(result)
    assert run.outcomes == ["error"]
