"""From file names to arms: every log that is named, read and given a name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_velo.canonical import digest
from pytest_velo.errors import UsageError, nearest
from pytest_velo.logs.detect import read_logs
from pytest_velo.logs.log import Kind, Log, as_text


def read_arms(
    files: Iterable[str | Path],
    named: Mapping[str, str | Path] | None = None,
    *,
    base: Path = Path(),
    kind: Kind | None = None,
    id_field: str | None = None,
) -> dict[str, Log]:
    """Read logs and return them by arm.

    Args:
        files: Logs that are named after their files' stems; a file with several arms is named by the file
            and what tells the arms apart.
        named: Logs by the arm's name; each holds one arm.
        base: The folder that relative paths start from.
        kind: What wrote them; None to tell by each one's content.
        id_field: The field that says which samples are the same; None for the logs' own ids.

    Raises:
        UsageError: A log cannot be read, or two have one name.
    """
    logs: list[Log] = []
    for file in files:
        logs += read_logs(base / file, kind=kind, id_field=_own_field(id_field, kind))
    for name, file in (named or {}).items():
        found = read_logs(base / file, kind=kind, id_field=_own_field(id_field, kind))
        logs.append(replace(_only(found, name, base / file), name=name))
    if not logs:
        raise UsageError("no log is named", fix="name one or more: a.eval b.eval")
    _check_names(logs)
    if id_field is not None:
        logs = [log if log.kind is Kind.ROWS else _by_field(log, id_field) for log in logs]
    return {log.name: log for log in logs}


def _own_field(id_field: str | None, kind: Kind | None) -> str | None:
    """Return the field for a reader of rows, which has no other id."""
    return id_field if kind in (None, Kind.ROWS) else None


def _only(found: Sequence[Log], name: str, path: Path) -> Log:
    if len(found) == 1:
        return found[0]
    known = ", ".join(log.name for log in found)
    raise UsageError(
        f"the file holds {len(found)} arms, so it cannot be named {name!r}: {known}",
        where=str(path),
        fix="give the file without a name; its arms are named as listed",
    )


def _check_names(logs: Sequence[Log]) -> None:
    counts = Counter(log.name for log in logs)
    name, n = counts.most_common(1)[0]
    if n > 1:
        paths = [str(log.path) for log in logs if log.name == name]
        raise UsageError(
            f"{n} logs are named {name!r}: {', '.join(paths)}",
            fix=f"name them: --arm old={paths[0]} --arm new={paths[-1]}",
        )


def _by_field(log: Log, field: str) -> Log:
    """Return a log whose samples are named by a field, e.g. their input."""
    names: dict[str, str] = {}
    for sample in log.samples:
        if field not in sample.fields:
            raise UsageError(
                f"the sample {sample.id!r} has no field {field!r}",
                where=sample.where,
                fix=nearest(field, map(str, sample.fields)),
            )
        names[sample.id] = _name(sample.fields[field])
    return replace(
        log,
        samples=tuple(replace(sample, id=names[sample.id]) for sample in log.samples),
        announced=tuple((names.get(name, name), epoch) for name, epoch in log.announced),
    )


def _name(value: Any) -> str:
    if isinstance(value, str | int):
        return as_text(value)
    try:
        return digest(value)[:32]
    except UsageError:
        return repr(value)
