"""Rows from .jsonl and .csv files, each with the line it came from."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from pytest_velo.errors import UsageError, nearest

SUFFIXES = (".jsonl", ".csv")
SOURCES = "a list, a set, a function, a .jsonl or .csv file, or a strategy of the Hypothesis library"

Row = tuple[str, Any]

_MOST_CHARACTERS = 2**31 - 1
"""Per .csv cell: the library's own limit is shorter than a long prompt."""


def read_rows(name: str | Path, base: Path) -> Iterator[Row]:
    """Read a file of cases; its path is relative to `base`, the test file's folder.

    Yields:
        `("file:line", value)` for every row; values from .csv are text.

    Raises:
        UsageError: Another kind of source, no such file, not UTF-8, or a malformed row.
    """
    path = _resolve(str(name), base)
    try:
        reader = _read_jsonl if path.suffix.lower() == ".jsonl" else _read_csv
        yield from reader(path)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"the file is not UTF-8 (byte {error.start})", where=str(path), fix="save it as UTF-8"
        ) from None
    except OSError as error:
        raise UsageError(
            f"the file cannot be read: {error.strerror or error}",
            where=str(path),
            fix="check its permissions",
        ) from None


def _resolve(name: str, base: Path) -> Path:
    if "://" in name or not name.lower().endswith(SUFFIXES):
        raise UsageError(f"cases={name!r} is not a source of cases", fix=f"cases= takes {SOURCES}")
    path = base / name
    if path.is_file():
        return path
    folder = path.parent
    known = [entry.name for entry in folder.iterdir() if entry.suffix in SUFFIXES] if folder.is_dir() else []
    fix = nearest(path.name, known) if known else f"the path is relative to the test file's folder, {base}"
    raise UsageError(f"there is no file {name!r} in {folder}", where="cases", fix=fix)


def _read_jsonl(path: Path) -> Iterator[Row]:
    decode = msgspec.json.Decoder().decode
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{path.name}:{number}"
            try:
                yield where, decode(line)
            except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
                raise UsageError(
                    f"the line is not JSON: {error}", where=where, fix="one JSON value on each line"
                ) from None


def _read_csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        limit = csv.field_size_limit(_MOST_CHARACTERS)
        try:
            names = _header(next(reader, []), path)
            for cells in reader:
                if not cells:
                    continue
                where = f"{path.name}:{reader.line_num}"
                if len(cells) != len(names):
                    _ragged(cells, names, where)
                yield where, dict(zip(names, cells, strict=True))
        except csv.Error as error:
            raise UsageError(
                f"the row is not CSV: {error}", where=f"{path.name}:{reader.line_num}", fix="check its quotes"
            ) from None
        finally:
            csv.field_size_limit(limit)


def _header(names: list[str], path: Path) -> list[str]:
    names = [name.strip() for name in names]
    blank = not all(names) or not names
    if blank or len(set(names)) < len(names) or all(map(_is_number, names)):
        raise UsageError(
            "the first line names no columns"
            if blank
            else f"the first line is not a header: {', '.join(names)}",
            where=f"{path.name}:1",
            fix="give each column a unique name in the first line, e.g. question,answer",
        )
    return names


def _ragged(cells: list[str], names: list[str], where: str) -> NoReturn:
    raise UsageError(
        f"the row has {len(cells)} cells, the header has {len(names)}",
        where=where,
        fix='put cells with commas or line breaks in "double quotes"',
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
