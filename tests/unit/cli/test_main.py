"""The `velo` command: what is done beside a test run."""

from __future__ import annotations

from click.testing import CliRunner

from pytest_velo.cli.main import main


def test_an_error_is_printed_without_a_traceback() -> None:
    said = CliRunner().invoke(main, ["compare", "run-1", "--cache-dir", "nowhere"])
    assert said.exit_code == 1
    assert said.stdout == ""
    assert said.stderr.rstrip().splitlines() == [
        "Error: nowhere/runs: there is no finished run 'run-1'",
        "  fix: run pytest on your hypotheses first",
    ]
