"""Writing a recorded run for another tool: every file whole or not at all, none over another of the run."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pytest_velo.errors import StoreError, UsageError
from pytest_velo.report.earlier import earlier_run
from pytest_velo.report.exports.every_eval_ever import evaluations, fits
from pytest_velo.report.exports.inspect_log import log_id, log_of, task_name
from pytest_velo.report.exports.places import beside, file_words, is_file
from pytest_velo.report.load import Run, load
from pytest_velo.report.markdown.around import Around
from pytest_velo.report.markdown.document import markdown_of
from pytest_velo.report.text import inline
from pytest_velo.settings import ReportKind, ReportTarget
from pytest_velo.writing import whole

_NAMED = 5
"""Hypotheses that are left out and named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a report.

    Attributes:
        files: What was written.
        left_out: Node ids of hypotheses that the format has no place for.
    """

    files: tuple[Path, ...]
    left_out: tuple[str, ...] = ()


def written_text(target: ReportTarget, written: Written) -> str:
    """Say what was written, and what was not."""
    files = written.files
    if len(files) == 1:
        told = str(files[0])
    elif files:
        folder = os.path.commonpath([file.parent for file in files])
        told = f"{len(files)} files in {folder}"
    else:
        told = f"nothing written to {target.path}"
    if written.left_out:
        rest = len(written.left_out) - _NAMED
        names = ", ".join(written.left_out[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
        told += f"; without {names}: no number, or no model"
    return f"{target.kind}: {told}"


def write_recorded(
    run_id: str, cache_dir: Path, target: ReportTarget, around: Around | None = None
) -> Written:
    """Write a recorded run; `around` is what its record does not have.

    Raises:
        StoreError: It cannot be written, or its record not be read.
    """
    try:
        return write(load(run_id, cache_dir), target, around)
    except UsageError as problem:  # the record could not be written either, which has been said
        raise _unwritten(target, problem.what) from problem


def write(run: Run, target: ReportTarget, around: Around | None = None) -> Written:
    """Write a run; `around` is what its record does not have.

    Raises:
        StoreError: It cannot be written, or the record not be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # under `-W error` those of other people's code would end it
            match target.kind:
                case ReportKind.HTML:
                    return _write_page(run, target)
                case ReportKind.MD:
                    return _write_markdown(run, target, around)
                case ReportKind.INSPECT:
                    return _write_inspect(run, target)
                case ReportKind.EEE:
                    return _write_eee(run, target)
    except StoreError:
        raise
    except Exception as problem:  # other people's code, too
        told = getattr(problem, "strerror", None) or f"{type(problem).__name__}: {problem}"
        raise _unwritten(target, told) from problem


def _unwritten(target: ReportTarget, why: str) -> StoreError:
    return StoreError(
        f"the report cannot be written: {inline(why)}",
        where=str(target),
        fix="name another file or folder and run again; the draws are in the cache",
    )


def _write_page(run: Run, target: ReportTarget) -> Written:
    from pytest_velo.report.page.writing import write_page  # weight: Jinja2, for pages only

    write_page(run, target.path, earlier_run(run))
    return Written(files=(target.path,))


def _write_markdown(run: Run, target: ReportTarget, around: Around | None) -> Written:
    text = markdown_of(run, earlier_run(run), around)
    with whole(target.path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return Written(files=(target.path,))


def _write_inspect(run: Run, target: ReportTarget) -> Written:
    """Write a log of each hypothesis; one is in memory at a time."""
    from inspect_ai.log import EvalLog, write_eval_log  # weight: Inspect takes seconds to load

    document = run.document
    if is_file(target):
        files = beside(target.path, [result.node_id for result in document.results])
    else:
        stamp = document.started_at.replace(":", "-")
        words = file_words(task_name(result).replace("_", "-") for result in document.results)
        ids = (log_id(document, result) for result in document.results)
        files = [target.path / f"{stamp}_{word}_{name}.eval" for word, name in zip(words, ids, strict=True)]
    for file, result in zip(files, document.results, strict=True):
        log = EvalLog.model_validate(log_of(document, result, run.trials_of(result.node_id)))
        with whole(file) as part:
            write_eval_log(log, str(part), format="json" if file.suffix.lower() == ".json" else "eval")
    return Written(files=tuple(files))


def _write_eee(run: Run, target: ReportTarget) -> Written:
    document = run.document
    found = evaluations(document, run.trials_of, datetime.now(UTC))
    if is_file(target):
        files = beside(target.path, [one.model for one in found])
    else:
        files = [target.path.joinpath(*_folders(one.model), f"{one.name}.json") for one in found]
    for file, one in zip(files, found, strict=True):
        text = json.dumps(one.content, indent=2, allow_nan=False) + "\n"
        with whole(file) as part:
            part.write_text(text, encoding="ascii")
    left_out = tuple(result.node_id for result in document.results if not fits(result))
    return Written(files=tuple(files), left_out=left_out)


def _folders(model: str) -> list[str]:
    """Return the developer's folder and the model's, as the format's collection is laid out."""
    developer, _, name = model.partition("/")
    return [file_words([part])[0] for part in (developer, name.replace("/", "_")) if part]
