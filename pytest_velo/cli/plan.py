"""`velo plan`: what hypotheses can show, how reliably, and at what cost, before any call."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import click

from pytest_velo.errors import VeloError
from pytest_velo.integration.plan import plan_selection
from pytest_velo.integration.run.spread import DIFFER_SAYS
from pytest_velo.report.lines import fit_lines
from pytest_velo.report.numbers import count
from pytest_velo.report.plan import plan_lines
from pytest_velo.report.plan_record import plan_document

if TYPE_CHECKING:
    from pytest_velo.integration.plan import PlannedSelection

_MOST_COLUMNS = 110


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
    options_metavar="[--json] [--differ SHARE] [--jobs N] [PYTEST_OPTIONS]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--differ",
    type=click.FloatRange(0.0, 1.0, min_open=True),
    metavar="SHARE",
    help="How often the two arms of a pair come out differently on the same case, above 0 and up to 1"
    " (default: as in the last recorded run, else always, which is the worst case).",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, help="Processes that simulate long estimates.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[TARGET]...")
def plan(as_json: bool, differ: float | None, jobs: int, arguments: tuple[str, ...]) -> None:
    """Plan hypotheses: P(each verdict), mean trials over a range of true values, and cost.

    TARGET and other options are pytest's: `velo plan tests/test_it.py::test_h --velo-max-trials=400`.
    Tests are collected, not run; no call is made.

    \f

    """  # noqa: D301 - click shows nothing below \f
    try:
        planned = plan_selection(arguments, differ, jobs=jobs)
    except VeloError as error:
        raise click.ClickException(str(error)) from None
    _check(planned)
    if differ is not None and not any(DIFFER_SAYS in each.spread_told for each in planned.plans):
        raise click.ClickException(
            "--differ says how often two arms differ, and no hypothesis here compares arms by 0/1 outcomes"
            '\n  fix: leave it out, or name a claim such as difference("a", "b") >= 0'
        )
    if as_json:
        click.echo(json.dumps(plan_document(planned.plans), indent=2, allow_nan=False))
        return
    _print(planned)


def show_plan(planned: PlannedSelection) -> None:
    """Print a plan, or say why there is none."""
    _check(planned)
    _print(planned)


def _check(planned: PlannedSelection) -> None:
    """Raise when there is nothing to show."""
    if planned.problem:
        click.echo(planned.problem, err=True)
        raise click.exceptions.Exit(1)
    if not planned.plans:
        n = planned.n_collected
        raise click.ClickException(
            f"{count(n, 'test')} collected, but no hypothesis\n  fix: name a file or a test that has one"
            if n
            else "no tests were collected\n  fix: name a file or a test, as for pytest"
        )


def _print(planned: PlannedSelection) -> None:
    width = max(40, min(shutil.get_terminal_size((100, 24)).columns, _MOST_COLUMNS))
    for line in fit_lines(plan_lines(planned.plans, width), sys.stdout.encoding):
        click.echo(line.text)
