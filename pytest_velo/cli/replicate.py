"""`velo replicate`: the hypotheses of a recorded run on fresh draws, and the evidence of all runs."""

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
from pytest_velo.report.load import load
from pytest_velo.report.replicated import next_number, replicated_lines


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[RUN] [PYTEST OPTIONS]")
@click.option("--number", type=click.IntRange(min=1), help="Which replication (default: the next one).")
@click.option("--budget", metavar="USD", help="Dollars that may be spent, at most; or none.")
@click.option("--dry-run", is_flag=True, help="Show the plan with its cost; make no call.")
@cache_dir_option("--velo-cache-dir", found=False)
@click.pass_context
def replicate(
    ctx: click.Context,
    arguments: tuple[str, ...],
    number: int | None,
    budget: str | None,
    dry_run: bool,
    cache_dir: Path | None,
) -> None:
    """Test the hypotheses of RUN (default: latest) on fresh draws, and multiply the evidence.

    Shows what the first run said, what this one says by itself, and what all say together. `--number N` shows
    an earlier replication again, from the cache. Other options are pytest's, e.g. -k EXPR or -n 4.

    \f

    """  # noqa: D301 - click shows nothing below \f
    name, given = run_and_options(arguments)
    check_given("velo replicate", given)
    folder = cache_folder(cache_dir, given)
    first = load(name, folder)
    on = ""
    while (repeats := first.document.repeats) is not None:
        if repeats.kind is RepeatKind.RERUN:
            on = repeats.on
            break
        first = load(repeats.run, folder)  # a replication of a replication is the next one of the first run
    run = first.folder.name
    repeat = Repeat(kind=RepeatKind.REPLICATE, run=run, on=on, number=number or next_number(run, folder))
    ran = repeated(first, repeat, given, folder, budget=budget, dry=dry_run)
    if ran is None:
        return
    if ran.run_id is not None:
        click.echo()
        print_lines(replicated_lines(load(ran.run_id, folder).document, columns()))
    ctx.exit(exit_code(ran, is_worse=False))
