"""What a long run says while it goes on: in a log, on a terminal, with workers, and never under `-q`."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from types import SimpleNamespace

import pytest

from pytest_velo.integration.run import afar, pool, progress, sampling

TWO = """
@pytest.mark.hypothesis(rate >= 0.5, max_trials=40)
def test_coin(trial):
    print("said by the body")
    assert trial.index % 2

@pytest.mark.hypothesis(rate >= 0.5)
def test_no(): assert 0 > 1
"""


@pytest.fixture
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by 25 seconds whenever it is read."""
    ticks = itertools.count(time.monotonic(), 25.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(ticks)))


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once pytest waits for a test that is sampled beside others, which may end before it does so."""
    event = threading.Event()

    class Watch(sampling.Watch):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if value is not None:
                event.set()

    monkeypatch.setattr(pool, "Watch", Watch)
    monkeypatch.setattr(progress, "REACHED", event, raising=False)
    return event


WAITS = TWO.replace("    print(", "    progress.REACHED.wait(60)\n    print(")


@pytest.mark.usefixtures("fast_clock")
@pytest.mark.parametrize("together", [True, False], ids=["together", "one by one"])
def test_a_log_gets_a_plain_line_now_and_then_and_no_other_line_is_touched(
    run, reached: threading.Event, together: bool
) -> None:
    run.file("from pytest_velo.integration.run import progress\n" + WAITS)
    how = () if together else ("--velo-scheduler=in-order",)
    if not together:
        reached.set()
    result = run("-p", "no:cacheprovider", *how)
    said = result.stdout.str()
    lines = said.partition(" FAILURES ")[0].splitlines()
    told = [line for line in lines if "of at most" in line and "at this pace" in line]
    assert told
    assert all(re.match(r"velo: test_\w+( and 1 more)?  \d+ of at most \d+ trials", line) for line in told)
    assert all(line.endswith("$0.00 so far") or "tests done" in line for line in told)
    assert not any("\r" in line or "\x1b[A" in line for line in lines)
    letters = "".join(
        line.removeprefix("test_it.py ") for line in lines if re.match(r"(test_it.py )?[F?]", line)
    )
    assert re.sub(r"[^F?]", "", letters) == "?F"
    assert "at this pace" not in said.partition(" FAILURES ")[2]
    assert not any(above == below == "" for above, below in itertools.pairwise(lines))


@pytest.mark.usefixtures("fast_clock")
def test_quiet_runs_say_nothing_of_it(run) -> None:
    run.file(TWO)
    assert "at this pace" not in run("-q").stdout.str()


OF_A_WORKER = """
import asyncio, pathlib
SLOW = scripted("slow", ["yes", "no"], latency_s=0.05)
@pytest.mark.hypothesis(rate.within(0.4, 0.6), models=[SLOW], max_trials=40)
async def test_slow(model, trial):
    while trial.index == 20 and not pathlib.Path("told").exists():  # the worker has left a note by then
        await asyncio.sleep(0.02)
    assert (await model("Is it?")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5)
def test_soon(): return 1 > 0
"""


COUNTED = re.compile(r"velo: test_slow  \d+ of at most 40 trials")


@pytest.mark.processes
@pytest.mark.parametrize("quiet", [(), ("-q",)], ids=["plain", "quiet"])
def test_the_controller_tells_how_far_its_workers_are(run, monkeypatch: pytest.MonkeyPatch, quiet) -> None:
    ticks = itertools.count(0.0, 25.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    monkeypatch.setattr(afar, "LOOK_EVERY_S", 0.1)
    plain_line = progress.plain_line

    def told_of(standing: object, **how: object) -> str:
        line = plain_line(standing, **how)
        if COUNTED.match(line):
            (run.path / "told").touch()
        return line

    monkeypatch.setattr(progress, "plain_line", told_of)
    if quiet:
        (run.path / "told").touch()
    (temporary := run.path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))  # other tests leave notes there, too
    run.file(OF_A_WORKER)
    lines = run("-n", "1", "--velo-concurrency=1", *quiet).outlines
    told = [line for line in lines if line.startswith("velo: ") and "so far" in line]
    if quiet:
        assert not told
        return
    counted = [line for line in told if COUNTED.match(line)]
    assert counted
    assert all("at most" in line.partition("trials")[2] for line in counted[:1])
    assert not any(temporary.glob("velo-notes-*"))


class Screen:
    """As much of a terminal as the live line needs."""

    def __init__(self, width: int) -> None:
        self.width, self.lines, self.row, self.column = width, [[" "] * width], 0, 0

    def write(self, text: str) -> None:
        """Act on the text as a terminal does."""
        for piece in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|[^\x1b]", text):
            if piece == "\n":
                self.row += 1
                while len(self.lines) <= self.row:
                    self.lines.append([" "] * self.width)
            elif piece == "\r":
                self.column = 0
            elif piece.startswith("\x1b"):
                self._act(piece[-1], piece[2:-1])
            else:
                if self.column < self.width:
                    self.lines[self.row][self.column] = piece
                self.column += 1

    def _act(self, what: str, number: str) -> None:
        if what == "A":
            self.row -= 1
        elif what == "C":
            self.column += int(number)
        elif what == "K":
            self.lines[self.row] = [" "] * self.width

    def text(self) -> str:
        """Return what is to be seen."""
        return "\n".join("".join(line).rstrip() for line in self.lines)


SLOW = """
SLOW = scripted("slow", ["yes", "no"], latency_s=0.05)
@pytest.mark.hypothesis(rate >= 0.9, models=[SLOW])
async def test_slow(model): assert (await model("Is it?")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[SLOW], max_trials=24)
async def test_slow_too(model): assert (await model("Is it so?")).answers("yes")
"""


@pytest.mark.processes
def test_the_live_line_leaves_no_trace_on_a_terminal(run) -> None:
    pty = pytest.importorskip("pty", reason="terminals of Unix")
    run.file(SLOW)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "--no-header", "--velo-concurrency=1"]
    known = {name: text for name, text in os.environ.items() if name != "CI"}
    process = subprocess.Popen(
        [*command, "--velo-scheduler=in-order"],
        cwd=run.path,
        env={**known, "COLUMNS": "100", "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 65_536):
            seen += piece
    except OSError:  # Linux says so when the other side is closed
        pass
    process.wait(300)
    os.close(ours)
    raw = seen.decode()
    assert re.search(r"test_slow  \d+ of at most 200 trials", raw)
    assert re.search(r"1 of 2 tests done", raw)
    screen = Screen(100)
    screen.write(raw)
    text = screen.text()
    assert "of at most 200 trials · " not in text.partition("FAILURES")[0]
    assert re.search(r"^test_it\.py [F?]{2} +\[100%\]$", text, re.MULTILINE)
