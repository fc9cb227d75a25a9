"""Plain rows of outcomes: `.jsonl`, `.csv`, `.parquet` and whatever else cases are read from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_velo.case_sets.formats import Row
from pytest_velo.errors import UsageError, nearest
from pytest_velo.logs.log import Kind, Log, Sample, as_number, as_text

EPOCHS = ("epoch", "repeat")
"""Fields that tell the draws of a case apart; the first one there is."""
IDS = ("id", "sample_id", "case_id", "question_id")
OUTCOMES = ("outcome", "correct", "success", "passed", "pass", "score")
"""Fields that are the outcome where nobody says which is; the first one there is."""
REASONS = ("error", "invalid")
"""Fields that say why a row has no outcome."""
_WORDS = {
    "1": 1.0,
    "0": 0.0,
    "true": 1.0,
    "false": 0.0,
    "yes": 1.0,
    "no": 0.0,
    "pass": 1.0,
    "fail": 0.0,
    "passed": 1.0,
    "failed": 0.0,
    "correct": 1.0,
    "incorrect": 0.0,
}
_NOTHING = ("", "null", "none", "na", "n/a", "nan")


def read(path: Path, digest: str, rows: Iterable[Row], id_field: str | None) -> tuple[Log, ...]:
    """Read one file; every field that has numbers in it is a score.

    Raises:
        UsageError: A row is no object, or has no id where the others have.
    """
    found = [(where, _checked(where, row)) for where, row in rows]
    if not found:
        raise UsageError("the file has no rows", where=str(path), fix="name the log itself")
    fields = dict.fromkeys(name for _, row in found for name in row)
    named = _id_field(fields, id_field, path)
    epoch = next((name for name in EPOCHS if name in fields and name != named), None)
    others = [name for name in fields if name not in (named, epoch, *REASONS)]
    scored = [name for name in others if any(_outcome(row.get(name)) is not None for _, row in found)]
    clean = [name for name in scored if _is_clean(name, found)]
    usual = next((name for name in OUTCOMES if name in scored), clean[0] if len(clean) == 1 else "")
    return (
        Log(
            name=path.stem,
            path=path,
            kind=Kind.ROWS,
            digest=digest,
            samples=tuple(_samples(found, named, epoch, scored)),
            passed=usual,
            graded=usual,
            numbered=named is None,
        ),
    )


def _checked(where: str, row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise UsageError(
            f"a row must be an object with fields, got a {type(row).__name__}",
            where=where,
            fix='{"id": "q1", "correct": true}',
        )
    return {str(name): value for name, value in row.items()}


def _id_field(fields: Iterable[str], wanted: str | None, path: Path) -> str | None:
    known = list(fields)
    if wanted is None:
        return next((name for name in IDS if name in known), None)
    if wanted not in known:
        raise UsageError(f"no row has a field {wanted!r}", where=str(path), fix=nearest(wanted, known))
    return wanted


def _is_clean(name: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> bool:
    """Tell whether a field has outcomes, and nothing else in any row."""
    return all(_outcome(row.get(name)) is not None or _is_nothing(row.get(name)) for _, row in rows)


def _is_nothing(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _NOTHING
    return value is None or isinstance(value, float)  # NaN and infinity: finite ones are outcomes


def _outcome(value: Any) -> float | None:
    if not isinstance(value, str):
        return as_number(value)
    text = value.strip().lower()
    if text in _WORDS:
        return _WORDS[text]
    try:
        return as_number(float(text))
    except ValueError:
        return None


def _samples(
    rows: Sequence[tuple[str, Mapping[str, Any]]], named: str | None, epoch: str | None, scored: Sequence[str]
) -> Iterator[Sample]:
    labels = {as_text(row.get(epoch)) for _, row in rows} if epoch is not None else set()
    epochs = {label: rank for rank, label in enumerate(sorted(labels, key=_in_order), 1)}
    for place, (where, row) in enumerate(rows):
        values = {name: _outcome(row.get(name)) for name in scored}
        reason = next((row[name] for name in REASONS if not _says_nothing(row.get(name))), None)
        yield Sample(
            id=_id(row, named, where) if named is not None else str(place),
            epoch=1 if epoch is None else epochs[as_text(row.get(epoch))],
            scores={name: value for name, value in values.items() if value is not None},
            invalid="" if reason is None else f"error in the log: {as_text(reason)[:200]}",
            faults={name: _fault(name, row.get(name)) for name, value in values.items() if value is None},
            fields=row,
            where=where,
        )


def _in_order(label: str) -> tuple[float, str]:
    """Return a sort key: numbers by their value, before words."""
    try:
        return float(label), ""
    except ValueError:
        return float("inf"), label


def _says_nothing(reason: Any) -> bool:
    if isinstance(reason, str):
        return reason.strip().lower() in (*_NOTHING, "false", "0")
    return not reason or reason != reason  # NaN


def _fault(name: str, value: Any) -> str:
    return f"{name} is empty in the log" if _is_nothing(value) else f"{name} is {as_text(value)[:80]!r}"


def _id(row: Mapping[str, Any], named: str, where: str) -> str:
    value = row.get(named)
    if value is None or value == "" or isinstance(value, list | dict):
        raise UsageError(f"the row has no {named!r}", where=where, fix="give every row an id")
    return as_text(value)
