"""The attempts beside a cassette: what another machine must know to come to the same verdict.

One line is one entry, as it stands in the ledger, so that a review shows what was added.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pytest_velo.cache.attempts import Entry, encoded, read_entry, same_as
from pytest_velo.errors import StoreError
from pytest_velo.writing import whole

_ENDINGS = (".zst", ".jsonl")


def attempts_beside(cassette: Path) -> Path:
    """Return where the attempts of a cassette are."""
    name = cassette.name
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return cassette.with_name(f"{name}.attempts.json")


def read_attempts(path: Path) -> list[Entry]:
    """Read a file of attempts; empty if there is none.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(
            f"the attempts cannot be read: {error.strerror or error}",
            where=str(path),
            fix="make the file readable",
        ) from None
    return [read_entry(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]


def write_attempts(path: Path, entries: Iterable[Entry], *, replace_all: bool = False) -> int:
    """Add entries to a file of attempts, oldest first; return how many it has. None make no file."""
    held = [] if replace_all else read_attempts(path)
    every = {same_as(entry): entry for entry in (*held, *entries)}
    if not every:
        return 0
    lines = sorted(every.values(), key=lambda entry: (entry.at, same_as(entry)))
    try:
        with whole(path) as part:
            part.write_bytes(b"".join(encoded(entry) + b"\n" for entry in lines))
    except OSError as error:
        raise StoreError(
            f"the attempts cannot be written: {error.strerror or error}",
            where=str(path),
            fix="name a cassette in a writable folder",
        ) from None
    return len(every)
