"""Logs of lm-evaluation-harness: `samples_*.jsonl`, as `--log_samples` writes them.

A file is one task; a folder with the files of several is one log. A line is one document under one filter; a
document with two filters has two lines. A metric is named as the harness names it in its results:
`exact_match`, or `exact_match,strict-match` where there are several filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_velo.case_sets.formats import Row
from pytest_velo.errors import UsageError
from pytest_velo.logs.log import Kind, Log, Sample, as_number, as_text

_OWN = frozenset(
    {
        "doc_id",
        "doc",
        "target",
        "arguments",
        "resps",
        "filtered_resps",
        "filter",
        "metrics",
        "doc_hash",
        "prompt_hash",
        "target_hash",
    }
)
_TASKS_NAMED = 3
_FILE = re.compile(r"samples_(?P<task>.+?)(?:_\d{4}-\d\d-\d\dT[\d\-.]+)?")


def is_row(row: Any) -> bool:
    """Tell whether a line is one of the harness's."""
    return isinstance(row, Mapping) and "doc_id" in row and bool({"resps", "filtered_resps"} & row.keys())


def read(path: Path, digest: str, rows: Iterable[Row]) -> tuple[Log, ...]:
    """Read one file of samples.

    Raises:
        UsageError: A line is not one of the harness's, or a document comes twice under one filter.
    """
    rows = list(rows)
    filters = {as_text(row.get("filter", "none")) for _, row in rows if isinstance(row, Mapping)}
    documents: dict[str, _Document] = {}
    for where, row in rows:
        if not is_row(row):
            raise UsageError(
                "the line has no doc_id with resps, as lines of lm-evaluation-harness have",
                where=where,
                fix="--format=rows reads any lines of outcomes",
            )
        name = as_text(row["doc_id"])
        document = documents.setdefault(name, _Document(name, where, _fields(row)))
        document.read(row, where, several=len(filters) > 1)
    found = _FILE.fullmatch(path.stem)
    return (
        Log(
            name=path.stem,
            path=path,
            kind=Kind.LM_EVAL,
            digest=digest,
            samples=tuple(document.sample() for document in documents.values()),
            task=found["task"] if found else "",
        ),
    )


def files_in(folder: Path) -> list[Path]:
    """Return the files of samples in a folder, one for each task."""
    return sorted(folder.glob("samples_*.jsonl"))


def joined(folder: Path, logs: Sequence[Log]) -> Log:
    """Return the logs of a folder's tasks as one: `task/doc_id` names a sample, and `task` is a field.

    Raises:
        UsageError: A task has two files.
    """
    tasks: dict[str, Log] = {}
    for log in logs:
        if log.task in tasks:
            first = tasks[log.task].path.name
            raise UsageError(
                f"the task {log.task} has two files of samples: {first} and {log.path.name}",
                where=str(folder),
                fix="keep the files of one run in a folder, or name a file",
            )
        tasks[log.task] = log
    return Log(
        name=folder.name,
        path=folder,
        kind=Kind.LM_EVAL,
        digest=sha256("".join(log.digest for log in logs).encode()).hexdigest(),
        samples=tuple(
            replace(sample, id=f"{task}/{sample.id}", fields={**sample.fields, "task": task})
            for task, log in tasks.items()
            for sample in log.samples
        ),
        task=", ".join(tasks) if len(tasks) <= _TASKS_NAMED else f"{len(tasks)} tasks",
    )


class _Document:
    """What the lines of one document say, each under its filter."""

    def __init__(self, name: str, where: str, fields: dict[str, Any]) -> None:
        self._name = name
        self._where = where
        self._fields = fields
        self._places: dict[str, str] = {}
        self._scores: dict[str, float] = {}
        self._faults: dict[str, str] = {}

    def read(self, row: Mapping[str, Any], where: str, *, several: bool) -> None:
        """Read a line; with several filters in the file, metrics are named with theirs.

        Raises:
            UsageError: The document has a line under this filter already.
        """
        kind = as_text(row.get("filter", "none"))
        if kind in self._places:
            raise UsageError(
                f"document {self._name} has a second line under the filter {kind!r};"
                f" the first is {self._places[kind]}",
                where=where,
                fix="keep the lines of one run in a file",
            )
        self._places[kind] = where
        for metric in _metrics(row):
            number = as_number(row.get(metric))
            full = f"{metric},{kind}" if several else metric
            if number is not None:
                self._scores[full] = number
            elif not isinstance(row.get(metric), list | dict):  # those go into metrics of a whole corpus
                self._faults[full] = f"{metric} is no number in the log"

    def sample(self) -> Sample:
        """Return it as a sample; its fields are those of its first line."""
        return Sample(
            id=self._name, scores=self._scores, faults=self._faults, fields=self._fields, where=self._where
        )


def _metrics(row: Mapping[str, Any]) -> list[str]:
    """Return the names of a line's metrics; older files do not list them."""
    listed = row.get("metrics")
    if isinstance(listed, list):
        return [metric for metric in listed if isinstance(metric, str)]
    return [name for name, value in row.items() if name not in _OWN and as_number(value) is not None]


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    doc = row.get("doc")
    own = doc if isinstance(doc, Mapping) else {}
    answers = row.get("filtered_resps") or row.get("resps")
    return {
        **{str(name): value for name, value in own.items()},
        "input": doc,
        "target": row.get("target"),
        "output": answers[0] if isinstance(answers, list) and len(answers) == 1 else answers,
    }
