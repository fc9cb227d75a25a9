"""`@scorer(process=True)` in tests: outcomes as in a body, trouble never one of them, and an end in time."""

from __future__ import annotations

import json
import os

import pytest

pytestmark = pytest.mark.processes

EVERYTHING = """
import functools, os, threading
from dataclasses import dataclass
from pytest_velo import InvalidTrial, mean, scorer

LOCK, HERE = threading.Lock(), os.getpid()

@dataclass
class Text:
    text: str

class Odd(Exception):
    def __init__(self, *, why):
        super().__init__(f"odd: {why}")

@functools.cache
def counter(): return []

def loud(text): return text.upper()

@scorer(process=True)
def is_yes(reply):
    counter().append(reply)
    assert os.getpid() != %d, "it runs in the main process"
    assert loud(reply.text) == "YES", f"it says {reply.text}"

@scorer(process=True)
def length(text: Text): return len(text.text) / 10

@scorer(process=True)
def raises(what):
    if what == "odd": raise Odd(why="no reason")
    if what == "skip": pytest.skip("no idea")
    if what == "invalid": raise InvalidTrial("unreadable")
    if what == "dies": os.abort()

@scorer(process=True)
def locked(what):
    with LOCK: return what

@scorer(process=True)
def sends_back(what): return what

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_supported(model): await is_yes(await model("?"))

@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
def test_refuted(model): is_yes(model("?"))

@pytest.mark.hypothesis(mean(0, 1) >= 0.1)
def test_scores(): return length(Text("four"))

@pytest.mark.hypothesis(rate >= 0.5, max_trials=5)
def test_odd():
    raises("odd")
    assert True

@pytest.mark.hypothesis(rate >= 0.5, max_trials=5)
def test_lock(): return locked(True)

@pytest.mark.hypothesis(rate >= 0.5, max_trials=5)
async def test_caught():
    try: await raises("dies")
    except Exception: return False

@pytest.mark.hypothesis(rate >= 0.5, max_trials=5)
async def test_skip(): return await raises("skip")

@pytest.mark.hypothesis(rate >= 0.5, max_trials=5)
def test_invalid(): return raises("invalid")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], max_trials=5)
def test_model(model): return sends_back(model)

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], max_trials=5)
async def test_unawaited(model): return is_yes(await model("?")) is None

@scorer(process=True)
def is_early(index):
    while index > 20: threading.Event().wait(600)
    return True

@pytest.mark.hypothesis(rate >= 0.5)
def test_decided_while_others_run(trial): return is_early(trial.index)
"""


@pytest.mark.parametrize("mode", ["importlib", "prepend"])
def test_what_becomes_of_scorers_in_processes(run, mode) -> None:
    run.file(EVERYTHING % os.getpid())
    result = run(f"--import-mode={mode}", "--velo-jobs=1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    record = run.record
    told = {found.node_id.rpartition("::")[2].removeprefix("test_"): found for found in record.results}
    assert {name: found.outcome.value for name, found in told.items()} == {
        "supported": "supported",
        "refuted": "refuted",
        "scores": "supported",
        "odd": "error",
        "lock": "error",
        "caught": "error",
        "skip": "inconclusive",
        "invalid": "inconclusive",
        "model": "error",
        "unawaited": "error",
        "decided_while_others_run": "supported",
    }
    against = record["test_refuted"].trials[0]
    assert against.detail.startswith("it says no\nassert 'NO' == 'YES'"), "the assert as pytest explains it"
    assert against.location.startswith("test_it.py:"), "in the test file, so it is an outcome"
    assert "Odd: odd: no reason" in told["odd"].problem
    assert "`LOCK` (a lock), which the scorer `locked` uses" in told["lock"].problem
    assert "`raises` was ended by SIGABRT" in told["caught"].problem
    assert {trial.detail for trial in record["test_skip"].trials} == {"no idea"}
    assert {trial.detail for trial in record["test_invalid"].trials} == {"unreadable"}
    assert "argument 1 (a Model) cannot be sent" in told["model"].problem
    assert "await is_yes(...)" in told["unawaited"].problem


KILLED = """
import os, pathlib, signal
from pytest_velo import scorer

FATAL = pathlib.Path("fatal").absolute()

@scorer(process=True)
def says_yes(text, index):
    if index == 3 and FATAL.exists(): os.kill(os.getpid(), signal.SIGKILL)
    return text == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=10)
async def test_h(model, trial):
    return await says_yes((await model("Is it so?", max_tokens=5)).text, trial.index)
"""


def test_a_killed_process_costs_an_error_and_no_draw(run, lab) -> None:
    run.file(KILLED)
    (run.path / "fatal").touch()
    result = run("-m", "velo")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    error = run.record["test_h"]
    assert error.outcome.value == "error"
    assert [trial.kind.value for trial in error.trials] == ["one", "one", "one", "invalid"]
    assert "the process of the scorer `says_yes` was ended by SIGKILL" in error.problem
    assert "--velo-jobs=1" in error.problem
    (run.path / "fatal").unlink()
    assert run("-m", "velo").ret == pytest.ExitCode.OK
    assert run.outcomes == ["supported"]
    assert len({json.dumps(call, sort_keys=True) for call in lab.calls}) == len(lab.calls), (
        "none is made twice"
    )
