"""The `velo` command: everything outside of a test run."""

from __future__ import annotations

import sys
from importlib import import_module
from io import TextIOWrapper

import click

from pytest_velo.errors import VeloError
from pytest_velo.version import __version__

_COMMANDS = ("cache", "cassette", "compare", "judge", "plan", "pull", "report", "rescore", "show")
"""Each lives in the module of the same name, which is loaded on use."""


class _Group(click.Group):
    """Shows our errors as click shows its own: text on stderr, exit code 1, no traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"pytest_velo.cli.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the chosen command."""
        if isinstance(sys.stdout, TextIOWrapper):  # an unencodable name must not end a command
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except VeloError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="velo")
def main() -> None:
    """Test beliefs about language models with pytest.

    \f

    """  # noqa: D301 - click shows nothing below \f
