"""Writing files whole: a reader sees the old file or the complete new one, never a part."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(path: Path, *, makes_folder: bool = True, synced: bool = False) -> Iterator[Path]:
    """Yield a file to write to, which then takes the place of `path`; after an error nothing is changed.

    It has a name of its own, so that several may write at once: then the last one that is ready counts. It is
    hidden, and who reads all files of a folder leaves it out. A link stays a link, and its file keeps its
    mode.

    `makes_folder`: a folder that is missing is made. `synced`: the file is on the disk before it replaces the
    old one, whatever becomes of the machine.
    """
    target = path.resolve()
    if makes_folder:
        target.parent.mkdir(parents=True, exist_ok=True)
    # The process alone does not tell writers apart: threads share it, and containers all number from 1.
    part = target.with_name(f".{path.stem}.{os.urandom(4).hex()}.new{path.suffix}")
    try:
        yield part
        if synced:
            with part.open("rb+") as written:
                os.fsync(written.fileno())
        with suppress(OSError):  # there is no old one, or the file system knows no modes
            shutil.copymode(target, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
