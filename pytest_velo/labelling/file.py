"""Files of labels: CSV, for spreadsheets, or JSON Lines. Each label is added at once, and none is changed.

A cell that a spreadsheet would take for a formula begins with an apostrophe, which is taken off when it is
read. Control characters become spaces.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pytest_velo.case_sets.files import read_rows
from pytest_velo.errors import StoreError, UsageError, nearest
from pytest_velo.labelling.label import SKIP, Label, label_of, label_text

COLUMNS = ("trial", "label", "test", "case", "arm", "repeat", "by", "at", "note")
KINDS = (".csv", ".tsv", ".jsonl")
_TEXTS = ("test", "case", "arm", "by", "at", "note")
_FORMULA = re.compile("'*[=+\\-@\t\r]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_DELIMITERS = ",\t;"  # as `read_rows` tells them
_MOST_HEAD = 2**16


def labels_in(path: Path) -> tuple[Label, ...]:
    """Return all labels in a file, in its order; rows without a label yet are left out.

    An empty file has none: that is what is left when the first label is taken back.

    Args:
        path: A `.csv`, `.tsv` or `.jsonl` file with at least the columns `trial` and `label`.

    Raises:
        UsageError: There is no such file, a row cannot be read, or one person says two things of one trial.
    """
    said: dict[tuple[str, str], _Placed] = {}
    for placed in _placed_in(path):
        label = placed.label
        before = said.setdefault((label.trial, label.by), placed)
        if before.label.label != label.label:
            raise _differing(before, placed, path)
    return tuple(placed.label for placed in said.values())


def rows_in(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the rows of a file, each with its place."""
    try:
        for place, row in read_rows(path.name, path.parent):
            yield str(path.parent / place), row
    except UsageError as error:
        if error.where.startswith(path.name):
            error.where = str(path.parent / error.where)
        raise


class ReadLabels(Mapping[str, Label]):
    """Labels by the trial's digest. To look up one that people differ about is an error, and no other is.

    Args:
        labels: Those that count.
        differing: The error for each trial of which two things are said.
    """

    def __init__(self, labels: Mapping[str, Label], differing: Mapping[str, UsageError]) -> None:
        self._labels = labels
        self._differing = differing

    def __getitem__(self, trial: str) -> Label:
        error = self._differing.get(trial)
        if error is not None:  # a new one: whoever catches it adds a place of its own
            raise UsageError(error.what, where=error.where, fix=error.fix)
        return self._labels[trial]

    def __iter__(self) -> Iterator[str]:
        return (trial for trial in self._labels if trial not in self._differing)

    def __len__(self) -> int:
        return len(self._labels) - len(self._differing)


def read_labels(path: Path, by: str | None = None, test: str = "") -> ReadLabels:
    """Return the labels in a file by the trial's digest.

    A file may hold labels of several tests, and what is wrong with those of another one is not this test's.
    Of which test a trial is, a row says, or else the digest, when the trial is there.

    Args:
        path: As for `labels_in`.
        by: Whose labels; None for those of all, who must say the same where several say something.
        test: The id of the test that asks.

    Raises:
        UsageError: A row cannot be read; somebody is in the file, and nobody of that name; or two things are
            said of a trial that a row says is of this test: by one person, or by people while `by` is None.
            What is said twice of other trials is raised when such a one is looked up.
    """
    found: dict[str, _Placed] = {}
    differing: dict[str, UsageError] = {}
    people = set()
    for placed in _placed_in(path):
        label = placed.label
        people.add(label.by)
        if by is not None and label.by != by:
            continue
        before = found.setdefault(label.trial, placed)
        if before.label.label != label.label:
            error = _differing(before, placed, path)
            if test and one_line(test) in (before.label.test, label.test):
                raise error
            differing.setdefault(label.trial, error)
    if by is not None and people and by not in people:
        raise UsageError(f"no label is by {by!r}", where=str(path), fix=nearest(by, people))
    return ReadLabels({trial: placed.label for trial, placed in found.items()}, differing)


class LabelFile:
    """A file that labels are added to. What was added is on the disk when `add` returns.

    Several processes may add to one file. A file that people made keeps its columns and their order.

    Args:
        path: A `.csv`, `.tsv` or `.jsonl` file; it is made with the first label.

    Raises:
        UsageError: It has another name, or what is in it is no file of labels.
    """

    def __init__(self, path: Path) -> None:
        check_name(path)
        self.path = path
        self.labels = list(labels_in(path)) if path.is_file() else []
        self._added: list[tuple[int, int]] = []

    def add(self, label: Label) -> None:
        """Add a label.

        Raises:
            UsageError: The file has no column for who says so, or for the note.
            StoreError: It cannot be written; then nothing of it was.
        """
        try:
            self._added.append(self._append(label))
        except OSError as problem:
            raise _unwritable(self.path, problem) from problem
        self.labels.append(label)

    def take_back(self) -> Label | None:
        """Take the last label that was added here out of the file; None if there is none left.

        Raises:
            UsageError: Somebody has added something since.
            StoreError: It cannot be written.
        """
        if not self._added:
            return None
        start, end = self._added[-1]
        try:
            if self.path.stat().st_size != end:
                raise UsageError(
                    "somebody else has added labels since, so yours cannot be taken back here",
                    where=str(self.path),
                    fix="remove its row in an editor when the others are done",
                )
            os.truncate(self.path, start)
        except OSError as problem:
            raise _unwritable(self.path, problem) from problem
        self._added.pop()
        return self.labels.pop()

    def _append(self, label: Label) -> tuple[int, int]:
        """Write a label at the end of the file; return where it starts and where it ends."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        with open(handle, "rb+", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            content = self._written(file, size, label)
            n_written = file.write(content)
            if n_written != len(content):
                file.truncate(size)
                raise OSError(0, "the disk is full")
            os.fsync(file.fileno())
            end = file.seek(0, os.SEEK_END)
        return end - len(content), end

    def _written(self, file: BinaryIO, size: int, label: Label) -> bytes:
        """Return what is added for a label, after what is in the file."""
        ends = b""
        if size:
            file.seek(size - 1)
            ends = b"" if file.read(1) == b"\n" else b"\n"
        if self.path.suffix.lower() == ".jsonl":
            return ends + _line(label)
        delimiter = "\t" if self.path.suffix.lower() == ".tsv" else ","
        if not size:
            return _row(COLUMNS, delimiter) + _row(_cells(label, COLUMNS), delimiter)
        file.seek(0)
        head = _first_line(file).decode("utf-8-sig")
        delimiter = next((mark for mark in _DELIMITERS if mark in head), ",")
        columns = [name.strip() for name in next(csv.reader([head], delimiter=delimiter))]
        lacking = [name for name in ("by", "note") if getattr(label, name) and name not in columns]
        if lacking:
            name = lacking[0]
            raise UsageError(
                f"the file has no column `{name}`, so {getattr(label, name)!r} would be lost"[:300],
                where=str(self.path),
                fix=f"add `{name}` to its first line and a cell to each row, or name another file",
            )
        return ends + _row(_cells(label, columns), delimiter)


def _first_line(file: BinaryIO) -> bytes:
    return file.readline(_MOST_HEAD)


def check_name(path: Path) -> None:
    """Check that a file has a name of one that holds labels.

    Raises:
        UsageError: It has another ending.
    """
    if path.suffix.lower() not in KINDS:
        raise UsageError(
            "the name of a file of labels ends in .csv, .tsv or .jsonl",
            where=str(path),
            fix=str(path.with_suffix(".csv")) if path.name else "labels.csv",
        )


class _Placed(NamedTuple):
    """A label, and where it stands."""

    where: str
    label: Label


def _check_there(path: Path) -> None:
    check_name(path)
    if not path.is_file():
        known = [each.name for each in path.parent.glob("*") if each.suffix.lower() in KINDS]
        fix = nearest(path.name, known) if known else "velo label makes one"
        raise UsageError("there is no such file of labels", where=str(path), fix=fix)


def _placed_in(path: Path) -> Iterator[_Placed]:
    """Yield the labels in a file, in its order; rows without a label yet are left out."""
    _check_there(path)
    if path.stat().st_size:
        for where, row in rows_in(path):
            label = _label(row, where)
            if label is not None:
                yield _Placed(where, label)


def _differing(before: _Placed, after: _Placed, path: Path) -> UsageError:
    """Return the error for two things that are said of one trial."""
    first, second = before.label, after.label
    said, says = label_text(first.label), label_text(second.label)
    if first.by == second.by:
        return UsageError(
            f"{second.by or 'one person'} says {says!r} of trial {second.trial}, and {said!r} in"
            f" {Path(before.where).name}",
            where=after.where,
            fix="keep one of the two rows; different people are told apart by the column `by`",
        )
    return UsageError(
        f"people differ: of trial {second.trial} {first.by or 'somebody'} says {said!r},"
        f" {second.by or 'somebody'} {says!r}",
        where=str(path),
        fix=f'say whose labels count: labels("{path.name}", by="{first.by or second.by}")',
    )


def _label(row: Any, where: str) -> Label | None:
    """Return the label in a row; None if it has none yet."""
    if not isinstance(row, Mapping):
        raise UsageError("the row has no fields", where=where, fix='{"trial": "…", "label": "yes"}')
    for name in ("trial", "label"):
        if name not in row:
            raise UsageError(
                f"the row has no field `{name}`, it has {', '.join(map(repr, row)) or 'none'}"[:300],
                where=where,
                fix="keep the columns `trial` and `label` as `velo label` writes them",
            )
    trial, written = row["trial"], row["label"]
    if not isinstance(trial, str) or not trial.strip():
        raise UsageError("the row does not say which trial it is of", where=where, fix="fill in `trial`")
    if written is None or (isinstance(written, str) and not written.strip()):
        return None
    try:
        label = label_of(written)
    except (ValueError, OverflowError):
        raise UsageError(
            f"its label is {written!r}, which is neither yes, no, {SKIP} nor a number"[:200],
            where=where,
            fix=f'write yes or no, a number such as 0.5, or {SKIP} for "cannot say"',
        ) from None
    texts = {name: _bare(row.get(name)) for name in _TEXTS}
    return Label(trial=trial.strip(), label=label, repeat=_repeat(row.get("repeat"), where), **texts)


def _repeat(written: Any, where: str) -> int | None:
    if written is None or written == "":
        return None
    if isinstance(written, str) and re.fullmatch("[0-9]{1,9}", written.strip()):
        return int(written)
    if isinstance(written, int) and not isinstance(written, bool) and 0 <= written < 10**9:
        return written
    raise UsageError(
        f"its repeat is {written!r}, which is no number from 0"[:200], where=where, fix="leave it empty"
    )


def _bare(written: Any) -> str:
    """Return a text without the apostrophe that keeps a spreadsheet from computing it."""
    text = "" if written is None else written if isinstance(written, str) else json.dumps(written)
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def harmless(text: str) -> str:
    """Return a text for one cell: on one line, and no formula."""
    return unformulated(one_line(text))


def one_line(text: str) -> str:
    """Return a text as files of labels have it: with spaces for control characters."""
    return _CONTROL.sub(" ", text)


def unformulated(text: str) -> str:
    """Return a text that no spreadsheet computes."""
    return f"'{text}" if _FORMULA.match(text) else text


def _cells(label: Label, columns: Iterable[str]) -> list[str]:
    known = {
        "trial": label.trial,
        "label": label_text(label.label),
        "repeat": "" if label.repeat is None else str(label.repeat),
        **{name: harmless(getattr(label, name)) for name in _TEXTS},
    }
    return [known.get(name, "") for name in columns]


def _row(cells: Sequence[str], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _line(label: Label) -> bytes:
    fields = {name: harmless(getattr(label, name)) for name in _TEXTS}
    written = {"trial": label.trial, "label": SKIP if label.label is None else label.label}
    return json.dumps({**written, **fields, "repeat": label.repeat}, allow_nan=False).encode() + b"\n"


def _unwritable(path: Path, problem: OSError) -> StoreError:
    return StoreError(
        f"it cannot be written: {problem.strerror or problem}",
        where=str(path),
        fix="free some space, or name another file with --to",
    )
