"""Sheets of trials for people to label elsewhere: they go out blind, and come back checked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_velo.errors import StoreError, UsageError
from pytest_velo.labelling import EVERY, Label, check_name, label_text, labels_in, rows_in, unformulated
from pytest_velo.records import HypothesisResult
from pytest_velo.report.blind import Blind, Place, Range, blinds_of
from pytest_velo.report.text import shorten, visible

TRANSCRIPT = "transcript"
QUESTION = "question"
_FIELD = "case."
_MOST_CELL = 32_000
"""Characters of a cell: spreadsheets have at most 32,767."""


def rows_to_label(
    result: HypothesisResult, every: int | None, hidden: Collection[str]
) -> list[dict[str, str]]:
    """Return the trials of a hypothesis to label as rows; each trial once.

    Args:
        result: With its trials.
        every: One trial in so many; None for what the test says, or the usual one.
        hidden: As for `blinds_of`.

    Raises:
        UsageError: The trials have no transcripts.
    """
    usual = EVERY if result.truth is None else result.truth.every
    rows = {blind.digest: row_of(blind) for blind, _ in blinds_of(result, every or usual, hidden)}
    return [*rows.values()]


def write_sheet(path: Path, blinds: Iterable[Blind], question: str) -> int:
    """Write trials for people to label, and return how many there are.

    Args:
        path: A new `.csv`, `.tsv` or `.jsonl` file.
        blinds: The trials.
        question: What is asked about each; empty if nothing is said.

    Raises:
        UsageError: The file is there already, and may hold labels; or it has another name, by which no
            program would read it.
        StoreError: It cannot be written.
    """
    check_name(path)
    rows = [row_of(blind, question) for blind in blinds]
    names = [*dict.fromkeys(name for row in rows for name in row)]
    names.sort(key=lambda name: _ORDER.get(name, len(_ORDER)))
    if path.suffix.lower() == ".jsonl":
        content = "".join(f"{json.dumps(row)}\n" for row in rows)
    else:
        text = io.StringIO()
        delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
        writer = csv.DictWriter(text, names, restval="", delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: unformulated(cell) for name, cell in row.items()} for row in rows)
        content = text.getvalue()
    try:
        # Spreadsheets take a file without the mark for one of an older encoding.
        with path.open("x", encoding="utf-8" if content.isascii() else "utf-8-sig", newline="") as file:
            file.write(content)
    except FileExistsError:
        raise UsageError(
            "there is such a file already, and it may hold labels",
            where=str(path),
            fix="name another one, or remove it",
        ) from None
    except OSError as problem:
        raise StoreError(
            f"it cannot be written: {problem.strerror or problem}", where=str(path), fix="name another file"
        ) from problem
    return len(rows)


_ORDER = {name: at for at, name in enumerate(("trial", "label", "note", "by", QUESTION))}


def row_of(blind: Blind, question: str = "") -> dict[str, str]:
    """Return a trial as a row of a sheet, whose `label` is to be filled in."""
    fields = {f"{_FIELD}{name}": _cell(text) for name, text in blind.fields}
    said = "\n\n".join(f"{said.role}: {said.text}" for said in blind.said)
    empty = {"trial": blind.digest, "label": "", "note": "", "by": ""}
    return {**empty, QUESTION: _cell(question), **fields, TRANSCRIPT: _cell(said)}


def _cell(text: str) -> str:
    return shorten(visible(text), _MOST_CELL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a sheet that came back says.

    Attributes:
        labels: In its order.
        n_missing: Trials of the sheet that have no label.
    """

    labels: tuple[Label, ...]
    n_missing: int


def read_sheet(
    path: Path, test: str, known: Mapping[str, tuple[Blind, Place]], scale: Range, by: str, at: str
) -> Returned:
    """Read a sheet that people have filled in.

    Args:
        path: The file.
        test: The id of the test that it is of.
        known: The trials that are labelled, by digest.
        scale: What a label may be.
        by: Whose labels they are where the sheet does not say.
        at: When, ISO 8601.

    Raises:
        UsageError: A row cannot be read, is of no trial of these, has another text than went out, or a label
            that is out of the range.
    """
    labels = {(label.trial, label.by): label for label in labels_in(path)}
    seen: dict[str, str] = {}
    for where, row in rows_in(path):
        trial = str(row["trial"]).strip()
        if trial not in known:
            raise UsageError(
                f"trial {trial} is none of those that are labelled in this run",
                where=where,
                fix="name the run and the test that the sheet was made of; what a model says anew is another"
                " trial",
            )
        shown = row_of(known[trial][0])
        if TRANSCRIPT in row and _words(str(row[TRANSCRIPT])) != _words(shown[TRANSCRIPT]):
            raise UsageError(
                "its transcript is not the one that went out, so the label may be of another text",
                where=where,
                fix="keep the column as `velo label --export` writes it, or export again",
            )
        seen[trial] = where
    for label in labels.values():
        if not scale.has(label.label):
            raise UsageError(
                f"its label is {label_text(label.label)!r}, and this claim's outcomes are {scale.keys}",
                where=seen[label.trial],
                fix=f"write {scale.keys}, or skip",
            )
    n_labelled = len({trial for trial, _ in labels})
    return Returned(
        labels=tuple(_whole(labels.values(), test, known, by, at)), n_missing=len(seen) - n_labelled
    )


def _whole(
    labels: Iterable[Label], test: str, known: Mapping[str, tuple[Blind, Place]], by: str, at: str
) -> Iterator[Label]:
    for label in labels:
        blind, place = known[label.trial]
        yield Label(
            trial=label.trial,
            label=label.label,
            test=test,
            case=blind.case_id,
            arm=place.arm,
            repeat=place.repeat,
            by=label.by or by,
            at=at,
            note=label.note,
        )


def _words(text: str) -> list[str]:
    """Return the words of a cell: spreadsheets change line breaks, and some the apostrophe of a formula."""
    return text.lstrip("'").split()
