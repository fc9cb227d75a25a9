"""Ctrl-C ends a run within seconds, whatever it is doing, and keeps what is known by then."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import replace

import pytest

from pytest_velo.cache.store import Store
from support.settling import settled

pytestmark = pytest.mark.processes

AT_MOST_S = 60.0
"""Three seconds on a machine that does nothing else; what does not end takes 10 minutes."""

BODY = """
import asyncio, pathlib, threading, time

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=40, min_trials=40)
async def test_h(model, trial):
    reply = await model("Is it so?", max_tokens=5)
    if trial.index == 3:
        pathlib.Path("there").touch()
        {}
    return reply.answers("yes")
"""
RESISTS = """
        while True:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                pass
"""
# where the run hangs: (the tests, how)
HANGS = {
    "a body blocks the event loop": BODY.format("time.sleep(600)"),
    "a body waits for a thread of asyncio": BODY.format("await asyncio.to_thread(time.sleep, 600)"),
    "a body catches its cancellation": BODY.format(RESISTS.strip("\n").strip()),
    "a scorer hangs in its process": BODY.format("await hangs()")
    + "\nfrom pytest_velo import scorer\n@scorer(process=True)\ndef hangs(): time.sleep(600)\n",
    "a body blocks the event loop while another test runs": BODY.format("time.sleep(600)").replace(
        "@pytest",
        "def test_before():\n    time.sleep(600)\n\n"
        "@pytest.mark.hypothesis(rate >= 0.5, models=[YES])\n"
        "def test_other(model): return model('q').answers('yes')\n\n@pytest",
        1,
    ),
}


def wait_for(true) -> None:
    assert settled(lambda: bool(true()), True), "it never came to this"


def interrupted(process: subprocess.Popen[str]) -> str:
    """Send Ctrl-C to a run, which must end soon; return what it printed."""
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    try:
        shown, _ = process.communicate(timeout=500)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"it does not end:\n{process.communicate()[0]}") from None
    assert time.monotonic() - began < AT_MOST_S, shown
    return shown


def n_stored(run) -> int:
    with closing(Store.open(run.path / ".pytest_velo" / "draws.sqlite")) as store:
        return sum(1 for _ in store.recorded())


@pytest.mark.parametrize("state", HANGS)
def test_ctrl_c_while(run, lab, state):
    run.file(HANGS[state])
    process = run.start("--velo-mode=auto", "--velo-concurrency=1")
    wait_for((run.path / "there").exists)
    shown = interrupted(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, shown
    assert "inconclusive  test_h" in shown
    assert "INTERNALERROR" not in shown
    assert "inconclusive" in run.outcomes
    assert n_stored(run) >= 4


def test_ctrl_c_while_it_waits_for_another_run_and_while_that_waits_to_try_again(run, lab):
    # Both have begun when they are interrupted: what did not begin is in no summary.
    run.file(
        BODY.format("pass")
        .replace("    reply =", "    pathlib.Path(f'begun-{os.getpid()}').touch()\n    reply =")
        .replace("import asyncio,", "import asyncio, os,")
    )
    refused = {"body": {"error": {"message": "later"}}, "status": 429, "headers": {"Retry-After": "60"}}
    lab.answer = lambda body: replace(lab.reply(body), **refused)
    told = ["-m", "velo", "-p", "no:cacheprovider"]
    first = run.start(*told)
    wait_for(lambda: lab.calls)
    second = run.start(*told)
    wait_for(lambda: len([*run.path.glob("begun-*")]) == 2)
    for process in (second, first):
        shown = interrupted(process)
        assert process.returncode == pytest.ExitCode.INTERRUPTED, shown
        assert "inconclusive  test_h" in shown


CLOSING = """
import pathlib, pytest, sys, threading, traceback

def main(thread=threading.get_ident()):
    return sys._current_frames()[thread]

def tell():
    pause = threading.Event()
    while not any("sampling" in frame.filename for frame in traceback.extract_stack(main())):
        pause.wait(0.02)
    pathlib.Path("closing").touch()

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish():
    threading.Thread(target=tell, daemon=True).start()
    return (yield)
"""


def test_ctrl_c_at_the_end_while_calls_are_under_way(run, lab):
    """The verdict is there, and calls ahead of it are not: the record is written all the same."""
    release = threading.Event()

    def answer(body):
        if int(body["messages"][-1]["content"]) > 5:
            release.wait(600)
        return lab.reply(body)

    lab.answer = answer
    (run.path / "conftest.py").write_text(CLOSING)
    numbered = BODY.format("pass").replace('"Is it so?"', "str(trial.index)")
    run.file(numbered.replace("min_trials=40", "min_trials=5").replace("0.5", "0.3"))
    process = run.start("-m", "velo", "--velo-concurrency=10")
    wait_for((run.path / "closing").exists)
    shown = interrupted(process)
    release.set()
    assert "INTERNALERROR" not in shown
    assert "supported" in shown
    assert run.outcomes == ["supported"]


AT_THE_END = """
import pytest, signal

@pytest.hookimpl(wrapper={wrapper}, tryfirst=True)
def pytest_{hook}():
    signal.raise_signal(signal.SIGINT)
    {result}
"""


@pytest.mark.parametrize("hook", ["sessionfinish", "terminal_summary"])
@pytest.mark.parametrize("wrapper", [True, False], ids=["wrapper", "plain"])
@pytest.mark.parametrize("more", [(), ("--velo-multiplicity=holm",)], ids=["alone", "family"])
def test_ctrl_c_in_a_hook_of_another_plugin_at_the_end(run, lab, hook, wrapper, more):
    result = "return (yield)" if wrapper else ""
    (run.path / "conftest.py").write_text(AT_THE_END.format(wrapper=wrapper, hook=hook, result=result))
    run.file(BODY.format("pass").replace("min_trials=40", "min_trials=5").replace("0.5", "0.3"))
    process = run.start("--velo-mode=auto", *more)
    shown, _ = process.communicate(timeout=500)
    assert process.returncode == pytest.ExitCode.OK, shown
    assert "KeyboardInterrupt" not in shown
    assert "supported" in shown
    assert run.outcomes == ["supported"]
