"""Processes that die while they sample: what had ended by then is recorded, and the rest is told."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_velo import load
from pytest_velo.cli.main import main
from support.commands import velo

pytestmark = pytest.mark.processes

# Two hypotheses that end before the one whose body takes its process with it.
DYING = """
import os, signal

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=10)
def test_a(model): return model("a", max_tokens=5).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=10)
def test_b(model): return model("b", max_tokens=5).answers("no")

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=10)
def test_dies(model, fatal):
    if fatal: os.kill(os.getpid(), signal.SIGKILL)
    return model("c", max_tokens=5).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=10)
def test_z(model): return model("z", max_tokens=5).answers("yes")

@pytest.fixture
def fatal(): return {fatal}
"""


def test_a_crashed_worker_loses_only_what_it_was_at(run, lab, monkeypatch) -> None:
    monkeypatch.chdir(run.path)
    run.file(DYING.replace("{fatal}", "True"))
    result = run.apart("-n", "1", "-m", "velo", "-p", "no:randomly", "--junitxml=out.xml")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    record = run.record
    told = {found.node_id.rpartition("::")[2]: found.outcome.value for found in record.results}
    assert told == {"test_a": "supported", "test_b": "refuted", "test_dies": "error", "test_z": "supported"}
    assert all(len(record[name].trials) >= 5 for name in ("test_a", "test_b", "test_z"))
    dead = record["test_dies"]
    assert (dead.trials, dead.cost_usd) == ((), None), "unknown, not 0"
    assert "crashed while running" in dead.problem
    assert "run it alone: pytest" in dead.problem
    result.stdout.fnmatch_lines(["*worker gw0 crashed: calls it made*not counted*"])
    assert "1 error" in result.stdout.lines[-1]
    assert [path.name for path in record.folder.glob("*.jsonl")] == ["trials.jsonl"]
    # The record is a record like any other.
    assert "test_dies" in velo("compare", "latest", "latest")
    assert "draws of run latest" in velo("cassette", "export", "it.jsonl")
    run.file(DYING.replace("{fatal}", "False"))
    rescored = CliRunner().invoke(main, ["rescore", "-p", "no:randomly", "-p", "no:xdist"])
    assert "recorded no trials of this test" in rescored.output
    assert len(load(cache_dir=run.path / ".pytest_velo")["test_a"].trials) >= 5


def test_a_killed_session_leaves_a_partial_record(run, lab, monkeypatch) -> None:
    monkeypatch.chdir(run.path)
    run.file(DYING.replace("{fatal}", "False"))
    run("-m", "velo").assert_outcomes(passed=3, failed=1)
    run.file(DYING.replace("{fatal}", "True"))
    run.apart("-m", "velo", "-p", "no:randomly", "--velo-scheduler=in-order")
    (name,) = {path.parent.name for path in (run.path / ".pytest_velo" / "runs").glob("*/results.jsonl")}
    partial = load(name, cache_dir=run.path / ".pytest_velo")
    assert partial.is_partial
    assert [found.node_id.rpartition("::")[2] for found in partial.results] == ["test_a", "test_b"]
    assert [len(found.trials) for found in partial.results] == [5, 5]
    assert len([*partial.trials()]) == 10
    assert not run.record.is_partial, "the latest is the one that ended"
    compared = velo("compare", "latest", name)
    assert f"run {name} did not end" in compared
    assert "test_a" in compared
    assert "10 draws" in velo("cassette", "export", "it.jsonl", "--run", name)
    assert "draws" in velo("cache", "stats")
    run.file(DYING.replace("{fatal}", "False"))
    assert "supported" in velo("rescore", name, "test_it.py::test_a", "-p", "no:randomly")


def test_a_parser_that_is_disturbed_by_a_thread_does_not_end_the_session(run):
    """CPython raises this while pytest writes a traceback, if another thread parses just then."""
    run.file(DISTURBED, "conftest.py")
    run.file(TWO)
    result = run()
    assert "INTERNALERROR" not in result.stdout.str()
    assert run.outcomes == ["error", "supported"]
    result.stdout.fnmatch_lines(["*OSError: the disk is full*"])


DISTURBED = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call" and item.name == "test_first":
        raise SystemError("AST constructor recursion depth mismatch (before=291, after=337)")
    return report
"""
TWO = """
@pytest.mark.hypothesis(rate >= 0.5, max_trials=20)
def test_first(trial):
    raise OSError("the disk is full")

@pytest.mark.hypothesis(rate >= 0.5, max_trials=20)
def test_second(trial):
    return trial.rng.random() < 0.95
"""
