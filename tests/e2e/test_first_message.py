"""From a first message to a test that guards a behaviour, and from an empty folder to a project."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from e2e.conftest import Answer, Inner, Lab, chat

from pytest_velo.cli.main import main
from pytest_velo.errors import UsageError
from pytest_velo.providers.embedded import check_installed
from pytest_velo.providers.weights import cache_home

VELO = (sys.executable, "-c", "from pytest_velo.cli.main import main; main(prog_name='velo')")

CACHE_HOME = cache_home()  # before pytester gives the tests another home


def velo(run: Inner, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [*VELO, *arguments], cwd=run.path, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_made_project_passes_and_replays_as_its_workflow_does(run: Inner) -> None:
    assert CliRunner().invoke(main, ["init"]).exit_code == 0
    run().assert_outcomes(passed=1)
    workflow = (run.path / ".github" / "workflows" / "velo.yml").read_text()
    assert "- run: pytest -m hypothesis --velo-mode=replay\n" in workflow
    run("-m", "hypothesis", "--velo-mode=replay").assert_outcomes(passed=1)


@pytest.fixture
def weights_at_home(run: Inner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the embedded model's weights where the user has them, although inner runs have another home."""
    monkeypatch.setenv("PYTEST_VELO_HOME", str(CACHE_HOME))


@pytest.mark.processes
def test_two_commands_from_a_first_message_to_a_passing_test(run: Inner, weights_at_home: None) -> None:
    try:
        check_installed("smollm2-135m")
    except UsageError as error:
        pytest.skip(f"the embedded model is not here: {error.what}")
    options = ("--temperature=0", "--max-tokens=8", "--allow-cut", "-n", "4", "--save=test_france.py")
    first = velo(run, "try", "What is the capital of France?", "--model=local/smollm2-135m", *options)
    assert first.returncode == 0, first.stderr
    assert "local/smollm2-135m: 4 replies\n  4 of 4  " in first.stdout
    command = first.stdout.splitlines()[-1].split()
    assert command == ["pytest", "-m", "hypothesis", "test_france.py"]
    run.apart(*command[1:]).assert_outcomes(passed=1)
    (result,) = run.record.results
    assert result.outcome == "supported"
    assert all(call.reply.cached for trial in result.trials[:4] for call in trial.calls)
    assert not result.trials[4].calls[0].reply.cached


@pytest.mark.processes
def test_drafted_files_are_as_ruff_formats_them(run: Inner) -> None:
    pytest.importorskip("ruff", reason="ruff is not installed")
    prompts = {
        "short": "Is it?",
        "long": "Is it so, or is it not so? " * 8 + 'Say "yes" or "no".',
        "lines": 'First "this".\nThen that:\n  - {"a": 1}\n',
        "hostile": '"""\\\x1b[31m\u202e{x}\n\n "',
        "near": "x" * 77,
        "at": "x" * 78,
        "beyond": "x" * 90,
    }
    from pytest_velo import ask_sync, scripted

    yes = scripted("yes", ["yes"])
    for name, prompt in prompts.items():
        options = {"stop": [f"stop {n}" for n in range(len(prompt) % 9)], "temperature": 0.5}
        asked = {"system": prompt[::-1]} if len(prompt) % 2 else {}
        ask_sync(yes, prompt, n=1, **asked, **options).save(run.path / f"test_{name}.py")
    rows = [{"n": n, "answer": "yes " * n} for n in range(5)]
    ask_sync(yes, "Is {n} it?", cases=rows).save(run.path / "test_rows.py")
    (run.path / "ruff.toml").write_text("")
    command = [sys.executable, "-m", "ruff", "format", "--diff", "."]
    said = subprocess.run(command, cwd=run.path, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_shows_what_came_and_keeps_it(run: Inner, lab: Lab) -> None:
    import pty

    places, hold = itertools.count(), threading.Event()

    def answer(_: object) -> Answer:
        if next(places) >= 2:
            hold.wait(600)
        return Answer(chat("yes"))

    lab.answer = answer
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(run.path)
        os.execv(VELO[0], [*VELO, "try", "Is it?", "--model=lab/tiny", "-n", "5"])
    shown = b""
    while b"2 of 5" not in shown:
        try:
            shown += os.read(terminal, 65_536)
        except OSError:
            pytest.fail(f"it ended early: {shown.decode()}")
    os.write(terminal, b"\x03")
    began = time.monotonic()
    try:
        while more := os.read(terminal, 65_536):
            shown += more
    except OSError:  # Linux says so at the end
        pass
    hold.set()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    assert time.monotonic() - began < 60, "the server would have taken 10 minutes"
    last = shown.decode().split("\x1b[0J")[-1]
    assert "lab/tiny: 2 replies" in last
    assert "2 of 2  yes" in last
    assert "interrupted: 2 replies came and are kept" in last
    assert "Traceback" not in shown.decode()

    lab.answer = lambda _: Answer(chat("yes"))
    n_before = len(lab.calls)
    assert velo(run, "try", "Is it?", "--model=lab/tiny", "-n", "5").returncode == 0
    assert len(lab.calls) - n_before == 3


@pytest.mark.processes
def test_a_script_ends_without_a_word_more(run: Inner, lab: Lab) -> None:
    script = Path(run.path / "script.py")
    script.write_text(
        "import asyncio\n"
        "from pytest_velo import ask, ask_sync\n"
        "print(len(ask_sync('lab/tiny', 'Is it?', n=3)))\n"
        "print(len(asyncio.run(ask('lab/tiny', 'Is it?', n=5))))\n"
    )
    said = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(script)],
        cwd=run.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout) == (0, "3\n5\n")
    lines = [line for line in said.stderr.splitlines() if "lab/tiny: at most" not in line]
    assert lines == []
    assert len(lab.calls) == 5
