"""Rows of the formats that cases are kept in, each with its place.

A reader takes a binary file and its name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NoReturn

import msgspec

from pytest_velo.errors import UsageError

Row = tuple[str, Any]

MOST_BYTES = 2**28
"""Of a file that is read as one value (.json, .yaml)."""
_MOST_CHARACTERS = 2**31 - 1
"""Per .csv cell: the library's own limit is shorter than a long prompt."""


def read_jsonl(file: BinaryIO, name: str) -> Iterator[Row]:
    """Yield the value on each line that is not blank."""
    decode = msgspec.json.Decoder().decode
    for number, line in enumerate(io.TextIOWrapper(file, encoding="utf-8-sig"), 1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        try:
            yield where, decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            raise UsageError(
                f"the line is not JSON: {error}", where=where, fix="one JSON value on each line"
            ) from None


def read_json(file: BinaryIO, name: str) -> Iterator[Row]:
    """Yield the items of a list, or of the one list in an object (as BIG-bench Hard has `examples`)."""
    text = _whole(file, name).decode("utf-8-sig")
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise UsageError(
            f"the file is not JSON: {error}", where=name, fix="check it, or use .jsonl"
        ) from None
    yield from _items(value, name)


def read_yaml(file: BinaryIO, name: str) -> Iterator[Row]:
    """Yield the items of a list, or of the one list in a mapping; dates stay text."""
    try:
        import yaml  # an extra
    except ImportError:
        raise _missing("pyyaml", "yaml", name) from None
    from pytest_velo.case_sets.plain_yaml import PlainLoader  # weight: it needs the extra

    text = _whole(file, name).decode("utf-8-sig")
    try:
        value = yaml.load(text, PlainLoader)  # a safe one
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split()) or "it is nested too deeply"
        raise UsageError(f"the file is not YAML: {said}", where=name, fix="check it, or use .json") from None
    yield from _items(value, name)


def read_csv(file: BinaryIO, name: str) -> Iterator[Row]:
    """Yield each row as texts by the names in the first line.

    Cells are separated by commas; by tabs or semicolons if the first line has such and no comma.
    """
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    first = lines.readline()
    delimiter = next((mark for mark in ",\t;" if mark in first), ",")
    lines.seek(0)
    reader = csv.reader(lines, strict=True, delimiter=delimiter)
    limit = csv.field_size_limit(_MOST_CHARACTERS)
    try:
        names = _header(next(reader, []), name)
        for cells in reader:
            if not cells:
                continue
            where = f"{name}:{reader.line_num}"
            if len(cells) != len(names):
                _ragged(cells, names, where)
            yield where, dict(zip(names, cells, strict=True))
    except csv.Error as error:
        raise UsageError(
            f"the row is not CSV: {error}", where=f"{name}:{reader.line_num}", fix="check its quotes"
        ) from None
    finally:
        csv.field_size_limit(limit)


def read_parquet(file: BinaryIO, name: str) -> Iterator[Row]:
    """Yield each row as values by the names of the columns."""
    try:
        from pyarrow import ArrowException, parquet  # an extra
    except ImportError:
        raise _missing("pyarrow", "parquet", name) from None
    try:
        yield from _rows(parquet.ParquetFile(file).iter_batches(), name)
    except (ArrowException, OSError, MemoryError) as error:  # a damaged size asks for any amount
        raise _broken(error, "Parquet", name) from None


def read_arrow(file: BinaryIO, name: str) -> Iterator[Row]:
    """Yield each row as values by the names of the columns, of a file or a stream (as `datasets` writes)."""
    try:
        from pyarrow import ArrowException, ipc  # an extra
    except ImportError:
        raise _missing("pyarrow", "parquet", name) from None
    is_file = file.read(6) == b"ARROW1"
    file.seek(0)
    try:
        if is_file:
            reader = ipc.open_file(file)
            batches = map(reader.get_batch, range(reader.num_record_batches))
            yield from _rows(batches, name)
        else:
            yield from _rows(ipc.open_stream(file), name)
    except (ArrowException, OSError, MemoryError) as error:  # a damaged size asks for any amount
        raise _broken(error, "Arrow", name) from None


def _rows(batches: Iterable[Any], name: str) -> Iterator[Row]:
    number = 0
    for batch in batches:
        batch.validate(full=True)  # a damaged one is read beyond its end otherwise
        for row in batch.to_pylist():
            number += 1
            yield f"{name}, row {number}", row


def _items(value: Any, name: str) -> Iterator[Row]:
    found = value
    if isinstance(value, dict):
        lists = [key for key, item in value.items() if isinstance(item, list)]
        if len(lists) != 1:
            held = ", ".join(map(str, lists)) or "none"
            raise UsageError(
                f"the file holds an object with {len(lists)} lists ({held}): which are the cases?",
                where=name,
                fix="keep the cases as one list, or as .jsonl",
            )
        found = value[lists[0]]
    if not isinstance(found, list):
        raise UsageError(
            f"the file holds no list but a {type(found).__name__}", where=name, fix="keep a list"
        )
    for number, item in enumerate(found, 1):
        yield f"{name}, item {number}", item


def _whole(file: BinaryIO, name: str) -> bytes:
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UsageError(
            f"the file is larger than {MOST_BYTES // 2**20} MiB, and is read as a whole",
            where=name,
            fix="keep the cases as .jsonl",
        )
    return content


def _missing(package: str, extra: str, name: str) -> UsageError:
    return UsageError(
        f"this kind of file needs the package {package}",
        where=name,
        fix=f'pip install "pytest-velo[{extra}]"',
    )


def _broken(error: Exception, kind: str, name: str) -> UsageError:
    why = str(error) or "a size in it is larger than any memory"
    return UsageError(f"the file is not {kind}: {why}", where=name, fix="write it anew")


def _header(names: list[str], file_name: str) -> list[str]:
    names = [name.strip() for name in names]
    blank = not all(names) or not names
    if blank or len(set(names)) < len(names) or all(map(_is_number, names)):
        raise UsageError(
            "the first line names no columns"
            if blank
            else f"the first line is not a header: {', '.join(names)}",
            where=f"{file_name}:1",
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
