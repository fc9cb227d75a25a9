"""`velo compare`: what changed between two recorded runs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.cli.printing import print_lines
from pytest_velo.errors import UsageError
from pytest_velo.report.comparison import comparison_lines
from pytest_velo.report.earlier import compare_runs, runs_before
from pytest_velo.report.load import load
from pytest_velo.report.record import runs_folder


@click.command()
@click.argument("run_a")
@click.argument("run_b", default="latest")
@click.argument("part_of_node_id", default="")
@cache_dir_option()
@click.option("--alpha", default=0.05, show_default=True, help="P(reporting a change where there is none).")
@click.option("--margin", type=float, help="Smallest distance that matters, in the statistic's units.")
@click.option("--fail-on-worse", is_flag=True, help="Exit with 1 if anything got worse.")
def compare(
    run_a: str,
    run_b: str,
    part_of_node_id: str,
    cache_dir: Path,
    alpha: float,
    margin: float | None,
    fail_on_worse: bool,
) -> None:
    """Compare RUN_B (default: latest) with RUN_A, trial by trial.

    A run is the id of a record, `latest` or `previous`. Trials are paired on case, repeat and arm, so both
    runs need the same claims on the same cases; anything else may have changed. PART_OF_NODE_ID limits the
    comparison to tests whose node id contains it.

    \f

    """  # noqa: D301 - click shows nothing below \f
    _check_numbers(alpha, margin)
    before, now = (load(run_id(run, cache_dir), cache_dir) for run in (run_a, run_b))
    for run in (before, now):
        if run.is_partial:
            click.echo(f"run {run.folder.name} did not end: it has the hypotheses that had ended by then")
    runs = compare_runs(before, now, part_of_node_id, alpha=alpha, margin=margin)
    width = max(40, shutil.get_terminal_size().columns)
    print_lines(comparison_lines(runs, width=width, encoding=sys.stdout.encoding))
    if fail_on_worse and runs.worse:
        raise SystemExit(1)


def _check_numbers(alpha: float, margin: float | None) -> None:
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha must be between 0 and 1, got {alpha:g}", where="--alpha", fix="--alpha=0.05")
    if margin is not None and not 0.0 < margin < float("inf"):
        raise UsageError(f"margin must be above 0, got {margin:g}", where="--margin", fix="--margin=0.05")


def run_id(run: str, cache_dir: Path) -> str:
    """Return the id for `previous`: the finished run before the latest."""
    if run != "previous":
        return run

    latest = load("latest", cache_dir).folder.name
    earlier = runs_before(latest, cache_dir)
    if not earlier:
        raise UsageError(
            f"there is no run before {latest}",
            where=str(runs_folder(cache_dir)),
            fix="run the tests once more, or name two runs",
        )
    return earlier[0]
