"""The SQLite file: opening, checking, transactions. Every error of SQLite becomes a `StoreError`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Self

import apsw

from pytest_velo.cache.schema import APPLICATION_ID as APPLICATION_ID
from pytest_velo.cache.schema import DRAWS, Layout
from pytest_velo.errors import StoreError

BUSY_TIMEOUT_MS = 60_000
"""How long a transaction waits for its turn.

SQLite lets those that wait look now and then, and gives turns in no order: of 8 processes that did nothing
but write on a busy machine, one waited 3.5 s within 15 s.
"""
UPGRADE_TIMEOUT_MS = 600_000
"""How long a process waits for another one that upgrades a large file to this format."""

CACHE_KIB = 8_192
LOG_BYTES = 16 * 2**20
"""Size to which the write-ahead log is truncated; it would keep that of the largest transaction."""


class Database:
    """This process's connection to the file. Several processes may share the file.

    Methods may be called from any thread; a transaction holds the lock from begin to commit.

    Args:
        path: The file.
        beside: This process's other connection to it. Their transactions take turns, for a connection that
            SQLite lets wait looks now and then whether it may write, and one that writes all the time leaves
            it no moment.
    """

    layout: ClassVar[Layout] = DRAWS

    def __init__(self, path: Path, *, beside: Database | None = None) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._turn: threading.RLock = threading.RLock() if beside is None else beside._turn
        _make_folder(path.parent)
        with self._errors():
            self._connection = apsw.Connection(str(path))
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    @classmethod
    def existing(cls, path: Path) -> Self:
        """Open an existing file; do not create one.

        Raises:
            StoreError: There is none; otherwise as for opening.
        """
        if not path.is_file():
            fix = "run the tests first, or give --cache-dir"
            raise StoreError("there is no store", where=str(path), fix=fix)
        return cls(path)

    def close(self) -> None:
        """Close the connection; the object is not used afterwards."""
        with self._lock, self._errors():
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[apsw.Connection]:
        """Hold the write lock of the file; commit at the end, roll back on an exception."""
        with self._turn, self._lock, self._errors():
            connection = self._connection
            try:
                connection.execute("BEGIN IMMEDIATE")  # Ctrl-C is raised as soon as it returns
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _prepare(self) -> None:
        connection = self._connection
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        for setting, value in (
            (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
            (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
            (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
            (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
        ):
            connection.config(setting, value)
        if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").get is None:
            connection.pragma("auto_vacuum", "INCREMENTAL")  # takes effect only before the first table
        else:
            self._check()
        self._use_wal()
        connection.pragma("synchronous", "NORMAL")
        connection.pragma("cache_size", -CACHE_KIB)
        connection.pragma("journal_size_limit", LOG_BYTES)
        self._create()

    def _use_wal(self) -> None:
        """Switch the journal mode; processes that open a new file at the same time conflict here."""
        give_up_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except apsw.BusyError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.01)
            else:
                return

    def _create(self) -> None:
        """Create the tables, or upgrade those of an older format, unless another process did."""
        old = self._format() < self.layout.version
        self._connection.set_busy_timeout(UPGRADE_TIMEOUT_MS if old else BUSY_TIMEOUT_MS)
        with self._transaction() as connection:
            if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").get is None:
                self.layout.create(connection)
                connection.pragma("application_id", self.layout.application_id)
                old = False
            elif old := self._format() < self.layout.version:
                self.layout.upgrade(connection)
        self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        self._check()
        if old:
            with suppress(apsw.BusyError, apsw.FullError):  # then `velo cache prune` does it later
                self._rewrite()

    def _rewrite(self) -> None:
        """Rewrite the whole file without gaps, and so that it can later be shrunk in small steps."""
        self._connection.pragma("auto_vacuum", "INCREMENTAL")
        self._connection.execute("VACUUM")

    def _format(self) -> int:
        version = self._connection.pragma("user_version")
        assert isinstance(version, int)
        return version

    def _check(self) -> None:
        """Reject a file that is not ours, or newer than this package."""
        connection = self._connection
        version = self._format()
        if connection.pragma("application_id") != self.layout.application_id:
            raise StoreError(
                "the file is an SQLite database of another program",
                where=str(self.path),
                fix="choose another folder with --velo-cache-dir",
            )
        if version > self.layout.version:
            raise StoreError(
                f"the store was written by a newer pytest-velo (format {version}, this one knows"
                f" {self.layout.version})",
                where=str(self.path),
                fix="upgrade pytest-velo, or choose another folder with --velo-cache-dir",
            )
        found = {
            name
            for kind, name in connection.execute("SELECT type, name FROM sqlite_schema")
            if kind != "index"
        }
        if amiss := found ^ self.layout.tables:
            raise StoreError(
                f"the store does not have the expected tables: {', '.join(sorted(map(str, amiss)))}",
                where=str(self.path),
                fix=_move_away(self.path),
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except (apsw.Error, UnicodeDecodeError) as error:
            raise self._as_ours(error) from error

    def _as_ours(self, error: apsw.Error | UnicodeDecodeError) -> StoreError:
        where = str(self.path)
        match error:
            case apsw.NotADBError() | apsw.CorruptError() | UnicodeDecodeError():
                return StoreError(f"the store is damaged ({error})", where=where, fix=_move_away(self.path))
            case apsw.BusyError() | apsw.LockedError():
                fix = "stop the process that uses it, or choose another folder with --velo-cache-dir"
                what = f"the store stayed locked for {BUSY_TIMEOUT_MS // 1000} s"
                return StoreError(what, where=where, fix=fix)
            case apsw.FullError():
                return StoreError("the disk is full", where=where, fix="free some space and run again")
            case apsw.CantOpenError() | apsw.ReadOnlyError() | apsw.PermissionsError():
                fix = "make it readable and writable, or choose another folder with --velo-cache-dir"
                return StoreError(f"the store cannot be opened for writing ({error})", where=where, fix=fix)
            case apsw.ConnectionClosedError():
                return StoreError("the store is closed", where=where)
            case _:
                return StoreError(f"SQLite failed: {type(error).__name__}: {error}", where=where)


def _move_away(path: Path) -> str:
    return (
        f"move it away with its -wal and -shm files (mv {path} {path}.bad); the next run starts a"
        " new one, and `velo cassette import` restores recorded draws"
    )


def _make_folder(folder: Path) -> None:
    """Create the cache folder, and keep it out of version control if we created it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        ours = all(
            entry.name in ("runs", "batches") or entry.name.startswith(("draws.sqlite", "batches.sqlite"))
            for entry in folder.iterdir()
        )
        if ours:  # never in a folder that existed before, and never over a .gitignore
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"the folder cannot be written: {error.strerror or error}",
            where=str(folder),
            fix="choose another folder with --velo-cache-dir",
        ) from None
