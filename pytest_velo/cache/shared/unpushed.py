"""What the shared store does not have yet: a small SQLite file beside the local store.

A draw is in it from before it is pushed until the shared store has it, so that neither a dead network nor
`kill -9` loses one. Who opens the file next pushes what is left.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw

from pytest_velo.cache.database import Database
from pytest_velo.cache.schema import APPLICATION_ID, Layout
from pytest_velo.cache.shared.rows import Row

_SCHEMA = """
CREATE TABLE machine(id TEXT NOT NULL);
CREATE TABLE draw(
    id INTEGER PRIMARY KEY, store TEXT NOT NULL,
    key TEXT NOT NULL, body BLOB NOT NULL, address BLOB NOT NULL,
    seed INTEGER NOT NULL, stream TEXT NOT NULL, slot TEXT NOT NULL,
    reply BLOB NOT NULL, cost_usd REAL, drawn_at TEXT NOT NULL, over INTEGER NOT NULL,
    UNIQUE(store, address));
CREATE TABLE look(
    id INTEGER PRIMARY KEY, store TEXT NOT NULL,
    digest BLOB NOT NULL, draws TEXT NOT NULL, body BLOB NOT NULL, UNIQUE(store, digest));
"""
_ADD = """
INSERT INTO draw(store, key, body, address, seed, stream, slot, reply, cost_usd, drawn_at, over)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    (reply, cost_usd, drawn_at, over) = (excluded.reply, excluded.cost_usd, excluded.drawn_at, 1)
    WHERE excluded.over
"""
_NEXT = """
SELECT key, body, address, seed, stream, slot, reply, cost_usd, drawn_at, over FROM draw
WHERE store = ? ORDER BY id LIMIT ?
"""
_AFTER = """
SELECT id, key, body, address, seed, stream, slot, reply, cost_usd, drawn_at, over FROM draw
WHERE store = ? AND id > ? ORDER BY id LIMIT ?
"""


def _boot() -> str:
    """Return the name of this start of the machine; empty where it has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        return ""


def _create(connection: apsw.Connection) -> None:
    connection.execute(_SCHEMA)
    connection.execute("INSERT INTO machine VALUES(?)", (secrets.token_hex(8),))
    connection.execute("PRAGMA user_version = 1")


class Unpushed(Database):
    """The draws and looks of this folder that a shared store, named by its id, is to get."""

    layout = Layout(APPLICATION_ID, 1, {"machine", "draw", "look"}, _create, _create)

    def __init__(self, path: Path, store_id: str) -> None:
        super().__init__(path)
        self._store = store_id

    @property
    def machine(self) -> str:
        """The name of all processes that share this very file, until the machine starts anew.

        Folders are copied, by CI's caches for one, and their copies are other machines.
        """
        with self._lock, self._errors():
            name = self._connection.execute("SELECT id FROM machine").get
        file = self.path.stat()
        told = (name, socket.gethostname(), _boot(), file.st_dev, file.st_ino)
        return sha256(repr(told).encode()).hexdigest()[:16]

    def add(self, rows: Iterable[Row]) -> None:
        """Keep draws until they are pushed; committed on return."""
        with self._transaction() as connection:
            connection.executemany(_ADD, ((self._store, *row) for row in rows))

    def next(self, most: int) -> list[Row]:
        """Return the oldest draws that are not pushed."""
        with self._lock, self._errors():
            rows = self._connection.execute(_NEXT, (self._store, most))
            return [_row(row) for row in rows]

    def batches(self, most: int) -> Iterator[list[Row]]:
        """Yield all draws that are not pushed, the oldest first."""
        last = 0
        while True:
            with self._lock, self._errors():
                found = list(self._connection.execute(_AFTER, (self._store, last, most)))
            if not found:
                return
            last = found[-1][0]
            yield [_row(row[1:]) for row in found]

    def done(self, rows: Iterable[Row]) -> None:
        """Forget draws that the shared store has, unless they were made again since."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM draw WHERE store = ? AND address = ? AND drawn_at = ?",
                ((self._store, row.address, row.drawn_at) for row in rows),
            )

    @property
    def n_draws(self) -> int:
        """How many draws are not pushed."""
        with self._lock, self._errors():
            return int(
                self._connection.execute("SELECT count(*) FROM draw WHERE store = ?", (self._store,)).get
            )

    def add_look(self, digest: bytes, draws: str, body: bytes) -> None:
        """Keep a look until it is pushed."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO look(store, digest, draws, body) VALUES(?, ?, ?, ?)",
                (self._store, digest, draws, body),
            )

    def looks(self) -> list[tuple[bytes, str, bytes]]:
        """Return the looks that are not pushed."""
        with self._lock, self._errors():
            return list(
                self._connection.execute(
                    "SELECT digest, draws, body FROM look WHERE store = ? ORDER BY id", (self._store,)
                )
            )

    def looks_done(self, looks: Sequence[tuple[bytes, str, bytes]]) -> None:
        """Forget looks that the shared store has."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM look WHERE store = ? AND digest = ?",
                ((self._store, digest) for digest, _, _ in looks),
            )


def _row(found: tuple[Any, ...]) -> Row:
    return Row._make((*found[:-1], bool(found[-1])))
