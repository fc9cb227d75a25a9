"""From file names to arms: every log that is named, read and given a name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_velo.canonical import digest
from pytest_velo.errors import UsageError, VeloError, nearest
from pytest_velo.logs.detect import read_logs
from pytest_velo.logs.log import Kind, Log, as_text
from pytest_velo.parallel.mapping import mapped


def read_arms(
    files: Iterable[str | Path],
    named: Mapping[str, str | Path] | None = None,
    *,
    base: Path = Path(),
    kind: Kind | None = None,
    id_field: str | None = None,
    jobs: int = 1,
) -> dict[str, Log]:
    """Read logs and return them by arm.

    Args:
        files: Logs that are named after their files' stems; a file with several arms is named by the file
            and what tells the arms apart.
        named: Logs by the arm's name; each holds one arm.
        base: The folder that relative paths start from.
        kind: What wrote them; None to tell by each one's content.
        id_field: The field that says which samples are the same; None for the logs' own ids.
        jobs: How many processes read them, from 1.

    Raises:
        UsageError: A log cannot be read, or two have one name.
    """
    paths: list[tuple[str | None, Path]] = [(None, base / file) for file in files]
    paths += [(name, base / file) for name, file in (named or {}).items()]
    calls = [(path, kind, _own_field(id_field, kind)) for _, path in paths]
    read = [*mapped(_read, calls, min(jobs, len(calls) or 1))]
    logs: list[Log] = []
    for (name, path), found in zip(paths, read, strict=True):
        if isinstance(found, VeloError):  # the first one in their order, whoever finds one first
            raise found
        logs += found if name is None else [replace(_only(found, name, path), name=name)]
    if not logs:
        raise UsageError("no log is named", fix="name one or more: a.eval b.eval")
    _check_names(logs)
    if id_field is not None:
        logs = [log if log.kind is Kind.ROWS else _by_field(log, id_field) for log in logs]
    return {log.name: log for log in logs}


def _read(path: Path, kind: Kind | None, id_field: str | None) -> tuple[Log, ...] | VeloError:
    try:
        return read_logs(path, kind=kind, id_field=id_field)
    except VeloError as error:
        return error


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
