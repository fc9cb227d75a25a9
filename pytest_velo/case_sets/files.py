"""Files of cases: finding one, undoing its compression, and choosing how its rows are read."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from pytest_velo.case_sets.formats import (
    Row,
    read_arrow,
    read_csv,
    read_json,
    read_jsonl,
    read_parquet,
    read_yaml,
)
from pytest_velo.errors import UsageError, nearest

READERS: dict[str, Callable[[BinaryIO, str], Iterator[Row]]] = {
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".yaml": read_yaml,
    ".yml": read_yaml,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
}
COMPRESSED = (".gz", ".zst")
SOURCES = (
    "a list, a set, a function, a file (.jsonl, .json, .csv, .tsv, .yaml, .parquet, .arrow; or such a name"
    " and .gz or .zst), a data set of the Hub (hf://org/name?split=test), or a strategy of the Hypothesis"
    " library"
)

MOST_BYTES = 2**32
"""Of a compressed file, expanded."""
_IN_MEMORY = 2**24
_PIECE = 2**16


def read_rows(name: str | Path, base: Path) -> Iterator[Row]:
    """Read a file of cases; its path is relative to `base`, the test file's folder.

    Yields:
        `("file:line", value)` for every row; values from .csv and .tsv are text. A format without lines gives
        the number of the row instead.

    Raises:
        UsageError: Another kind of source, no such file, not UTF-8, a malformed row, or a package that reads
            the format is not installed.
    """
    path = _resolve(str(name), base)
    try:
        with _opened(path) as file:
            yield from READERS[_format_of(path.name)](file, path.name)
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


def is_file_of_rows(name: str) -> bool:
    """Tell by a file's name whether it is one of those that cases are read from."""
    return bool(_format_of(name))


def _format_of(name: str) -> str:
    """Return the suffix that names the format, in lower case; empty if it is not one of ours."""
    path = Path(name.lower())
    suffix = Path(path.stem).suffix if path.suffix in COMPRESSED else path.suffix
    return suffix if suffix in READERS else ""


def _resolve(name: str, base: Path) -> Path:
    if "://" in name or not _format_of(name):
        raise UsageError(f"cases={name!r} is not a source of cases", fix=f"cases= takes {SOURCES}")
    path = base / name
    if path.is_file():
        return path
    folder = path.parent
    known = [entry.name for entry in folder.iterdir() if _format_of(entry.name)] if folder.is_dir() else []
    fix = nearest(path.name, known) if known else f"the path is relative to the test file's folder, {base}"
    raise UsageError(f"there is no file {name!r} in {folder}", where="cases", fix=fix)


def _opened(path: Path) -> BinaryIO:
    """Open a file; a compressed one is expanded, up to a limit, since a small file can hold any amount."""
    suffix = path.suffix.lower()
    if suffix not in COMPRESSED:
        return path.open("rb")
    expanded = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        with path.open("rb") as packed:
            for piece in _pieces(packed, suffix, path):
                if expanded.tell() + len(piece) > MOST_BYTES:
                    raise UsageError(
                        f"the file holds more than {MOST_BYTES // 2**30} GiB", where=str(path), fix="split it"
                    )
                expanded.write(piece)
    except BaseException:
        expanded.close()
        raise
    expanded.seek(0)
    return cast("BinaryIO", expanded)


def _pieces(packed: BinaryIO, suffix: str, path: Path) -> Iterator[bytes]:
    stream: Any
    trouble: tuple[type[Exception], ...]
    if suffix == ".gz":
        stream, trouble = gzip.GzipFile(fileobj=packed), (gzip.BadGzipFile, zlib.error, EOFError)
    else:
        try:
            import zstandard  # an extra
        except ImportError:
            raise UsageError(
                "a .zst file needs the package zstandard",
                where=str(path),
                fix='pip install "pytest-velo[zstd]"',
            ) from None
        stream = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        trouble = (zstandard.ZstdError,)
    try:
        while piece := stream.read(_PIECE):
            yield piece
    except trouble as error:
        raise UsageError(
            f"the file cannot be expanded: {error}", where=str(path), fix="compress it anew"
        ) from None
