"""What costs money: who asked for it, how much may go, what is said of it, and that no key leaks."""

from __future__ import annotations

import os
import re
import threading

import pytest
from click.testing import CliRunner

from pytest_velo import load
from pytest_velo.cli.main import main

HYPOTHESIS = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], tier="pr")
async def test_h(model):
    return (await model("Is it so?", max_tokens=5)).answers("yes")
"""
PROPERTY = """
from hypothesis import given, settings, strategies
@settings(max_examples=3, database=None)
@given(strategies.integers())
def test_property(n):
    assert n == n
"""
CALL_USD = 15e-6  # of one call of the loopback server: 15 tokens at a dollar the million


def spent(lab) -> float:
    return len(lab.calls) * CALL_USD


@pytest.mark.parametrize("source", ["", PROPERTY, "\n@pytest.mark.slow\ndef test_plain(): pass\n"])
def test_plain_pytest_makes_no_paid_call_and_says_what_would(run, lab, source):
    run.file(HYPOTHESIS + source)
    result = run("-p", "no:warnings")
    assert result.ret == 0
    assert result.parseoutcomes()["skipped"] == 1
    assert not lab.calls
    result.stdout.fnmatch_lines(
        [
            "- not sampled  test_it.py::test_h",
            "*would make paid calls, which are not enabled (estimate: at most 200 trials of at least 1 call*",
            "*pytest -m velo test_it.py::test_h",
        ]
    )


def test_the_skip_carries_the_number_of_calls_once_they_are_known(run, lab):
    run.file(HYPOTHESIS.replace("return", "await model('Hm?', max_tokens=5); return"))
    run("-m", "velo")
    told = run("--velo-seed=1")
    told.stdout.fnmatch_lines(["*about 400 calls, $0.006, over at most 200*"])


@pytest.mark.parametrize("free_first", [True, False])
def test_what_a_free_arm_took_says_nothing_of_a_paid_one(run, lab, free_first):
    models = ["FREE", "'lab/tiny'"] if free_first else ["'lab/tiny'", "FREE"]
    run.file(
        f"""
from pytest_velo import difference
FREE = scripted("free", ["yes", "no"])

@pytest.mark.hypothesis(
    difference("scripted/free", "lab/tiny") >= 0.1, models=[{", ".join(models)}], cases=["a", "b", "c"]
)
async def test_h(model, case):
    return (await model(case, max_tokens=5)).answers("yes")
"""
    )
    for arguments in ([], ["--velo-mode=estimate"]):
        told = " ".join(run(*arguments).stdout.str().split())
        assert "about 0 calls" not in told
        assert "trials of at least 1 call each" in told
        assert not lab.calls


def test_the_line_in_the_skip_does_what_it_says(run, lab):
    run.file(HYPOTHESIS)
    result = run("--velo-seed=7")
    text = " ".join(line.strip() for line in result.outlines)
    line = re.search(r"run: (pytest -m velo \S+ --velo-seed=7)", text)[1]
    assert run(*line.split()[1:]).ret == 0
    assert lab.calls
    assert run.record.document.seed == 7


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["-m", "velo"], {}),
        (["-mvelo"], {}),
        (["-m", "hypothesis"], {}),
        (["-m", "velo and not slow"], {}),
        (["-m", "hypothesis(tier='pr')"], {}),
        (["test_it.py::test_h"], {}),
        (["./test_it.py::test_h"], {}),
        (["--velo-mode=auto"], {}),
        (["--velo-mode", "auto"], {}),
        ([], {"VELO_MODE": "auto"}),
    ],
)
def test_whoever_asks_for_ours_pays(run, lab, monkeypatch, arguments, env):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    run.file(HYPOTHESIS)
    result = run(*arguments)
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 1}
    assert lab.calls
    result.stdout.fnmatch_lines(["? model calls · $0.0001 ·*"])


def test_a_node_id_pays_for_the_test_it_names_and_no_other(run, lab):
    run.file(HYPOTHESIS + HYPOTHESIS.replace("test_h", "test_other").replace("Is it so?", "And this?"))
    result = run("test_it.py::test_h", "test_it.py")
    assert result.parseoutcomes() == {"passed": 1, "skipped": 1}
    assert {call["messages"][0]["content"] for call in lab.calls} == {"Is it so?"}


def test_a_node_id_pays_for_the_file_it_names_and_not_for_one_of_the_same_name_elsewhere(run, lab):
    run.file(HYPOTHESIS)
    run.file(HYPOTHESIS.replace("Is it so?", "And there?"), "sub/test_it.py")
    result = run("test_it.py::test_h", "sub/test_it.py", "--import-mode=importlib")
    assert result.parseoutcomes() == {"passed": 1, "skipped": 1}
    assert {call["messages"][0]["content"] for call in lab.calls} == {"Is it so?"}


def test_hazard_10_an_expression_that_leaves_a_tier_out_does_not_pay(run, lab):
    run.file(HYPOTHESIS)
    assert run("-m", "not hypothesis(tier='nightly')").parseoutcomes() == {"skipped": 1}
    assert not lab.calls


@pytest.mark.parametrize("expression", ["not velo", "slow or not velo", "velocity or slow", "not hypothesis"])
def test_hazard_10_an_expression_that_merely_holds_the_word_does_not_pay(run, lab, expression):
    run.file(
        HYPOTHESIS + "\n@pytest.mark.slow\n@pytest.mark.velocity" + HYPOTHESIS.replace("test_h", "test_slow")
    )
    run("-m", expression, "-p", "no:warnings")
    assert not lab.calls


@pytest.mark.parametrize("where", ["-m velo", "-m hypothesis", "--velo-mode=auto"])
def test_hazard_10_addopts_do_not_pay(run, lab, where, monkeypatch):
    run.ini(f"velo_endpoints =\n    {lab.endpoint}\naddopts = {where}")
    run.file(HYPOTHESIS)
    assert run().parseoutcomes() == {"skipped": 1}
    run.ini(f"velo_endpoints =\n    {lab.endpoint}")
    monkeypatch.setenv("PYTEST_ADDOPTS", where)
    assert run().parseoutcomes() == {"skipped": 1}
    assert not lab.calls


def test_hazard_10_a_mode_in_the_ini_file_does_not_pay(run, lab):
    run.ini(f"velo_endpoints =\n    {lab.endpoint}\nvelo_mode = auto")
    run.file(HYPOTHESIS)
    assert run().parseoutcomes() == {"skipped": 1}
    assert not lab.calls


def test_hazard_10_a_file_or_a_keyword_does_not_pay(run, lab):
    run.file(HYPOTHESIS)
    for arguments in (["test_it.py"], ["-k", "test_h"], ["."]):
        assert run(*arguments).parseoutcomes() == {"skipped": 1}
    assert not lab.calls


def test_not_velo_keeps_property_tests_and_pays_nothing(run, lab):
    run.file(HYPOTHESIS + PROPERTY)
    assert run("-m", "not velo").parseoutcomes() == {"passed": 1, "deselected": 1}
    assert not lab.calls


def test_hypothesis_runs_ours_and_the_property_tests(run, lab):
    run.file(HYPOTHESIS + PROPERTY + "def test_plain(): pass\n")
    assert run("-m", "hypothesis").parseoutcomes() == {"passed": 2, "deselected": 1}
    assert lab.calls


def test_free_models_run_under_plain_pytest(run, lab):
    run.ini(f"velo_endpoints =\n    {lab.endpoint.replace('price=1/1', 'price=free')}")
    run.file(HYPOTHESIS)
    assert run().parseoutcomes() == {"passed": 1}
    assert lab.calls


def test_plain_pytest_uses_cached_draws_without_paying(run, lab):
    run.file(HYPOTHESIS)
    run("-m", "velo")
    paid = len(lab.calls)
    result = run()
    assert result.parseoutcomes() == {"passed": 1}
    result.stdout.fnmatch_lines(["0 model calls: every draw came from the cache*$0.00*"])
    assert len(lab.calls) == paid


def test_a_missing_key_is_named_and_no_call_is_made(run, lab, monkeypatch):
    monkeypatch.delenv("LAB_KEY")
    run.file(HYPOTHESIS)
    result = run("-m", "velo")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*LAB_KEY*", "*fix: *LAB_KEY*"])
    assert not lab.calls


def test_at_the_budget_sampling_stops_undecided_and_within_the_cap(run, lab):
    lab.share = 0.5
    run.file(HYPOTHESIS)
    result = run("-m", "velo", "--velo-budget=0.0002")
    assert result.ret == 0
    assert result.parseoutcomes() == {"inconclusive": 1}
    assert 0 < spent(lab) <= 0.0002
    assert run.record["test_h"].decision.stop == "budget"
    result.stdout.fnmatch_lines(
        [
            "*inconclusive: the trials do not settle*",
            "*the budget of $0.0002 does not allow another call*",
            "*fix: --velo-budget=*",
            "*pytest test_it.py::test_h --velo-budget=...",
        ]
    )


def test_a_larger_budget_goes_on_from_where_the_smaller_ended(run, lab):
    lab.share = 0.9
    run.file(HYPOTHESIS)
    run("-m", "velo", "--velo-budget=0.00007")
    first = len(lab.calls)
    assert 0 < first <= 4
    result = run("-m", "velo", "--velo-budget=1")
    assert result.ret == 0
    assert run.record["test_h"].n_cached == first


def test_a_budget_of_nothing_pays_nothing(run, lab):
    run.file(HYPOTHESIS)
    assert run("-m", "velo", "--velo-budget=0").parseoutcomes() == {"inconclusive": 1}
    assert not lab.calls


def test_an_unknown_price_is_a_usage_error_until_the_budget_is_lifted(run, lab):
    run.ini(f"velo_endpoints =\n    {lab.endpoint.replace(' price=1/1', '')}")
    run.file(HYPOTHESIS)
    result = run("-m", "velo")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(
        [
            "UsageError: *price of a call to lab/tiny is unknown*",
            "*fix: declare price=*or run with --velo-budget=none",
        ]
    )
    assert not lab.calls
    lifted = run("-m", "velo", "--velo-budget=none")
    assert lifted.ret == 0
    lifted.stdout.fnmatch_lines(["? model calls · $? *"])
    assert run.record["test_h"].cost_usd is None


def test_a_retry_after_of_an_hour_ends_quickly_and_says_so(run, lab):
    lab.answer = lambda body: type(lab.reply(body))(
        {"error": {"message": "slow down"}}, 429, {"Retry-After": "3600"}
    )
    run.file(HYPOTHESIS)
    result = run("-m", "velo")
    assert result.duration < 600, "an hour is not waited for"
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["OutageError: *asks to wait 3600 s*"])
    assert run.outcomes == ["error"]
    assert len(lab.calls) <= 20


@pytest.mark.slow
@pytest.mark.parametrize("trouble", [429, 529, 503, "reset"])
def test_trouble_that_passes_changes_no_verdict(run, lab, trouble):
    lab.share = 0.8
    run.file(HYPOTHESIS)
    run("-m", "velo", "--velo-cache-dir=smooth")
    smooth = _told(run, "smooth")
    seen: dict[str, int] = {}
    lock = threading.Lock()

    def shaky(body):
        answer = lab.reply(body)
        with lock:
            n = seen[str(body)] = seen.get(str(body), 0) + 1
        if n > 1 or len(seen) % 3:
            return answer
        if trouble == "reset":
            raise ConnectionResetError
        return type(answer)({"error": {"message": "later"}}, trouble, {"Retry-After": "0.01"})

    lab.answer = shaky
    run("-m", "velo", "--velo-cache-dir=shaky")
    assert _told(run, "shaky") == smooth
    assert any(n > 1 for n in seen.values()), "nothing was retried"


def _told(run, folder):
    result = load(cache_dir=run.path / folder)["test_h"]
    return result.outcome, [(trial.kind, trial.calls[0].reply.text) for trial in result.trials]


def test_an_estimate_makes_no_call_and_prints_calls_and_dollars(run, lab):
    run.file(HYPOTHESIS)
    first = run("--velo-mode=estimate")
    assert first.parseoutcomes() == {"skipped": 1}
    first.stdout.fnmatch_lines(
        [
            "*estimate: at most 200 trials of at least 1 call each, $0.0044 at worst with 1 each*",
            "estimate of 1 hypothesis: about 200 calls (assuming one per trial for 1 that never ran)*",
        ]
    )
    assert not lab.calls
    run("-m", "velo")
    paid = len(lab.calls)
    second = run("--velo-mode=estimate", "-m", "velo")
    second.stdout.fnmatch_lines(
        [
            "*estimate: 0 calls, its verdict is in the cache (? draws)",
            "estimate of 1 hypothesis: 0 calls*",
        ]
    )
    assert len(lab.calls) == paid


CRASH = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_crash(model):
    reply = await model("Will it?", max_tokens=5)
    raise ValueError(repr(model) + repr(reply) + repr(reply.raw))
"""


@pytest.mark.processes
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "a worker"])
def test_a_key_is_found_in_no_artefact(run, lab, options):
    """Not when all goes well, not in tracebacks with locals, not when the server repeats it in an error."""
    key = os.environ["LAB_KEY"]
    lab.share = 0.5
    rejected = HYPOTHESIS.replace("test_h", "test_rejected").replace("Is it so?", "Reject me")

    def answer(body):
        good = lab.reply(body)
        if body["messages"][0]["content"] != "Reject me":
            return type(good)(good.body, 200, {"X-Echo": key})
        return type(good)({"error": {"message": f"Incorrect API key provided: {key}", "code": key}}, 401, {})

    lab.answer = answer
    run.file(HYPOTHESIS.replace(">= 0.5", ">= 0.95") + rejected + CRASH)
    result = run.apart(
        "-p",
        "no:randomly",
        "-m",
        "velo",
        "-vv",
        "-l",
        "-rA",
        "--junitxml=junit.xml",
        "--log-level=DEBUG",
        *options,
    )
    assert result.parseoutcomes() == {"failed": 1, "errors": 2}
    assert lab.keys == {f"Bearer {key}"}
    exported = CliRunner().invoke(main, ["cassette", "export", "cassettes/it.jsonl"])
    assert exported.exit_code == 0, exported.output
    assert key not in result.stdout.str() + result.stderr.str() + exported.output
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert {"draws.sqlite", "run.json", "trials.jsonl", "junit.xml", "it.jsonl"} <= {
        path.name for path in files
    }
    assert [path.name for path in files if key.encode() in path.read_bytes()] == []
