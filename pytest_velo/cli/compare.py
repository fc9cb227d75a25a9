"""`velo compare`: what changed between two recorded runs."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_velo.baselines.recorded import RecordedComparison, compare_recorded
from pytest_velo.checks.instruments import changes_between
from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.errors import UsageError, nearest
from pytest_velo.report.comparison import RunComparison, comparison_lines, name_of
from pytest_velo.report.load import load
from pytest_velo.report.record import RUN_FILE, runs_folder

if TYPE_CHECKING:
    from pytest_velo.records import HypothesisResult
    from pytest_velo.report.comparison import RunComparison
    from pytest_velo.report.load import Run

_NAME = re.compile(r"(?P<time>.+?Z)(?:-(?P<number>\d+))?")


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
    before, now = (load(_run_id(run, cache_dir), cache_dir) for run in (run_a, run_b))
    for run in (before, now):
        if run.is_partial:
            click.echo(f"run {run.folder.name} did not end: it has the hypotheses that had ended by then")
    runs = _compared(before, now, part_of_node_id, alpha=alpha, margin=margin)
    width = max(40, shutil.get_terminal_size().columns)
    for line in comparison_lines(runs, width=width, encoding=sys.stdout.encoding):
        markup = line.style.markup
        colour = next((name for name in ("red", "green", "yellow") if name in markup), None)
        click.secho(line.text, fg=colour, bold=markup.get("bold"), dim=markup.get("light"))
    if fail_on_worse and runs.worse:
        raise SystemExit(1)


def _check_numbers(alpha: float, margin: float | None) -> None:
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha must be between 0 and 1, got {alpha:g}", where="--alpha", fix="--alpha=0.05")
    if margin is not None and not 0.0 < margin < float("inf"):
        raise UsageError(f"margin must be above 0, got {margin:g}", where="--margin", fix="--margin=0.05")


def _run_id(run: str, cache_dir: Path) -> str:
    """Return the id for `previous`: the finished run before the latest."""
    if run != "previous":
        return run

    names = sorted((path.parent.name for path in runs_folder(cache_dir).glob(f"*/{RUN_FILE}")), key=_age)
    latest = load("latest", cache_dir).folder.name
    earlier = names[: names.index(latest)]
    if not earlier:
        raise UsageError(
            f"there is no run before {latest}",
            where=str(runs_folder(cache_dir)),
            fix="run the tests once more, or name two runs",
        )
    return earlier[-1]


def _age(name: str) -> tuple[str, int]:
    """Return a sort key for the names of runs by age: `...Z-10` is newer than `...Z-2`."""
    found = _NAME.fullmatch(name)
    return (found["time"], int(found["number"] or 1)) if found else (name, 1)


def _compared(before: Run, now: Run, part: str, *, alpha: float, margin: float | None) -> RunComparison:
    old, new = _results(before), _results(now)
    names = [*new, *(name for name in old if name not in new)]
    chosen = [name for name in names if part in name]
    if part and not chosen:
        raise UsageError(f"no test in these runs has {part!r} in its node id", fix=nearest(part, names))

    def alone(these: Mapping[str, HypothesisResult], others: Mapping[str, HypothesisResult]) -> list[str]:
        missing = [these[name] for name in chosen if name in these and name not in others]
        return [name_of(result.node_id, result.model, result.model) for result in missing]

    return RunComparison(
        before=before.folder.name,
        now=now.folder.name,
        alpha=alpha,
        margin=margin,
        hypotheses=tuple(
            _one(_with_trials(old[name], before), _with_trials(new[name], now), alpha)
            for name in chosen
            if name in old and name in new
        ),
        only_before=tuple(alone(old, new)),
        only_now=tuple(alone(new, old)),
    )


def _one(before: HypothesisResult, now: HypothesisResult, alpha: float) -> RecordedComparison:
    compared = compare_recorded(before, now, alpha=alpha)
    return replace(compared, changes=changes_between(before, now))


def _results(run: Run) -> dict[str, HypothesisResult]:
    """Return the results of a run by node id; for a test that ran again, the last, as for its trials."""
    return {result.node_id: result for result in run.document.results}


def _with_trials(result: HypothesisResult, run: Run) -> HypothesisResult:
    return replace(result, trials=run.trials_of(result.node_id))
