"""The `velo` command: what is done beside a test run."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import _COMMANDS, main


def test_an_error_is_printed_without_a_traceback() -> None:
    said = CliRunner().invoke(main, ["compare", "run-1", "--cache-dir", "nowhere"])
    assert said.exit_code == 1
    assert said.stdout == ""
    assert said.stderr.rstrip().splitlines() == [
        "Error: nowhere/runs: there is no finished run 'run-1'",
        "  fix: run pytest on your hypotheses first",
    ]


def test_the_list_of_commands_says_what_they_say_of_themselves() -> None:
    context = click.Context(main)
    for name, text in _COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(1000) == text
        assert command.name == name
    assert "try " in CliRunner().invoke(main, ["--help"]).stdout


@pytest.mark.processes
def test_help_loads_no_command() -> None:
    listed = "[name for name in sys.modules if name.startswith(('pytest_velo.cli.', 'asyncio', 'pytest.'))]"
    program = f"import atexit, sys; atexit.register(lambda: print({listed}))"
    program += "; from pytest_velo.cli.main import main; main(['--help'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['pytest_velo.cli.main']"
