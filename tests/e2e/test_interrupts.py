"""Runs that end early: killed, interrupted, stopped by an error elsewhere; and runs that must not begin."""

from __future__ import annotations

import os
import signal
import subprocess
import threading

import pytest

from pytest_velo.cache.store import Store
from support.settling import settled

SLOW = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=100, min_trials=100)
async def test_h(model):
    return (await model("Is it so?", max_tokens=5)).answers("yes")
"""
QUICK = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_h(model):
    return (await model("Is it so?", max_tokens=5)).answers("yes")
"""
FAILS = "\ndef test_a_fails(): assert False\n"


def n_stored(run) -> int:
    store = Store.open(run.path / ".pytest_velo" / "draws.sqlite")
    try:
        return sum(1 for _ in store.recorded())
    finally:
        store.close()


def finished(process: subprocess.Popen[str]) -> str:
    """The output of a process that must end by itself, soon."""
    try:
        shown, _ = process.communicate(timeout=500)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError("the process hangs") from None
    return shown


@pytest.mark.processes
def test_a_kill_in_mid_run_loses_no_draw_and_the_rerun_pays_for_the_rest_only(run, lab):
    run.file(SLOW)
    held = lab.hold(37)
    process = run.start("-m", "velo", "--velo-concurrency=5")
    assert held.reached.wait(500)
    stored = settled(lambda: n_stored(run), 37)
    assert settled(lambda: len(lab.calls), 37 + 5) == 37 + 5
    process.send_signal(signal.SIGKILL)
    finished(process)
    held.release.set()
    assert n_stored(run) == stored == 37
    before = len(lab.calls)
    result = run("-m", "velo")
    assert result.ret == 0
    assert len(lab.calls) - before == 100 - 37
    assert run.record["test_h"].n_cached == 37


@pytest.mark.processes
@pytest.mark.parametrize("kind", ["async", "plain"])
def test_ctrl_c_keeps_every_draw_prints_what_is_known_and_exits_2(run, lab, kind):
    source = SLOW if kind == "async" else SLOW.replace("async def", "def").replace("await ", "")
    run.file(source + "\ndef test_later(): pass\n")
    held = lab.hold(30)
    process = run.start_to_interrupt("-m", "velo or not velo", "--velo-mode=auto", "--velo-concurrency=5")
    assert held.reached.wait(500)
    assert settled(lambda: n_stored(run), 30) == 30
    run.interrupt(process)
    held.release.set()  # what is under way is answered, and kept
    shown = finished(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, shown
    assert "KeyboardInterrupt" in shown
    assert "inconclusive  test_h" in shown
    assert "pytest test_it.py::test_h" in shown
    assert run.outcomes == ["inconclusive"]
    assert n_stored(run) == len(lab.calls), "every draw that was paid is kept"
    paid = len(lab.calls)
    assert run("test_it.py::test_h").ret == 0
    assert len(lab.calls) == 100
    assert run.record["test_h"].n_cached == paid


@pytest.mark.parametrize(
    "option", ["--collect-only", "--setup-only", "--setup-plan", "--fixtures", "--markers"]
)
def test_hazard_11_looking_at_tests_samples_nothing(run, lab, option):
    run.file(QUICK)
    assert run("-m", "velo", option).ret == 0
    assert not lab.calls
    assert not (run.path / ".pytest_velo" / "draws.sqlite").exists()


def test_hazard_11_a_collection_error_elsewhere_samples_nothing(run, lab):
    run.file(QUICK)
    run.file("import no_such_module_at_all\n", "test_broken.py")
    result = run("-m", "velo")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.parseoutcomes()["errors"] == 1
    assert not lab.calls


@pytest.mark.parametrize(
    ("mark", "outcome"),
    [("skip", "skipped"), ("skipif(True, reason='no')", "skipped"), ("xfail(run=False)", "xfailed")],
)
def test_hazard_11_what_is_not_to_be_run_is_not_sampled(run, lab, mark, outcome):
    run.file(f"\n@pytest.mark.{mark}{QUICK}")
    assert run("-m", "velo").parseoutcomes() == {outcome: 1}
    assert not lab.calls


def test_hazard_11_a_fixture_that_fails_or_skips_samples_nothing(run, lab):
    broken = "@pytest.fixture\ndef broken(): raise OSError('no disk')\n"
    skips = "@pytest.fixture\ndef skips(): pytest.skip('not here')\n"
    run.file(
        broken
        + skips
        + QUICK.replace("(model)", "(model, broken)")
        + QUICK.replace("test_h(model)", "test_other(model, skips)")
    )
    assert run("-m", "velo").parseoutcomes() == {"errors": 1, "skipped": 1}
    assert not lab.calls


@pytest.mark.parametrize("option", ["-x", "--maxfail=1", "--stepwise"])
@pytest.mark.parametrize("first", ["a plain test", "a refuted hypothesis"])
def test_hazard_11_nothing_is_sampled_after_the_failure_that_ends_the_run(run, lab, option, first):
    refuted = "\n@pytest.mark.hypothesis(rate >= 0.5, models=[NO])\nasync def test_a_fails(model):\n"
    refuted += "    assert (await model('q')).answers('yes')\n"
    run.file((FAILS if first == "a plain test" else refuted) + QUICK)
    result = run("--velo-mode=auto", option)
    assert result.parseoutcomes()["failed"] == 1
    assert not lab.calls
    assert run("--velo-mode=auto").parseoutcomes() == {"failed": 1, "passed": 1}
    assert lab.calls


HANGS = """
import threading
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20, min_trials=20)
def test_h(model, trial):
    model("Is it so?", max_tokens=5)
    if trial.index == 3:
        raise RuntimeError("it broke")
    if trial.index > 3:
        threading.Event().wait()
    return True

def test_later(): pass
"""


@pytest.mark.processes
def test_hazard_13_bodies_that_hang_for_ever_do_not_hold_up_the_exit_after_an_error(run, lab):
    run.file(HANGS)
    process = run.start("-x", "--velo-mode=auto")
    shown = finished(process)
    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "RuntimeError: it broke" in shown
    assert run.outcomes == ["error"]
    assert n_stored(run) == len(lab.calls)


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.parametrize("where", ["in the body", "in a model call"])
def test_hazard_13_bodies_that_hang_for_ever_do_not_hold_up_ctrl_c(run, lab, where):
    run.file(HANGS.replace('raise RuntimeError("it broke")', "threading.Event().wait()"))
    held = lab.hold(20 if where == "in the body" else 3)
    process = run.start("--velo-mode=auto", "--velo-concurrency=5")
    if where == "in the body":
        assert settled(lambda: len(lab.calls), 8) == 8
        assert settled(lambda: n_stored(run), 8) == 8
    else:
        assert held.reached.wait(500)
        assert settled(lambda: n_stored(run), 3) == 3
    process.send_signal(signal.SIGINT)
    shown = finished(process)
    held.release.set()
    assert process.returncode == pytest.ExitCode.INTERRUPTED, shown
    assert "inconclusive  test_h" in shown
    assert n_stored(run) == (8 if where == "in the body" else 3)


def test_hazard_14_a_timeout_is_an_error_and_the_draws_before_it_are_kept(run, lab):
    held = lab.hold(25)
    run.file("\n@pytest.mark.timeout(600, method='signal')" + SLOW)

    def ring() -> None:  # the 10 minutes are over as soon as 25 draws are there
        if held.reached.wait(500):  # from then on the run waits, and has its handler
            settled(lambda: n_stored(run), 25)
            os.kill(os.getpid(), signal.SIGALRM)

    alarm = threading.Thread(target=ring)
    alarm.start()
    result = run("--velo-mode=auto", "--velo-concurrency=5")
    assert settled(lambda: len(lab.calls), 25 + 5) == 25 + 5
    held.release.set()
    alarm.join()
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*Timeout (>600.0s)*"])
    assert run.outcomes == ["error"]
    assert n_stored(run) >= 25
    paid = n_stored(run)
    before = len(lab.calls)
    assert run("--velo-mode=auto", "-p", "no:timeout").ret == 0
    assert len(lab.calls) - before == 100 - paid


PATIENT = """
import pathlib, threading

class UntilItIsSaid(threading.Timer):  # the clock of pytest-timeout
    def run(self):
        while not pathlib.Path("over").exists() and not self.finished.wait(0.02):
            pass
        self.finished.is_set() or self.function(*self.args, **self.kwargs)

threading.Timer = UntilItIsSaid
"""


@pytest.mark.processes
def test_hazard_14_a_timeout_that_kills_the_process_loses_no_draw(run, lab):
    held = lab.hold(25)
    run.file(SLOW)
    (run.path / "conftest.py").write_text(PATIENT)
    process = run.start("-m", "velo", "--velo-concurrency=5", "--timeout=600", "--timeout-method=thread")
    assert held.reached.wait(500)
    assert settled(lambda: n_stored(run), 25) == 25
    assert settled(lambda: len(lab.calls), 25 + 5) == 25 + 5
    (run.path / "over").touch()
    shown = finished(process)
    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "Timeout" in shown
    assert n_stored(run) == 25
    held.release.set()
    before = len(lab.calls)
    assert run("-m", "velo").ret == 0
    assert len(lab.calls) - before == 75
