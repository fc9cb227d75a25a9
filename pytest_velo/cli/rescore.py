"""`velo rescore`: run bodies again on a run's stored draws, after a change to what scores them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_velo.cli.as_recorded import as_recorded
from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.errors import UsageError
from pytest_velo.integration.config.folder import cache_folder, root_folder
from pytest_velo.integration.rescore import run_pytest
from pytest_velo.report.load import load
from pytest_velo.report.record import JUDGED
from pytest_velo.report.rescored import rescored_lines, rescoring_of

if TYPE_CHECKING:
    from pytest_velo.report.load import Run

_FROM_THE_RECORD = (
    "--velo-seed",
    "--velo-model",
    "--velo-alpha",
    "--velo-max-trials",
    "--velo-multiplicity",
)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[RUN] [TESTS] [PYTEST OPTIONS]")
@cache_dir_option("--velo-cache-dir", found=False)
@click.option("--allow-judge-calls", is_flag=True, help="Allow new calls to paid judges.")
@click.option("--jobs", type=click.IntRange(min=1), help="Scorers at once in processes of their own.")
@click.pass_context
def rescore(
    ctx: click.Context,
    arguments: tuple[str, ...],
    cache_dir: Path | None,
    allow_judge_calls: bool,
    jobs: int | None,
) -> None:
    """Run test bodies again on the stored draws of RUN (default: latest), and show what changed.

    Use it after editing a scorer, an expected answer or a judge's rubric. It repeats the recorded trials on
    their draws: models are not called, judges only if they are free. Without TESTS it runs all tests of the
    run. Seed, models, alpha, max_trials and multiplicity come from the record. Other options are pytest's,
    e.g. --velo-show=N to show N of the changed trials.

    \f

    """  # noqa: D301 - click shows nothing below \f
    name, given = _split(arguments)
    _check(given)
    folder = cache_folder(cache_dir, given)
    before = load(name, folder)
    if not before.document.results:
        raise UsageError("the run has no hypothesis", where=str(before.folder), fix="name another run")
    if before.document.mode == JUDGED:
        again = dict.fromkeys(result.rerun for result in before.document.results)
        raise UsageError(
            "it is a record of `velo judge`: its outcomes come from logs, and no test scores them",
            where=str(before.folder),
            fix=f"score the logs again, then {'; '.join(again)}",
        )
    named = any(_is_test(argument) for argument in given)
    tests = [] if named else _files(before, root_folder(given))
    told = [*tests, *given, *as_recorded(before), f"--velo-cache-dir={folder.absolute()}"]
    told += [] if jobs is None else [f"--velo-jobs={jobs}"]
    ran = run_pytest(told, before.folder.name, judge_calls=allow_judge_calls)
    if ran.run_id is not None:
        _show(before, load(ran.run_id, folder), ran.show, ran.verbosity, all_of_it=not named)
    ctx.exit(ran.exit_code)


def _split(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return the run, which comes first if given, and the arguments for pytest."""
    if not arguments or arguments[0].startswith("-") or _is_test(arguments[0]):
        return "latest", list(arguments)
    return arguments[0], list(arguments[1:])


def _is_test(argument: str) -> bool:
    """Tell whether an argument names tests: a file, a folder, a node id."""
    return not argument.startswith("-") and ("::" in argument or Path(argument).exists())


def _check(given: Sequence[str]) -> None:
    """Refuse options that the record fixes: others would make other trials."""
    for argument in given:
        option = argument.partition("=")[0]
        if option in _FROM_THE_RECORD:
            raise UsageError(
                f"{option} is fixed by the record",
                where="velo rescore",
                fix="leave it out; to change it, run pytest: draws in the cache are free there too",
            )


def _files(run: Run, root: Path) -> list[str]:
    """Return the test files of a run, below pytest's root folder.

    Raises:
        UsageError: None of them is there.
    """
    files = list(dict.fromkeys(Path(result.node_id.split("::")[0]) for result in run.document.results))
    found = [os.path.relpath(root / file) for file in files if (root / file).exists()]
    if not found:
        raise UsageError(
            f"none of the run's test files exists here: {', '.join(map(str, files))}",
            where=str(run.folder),
            fix="go to pytest's root folder, or name the tests",
        )
    return found


def _show(before: Run, now: Run, show: int, verbosity: int, *, all_of_it: bool) -> None:
    rescoring = rescoring_of(before, now, all_of_it=all_of_it)
    width = max(40, shutil.get_terminal_size().columns)
    click.echo()
    for line in rescored_lines(rescoring, show, verbosity, width=width, encoding=sys.stdout.encoding):
        markup = line.style.markup
        colour = next((name for name in ("red", "green", "yellow") if name in markup), None)
        click.secho(line.text, fg=colour, bold=markup.get("bold"), dim=markup.get("light"))
