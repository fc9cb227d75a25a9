"""What `velo rerun` and `velo replicate` share: which tests, how pytest runs them, what is shown."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_velo.cli.as_recorded import as_recorded
from pytest_velo.cli.plan import show_plan
from pytest_velo.errors import UsageError
from pytest_velo.integration.config.folder import root_folder
from pytest_velo.integration.names import REPEAT
from pytest_velo.integration.plan import plan_selection
from pytest_velo.integration.rescore import Ran, run_again
from pytest_velo.records import HypothesisResult, Repeat
from pytest_velo.report.again import originals, why_left_out
from pytest_velo.report.record import JUDGED
from pytest_velo.report.repeats import repeat_to_json

if TYPE_CHECKING:
    from pytest_velo.report.load import Run

_FROM_THE_RECORD = ("--velo-seed", "--velo-model", "--velo-alpha", "--velo-max-trials", "--velo-multiplicity")
_DECIDES = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


def run_and_options(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return the run, which comes first if given, and the options for pytest."""
    if not arguments or arguments[0].startswith("-"):
        return "latest", list(arguments)
    return arguments[0], list(arguments[1:])


def check_given(command: str, given: Sequence[str]) -> None:
    """Refuse options that the record fixes: others would make another run.

    Raises:
        UsageError: One is given.
    """
    for argument in given:
        option = argument.partition("=")[0]
        if option in _FROM_THE_RECORD or option == "--velo-profile":
            raise UsageError(
                f"{option} is fixed by the record", where=command, fix="leave it out, or run pytest by itself"
            )


def repeated(
    run: Run, repeat: Repeat, given: Sequence[str], folder: Path, *, budget: str | None, dry: bool
) -> Ran | None:
    """Run the hypotheses of a run again with pytest, in this process; None if that was only planned.

    Raises:
        UsageError: There is nothing to repeat.
    """
    told = [
        *_tests(run, repeat, root_folder(given)),
        *given,
        *as_recorded(run, models=not repeat.on),
        *([f"--velo-model={repeat.on}"] if repeat.on else []),
        *([] if budget is None else [f"--velo-budget={budget}"]),
        "--velo-profile=explore",
        f"--velo-cache-dir={folder.absolute()}",
        f"{REPEAT}={json.dumps(repeat_to_json(repeat))}",
    ]
    if dry:
        show_plan(plan_selection(tuple(told), None))
        return None
    return run_again(told)


def exit_code(ran: Ran, *, is_worse: bool) -> int:
    """Return the code of a command: its own finding; pytest's where it did not get as far as that."""
    if ran.run_id is None or ran.exit_code not in _DECIDES:
        return ran.exit_code
    return int(is_worse)


def columns() -> int:
    """Return the width to print for."""
    return max(40, shutil.get_terminal_size().columns)


def _tests(run: Run, repeat: Repeat, root: Path) -> list[str]:
    """Return what names the tests to pytest, which enables their paid calls: each by its own name."""
    results = run.document.results
    if run.document.mode == JUDGED:
        raise UsageError(
            "it is a record of `velo judge`: its outcomes come from logs, and no test draws them",
            where=str(run.folder),
            fix="name a run of pytest",
        )
    if not results:
        raise UsageError("the run has no hypothesis", where=str(run.folder), fix="name another run")
    chosen = [result for found in originals(repeat, results).values() for result in found]
    if not chosen:
        why = "; ".join(dict.fromkeys(why_left_out(repeat, result) for result in results))
        raise UsageError(f"none of its hypotheses can be repeated: {why}", where=str(run.folder))
    names = dict.fromkeys(_named(result, root) for result in chosen)
    if not any((root / result.node_id.split("::")[0]).exists() for result in chosen):
        raise UsageError(
            "none of the run's test files exists here",
            where=str(run.folder),
            fix="go to pytest's root folder",
        )
    return list(names)


def _named(result: HypothesisResult, root: Path) -> str:
    file, *names = result.node_id.partition("[")[0].split("::")
    return "::".join([os.path.relpath(root / file), *names])
