"""`velo show`: the transcripts of a recorded run, to page through."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import click

from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.cli.compare import run_id
from pytest_velo.errors import UsageError
from pytest_velo.records import HypothesisResult
from pytest_velo.report.chosen import Before
from pytest_velo.report.earlier import hypothesis_before
from pytest_velo.report.lines import Line, Style, fit_lines
from pytest_velo.report.load import Run, load
from pytest_velo.report.record import RESULTS_FILE, RUN_FILE, runs_folder
from pytest_velo.report.show import Wanted, find, list_lines, rung_named, transcript_lines
from pytest_velo.settings import ShowKind

_AT_RANDOM = 10
_MOST_COLUMNS = 120


@click.command()
@click.argument("run", default="latest")
@click.argument("test", default="")
@click.option("--trial", type=click.IntRange(min=0), metavar="N", help="One trial, by its number.")
@click.option("--against", "kind", flag_value="against", help="Trials against the claim, the farthest first.")
@click.option("--for", "kind", flag_value="for", help="Trials for the claim.")
@click.option("--invalid", "kind", flag_value="invalid", help="Trials without an outcome.")
@click.option("--random", "kind", flag_value="random", help=f"Trials at random (default: {_AT_RANDOM}).")
@click.option("--changed", "kind", flag_value="changed", help="Trials that came out otherwise before.")
@click.option("-n", "--most", type=click.IntRange(min=0), metavar="N", help="At most N trials or pairs.")
@click.option("--seed", type=int, help="Seed of --random (default: the run's).")
@click.option("--rung", metavar="NAME", help="The trials of another rung of a ladder.")
@click.option("--model", metavar="PART", help="Only hypotheses about a model with this in its name.")
@click.option("--arm", help="Only the trials of this arm.")
@click.option("-v", "--verbose", count=True, help="Longer messages; -vv shows all whole.")
@cache_dir_option()
def show(
    run: str,
    test: str,
    trial: int | None,
    kind: str | None,
    most: int | None,
    seed: int | None,
    model: str | None,
    arm: str | None,
    rung: str | None,
    verbose: int,
    cache_dir: Path,
) -> None:
    """Show transcripts of RUN (default: latest), in your pager on a terminal.

    RUN is the id of a record, `latest` or `previous`; it may be left out before TEST. TEST is a node id, a
    part of one, or the number of a hypothesis in the list that is shown where several are meant.

    \f

    """  # noqa: D301 - click shows nothing below \f
    run, test = _run_and_test(run, test, cache_dir)
    recorded = load(run_id(run, cache_dir), cache_dir)
    results = find(recorded, test, model)
    width = max(40, min(shutil.get_terminal_size().columns, _MOST_COLUMNS))
    if trial is not None and kind is not None:
        raise UsageError(
            "one trial is shown by its number, or several of a kind",
            where=f"--trial {trial}",
            fix=f"leave --{kind} out",
        )
    if len(results) != 1:
        _print(_several(recorded, results, test, width))
        return
    if most is None and kind == ShowKind.RANDOM:
        most = _AT_RANDOM
    wanted = Wanted(kind=ShowKind(kind) if kind else None, most=most, index=trial, arm=arm, seed=seed)
    result = results[0] if rung is None else rung_named(results[0], rung)
    whole = replace(result, trials=recorded.trials_of(result.node_id))
    before = _before(recorded, whole, wanted)
    lines = transcript_lines(recorded, whole, wanted, before, verbosity=verbose, width=width)
    first = next(lines)  # what is wrong with the question is an error before the pager opens
    _print(chain([first], lines))


def _run_and_test(run: str, test: str, cache_dir: Path) -> tuple[str, str]:
    """Take a first argument that names no run, but may name a test, for a test of the latest."""
    if test or run in ("latest", "previous"):
        return run, test
    folder = runs_folder(cache_dir)
    known = {path.parent.name for kind in (RUN_FILE, RESULTS_FILE) for path in folder.glob(f"*/{kind}")}
    looks_like_a_run = run[:2].isdigit() and len(run) > 10
    return (run, test) if not known or run in known or looks_like_a_run else ("latest", run)


def _before(run: Run, result: HypothesisResult, wanted: Wanted) -> Before | None:
    if wanted.kind is not ShowKind.CHANGED:
        return None
    return hypothesis_before(result.node_id, run.folder.name, run.folder.parent.parent)


def _several(run: Run, results: list[HypothesisResult], test: str, width: int) -> Iterator[Line]:
    ended = "" if not run.is_partial else " (it did not end)"
    if not results:
        yield Line(f"run {run.folder.name}{ended} has no hypothesis")
        return
    which = f" with {test!r} in their node ids" if test else ""
    yield Line(f"run {run.folder.name}{ended}: {len(results):,} hypotheses{which}", Style.BOLD)
    yield Line("")
    yield from list_lines(run, results, width)


def _print(lines: Iterable[Line]) -> None:
    """Print lines through the user's pager on a terminal, plain otherwise."""
    on_terminal = sys.stdout.isatty() and sys.stdin.isatty()
    colour = on_terminal and not os.environ.get("NO_COLOR")
    texts = (f"{_styled(line) if colour else line.text}\n" for line in _fitting(lines))
    if on_terminal:
        click.echo_via_pager(texts)  # which strips colours that the pager would not show
        return
    for text in texts:
        click.echo(text, nl=False)


def _fitting(lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        yield from fit_lines([line], sys.stdout.encoding)


def _styled(line: Line) -> str:
    markup = line.style.markup
    name = next((name for name in ("red", "green", "yellow") if name in markup), None)
    return click.style(line.text, fg=name, bold=markup.get("bold"), dim=markup.get("light"))
