"""The `velo` command: everything outside of a test run."""

from __future__ import annotations

import sys
from importlib import import_module
from io import TextIOWrapper
from keyword import iskeyword

import click

from pytest_velo.errors import VeloError
from pytest_velo.version import __version__

_COMMANDS = {
    "attempts": "List the attempts at beliefs, or write them all as JSON or CSV.",
    "batch": "Draws from the providers' batch APIs, at their price: submit, see how far they are, collect.",
    "cache": "Show the draws on disk, remove old ones, or share them.",
    "cassette": "Recorded draws, committed with the tests, for --velo-mode=replay.",
    "checks": "List the checks, with what was measured of each; or show the page of one: velo checks F05.",
    "compare": "Compare RUN_B (default: latest) with RUN_A, trial by trial.",
    "init": "Begin here: a first test, the settings, and a workflow that costs nothing.",
    "judge": "Judge claims on logs of Inspect, lm-evaluation-harness, promptfoo, deepeval, or rows of"
    " outcomes.",
    "label": "Label trials of RUN (default: latest) blind: what the judge said, and how they came out, is"
    " hidden.",
    "plan": "Plan hypotheses: P(each verdict), mean trials over a range of true values, and cost.",
    "predictions": "Score what was predicted against what was found, over all past runs.",
    "pull": "Download the weights of MODEL (default: smollm2-135m) into the user's cache and check them.",
    "report": "Write the page of RUN (default: latest): one HTML file that needs nothing else.",
    "replicate": "Test the hypotheses of RUN (default: latest) on fresh draws, and multiply the evidence.",
    "rerun": "Test every hypothesis of RUN (default: latest) on another model, and show what moved.",
    "rescore": "Run test bodies again on the stored draws of RUN (default: latest), and show what changed.",
    "show": "Show transcripts of RUN (default: latest), in your pager on a terminal.",
    "try": "Ask models PROMPT a few times, and see what they answer.",
}
"""The commands, with what the list of them says. Each lives in the module of its name, loaded on use."""


class _Group(click.Group):
    """Shows our errors as click shows its own: text on stderr, exit code 1, no traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(_COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in _COMMANDS:
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(import_module(f"pytest_velo.cli.{name}"), name)
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
