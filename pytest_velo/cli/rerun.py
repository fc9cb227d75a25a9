"""`velo rerun`: every hypothesis of a recorded run on another model, paired with the first one."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.cli.printing import print_lines
from pytest_velo.cli.repeating import (
    check_given,
    columns,
    exit_code,
    repeated,
    run_and_options,
)
from pytest_velo.integration.config.folder import cache_folder
from pytest_velo.records import Repeat, RepeatKind
from pytest_velo.report.comparison import comparison_lines
from pytest_velo.report.earlier import compare_runs
from pytest_velo.report.load import load


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[RUN] [PYTEST OPTIONS]")
@click.option("--on", "model", required=True, metavar="MODEL", help="The model that is asked instead.")
@click.option("--budget", metavar="USD", help="Dollars that may be spent, at most; or none.")
@click.option("--dry-run", is_flag=True, help="Show the plan with its cost; make no call.")
@click.option("--fail-on-worse", is_flag=True, help="Exit with 1 if anything got worse.")
@cache_dir_option("--velo-cache-dir", found=False)
@click.pass_context
def rerun(
    ctx: click.Context,
    arguments: tuple[str, ...],
    model: str,
    budget: str | None,
    dry_run: bool,
    fail_on_worse: bool,
    cache_dir: Path | None,
) -> None:
    """Test every hypothesis of RUN (default: latest) on another model, and show what moved.

    Cases, their order, seeds, alpha and max_trials are those of the record, so trials are paired. What moved
    comes first, the largest change first; together these findings are wrong with a chance of 5% at most.
    Claims that compare models or a baseline stay out. Other options are pytest's, e.g. -k EXPR or -n 4.

    \f

    """  # noqa: D301 - click shows nothing below \f
    name, given = run_and_options(arguments)
    check_given("velo rerun", given)
    folder = cache_folder(cache_dir, given)
    before = load(name, folder)
    repeat = Repeat(kind=RepeatKind.RERUN, run=before.folder.name, on=model)
    ran = repeated(before, repeat, given, folder, budget=budget, dry=dry_run)
    if ran is None:
        return
    is_worse = False
    if ran.run_id is not None:
        runs = compare_runs(before, load(ran.run_id, folder))
        click.echo()
        print_lines(comparison_lines(runs, width=columns(), encoding=None))
        is_worse = runs.worse and fail_on_worse
    ctx.exit(exit_code(ran, is_worse=is_worse))
