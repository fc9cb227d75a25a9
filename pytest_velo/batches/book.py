"""The book of batches, beside the draws: what was sent, and what became of it.

A batch is written here before its request goes out, so that a process that is killed at any moment leaves
enough behind to find it again. A slot is waited for in one batch at a time: an index sees to it, whichever
processes submit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import apsw
import msgspec

from pytest_velo.batches.entry import OPEN, Batch, BatchState, Entry, EntryState
from pytest_velo.cache.codec import decode_request
from pytest_velo.cache.database import Database
from pytest_velo.cache.keys import request_body
from pytest_velo.cache.schema import Layout, place_of
from pytest_velo.errors import StoreError
from pytest_velo.records import Address

BOOK_FILE = "batches.sqlite"

_VERSION = 1
_SCHEMA = f"""
CREATE TABLE batch(
    name TEXT PRIMARY KEY, endpoint TEXT NOT NULL, model TEXT NOT NULL, state TEXT NOT NULL,
    seeded INTEGER NOT NULL, sent_at REAL NOT NULL, remote TEXT NOT NULL DEFAULT '',
    told TEXT NOT NULL DEFAULT '', spent_usd REAL, problem TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE request(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE entry(
    batch TEXT NOT NULL, custom_id TEXT NOT NULL, place BLOB NOT NULL, request INTEGER NOT NULL,
    seed INTEGER NOT NULL, stream TEXT NOT NULL, slot TEXT NOT NULL, worst_usd REAL,
    state TEXT NOT NULL, problem TEXT NOT NULL DEFAULT '', PRIMARY KEY(batch, custom_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX entry_waiting ON entry(place) WHERE state = '{EntryState.WAITING}';
CREATE INDEX entry_failed ON entry(place) WHERE state = '{EntryState.FAILED}';
CREATE TABLE seedless(
    endpoint TEXT NOT NULL, model TEXT NOT NULL, PRIMARY KEY(endpoint, model)
) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""
_BATCHES = f"""
SELECT name, endpoint, model, batch.state, seeded, sent_at, remote, told, spent_usd, batch.problem,
    count(custom_id),
    total(entry.state = '{EntryState.STORED}'), total(entry.state = '{EntryState.FAILED}'),
    total(entry.state = '{EntryState.WAITING}'),
    total(CASE WHEN entry.state = '{EntryState.WAITING}' THEN worst_usd END),
    total(entry.state = '{EntryState.WAITING}' AND worst_usd IS NULL)
FROM batch LEFT JOIN entry ON entry.batch = batch.name
"""
_ENTRY = """
SELECT custom_id, key, seed, stream, slot, body, worst_usd, state, problem
FROM entry JOIN request ON request.id = entry.request WHERE batch = ? AND custom_id = ?
"""
_ADD = f"""
INSERT OR IGNORE INTO entry(batch, custom_id, place, request, seed, stream, slot, worst_usd, state)
VALUES(?, ?, ?, (SELECT id FROM request WHERE key = ?), ?, ?, ?, ?, '{EntryState.WAITING}')
"""


def _create(connection: apsw.Connection) -> None:
    connection.execute(_SCHEMA)


def _upgrade(_: apsw.Connection) -> None:
    """There is no older format."""


class Book(Database):
    """The batches of one cache folder. Methods may be called from any thread and any process."""

    layout: ClassVar[Layout] = Layout(
        0x76656C62,  # `velb`
        _VERSION,
        {"batch", "request", "entry", "seedless"},
        _create,
        _upgrade,
    )

    @classmethod
    def open(cls, folder: Path) -> Book:
        """Open the book of a cache folder; it is made if there is none.

        Raises:
            StoreError: The file is damaged, another program's, newer than this package, or not writable.
        """
        return cls(folder / BOOK_FILE)

    @classmethod
    def found(cls, folder: Path) -> Book | None:
        """Open the book of a cache folder; None if there is none."""
        return cls(folder / BOOK_FILE) if (folder / BOOK_FILE).is_file() else None

    def add(self, batch: Batch, entries: Sequence[Entry]) -> frozenset[str]:
        """Write down a batch that is about to be sent.

        Returns:
            The ids of the entries that belong to it: those of slots that no other batch is waited for.
        """
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO batch(name, endpoint, model, state, seeded, sent_at, spent_usd)"
                " VALUES(?, ?, ?, ?, ?, ?, 0.0)",
                (batch.name, batch.endpoint, batch.model, batch.state, int(batch.seeded), batch.sent_at),
            )
            bodies = {entry.address.key: entry.request for entry in entries}
            connection.executemany(
                "INSERT OR IGNORE INTO request(key, body) VALUES(?, ?)",
                ((key, request_body(request)) for key, request in bodies.items()),
            )
            connection.executemany(_ADD, (_row(batch.name, entry) for entry in entries))
            rows = connection.execute("SELECT custom_id FROM entry WHERE batch = ?", (batch.name,))
            added = frozenset(custom_id for (custom_id,) in rows)
            if not added:
                connection.execute("DELETE FROM batch WHERE name = ?", (batch.name,))
            return added

    def batches(self, *states: BatchState) -> list[Batch]:
        """Return the batches in these states, or all, oldest first."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE batch.state IN ({marks})" if states else ""
        with self._lock, self._errors():
            rows = list(
                self._connection.execute(f"{_BATCHES} {where} GROUP BY name ORDER BY sent_at, name", states)
            )
        return [self._batch(row) for row in rows]

    def batch(self, name: str) -> Batch:
        """Return one batch by our name."""
        with self._lock, self._errors():
            row = self._connection.execute(f"{_BATCHES} WHERE name = ? GROUP BY name", (name,)).get
        return self._batch(row)

    def entry(self, batch: str, custom_id: str) -> Entry | None:
        """Return one entry of a batch; None if it has none with this id."""
        with self._lock, self._errors():
            row = next(self._connection.execute(_ENTRY, (batch, custom_id)), None)
        return None if row is None else self._entry(row)

    def note(self, name: str, **changes: str | float | None) -> None:
        """Change what is known of a batch: `state`, `remote`, `told`, `problem`."""
        with self._transaction() as connection:
            for field, value in changes.items():
                connection.execute(f"UPDATE batch SET {field} = ? WHERE name = ?", (value, name))

    def settle(
        self, name: str, settled: Iterable[tuple[str, EntryState, str]], spent_usd: float | None = 0.0
    ) -> None:
        """Write down what became of entries (id, state, problem), and what they cost."""
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE entry SET state = ?, problem = ? WHERE batch = ? AND custom_id = ?",
                ((state, problem, name, custom_id) for custom_id, state, problem in settled),
            )
            connection.execute("UPDATE batch SET spent_usd = spent_usd + ? WHERE name = ?", (spent_usd, name))

    def settle_rest(self, name: str, state: EntryState, problem: str) -> int:
        """Write down what became of all entries that are still waited for; returns how many there were."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE entry SET state = ?, problem = ? WHERE batch = ? AND state = ?",
                (state, problem, name, EntryState.WAITING),
            )
            return connection.changes()

    def is_waited_for(self, address: Address) -> bool:
        """Tell whether a slot is waited for in a batch."""
        return self.waiting_in(address) is not None

    def waiting_in(self, address: Address) -> str | None:
        """Return the name of the batch that a slot is waited for in; None if there is none."""
        with self._lock, self._errors():
            name: str | None = self._connection.execute(
                "SELECT batch FROM entry WHERE place = ? AND state = ?", (place_of(address), "waiting")
            ).get
        return name

    def failures(self, address: Address) -> list[str]:
        """Return why batches brought no draw for a slot, each time that they did not, oldest first."""
        with self._lock, self._errors():
            rows = self._connection.execute(
                "SELECT entry.problem FROM entry JOIN batch ON batch.name = entry.batch"
                " WHERE place = ? AND entry.state = ? ORDER BY sent_at",
                (place_of(address), EntryState.FAILED),
            )
            return [problem for (problem,) in rows]

    def reasons(self, name: str) -> list[tuple[str, int]]:
        """Return why entries of a batch failed, and how many of each, the most frequent first."""
        with self._lock, self._errors():
            return list(
                self._connection.execute(
                    "SELECT problem, count(*) AS n FROM entry WHERE batch = ? AND state = ?"
                    " GROUP BY problem ORDER BY n DESC, problem",
                    (name, EntryState.FAILED),
                )
            )

    def n_sent(self, name: str) -> int:
        """Return how many requests a batch was sent with."""
        with self._lock, self._errors():
            n: int = self._connection.execute("SELECT count(*) FROM entry WHERE batch = ?", (name,)).get
        return n

    def reserved_usd(self) -> float | None:
        """Return what all that is under way may cost at most; None if a price is unknown."""
        worst = [batch.worst_usd for batch in self.batches(*OPEN)]
        return None if None in worst else sum(usd for usd in worst if usd is not None)

    def remotes(self, endpoint: str) -> frozenset[str]:
        """Return the provider's names of the batches that are known to be ours."""
        with self._lock, self._errors():
            rows = self._connection.execute(
                "SELECT remote FROM batch WHERE endpoint = ? AND remote != ''", (endpoint,)
            )
            return frozenset(remote for (remote,) in rows)

    def takes_no_seed(self, endpoint: str, model: str) -> bool:
        """Tell whether a model refused the seed of an earlier batch."""
        with self._lock, self._errors():
            query = "SELECT 1 FROM seedless WHERE endpoint = ? AND model = ?"
            return self._connection.execute(query, (endpoint, model)).get is not None

    def note_no_seed(self, endpoint: str, model: str) -> None:
        """Remember that a model takes no seed."""
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO seedless VALUES(?, ?)", (endpoint, model))

    def _batch(self, row: Any) -> Batch:
        try:
            name, endpoint, model, state, seeded, sent_at, remote, told, spent, problem, n, *totals = row
            n_stored, n_failed, n_waiting, worst, n_unpriced = totals
            return Batch(
                name=name,
                endpoint=endpoint,
                model=model,
                state=BatchState(state),
                seeded=bool(seeded),
                sent_at=float(sent_at),
                remote=remote,
                told=told,
                spent_usd=spent,
                problem=problem,
                n=n,
                n_stored=int(n_stored),
                n_failed=int(n_failed),
                n_waiting=int(n_waiting),
                worst_usd=None if n_unpriced else worst,
            )
        except (TypeError, ValueError) as error:
            raise self._unreadable("batch", error) from None

    def _entry(self, row: Any) -> Entry:
        custom_id, key, seed, stream, slot, body, worst_usd, state, problem = row
        try:
            return Entry(
                custom_id=custom_id,
                address=Address(key=key, seed=seed, stream=stream, slot=slot),
                request=decode_request(body),
                worst_usd=worst_usd,
                state=EntryState(state),
                problem=problem,
            )
        except (msgspec.DecodeError, TypeError, ValueError) as error:
            raise self._unreadable(f"entry {custom_id}", error) from None

    def _unreadable(self, what: str, error: Exception) -> StoreError:
        return StoreError(
            f"the stored {what} cannot be read: {error}",
            where=str(self.path),
            fix="something else changed the file: move it away; batches under way are then not found again",
        )


def _row(name: str, entry: Entry) -> tuple[Any, ...]:
    address = entry.address
    where = (place_of(address), address.key, address.seed, address.stream, address.slot)
    return (name, entry.custom_id, *where, entry.worst_usd)
