"""The ledger of attempts, as commands read it."""

from __future__ import annotations

from pathlib import Path

from pytest_velo.cache.attempt_ledger import AttemptLedger, by_belief, file_beside
from pytest_velo.cache.attempts import Entry
from pytest_velo.errors import UsageError, nearest


def read_ledger(cache_dir: Path) -> list[Entry]:
    """Return all entries of the ledger in a cache folder, oldest first.

    Raises:
        UsageError: There is none.
        StoreError: It cannot be read.
    """
    path = file_beside(cache_dir / "draws.sqlite")
    if not path.is_file():
        raise UsageError(
            "there is no ledger of attempts", where=str(path), fix="run the tests first, or give --cache-dir"
        )
    ledger = AttemptLedger(path)
    try:
        return ledger.entries()
    finally:
        ledger.close()


def beliefs_named(entries: list[Entry], part: str) -> list[list[Entry]]:
    """Return the entries of each belief, of those with `part` in a test's id if it is given.

    Raises:
        UsageError: None has.
    """
    beliefs = by_belief(entries)
    found = [belief for belief in beliefs if any(part in entry.test for entry in belief)]
    if part and not found:
        tests = {entry.test for entry in entries}
        raise UsageError(f"no attempt at a test with {part!r} in its id", fix=nearest(part, tests))
    return found
