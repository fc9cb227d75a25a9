"""Reading files that anything may have written: in bounded memory, and with one kind of error, `ValueError`.

A file may nest more deeply than Python can recurse, be of any size, be a directory or a device, hold other
bytes than text, or numbers that are none.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

MOST_BYTES = 256 * 2**20
"""Of a file that is read at once."""
MOST_LINE_BYTES = 64 * 2**20
_PIECE = 2**20


FileState = tuple[int, int, int]
"""Of a file: it changes with its content."""


def state_of(path: Path) -> FileState | None:
    """Return the state of a file, to tell whether what was read is still in it; None if there is none.

    Files that each test of a session looks into are read once: in each of many tests it would take time that
    grows with their square.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of a regular file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no regular file, or has more than `most` bytes.
    """
    _check_regular(path)
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it is larger than {_size(most)}")
    return content


def lines_in(pieces: Iterable[bytes], most: int = MOST_LINE_BYTES) -> Iterator[bytes]:
    """Yield the lines of a file that comes in pieces, with their ends.

    Raises:
        ValueError: A line has more than `most` bytes.
    """
    begun: list[bytes] = []
    n_begun = 0
    for piece in pieces:
        *ended, rest = piece.split(b"\n")
        for line in ended:
            yield b"".join([*begun, line, b"\n"])
            begun, n_begun = [], 0
        begun.append(rest)
        n_begun += len(rest)
        if n_begun > most:
            raise ValueError(f"a line is longer than {_size(most)}")
    if n_begun:
        yield b"".join(begun)


def pieces_of(path: Path) -> Iterator[bytes]:
    """Yield the content of a regular file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no regular file.
    """
    _check_regular(path)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def json_in(content: bytes) -> Any:
    """Return the JSON value in `content`.

    Raises:
        ValueError: There is none, or it nests too deeply.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def decoder(kind: type[T], *, halves: bool = False) -> Callable[[bytes], T]:
    """Return a decoder of JSON into typed records; it raises `ValueError` for anything else.

    Args:
        kind: The record's class.
        halves: Also take halves of surrogate pairs, which a text that was cut may have.
    """
    decode = msgspec.json.Decoder(kind).decode

    def read(content: bytes) -> T:
        try:
            return decode(content)
        except msgspec.DecodeError as problem:
            if not halves or _HALF.search(content) is None:
                raise ValueError(str(problem)) from None
            return _with_halves(content, kind)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None

    return read


_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def _with_halves(content: bytes, kind: type[T]) -> T:
    """Decode JSON with halves of surrogate pairs, which msgspec refuses."""
    try:
        return msgspec.convert(json.loads(content, parse_constant=_refused), kind)
    except (msgspec.ValidationError, RecursionError) as problem:
        raise ValueError(str(problem) or "it is nested too deeply") from None


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def checked(record: T) -> T:
    """Return a record that was made of decoded JSON, if each of its fields has the type it is declared with.

    Raises:
        ValueError: One has not.
    """
    try:
        msgspec.convert(_plain(record), type(record))
    except (msgspec.ValidationError, RecursionError) as problem:
        raise ValueError(str(problem) or "it is nested too deeply") from None
    return record


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if is_dataclass(value):
        names = _NAMES.get(kind) or _NAMES.setdefault(kind, tuple(field.name for field in fields(value)))
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


_NAMES: dict[type, tuple[str, ...]] = {}
_AS_IT_IS = frozenset({str, int, float, bool, type(None), dict})  # exact types: most of what a record holds


def _check_regular(path: Path) -> None:
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a directory says so itself
        raise ValueError("it is no regular file")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:g} MiB"
