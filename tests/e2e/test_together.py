"""Hypotheses sampled together from the start of the run loop, and reported each in its place."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from pytest_velo.report.load import load

# Each of two bodies waits for the other's first trial: only those sampled together ever end.
MEETING = """
import asyncio
from pytest_velo import rate
MET = {"a": asyncio.Event(), "b": asyncio.Event()}

async def meet(mine, other):
    MET[mine].set()
    await asyncio.wait_for(MET[other].wait(), 60)
    return True
"""
TOGETHER = (
    MEETING
    + """
@pytest.mark.hypothesis(rate >= 0.5)
async def test_a(): return await meet("a", "b")

def test_plain(): pass

@pytest.mark.hypothesis(rate >= 0.5)
async def test_b(): return await meet("b", "a")
"""
)
ONE_BY_ONE = "TimeoutError"

TWO = """
SEEN = []

@pytest.mark.hypothesis(rate >= 0.5)
def test_a():
    SEEN.append("a")
    return True

{between}

@pytest.mark.hypothesis(rate >= 0.5)
def test_b():
    SEEN.append("b")
    return True
"""


def test_two_free_hypotheses_are_sampled_together(run) -> None:
    run.file(TOGETHER)
    result = run()
    result.assert_outcomes(passed=3)
    assert run.outcomes == ["supported", "supported"]
    assert [result.n_retries for result in run.record.results] == [None, None], "unknown, not 0"


@pytest.mark.parametrize("scheduler", ["gain", "round-robin"])
def test_both_schedulers_share(run, scheduler) -> None:
    run.file(TOGETHER)
    run(f"--velo-scheduler={scheduler}").assert_outcomes(passed=3)


def test_in_order_samples_one_after_the_other(run) -> None:
    run.file(TOGETHER.replace(".wait(), 60)", ".wait(), 0.2)"))
    result = run("--velo-scheduler=in-order")
    assert ONE_BY_ONE in result.stdout.str()


def test_a_scheduler_that_is_none_is_a_usage_error(run) -> None:
    run.file(TOGETHER)
    result = run("--velo-scheduler=fair")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--velo-scheduler*'fair'*gain, round-robin, in-order*"])


# Hazard 11: what must not begin.


@pytest.mark.processes
@pytest.mark.parametrize(
    "options",
    [["-x"], ["--maxfail=2"], ["--stepwise"], ["--reruns=1"], ["--trace"], ["--pdb"], ["--timeout=60"]],
)
def test_hazard_11_options_that_may_end_early_sample_in_turn(run, options) -> None:
    run.file(TWO.format(between="def test_nothing_of_b_yet(): assert 'b' not in SEEN"))
    shown = (
        run.apart(*options, "-p", "no:randomly", "--capture=no", "-p", "no:cacheprovider")
        if options in (["--trace"], ["--pdb"])
        else run(*options)
    )
    if options != ["--trace"]:  # it stops at a prompt, which a closed stdin ends
        shown.assert_outcomes(passed=3)


def test_hazard_11_a_timeout_of_the_environment_samples_in_turn(run, monkeypatch) -> None:
    monkeypatch.setenv("PYTEST_TIMEOUT", "60")
    run.file(TWO.format(between="def test_nothing_of_b_yet(): assert 'b' not in SEEN"))
    run().assert_outcomes(passed=3)


@pytest.mark.parametrize("options", [["--collect-only"], ["--setup-only"], ["--setup-plan"]])
def test_hazard_11_nothing_is_sampled_where_nothing_runs(run, options) -> None:
    run.file(TWO.format(between="") + "\ndef pytest_never(): pass\n")
    run.file(
        "from pathlib import Path\n"
        + TWO.format(between="")
        .replace('SEEN.append("a")', 'Path("seen").touch()')
        .replace('SEEN.append("b")', 'Path("seen").touch()')
    )
    run(*options)
    assert not (run.path / "seen").exists()


def test_hazard_11_nothing_is_sampled_after_a_collection_error(run) -> None:
    run.file(
        "from pathlib import Path\n"
        + TWO.format(between="")
        .replace('SEEN.append("a")', 'Path("seen").touch()')
        .replace('SEEN.append("b")', 'Path("seen").touch()')
    )
    run.file("import nothing_of_this_name", "test_broken.py")
    assert run().ret == pytest.ExitCode.INTERRUPTED
    assert not (run.path / "seen").exists()


@pytest.mark.parametrize(
    "mark",
    [
        "@pytest.mark.skip(reason='no')",
        "@pytest.mark.skipif(True, reason='no')",
        "@pytest.mark.xfail(run=False)",
    ],
)
def test_hazard_11_a_skipped_hypothesis_is_not_sampled(run, mark) -> None:
    source = TWO.format(
        between=f"{mark}\n@pytest.mark.hypothesis(rate >= 0.5)\ndef test_s():\n"
        "    SEEN.append('s')\n    return True\n"
    )
    run.file(source + "\ndef test_last(): assert 's' not in SEEN and {'a', 'b'} <= set(SEEN)\n")
    outcomes = run().parseoutcomes()
    assert outcomes["passed"] == 3


@pytest.mark.processes
def test_hazard_12_workers_sample_when_they_reach_an_item(run) -> None:
    run.file(TOGETHER.replace(".wait(), 60)", ".wait(), 0.2)"))
    result = run.apart("-n", "1", "-p", "no:randomly")
    assert ONE_BY_ONE in result.stdout.str()


# Hazard 16: what has a set-up of its own waits for it.

NOT_FREE = {
    "autouse fixture": "@pytest.fixture(autouse=True)\ndef own(): READY.append(1)\n",
    "module set-up": "def setup_module(): READY.append(1)\n",
    "function set-up": "def setup_function(): READY.append(1)\n",
}
NEEDS = """
READY = []
{setup}
@pytest.mark.hypothesis(rate >= 0.5)
def test_a(): return bool(READY)

@pytest.mark.hypothesis(rate >= 0.5)
def test_b(): return bool(READY)
"""


@pytest.mark.parametrize("setup", NOT_FREE.values(), ids=NOT_FREE)
def test_hazard_16_a_set_up_comes_before_the_bodies(run, setup) -> None:
    run.file(NEEDS.format(setup=setup))
    run().assert_outcomes(passed=2)


def test_hazard_16_a_conftest_s_hook_comes_before_the_bodies(run) -> None:
    run.file("READY = []\ndef pytest_runtest_setup(item): READY.append(1)\n", "conftest.py")
    run.file(NEEDS.format(setup="from conftest import READY"))
    run().assert_outcomes(passed=2)


def test_hazard_16_classes_with_a_set_up_wait_and_others_do_not(run) -> None:
    mark = "    @pytest.mark.hypothesis(rate >= 0.5)\n"
    body = mark + "    async def test_{0}(self): return await meet('{0}', '{1}')\n"
    run.file(MEETING + "class TestA:\n" + body.format("a", "b") + "class TestB:\n" + body.format("b", "a"))
    run().assert_outcomes(passed=2)
    waits = f"class TestW:\n    def setup_method(self): self.ready = True\n{mark}"
    waits += "    def test_w(self): return self.ready\n"
    run.file(waits + waits.replace("TestW", "TestV"), "test_waits.py")
    run("test_waits.py").assert_outcomes(passed=2)


# Hazards 17 and 18: output and messages stay with their item.

SPEAKS = """
import logging, sys
@pytest.mark.hypothesis(rate >= 0.5)
async def test_a(trial):
    print("said by a")
    logging.getLogger("own").warning("logged by a")
    print("moaned by a", file=sys.stderr)
    return False

@pytest.mark.hypothesis(rate >= 0.5)
def test_b(trial):
    print("said by b")
    return trial.index < 0

def test_plain():
    print("said by the plain test")
    assert False
"""


def sections(result, name: str) -> str:
    """What is shown of one failed test."""
    text = result.stdout.str()
    start = text.index(f"_ {name} _")
    end = text.find("\n____", start + 10)
    return text[start : end if end > 0 else text.index("= hypotheses =", start)]


@pytest.mark.parametrize("options", [[], ["-s"]])
def test_hazard_17_output_lands_in_the_item_s_own_report(run, options) -> None:
    run.file(SPEAKS)
    result = run(*options)
    assert "said by a" in sections(result, "test_a")
    assert "logged by a" in sections(result, "test_a")
    assert "moaned by a" in sections(result, "test_a")
    assert "said by b" in sections(result, "test_b")
    assert "said by b" not in sections(result, "test_a")
    assert "by a" not in sections(result, "test_plain")
    assert "said by b" not in sections(result, "test_plain")
    before = result.stdout.str().split("FAILURES")[0]
    assert "said by a" not in before
    assert "said by b" not in before


def test_hazard_17_pytest_s_own_streams_are_back_in_the_end(run) -> None:
    out, err = sys.stdout, sys.stderr
    run.file(SPEAKS)
    run()
    assert (sys.stdout, sys.stderr) == (out, err)


COMPARES = """
@pytest.mark.hypothesis(rate >= 0.5)
async def test_a():
    assert {"a": 1, "b": 2} == {"a": 1, "b": 3}

@pytest.mark.hypothesis(rate >= 0.5)
async def test_b():
    assert [1, 2, 3] == [1, 2, 4]

def test_plain():
    assert {"c": 1} == {"c": 2}
"""


def test_hazard_18_messages_are_those_of_a_run_of_its_own(run) -> None:
    run.file(COMPARES)
    shown = run()
    together = {result.node_id: [trial.detail for trial in result.trials] for result in run.record.results}
    run("--velo-scheduler=in-order")
    alone = {result.node_id: [trial.detail for trial in result.trials] for result in run.record.results}
    assert together == alone
    assert any("{'b': 2} != {'b': 3}" in detail for detail in together["test_it.py::test_a"])
    shown.stdout.fnmatch_lines(["*{'c': 1} != {'c': 2}*"])


# Hazard 13, interruptions, and mistakes.

BLOCKED = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=60, min_trials=60)
def test_a(model):
    return model("Is it so?", max_tokens=5).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=60, min_trials=60)
async def test_b(model):
    return (await model("Is it so?", max_tokens=5)).answers("yes")
"""


@pytest.mark.processes
def test_hazard_13_ctrl_c_reports_every_hypothesis_that_had_begun(run, lab) -> None:
    run.file(BLOCKED)
    held = lab.hold(30)
    options = ("--velo-mode=auto", "-p", "no:randomly", "--velo-budget=none", "--velo-concurrency=5")
    process = run.start_to_interrupt(*options)
    # Five are under way: those before have been answered, and their trials of both have ended.
    assert held.reached.wait(500)
    run.interrupt(process)
    held.release.set()
    try:
        shown, _ = process.communicate(timeout=500)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "test_a" in shown.split("= hypotheses =")[1]
    assert "test_b" in shown.split("= hypotheses =")[1]
    assert run.outcomes == ["inconclusive", "inconclusive"]


def test_a_broken_body_is_an_error_of_its_own_item_only(run) -> None:
    run.file(
        TWO.format(between="@pytest.mark.hypothesis(rate >= 0.5)\ndef test_broken():\n    return 1 / 0\n")
    )
    result = run()
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    result.stdout.fnmatch_lines(["*ZeroDivisionError*"])


def test_a_strategy_that_raises_is_an_error_of_its_own_item_only(run) -> None:
    broken = """
from hypothesis import strategies as st

@pytest.mark.hypothesis(rate >= 0.5, cases=st.integers().map(lambda n: 1 / 0))
def test_broken(case):
    return case == 1
"""
    run.file(TWO.format(between=broken))
    result = run()
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    result.stdout.fnmatch_lines(["*ZeroDivisionError*"])


def test_a_selection_samples_what_is_selected(run) -> None:
    run.file(TWO.format(between="") + "\ndef test_last(): assert SEEN and set(SEEN) == {'a'}\n")
    run("-k", "test_a or test_last").assert_outcomes(passed=2)


@pytest.mark.slow
def test_verdicts_and_trials_are_those_of_a_run_of_their_own(run) -> None:
    run.file(
        """
@pytest.mark.parametrize("p", [0.1, 0.3, 0.45, 0.5, 0.6, 0.8, 0.95])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=120)
async def test_h(p, trial):
    return trial.rng.random() < p
"""
    )

    def seen():
        return {
            result.node_id: (
                result.outcome,
                result.decision.evidence,
                [trial.values for trial in result.trials],
            )
            for result in run.record.results
        }

    found = []
    for options in (
        ["--velo-scheduler=in-order"],
        [],
        ["--velo-scheduler=round-robin"],
        ["--velo-concurrency=1"],
    ):
        run(*options)
        found.append(seen())
    assert len(found[0]) == 7
    assert found[0] == found[1] == found[2] == found[3]


LAB_TWO = """
@pytest.mark.parametrize("topic", ["tea", "coffee", "milk", "wine"])
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=40, min_trials=40)
async def test_h(model, topic):
    return (await model(f"Is {topic} good?", max_tokens=5)).answers("yes")
"""


def same_again_in(cache_dir) -> str:
    """The record of the latest run without times and circumstances."""
    folder = load(cache_dir=cache_dir).folder
    document = json.loads((folder / "run.json").read_text())
    del document["circumstances"]
    trials = re.sub(r'"(drawn_at|latency_s)":("[^"]*"|[^,}]*)', "", (folder / "trials.jsonl").read_text())
    return json.dumps(document) + trials


@pytest.mark.processes
def test_the_record_is_the_same_whatever_ran_at_once(run, lab) -> None:
    lab.share = 0.6
    run.file(LAB_TWO)
    ways = [
        ["--velo-scheduler=in-order", "--velo-concurrency=1"],
        ["--velo-scheduler=in-order", "--velo-concurrency=50"],
        ["--velo-scheduler=gain", "--velo-concurrency=50"],
        ["--velo-scheduler=round-robin", "--velo-concurrency=1"],
        ["-n", "2"],
    ]
    told = []
    cache = run.path / "cache"  # of the same name each time: the line that runs a test again has it
    for way in ways:
        asked = ("-m", "velo", "-p", "no:randomly", "--velo-budget=none", f"--velo-cache-dir={cache}", *way)
        shown = run.apart(*asked)
        assert shown.ret in (0, 1)
        told.append(same_again_in(cache))
        shutil.rmtree(cache)
    assert len(set(told)) == 1


def test_what_was_reported_is_let_go(run) -> None:
    run.file(
        """
import gc, threading
from pytest_velo import rate
from pytest_velo.runner.run import Run

@pytest.mark.hypothesis(rate >= 0.5)
def test_to_let_go_1(): return 1 > 0

@pytest.mark.hypothesis(rate >= 0.5)
def test_to_let_go_2(): return 1 > 0

def left():
    gc.collect()
    runs = (one for one in gc.get_objects() if isinstance(one, Run))
    return [run.hypothesis.node_id for run in runs if "to_let_go" in run.hypothesis.node_id]

def test_gone():
    pause = threading.Event()
    for _ in range(600):  # a thread that told of its last trial may need a moment to let go of it
        if not left():
            return
        pause.wait(0.1)
    assert not left()
"""
    )
    run().assert_outcomes(passed=3)
