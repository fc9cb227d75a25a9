"""The baseline file, `velo-baseline.json`: committed with the tests and compared with."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from pytest_velo.baselines.codec import decode, encode
from pytest_velo.baselines.entry import Entry, Key, Sampled
from pytest_velo.errors import StoreError
from pytest_velo.reading import FileState, read_bytes, state_of
from pytest_velo.writing import whole

LOCK_WAIT_S = 30.0
"""An update takes milliseconds; one that holds the lock for this long was killed."""

_LOCK_POLL_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFile:
    """The entries of a baseline file, as an immutable value: `accept` returns a new one."""

    entries: Mapping[Key, Entry] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path) -> BaselineFile:
        """Read a baseline file; a missing one is empty.

        Raises:
            StoreError: It cannot be read, is damaged, newer or in conflict, or has an entry twice.
        """
        try:
            return _read(Path(path), state_of(Path(path)))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise StoreError(
                f"the baseline cannot be read: {getattr(error, 'strerror', None) or error}",
                where=str(path),
                fix="name another file with --velo-baseline",
            ) from None
        except StoreError as error:
            raise error.at(str(path)) from None

    @classmethod
    def update(cls, path: str | Path, entries: Iterable[Entry]) -> BaselineFile:
        """Put entries into a file that other processes may be updating; return its new content.

        The file is read again under a lock. Existing entries keep their anchor.

        Raises:
            StoreError: As in `load` and `save`; or the lock is held for half a minute.
        """
        with _lock(Path(path)):
            file = cls.load(path)
            for entry in entries:
                file = file._put(entry)
            file.save(path)
        return file

    def get(self, hypothesis: str, model: str, statistic: str) -> Entry | None:
        """Return an entry; None if there is none."""
        return self.entries.get(Key(hypothesis, model, statistic))

    def accept(
        self, *, hypothesis: str, model: str, statistic: str, design: str, sampled: Sampled
    ) -> BaselineFile:
        """Return a file in which `sampled` is the current baseline; an existing entry keeps its anchor."""
        return self._put(
            Entry(
                hypothesis=hypothesis,
                model=model,
                statistic=statistic,
                design=design,
                current=sampled,
                anchor=sampled,
            )
        )

    def save(self, path: str | Path) -> None:
        """Write the file atomically: a reader sees the old one or the new one.

        Use `update` if other processes may be writing it.

        Raises:
            StoreError: It cannot be written.
        """
        target = Path(path)
        try:
            content = encode(self.entries.values())
            with whole(target, synced=True) as part:
                part.write_bytes(content)
        except (OSError, UnicodeEncodeError) as error:
            raise _unwritable(target, error) from None

    def _put(self, entry: Entry) -> BaselineFile:
        known = self.entries.get(entry.key)
        kept = entry if known is None else replace(entry, anchor=known.anchor)
        return BaselineFile(entries={**self.entries, entry.key: kept})


@lru_cache(maxsize=2)
def _read(path: Path, state: FileState | None) -> BaselineFile:
    """Return what a file holds; each test of a session asks."""
    return BaselineFile(entries={entry.key: entry for entry in decode(read_bytes(path))})


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Keep other processes from updating `path` by creating a lock file."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from None
    deadline = time.monotonic() + LOCK_WAIT_S
    while not _claimed(lock, path):
        if time.monotonic() > deadline:
            raise StoreError(
                f"another process has been updating the file for {LOCK_WAIT_S:g} s: {lock.name} exists",
                where=str(path),
                fix=f"if no run is active, one was killed: remove {lock}",
            )
        time.sleep(_LOCK_POLL_S)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _claimed(lock: Path, path: Path) -> bool:
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    except OSError as error:
        if isinstance(error, PermissionError) and lock.exists():  # Windows, while the file is being removed
            return False
        raise _unwritable(path, error) from None
    return True


def _unwritable(path: Path, error: Exception) -> StoreError:
    reason = getattr(error, "strerror", None) or error
    return StoreError(
        f"the baseline cannot be written: {reason}",
        where=str(path),
        fix="name a file in a writable folder with --velo-baseline",
    )
