"""Reading a log of any kind: what wrote it is told by its content, never by its name alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, assert_never

from pytest_velo.case_sets.files import is_file_of_rows, read_rows
from pytest_velo.case_sets.formats import Row
from pytest_velo.errors import UsageError, nearest
from pytest_velo.logs import deepeval, inspect, lm_eval, promptfoo, rows
from pytest_velo.logs.log import Kind, Log
from pytest_velo.reading import json_in, pieces_of, read_bytes

MOST_BYTES = 2**31
"""Of a log that is read as one JSON value."""

_KINDS = "an Inspect log, samples_*.jsonl of lm-evaluation-harness, promptfoo's or deepeval's JSON, or rows"


def read_logs(path: Path, *, kind: Kind | None = None, id_field: str | None = None) -> tuple[Log, ...]:
    """Read a log; a file of promptfoo may hold several.

    Args:
        path: The file.
        kind: What wrote it; None to tell by its content.
        id_field: The field that names a sample; None for what the log itself says.

    Raises:
        UsageError: There is no such file, nothing that is known wrote it, or it is damaged.
    """
    if path.is_dir() and (files := lm_eval.files_in(path)):
        logs = [log for file in files for log in read_logs(file, kind=Kind.LM_EVAL)]
        return (lm_eval.joined(path, logs),)
    if not path.is_file():
        names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        what = "this is a folder" if path.is_dir() else "there is no such log"
        fix = "name the files in it" if path.is_dir() else nearest(path.name, names) if names else "check it"
        raise UsageError(what, where=str(path), fix=fix)
    try:
        content = _Content(path)
        return _by_kind(content, _digest(path), kind or _kind_of(content), id_field)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"it cannot be read ({getattr(error, 'strerror', None) or error})",
            where=str(path),
            fix=f"a log is {_KINDS}",
        ) from error


def _digest(path: Path) -> str:
    found = sha256()
    for piece in pieces_of(path):
        found.update(piece)
    return found.hexdigest()


class _Content:
    """What is in a file, read as far as somebody asks."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def json(self) -> Any:
        """The one value in it."""
        return json_in(read_bytes(self.path, MOST_BYTES))

    def rows(self) -> Iterator[Row]:
        """Its rows."""
        return read_rows(self.path.name, self.path.parent)


def _by_kind(content: _Content, digest: str, kind: Kind, id_field: str | None) -> tuple[Log, ...]:
    path = content.path
    match kind:
        case Kind.INSPECT:
            return inspect.read(path, digest)
        case Kind.PROMPTFOO:
            lines = path.suffix.lower() != ".json"
            data = {"results": [row for _, row in content.rows()]} if lines else content.json
            return promptfoo.read(path, digest, data)
        case Kind.DEEPEVAL:
            return deepeval.read(path, digest, content.json)
        case Kind.LM_EVAL:
            return lm_eval.read(path, digest, content.rows())
        case Kind.ROWS:
            return rows.read(path, digest, content.rows(), id_field)
    assert_never(kind)


def _kind_of(content: _Content) -> Kind:
    path = content.path
    if path.suffix.lower() == ".eval":
        return Kind.INSPECT
    if not is_file_of_rows(path.name):
        raise UsageError(
            f"{path.suffix or 'a file without a suffix'} is no kind of log",
            where=str(path),
            fix=f"a log is {_KINDS}",
        )
    if path.suffix.lower() == ".json" and (kind := _kind_of_json(content.json)) is not None:
        return kind
    _, first = next(content.rows(), ("", None))
    if promptfoo.is_result(first):
        return Kind.PROMPTFOO
    return Kind.LM_EVAL if lm_eval.is_row(first) else Kind.ROWS


def _kind_of_json(data: Any) -> Kind | None:
    if isinstance(data, dict) and {"version", "status", "eval"} <= data.keys():
        return Kind.INSPECT
    if promptfoo.results_in(data) is not None:
        return Kind.PROMPTFOO
    return Kind.DEEPEVAL if deepeval.results_in(data) is not None else None
