"""The `velo` command: what is done beside a test run."""

from __future__ import annotations

import sys
from io import TextIOWrapper

import click

from pytest_velo import __version__
from pytest_velo.cli.cache import cache
from pytest_velo.cli.cassette import cassette
from pytest_velo.cli.compare import compare
from pytest_velo.cli.plan import plan
from pytest_velo.cli.pull import pull
from pytest_velo.cli.rescore import rescore
from pytest_velo.errors import VeloError


class _Group(click.Group):
    """Shows our errors as click shows its own: text on stderr, exit code 1, no traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the chosen command."""
        if isinstance(sys.stdout, TextIOWrapper):  # a name that the terminal cannot write ends no command
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except VeloError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="velo")
def main() -> None:
    """Beliefs about language models as pytest tests.

    \f

    """  # noqa: D301 - click shows nothing below \f


main.add_command(pull)
main.add_command(cassette)
main.add_command(cache)
main.add_command(compare)
main.add_command(plan)
main.add_command(rescore)


__test__ = {"main": main.callback}  # doctest looks into functions, not into click's commands
