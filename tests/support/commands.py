"""The command `velo`, in this process."""

from __future__ import annotations

from click.testing import CliRunner

from pytest_velo.cli.main import main


def velo(*words: str) -> str:
    """Run the command, which must succeed; return what it printed."""
    done = CliRunner().invoke(main, [*words])
    assert done.exit_code == 0, done.output
    return done.output
