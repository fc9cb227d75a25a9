"""`velo rescore`: stored draws scored anew, what changed, and what is no rescoring."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main
from support.importing import imported_anew

N = 12
VELO = [sys.executable, "-c", "from pytest_velo.cli.main import main; main()"]


class Told:
    """What the command printed, and its exit code."""

    def __init__(self, code: int, printed: str) -> None:
        self.code = code
        self.out = " ".join(printed.split())

    def __contains__(self, text: str) -> bool:
        return text in self.out

    def __repr__(self) -> str:
        return self.out


PYTEST_TOO = ("-p", "no:randomly", "-o", "asyncio_default_fixture_loop_scope=function")


@pytest.fixture
def rescore(run, monkeypatch):
    """Run the command in this process; test files are imported anew, as in a process of its own."""
    monkeypatch.setenv("COLUMNS", "200")

    def go(*arguments: str) -> Told:
        with imported_anew(run.path):
            done = CliRunner().invoke(main, ["rescore", *arguments, *PYTEST_TOO])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return Told(done.exit_code, done.output)

    return go


def apart(run, *arguments: str) -> Told:
    """Run the command in a process of its own."""
    done = subprocess.run(
        [*VELO, *arguments], cwd=run.path, capture_output=True, text=True, timeout=120, check=False
    )
    return Told(done.returncode, done.stdout + done.stderr)


def body(scorer: str, *, claim: str = "rate >= 0.5", mark: str = "", prompt: str = "Is it so?") -> str:
    """A hypothesis of exactly N trials, one call each, scored by an expression."""
    return f"""
from pytest_velo import mean, difference, estimate
@pytest.mark.hypothesis({claim}, **{{"models": ["lab/tiny"], "max_trials": 40, "min_trials": {N}, {mark}}})
async def test_h(model):
    reply = await model({prompt!r}, max_tokens=5)
    scored = {scorer}
    return scored
"""


@pytest.fixture
def recorded(run, lab):
    """Record one run of a hypothesis whose replies are all yes, and return the calls it took."""

    def go(source: str, *arguments: str) -> int:
        run.file(source)
        run("-m", "velo", *arguments)
        return len(lab.calls)

    return go


def test_a_changed_scorer_flips_outcomes_without_a_call(run, lab, recorded, rescore):
    lab.share = 0.7
    n = recorded(body("reply.answers('yes', 'no')"))
    before = run.record
    assert before["test_h"].outcome == "supported"
    run.file(body("reply.answers('no')"))
    told = rescore()
    now = run.record["test_h"]
    n_yes = sum(trial.calls[0].reply.text == "yes" for trial in before["test_h"].trials)
    assert 0 < n_yes < N
    assert len(lab.calls) == n
    assert (now.n_calls, now.n_cached) == (N, N)
    assert f"{n_yes} of {N} trials changed; {n_yes} from 1 to 0, 0 from 0 to 1" in told
    assert "before supported: rate > 0.5" in told
    assert f"now {now.outcome}" in told
    assert f"{N} recorded trials: {n_yes} outcomes and 1 verdict changed, 0 model calls" in told
    assert f"rescored from {before.folder.name}" in told
    assert now.facts == (f"rescored from {before.folder.name}",)
    assert told.code == (1 if now.outcome == "refuted" else 0)


def test_the_flipped_trials_are_shown_with_what_was_said(recorded, run, lab, rescore):
    recorded(body("True"))
    run.file(body("reply.answers('no')"))
    told = rescore("--velo-show=2")
    section = told.out.partition("trials whose outcome changed, the largest changes first")[2]
    assert f"(first 2 of {N}; --velo-show={N} shows all)" in section
    assert section.count("user Is it so?") == section.count("assistant yes") == 2
    assert section.count("outcome 0") == section.count("before 1") == 2
    assert "trials whose outcome changed" not in rescore("--velo-show=0")


def test_the_look_log_knows_of_it_ever_after(recorded, run, rescore):
    recorded(body("True"))
    run.file(body("reply.answers('no')"))
    assert "exploratory: the body changed after its draws had been looked at" in rescore()
    run("-m", "velo")
    assert any("the body changed" in notice for notice in run.record["test_h"].notices)


def test_a_scorer_outside_of_the_body_is_noticed_by_what_it_does(recorded, run, rescore):
    helper = "def score(reply): return {}\n"
    recorded(helper.format("True") + body("score(reply)"))
    run("-m", "velo")
    assert run.record["test_h"].notices == ()
    run.file(helper.format("reply == 'no'") + body("score(reply)"))
    assert "exploratory" in rescore()
    run("-m", "velo")
    assert any(notice.startswith("exploratory") for notice in run.record["test_h"].notices)


def test_without_a_change_nothing_changes(recorded, run, lab, rescore):
    lab.share = 0.7
    recorded(body("reply.answers('yes')", claim="rate >= 0.2"))
    before = run.record["test_h"]
    told = rescore()
    after = run.record["test_h"]
    assert f"none of {len(before.trials)} trials changed" in told
    assert "exploratory" not in told
    assert after.decision == replace(before.decision, n_saved=0, n_unused=after.decision.n_unused)
    assert "0 outcomes and 0 verdicts changed, 0 model calls" in told


GROUPED = "GROUPED = cases([{{'q': n, 'g': n % {}}} for n in range(30)], group='g')\n"


@pytest.mark.parametrize(
    ("claim", "mark", "scorer"),
    [
        ("rate <= 0.9", "", "reply.answers('yes')"),
        ("mean(0, 10) >= 2", "", "8.0 if reply == 'yes' else 3.0"),
        ("estimate(rate, halfwidth=0.4)", "", "reply.answers('yes')"),
        ("(rate('a') >= 0.1) & (rate('b') <= 0.9)", "", "{'a': reply == 'yes', 'b': reply == 'yes'}"),
        ("difference('one', 'two') >= -0.9", "'arms': ('one', 'two')", "reply.answers('yes')"),
        ("rate >= 0.05", "'cases': list('abcdef'), 'draws_per_case': 2", "reply.answers('yes')"),
        ("rate >= 0.3", "'cases': list(range(20)), 'once': True", "reply.answers('yes')"),
        ("rate >= 0.05", "'cases': list(range(30)), 'over': 'population'", "reply.answers('yes')"),
        ("rate >= 0.05", "'cases': GROUPED", "reply.answers('yes')"),
    ],
)
def test_every_kind_of_claim_is_rescored_to_what_it_was(recorded, run, lab, rescore, claim, mark, scorer):
    lab.share = 0.6
    source = GROUPED.format(15) + body(scorer, claim=claim, mark=mark)
    wants = "model, arm" if "arms" in mark else "model, case" if "cases" in mark else "model"
    source = source.replace("(model)", f"({wants})").replace(
        "'Is it so?'", "'Is it so? ' + str(case)" if "case" in wants else "'Is it so?'"
    )
    n = recorded(source)
    before = run.record["test_h"]
    assert before.outcome != "error"
    told = rescore()
    after = run.record["test_h"]
    assert after.outcome == before.outcome, told
    assert after.decision.evidence == before.decision.evidence
    assert len(after.trials) == len(before.trials)
    assert len(lab.calls) == n


def test_all_of_the_trials_are_scored_although_the_first_ones_settle_it(recorded, run, lab, rescore):
    lab.share = 0.5
    recorded(
        body("reply.answers('yes')", claim="rate >= 0.5").replace(f'"min_trials": {N}', '"min_trials": 30')
    )
    n = len(run.record["test_h"].trials)
    assert n >= 30
    run.file(body("False").replace(f'"min_trials": {N}', '"min_trials": 5'))
    told = rescore()
    after = run.record["test_h"]
    assert (after.outcome, after.decision.stop) == ("refuted", "decided")
    assert after.decision.evidence.n < n == len(after.trials)
    assert f"of {n} trials changed" in told
    assert told.code == 1


def test_it_is_undecided_where_the_record_ends(recorded, run, lab, rescore):
    lab.share = 0.7
    recorded(body("True"))
    run.file(body("reply.answers('yes')", claim="rate >= 0.65"))
    told = rescore()
    assert run.record["test_h"].decision.stop == "record_ends"
    assert "now inconclusive: the recorded trials were used up" in told
    assert told.code == 0


def test_a_rescoring_is_rescored_in_turn_with_all_of_its_trials(recorded, run, rescore):
    recorded(body("True"))
    first = run.record.folder.name
    run.file(body("False").replace(f'"min_trials": {N}', '"min_trials": 5'))
    rescore()
    second = run.record.folder.name
    run.file(body("True"))
    told = rescore()
    assert run.record["test_h"].facts == (f"rescored from {second}",)
    assert f"{N} of {N} trials changed; 0 from 1 to 0, {N} from 0 to 1" in told
    assert f"none of {N} trials changed" in rescore(first)


def test_a_scores_change_is_said_on_average(recorded, run, rescore):
    recorded(body("4.0", claim="mean(0, 10) >= 2"))
    run.file(body("6.5", claim="mean(0, 10) >= 2"))
    assert f"{N} of {N} trials changed; 0 down, {N} up, +2.5 on average over all" in rescore()


def test_trials_become_invalid_and_valid(recorded, run, rescore):
    recorded(body("True"))
    run.file(
        "from pytest_velo import InvalidTrial\n"
        + body("velo.invalid('unclear')").replace("(model)", "(model, velo)")
    )
    assert f"{N} of {N} trials changed; {N} became invalid" in rescore()
    run.file(body("True"))
    assert f"{N} of {N} trials changed; {N} became valid" in rescore()


def test_another_prompt_is_no_rescoring(recorded, run, lab, rescore):
    n = recorded(body("True"))
    first = run.record.folder.name
    run.file(body("False", prompt="Is it not so?"))
    told = rescore()
    assert told.code == 1
    assert "what the model is asked has no stored draw, so this would not be a rescoring" in told
    assert "'Is it so?' was recorded, 'Is it not so?' is asked for" in told
    assert "fix: run pytest instead, which draws what is missing" in told
    assert len(lab.calls) == n
    assert run.record["test_h"].outcome == "error"
    run.file(body("False"))
    told = rescore()
    assert run.record["test_h"].facts == (f"rescored from {first}",), "not from the one that broke off"
    assert f"{N} of {N} trials changed" in told


def judged(question: str, judge: str = "lab/judge") -> str:
    return f"""
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], judge="{judge}", max_trials=40, min_trials={N})
async def test_h(model, judge):
    reply = await model("Is it so?", max_tokens=5)
    return await judge({question!r}, reply)
"""


@pytest.fixture
def judging(lab):
    """Let the server judge: a question with `not` in it gets a no."""

    def answer(sent):
        plain = lab.reply(sent)
        message = plain.body["choices"][0]["message"]
        if "judge" in sent["model"]:
            asked = sent["messages"][-1]["content"]
            message["content"] = json.dumps({"answer": "no" if "not" in asked.split("=====")[0] else "yes"})
        return plain

    lab.answer = answer
    return lab


def test_a_changed_rubric_needs_leave_to_ask_a_judge_that_costs(judging, recorded, run, rescore):
    n = recorded(judged("Is it polite?"))
    assert n >= 2 * N
    assert run.record["test_h"].outcome == "supported"
    run.file(judged("Is it not rude?"))
    told = rescore()
    assert "the judge was never asked this, and its answer would cost money" in told
    assert "fix: velo rescore --allow-judge-calls asks it, within the budget" in told
    assert len(judging.calls) == n
    told = rescore("--allow-judge-calls")
    asked = judging.calls[n:]
    assert len(asked) == N
    assert {call["model"] for call in asked} == {"judge"}
    result = run.record["test_h"]
    assert (result.n_calls, result.n_cached) == (2 * N, N)
    assert result.cost_usd == pytest.approx(N * 15e-6)
    assert f"{N} outcomes and 1 verdict changed, {N} model calls" in told
    rescore()
    assert len(judging.calls) == n + N, "what was asked is stored"


def test_leave_to_ask_the_judge_is_none_to_ask_the_model(judging, recorded, run, rescore):
    n = recorded(judged("Is it polite?"))
    run.file(judged("Is it not rude?").replace("Is it so?", "Is it true?"))
    assert "so this would not be a rescoring" in rescore("--allow-judge-calls")
    assert len(judging.calls) == n


@pytest.mark.slow
def test_judge_calls_keep_to_the_budget(judging, recorded, run, rescore):
    recorded(judged("Is it polite?"))
    n = len(judging.calls)
    run.file(judged("Is it not rude?"))
    told = rescore("--allow-judge-calls", "--velo-budget=0")
    assert len(judging.calls) == n
    assert "budget" in told
    assert run.record["test_h"].outcome == "inconclusive"
    assert "12 outcomes" in rescore("--allow-judge-calls"), "it began from the first record, not from this"


def test_a_free_judge_is_asked_anew(judging, recorded, run, rescore):
    free = judging.endpoint.replace("lab:", "free:").replace("price=1/1", "price=free")
    run.ini(f"velo_endpoints =\n    {judging.endpoint}\n    {free}")
    n = recorded(judged("Is it polite?", judge="free/judge"))
    run.file(judged("Is it not rude?", judge="free/judge"))
    assert f"{N} outcomes and 1 verdict changed, {N} model calls" in rescore()
    assert len(judging.calls) == n + N


def answers(*expected: str) -> str:
    rows = [{"id": f"q{n}", "question": f"Is {n} so?", "answer": answer} for n, answer in enumerate(expected)]
    return f"""
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], cases={rows!r}, max_trials=40, min_trials={N})
async def test_h(model, case):
    return (await model(case.question, max_tokens=5)).answers(case.answer)
"""


def test_an_edited_answer_keeps_the_draws_of_its_case(recorded, run, lab, rescore):
    n = recorded(answers("yes", "yes", "yes"))
    before = run.record["test_h"].trials
    run.file(answers("yes", "no", "yes"))
    told = rescore()
    after = run.record["test_h"].trials
    assert len(lab.calls) == n
    assert [trial.case_id for trial in after] == [trial.case_id for trial in before]
    assert [trial.calls[0].address for trial in after] == [trial.calls[0].address for trial in before]
    edited = [trial.index for trial in before if trial.case_id == "q1"]
    assert edited
    assert [trial.index for trial in after if trial.kind == "zero"] == edited
    assert f"{len(edited)} of {N} trials changed" in told
    assert "the cases have changed since: each trial uses the case with the same id" in told
    assert "exploratory: the design" in told
    assert f"none of {N} trials changed" in rescore(), "a rescoring of edited cases can be rescored"


def test_the_seeds_of_the_trials_stay_what_they_were(recorded, run, lab, rescore):
    def source(answer: str) -> str:
        asked = answers("yes", answer).replace("(model, case)", "(model, case, trial)")
        return asked.replace("case.question", "f'{case.question} {trial.rng.random()}'")

    n = recorded(source("yes"))
    seeds = [trial.seed for trial in run.record["test_h"].trials]
    run.file(source("no"))
    told = rescore()
    assert run.record["test_h"].outcome != "error", told
    assert [trial.seed for trial in run.record["test_h"].trials] == seeds
    assert len(lab.calls) == n


def test_an_edited_question_is_no_rescoring(recorded, run, lab, rescore):
    n = recorded(answers("yes", "yes"))
    run.file(answers("yes", "yes").replace("Is 1 so?", "Is it so?"))
    assert "so this would not be a rescoring" in rescore()
    assert len(lab.calls) == n


def test_other_cases_are_another_design(recorded, run, lab, rescore):
    n = recorded(answers("yes", "yes"))
    run.file(answers("yes", "yes", "yes"))
    told = rescore()
    assert (
        "the design changed: it was 'over these 2 cases' in the record and is 'over these 3 cases' now"
        in told
    )
    assert "fix: run pytest instead: cached draws are still free" in told
    run.file(answers("yes", "yes").replace("'q1'", "'other'"))
    assert "the design changed: the recorded case 'q1' no longer exists" in rescore()
    assert len(lab.calls) == n


def test_other_arms_and_cases_at_once_are_another_design(recorded, run, lab, rescore):
    def source(arms: str, answer: str) -> str:
        asked = answers("yes", answer).replace("(model, case)", "(model, case, arm)")
        claim = f"difference({arms}) >= -0.9"
        asked = asked.replace("rate >= 0.5", claim).replace("cases=", f"arms=({arms}), cases=")
        return f"from pytest_velo import difference\n{asked}"

    n = recorded(source("'plain', 'kind'", "yes"))
    run.file(source("'plain', 'rude'", "no"))
    told = rescore()
    assert "the design changed: its arms are no longer those of the record" in told
    assert "fix: run pytest instead: cached draws are still free" in told
    assert len(lab.calls) == n
    assert len(lab.calls) == n


@pytest.mark.slow
def test_a_design_that_gives_other_trials_is_refused(recorded, run, rescore):
    cases = "'cases': list('abcdef'), "
    recorded(body("True", mark=cases).replace("(model)", "(model, case)"))
    run.file(body("True", mark=cases + "'draws_per_case': 2").replace("(model)", "(model, case)"))
    assert "the design changed: its trials are no longer those of the record" in rescore()
    run.file(
        body("True")
        .replace('"max_trials": 40', '"max_trials": 5')
        .replace(f'"min_trials": {N}', '"min_trials": 5')
    )
    recorded(body("True"))
    run.file(
        body("True")
        .replace('"max_trials": 40', '"max_trials": 5')
        .replace(f'"min_trials": {N}', '"min_trials": 5')
    )
    assert f"the design changed: {N} trials are recorded, but the test now has at most 5" in rescore()


def test_other_groups_are_another_design(recorded, run, rescore):
    source = body("True", mark="'cases': GROUPED").replace("(model)", "(model, case)")
    recorded(GROUPED.format(15) + source)
    run.file(GROUPED.format(14) + source)
    assert "the design changed: its trials are no longer those of the record" in rescore()


def test_what_the_command_line_said_then_is_said_again(recorded, run, lab, rescore):
    plain = body("True").replace('"max_trials": 40, ', "").replace('"models": ["lab/tiny"], ', "")
    options = ("--velo-max-trials=20", "--velo-seed=5", "--velo-alpha=0.01", "--velo-model=lab/tiny")
    n = recorded(plain, *options, "--velo-profile=confirm")
    before = run.record["test_h"]
    told = rescore()
    after = run.record["test_h"]
    assert (after.max_trials, after.seed, after.alpha, after.model) == (20, 5, 0.01, "lab/tiny")
    assert after.decision.evidence == before.decision.evidence, told
    assert after.rerun == before.rerun
    assert len(lab.calls) == n


def test_a_family_is_still_one(recorded, run, lab, rescore):
    two = body("True").replace('["lab/tiny"]', '["lab/tiny", "lab/other"]')
    n = recorded(two, "--velo-multiplicity=holm")
    before = [result.family for result in run.record.results]
    rescore()
    assert [result.family for result in run.record.results] == before
    assert len(lab.calls) == n


@pytest.mark.processes
def test_workers_rescore_as_one_process_does(recorded, run, lab, rescore):
    second = body("True").replace("test_h", "test_g")
    n = recorded(body("True") + second)
    changed = body("reply == 'no'")
    run.file(changed + changed.replace("test_h", "test_g"))
    told = rescore("-n", "2")
    assert (
        f"2 hypotheses rescored on {2 * N} recorded trials: {2 * N} outcomes and 2 verdicts changed" in told
    )
    assert len(lab.calls) == n
    assert told.code == 1


def test_only_the_hypotheses_of_the_record_are_run(recorded, run, rescore):
    recorded(body("True"))
    run.file(body("True") + "def test_plain(): assert False\n" + body("True").replace("test_h", "test_new"))
    told = rescore()
    assert told.code == 0
    assert "2 deselected" in told
    assert [result.node_id for result in run.record.results] == ["test_it.py::test_h"]
    told = rescore("test_it.py::test_new")
    assert "the run" in told
    assert "test_it.py::test_new: the run" in told
    assert "has no record of this test" in told
    assert told.code == 4


def test_tests_can_be_named_with_and_without_a_run(recorded, run, rescore):
    recorded(body("True") + body("True").replace("test_h", "test_g"))
    first = run.record.folder.name
    for arguments in (("test_it.py::test_g",), (first, "test_it.py::test_g"), (first, "-k", "test_g")):
        told = rescore(*arguments)
        assert [result.node_id for result in run.record.results] == ["test_it.py::test_g"], told
    assert "recorded, and not run this time test_it.py::test_h" in told


def test_a_test_that_is_gone_is_named(recorded, run, rescore):
    recorded(body("True") + body("True").replace("test_h", "test_g"))
    run.file(body("True"))
    told = rescore()
    assert "recorded, and not run this time test_it.py::test_g" in told
    assert told.code == 0


def test_scripted_replies_are_computed_anew(run, rescore):
    source = """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES], max_trials=20)
async def test_h(model):
    return (await model("Is it so?")).answers({!r})
"""
    run.file(source.format("yes"))
    run()
    n = len(run.record["test_h"].trials)
    run.file(source.format("no"))
    assert f"{n} of {n} trials changed" in rescore()
    assert run.record["test_h"].outcome == "refuted"


def test_a_plain_body_is_rescored_too(recorded, run, lab, rescore):
    plain = body("SCORE").replace("async def", "def").replace("await ", "")
    n = recorded(plain.replace("SCORE", "True"))
    run.file(plain.replace("SCORE", "False"))
    assert f"{N} of {N} trials changed" in rescore()
    assert len(lab.calls) == n


@pytest.mark.processes
def test_compare_reads_a_rescoring(recorded, run, rescore):
    recorded(body("True"))
    run.file(body("False"))
    rescore()
    told = apart(run, "compare", "previous", "latest")
    assert f"rate: 1.00 -> 0.00 over {N} pairs" in told
    assert "worse: it fell" in told


GUARD = body("score(reply)", claim="rate >= baseline - 0.2").replace(
    "from pytest_velo import", "from pytest_velo import baseline,"
)


def test_a_claim_about_a_baseline_is_compared_as_it_is(recorded, run, lab, rescore):
    helper = "def score(reply): return {}\n"
    recorded(helper.format("reply == 'yes'") + GUARD, "--velo-update")
    run("-m", "velo")
    n, before = len(lab.calls), run.record["test_h"]
    run.file(helper.format("reply == 'no'") + GUARD)
    told = rescore()
    after = run.record["test_h"]
    assert len(lab.calls) == n
    assert len(after.trials) == len(before.trials)
    assert after.decision.evidence.arms["baseline"] == 1.0, told
    assert f"{len(before.trials)} of {len(before.trials)} trials changed" in told
    assert "compared case by case with the baseline" in told


@pytest.mark.slow
def test_a_baseline_of_another_body_is_not_compared_with(recorded, run, lab, rescore):
    helper = "def score(reply): return reply == 'yes'\n"
    recorded(helper + GUARD, "--velo-update")
    run("-m", "velo")
    n, first = len(lab.calls), run.record.folder.name
    run.file(helper + GUARD.replace("score(reply)", "not score(reply)"))
    told = rescore()
    assert "not compared with the baseline of" in told
    assert "the body has changed since" in told
    assert len(lab.calls) == n
    run.file(helper + GUARD)
    rescore()
    assert run.record["test_h"].facts[-1] == f"rescored from {first}"


@pytest.mark.parametrize(
    ("arguments", "what", "fix"),
    [
        (["no-such-run"], "there is no finished run 'no-such-run'", "known: 20"),
        (["--velo-seed=3"], "--velo-seed is fixed by the record", "leave it out"),
        (["--velo-model", "lab/x"], "--velo-model is fixed by the record", "leave it out"),
        (
            ["--velo-mode=refresh"],
            "rescoring reads stored draws, but the mode is refresh",
            "keep the mode",
        ),
        (["--velo-update"], "rescoring does not store a baseline", "pytest --velo-update"),
        (["test_none.py::test_h"], "file or directory not found: test_none.py", ""),
    ],
)
def test_what_cannot_be_rescored_says_why(recorded, run, lab, rescore, arguments, what, fix):
    n = recorded(body("True"))
    n_runs = run.n_runs
    told = rescore(*arguments)
    assert told.code != 0
    assert what in told
    assert fix in told
    assert (len(lab.calls), run.n_runs) == (n, n_runs)


def test_without_a_record_there_is_nothing_to_rescore(run, rescore):
    run.file(body("True"))
    told = rescore()
    assert told.code == 1
    assert "there is no record of a run here" in told


def test_a_run_that_recorded_no_trial_of_a_test_says_why(recorded, run, lab, rescore):
    recorded(body("1 / 0"))
    assert run.record["test_h"].outcome == "error"
    run.file(body("True"))
    told = rescore()
    assert "recorded no trials of this test: ZeroDivisionError" in told
    assert "fix: run pytest first, or name another run" in told
    assert told.code == 1


def test_test_files_that_are_gone_are_named(recorded, run, rescore):
    recorded(body("True"))
    (run.path / "test_it.py").unlink()
    told = rescore()
    assert "none of the run's test files exists here: test_it.py" in told
    assert "fix: go to pytest's root folder, or name the tests" in told


def test_a_record_without_a_hypothesis_is_refused(recorded, run, rescore):
    recorded(body("True"))
    path = run.record.folder / "run.json"
    document = json.loads(path.read_text())
    document["results"], document["circumstances"]["hypotheses"] = [], []
    path.write_text(json.dumps(document))
    assert "the run has no hypothesis" in rescore()


@pytest.mark.processes
def test_the_embedded_model_is_not_even_loaded(run, weights):
    source = body("SCORE", prompt="Say a word.").replace("lab/tiny", "local/smollm2-135m")
    source = source.replace("max_tokens=5", "max_tokens=5, allow_cut=True, allow_empty=True")
    run.file(source.replace("SCORE", "True"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_velo.providers.embedded.find_weights", lambda _weights: weights)
        run()
    draws = [trial.calls[0].reply.text for trial in run.record["test_h"].trials]
    assert draws
    run.file(source.replace("SCORE", "False"))
    told = apart(run, "rescore", *PYTEST_TOO)  # where nobody finds the weights
    result = run.record["test_h"]
    assert [trial.calls[0].reply.text for trial in result.trials] == draws
    assert result.n_calls == result.n_cached == len(draws)
    assert f"{len(draws)} outcomes and 1 verdict changed, 0 model calls" in told


def test_a_rescored_attempt_keeps_its_number_and_its_share_of_alpha(recorded, run, rescore):
    recorded(body("reply == 'yes'", mark='"family": "attempts"'))
    [before] = run.record.results
    assert "0 outcomes and 0 verdicts changed" in rescore()
    [now] = run.record.results
    assert now.attempt == before.attempt
    assert now.alpha == before.alpha < 0.05
