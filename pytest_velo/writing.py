"""Writing files whole: a reader sees the old file or the complete new one, never a part."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path, *, makes_folder: bool = True, synced: bool = False) -> Iterator[Path]:
    """Yield a file to write to, which then takes the place of `path`; after an error nothing is changed.

    `makes_folder`: a folder that is missing is made. `synced`: the file is on the disk before it replaces the
    old one, whatever becomes of the machine.
    """
    if makes_folder:
        path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.new{path.suffix}")
    try:
        yield part
        if synced:
            with part.open("rb+") as written:
                os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def without_parts(paths: Iterable[Path]) -> list[Path]:
    """Return paths, sorted, without files that are being written, or that a killed process left half."""
    return sorted(path for path in paths if not path.name.startswith("."))
