"""The ledger of attempts: a small SQLite file beside the draws, to which entries are only added.

It is a file of its own: whoever moves the draws away, prunes them, or goes back to an older version of this
package keeps the history of their beliefs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import msgspec

from pytest_velo.cache.attempts import Entry, Tried, belief_of, encoded, keys_of, read_entry, same_as
from pytest_velo.cache.attempts_file import attempts_beside, read_attempts
from pytest_velo.cache.database import Database
from pytest_velo.cache.schema import APPLICATION_ID, Layout
from pytest_velo.records import Belief

SUFFIX = "-attempts"
"""What the name of the file adds to that of the draws."""

_SCHEMA = """
CREATE TABLE entry(
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE,
    test TEXT NOT NULL, sentence TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX entry_test ON entry(test);
CREATE INDEX entry_sentence ON entry(sentence);
"""
# A belief is all entries that are linked by a test or a sentence, over any number of renamings.
HISTORY = """
WITH RECURSIVE known(test, sentence) AS (
    SELECT {value}, {value}
    UNION
    SELECT entry.test, entry.sentence FROM known JOIN {table} AS entry
        ON entry.test = known.test OR (entry.sentence <> '' AND entry.sentence = known.sentence))
SELECT body FROM {table} WHERE (test, sentence) IN (SELECT test, sentence FROM known) ORDER BY id
"""
_HISTORY = HISTORY.format(table="entry", value="?")
_INSERT = "INSERT OR IGNORE INTO entry(digest, test, sentence, body) VALUES(?, ?, ?, ?)"


def _create(connection: apsw.Connection) -> None:
    connection.execute(_SCHEMA)
    connection.execute("PRAGMA user_version = 1")


class AttemptLedger(Database):
    """Every attempt at a belief, what it found, and what was predicted."""

    layout = Layout(APPLICATION_ID, 1, {"entry"}, _create, _create)

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._taken_in: set[Path] = set()

    @classmethod
    def beside(cls, store: Path) -> AttemptLedger:
        """Open the ledger beside a store of draws."""
        return cls(file_beside(store))

    def history(self, belief: Belief) -> list[Entry]:
        """Return every entry about a belief, under whatever names, oldest first."""
        with self._lock, self._errors():
            return self._history(belief)

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first."""
        with self._lock, self._errors():
            return in_time(self._read(body) for (body,) in self._connection.execute("SELECT body FROM entry"))

    def add(self, entries: Iterable[Entry]) -> list[Entry]:
        """Add those entries that are not there yet; return them."""
        added = []
        with self._transaction() as connection:
            for entry in entries:
                connection.execute(_INSERT, row_of(entry))
                if connection.changes():
                    added.append(entry)
        return added

    def take_in_beside(self, cassette: Path) -> None:
        """Add the attempts that were committed beside a cassette, once.

        Raises:
            StoreError: The file cannot be read.
        """
        if cassette not in self._taken_in:
            self.add(read_attempts(attempts_beside(cassette)))
            self._taken_in.add(cassette)

    def number(self, attempt: Tried) -> Tried:
        """Enter an attempt with its number, unless it is there already; return what is there.

        Processes that share the file number their attempts one after the other.
        """
        with self._transaction() as connection:
            numbered, is_new = numbered_in(self._history(belief_of(attempt)), attempt)
            if is_new:
                connection.execute(_INSERT, row_of(numbered))
        return numbered

    def likely_number(
        self, belief: Belief, *, claim: str, body: str, model: str, seed: int, stream: str
    ) -> int:
        """Return the number that an attempt will have, as far as is known before its first trial.

        It is that of the last attempt of the same claim, body and model at the same draws; else the next one.
        A changed prompt, or draws that are made anew, make it a later one when the run begins.
        """
        known = attempts_in(self.history(belief))
        for each in reversed(known):
            if (each.claim, each.body, each.model, each.seed, each.stream) == (
                claim,
                body,
                model,
                seed,
                stream,
            ):
                return each.number
        return next_number(known)

    def _history(self, belief: Belief) -> list[Entry]:
        rows = self._connection.execute(_HISTORY, keys_of(belief))
        return in_time(self._read(body) for (body,) in rows)

    def _read(self, body: Any) -> Entry:
        return read_entry(body, str(self.path))


def file_beside(store: Path) -> Path:
    """Return where the ledger beside a store of draws is."""
    return store.with_name(store.name + SUFFIX)


def attempts_in(history: Iterable[Entry]) -> list[Tried]:
    """Return the attempts, oldest first, each once."""
    found: dict[str, Tried] = {}
    for entry in history:
        if isinstance(entry, Tried):
            found.setdefault(entry.id, entry)
    return [*found.values()]


def numbered_in(history: Iterable[Entry], attempt: Tried) -> tuple[Tried, bool]:
    """Return an attempt with its number among the earlier ones, and whether it is new."""
    known = attempts_in(history)
    for earlier in known:
        if earlier.id == attempt.id:
            return earlier, False
    return msgspec.structs.replace(attempt, number=next_number(known)), True


def next_number(known: Sequence[Tried]) -> int:
    """Return the number of the attempt after those that are known.

    Two histories that became one may have a number twice: it is above all of them, and above their count.
    """
    return 1 + max([len(known), *(earlier.number for earlier in known)])


def now() -> str:
    """Return the time as entries have it: as draws have theirs, so that both can be compared."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def in_time(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries, oldest first: those of other machines come in later than they were made."""
    return sorted(entries, key=lambda entry: entry.at)


def row_of(entry: Entry) -> tuple[str, str, str, bytes]:
    """Return an entry's row: what identifies it, its test, its sentence, and all of it as JSON."""
    return (same_as(entry), *keys_of(belief_of(entry)), encoded(entry))


def by_belief(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return the entries of each belief, as `history` finds them, in the order of the first ones."""
    groups: list[tuple[set[str], list[tuple[int, Entry]]]] = []
    for at, entry in enumerate(entries):
        test, sentence = keys_of(belief_of(entry))
        names = {f"test {test}", *([f"sentence {sentence}"] if sentence else [])}
        linked = [group for group in groups if group[0] & names]
        others = [group for group in groups if not group[0] & names]
        joined = sorted([(at, entry), *(each for group in linked for each in group[1])], key=lambda e: e[0])
        groups = [*others, (names.union(*(group[0] for group in linked)), joined)]
    groups.sort(key=lambda group: group[1][0][0])
    return [[entry for _, entry in group[1]] for group in groups]
