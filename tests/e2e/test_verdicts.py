"""What a session says and how it exits: supported, refuted, inconclusive, error, skipped."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

import pytest_velo
from pytest_velo.errors import UsageError

SAYS_NO = """
@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
async def test_caves(model):
    "It gives in."
    assert (await model("Is it?")).answers("yes")
"""
SAYS_YES = SAYS_NO.replace("[NO]", "[YES]").replace("test_caves", "test_stands")
COIN = """
@pytest.mark.hypothesis(rate >= 0.5, max_trials=20)
def test_coin(trial):
    assert trial.index % 2
"""
CRASH = COIN.replace("assert", "1 / 0; assert")


def test_a_supported_hypothesis_passes(run):
    run.file(SAYS_YES)
    result = run("-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*test_stands SUPPORTED*", "*1 hypothesis · 1 supported*", "*193 trials saved*"]
    )


@pytest.mark.processes
@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "two workers"])
def test_a_refuted_hypothesis_exits_1_and_shows_the_trials(run, arguments):
    run.file(SAYS_NO + SAYS_YES)
    result = run(*arguments)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "refuted: rate < 0.5 (a true claim is refuted at most 5% of the time)",
            "*belief     It gives in.",
            "*0 for the claim, 7 against it, 0 invalid",
            "*trials against the claim (first 3 of 7*",
            "*user       Is it?",
            "*assistant  no",
            "*at         test_it.py:*",
            "run it again: pytest test_it.py::test_caves",
            "*2 hypotheses · 1 supported · 1 refuted",
            "REFUTED test_it.py::test_caves - refuted: rate < 0.5*",
        ]
    )
    assert sorted(run.outcomes) == ["refuted", "supported"]


def test_inconclusive_is_its_own_category_and_exits_0(run):
    run.file(COIN)
    result = run()
    assert result.ret == 0
    assert result.parseoutcomes() == {"inconclusive": 1}
    result.stdout.fnmatch_lines(
        [
            "test_it.py [?] *",
            "inconclusive: the trials do not settle whether rate >= 0.5",
            "*no number of trials*",
        ]
    )


@pytest.mark.parametrize(
    ("arguments", "env"), [(["--velo-strict"], {}), ([], {"CI": "true"}), ([], {"VELO_STRICT": "1"})]
)
def test_strict_makes_inconclusive_fail(run, monkeypatch, arguments, env):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    run.file(COIN)
    result = run(*arguments)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["inconclusive: the trials do not settle*", "INCONCLUSIVE test_it.py::test_coin*"]
    )


def test_ci_set_to_false_is_not_ci(run, monkeypatch):
    monkeypatch.setenv("CI", "false")
    run.file(COIN)
    assert run().ret == 0


def test_strict_can_be_turned_off_in_ci(run, monkeypatch):
    monkeypatch.setenv("CI", "true")
    run.file(COIN)
    assert run("--velo-profile=explore").ret == 0


def test_an_expected_refutation_is_an_xfail_and_an_unexpected_support_fails(run):
    run.file("@pytest.mark.xfail(strict=True)" + SAYS_NO + "\n@pytest.mark.xfail(strict=True)" + SAYS_YES)
    result = run()
    result.assert_outcomes(xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_stands - *XPASS(strict)*"])
    assert run.outcomes == ["refuted", "supported"]


def test_hazard_09_a_strict_xfail_leaves_undecided_undecided(run):
    run.file("@pytest.mark.xfail(strict=True)" + COIN)
    result = run()
    assert result.ret == 0
    assert result.parseoutcomes() == {"inconclusive": 1}


def test_hazard_09_an_error_stays_an_error_under_xfail(run):
    run.file("@pytest.mark.xfail" + CRASH)
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"errors": 1}


def test_hazard_22_inconclusive_is_listed_in_full_and_junit_tells_it_from_a_pass(run):
    run.file(COIN + SAYS_YES + SAYS_NO)
    result = run("-rA", "--junitxml=junit.xml")
    result.stdout.fnmatch_lines(["*inconclusive hypotheses*", "*test_it.py::test_coin*"])
    cases = ElementTree.parse(run.path / "junit.xml").iter("testcase")
    told = {
        case.get("name"): case.find("properties/property[@name='velo_outcome']").get("value")
        for case in cases
    }
    assert told == {"test_coin": "inconclusive", "test_stands": "supported", "test_caves": "refuted"}


def test_hazard_22_an_error_in_the_call_is_an_error_in_junit_too(run):
    run.file(CRASH)
    result = run("--junitxml=junit.xml", "-v")
    result.stdout.fnmatch_lines(["*test_coin ERROR*", "*ERROR at call of test_coin*"])
    (case,) = ElementTree.parse(run.path / "junit.xml").iter("testcase")
    assert case.find("properties/property[@name='velo_outcome']").get("value") == "error"


def test_the_run_record_can_be_loaded(run):
    run.file(SAYS_NO + SAYS_YES + COIN)
    run()
    loaded = pytest_velo.load(cache_dir=run.path / ".pytest_velo")
    assert [result.outcome for result in loaded.results] == ["refuted", "supported", "inconclusive"]
    caves = loaded["test_caves"]
    assert caves.belief == "It gives in."
    assert caves.decision.evidence.n_against == len(caves.trials) == 7
    assert [call.reply.text for trial in caves.trials for call in trial.calls] == ["no"] * 7
    with pytest.raises(UsageError, match="test_caves"):
        loaded["test_cave_in"]


@pytest.mark.processes
def test_the_record_is_the_same_under_two_workers(run):
    run.file(SAYS_NO + SAYS_YES + COIN)
    run()
    alone = {result.node_id: (result.outcome, result.trials) for result in run.record.results}
    run("-n", "2")
    spread = {result.node_id: (result.outcome, result.trials) for result in run.record.results}
    assert spread.keys() == alone.keys()
    for node_id, (outcome, trials) in alone.items():
        assert spread[node_id][0] == outcome
        told = [(trial.index, trial.kind, trial.seed, trial.detail) for trial in spread[node_id][1]]
        assert told == [(trial.index, trial.kind, trial.seed, trial.detail) for trial in trials]
    assert not list(run.record.folder.glob("trials-*.jsonl")), "the workers' parts are merged"


@pytest.mark.processes
@pytest.mark.parametrize("arguments", [[], ["-n", "1"]], ids=["alone", "one worker"])
def test_a_session_without_hypotheses_leaves_nothing_behind(run, arguments):
    run.file("def test_plain(): pass\n")
    result = run(*arguments)
    result.assert_outcomes(passed=1)
    assert not (run.path / ".pytest_velo").exists()
    result.stdout.no_fnmatch_line("*== hypotheses ==*")


def test_the_header_shows_the_seed_in_the_form_that_can_be_pasted(run):
    run.file(SAYS_YES)
    run("--velo-seed=7").stdout.fnmatch_lines(["velo: seed 7 (--velo-seed=7)*"])


def test_the_rerun_line_carries_the_seed(run):
    run.file(SAYS_NO)
    run("--velo-seed=7").stdout.fnmatch_lines(["run it again: pytest test_it.py::test_caves --velo-seed=7"])


def test_the_rerun_line_carries_what_the_run_was_told_and_can_be_pasted(run, monkeypatch):
    run.file(SAYS_NO.replace(", models=[NO]", ""), "sub/test_it.py")
    monkeypatch.chdir(run.path / "sub")
    told = ["--velo-model=scripted/no", "--velo-max-trials=90", "--velo-alpha=0.01", "--velo-profile=confirm"]
    again = "run it again: pytest test_it.py::test_caves " + " ".join(told[i] for i in (0, 2, 1, 3))
    result = run("--rootdir=..", *told, "--velo-show=0", "--velo-budget=2")
    result.stdout.fnmatch_lines([again])
    assert run("--rootdir=..", *again.split()[4:]).ret == result.ret


def test_show_says_how_many_trials_are_shown(run):
    run.file(SAYS_NO)
    none, every = run("--velo-show=0"), run("--velo-show=7")
    none.stdout.no_fnmatch_line("*assistant  no*")
    assert every.stdout.str().count("assistant  no") == 7


def test_a_rerun_replaces_the_first_run_of_a_test(run):
    run.file(SAYS_NO)
    result = run("--reruns", "1")
    assert result.parseoutcomes()["failed"] == 1
    assert run.outcomes == ["refuted"]
    result.stdout.fnmatch_lines(["1 hypothesis · 1 refuted"])


def test_support_out_of_reach_over_a_strategy_is_said_before_any_trial(run):
    run.file(
        "from hypothesis import strategies as st\n"
        "@pytest.mark.hypothesis(rate <= 0.02, max_trials=50, cases=st.integers())\n"
        "def test_h(case):\n    raise SystemExit('a trial ran')\n"
    )
    result = run()
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(
        [
            "*UsageError: *`rate <= 0.02` can never be supported within 50 trials*",
            "*fix: max_trials=149 or more*",
        ]
    )


def test_an_error_says_its_type_in_the_summary(run):
    run.file(CRASH)
    run().stdout.fnmatch_lines(
        ["error: ZeroDivisionError: division by zero", "*stopped    because of the error"]
    )


def test_two_snapshots_under_one_name_are_said(run, lab):
    def answer(body):
        reply = lab.reply(body)
        reply.body["model"] = f"tiny-{body['seed'] % 2}"
        return reply

    lab.answer = answer
    run.file(SAYS_YES.replace("[YES]", '["lab/tiny"]'))
    run("-m", "velo").stdout.fnmatch_lines(["*F18*lab/tiny was answered by tiny-0 and tiny-1*"])
