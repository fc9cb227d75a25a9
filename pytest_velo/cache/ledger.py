"""What the store remembers in addition to draws: looks, reserved dollars, the last cost of a trial."""

from __future__ import annotations

import os
from typing import Any, TypeVar

import apsw
import msgspec

from pytest_velo.cache.database import Database
from pytest_velo.cache.looks import LastSeen, Look
from pytest_velo.errors import StoreError

__all__ = ["LastSeen", "Ledger", "Look"]

T = TypeVar("T")

_TOLERANCE_USD = 1e-12


_looks = msgspec.json.Decoder(Look)
_last_seen = msgspec.json.Decoder(LastSeen)


class Ledger(Database):
    """The small tables of the store."""

    def log_look(self, look: Look) -> None:
        """Append a look to the log."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO look(draws, body) VALUES(?, ?)", (look.draws, msgspec.json.encode(look))
            )

    def looks_at(self, draws: str) -> tuple[Look, ...]:
        """Return every look at a set of draws, oldest first."""
        with self._lock, self._errors():
            rows = self._connection.execute("SELECT body FROM look WHERE draws = ? ORDER BY id", (draws,))
            return tuple(self._decoded(_looks, body, "look") for (body,) in rows)

    def note_seen(self, node: str, seen: LastSeen) -> None:
        """Store what a trial of the test `node` took."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO last_seen VALUES(?, ?)", (node, msgspec.json.encode(seen))
            )

    def last_seen(self, node: str) -> LastSeen | None:
        """Return what a trial of the test `node` took last time; None if it never ran."""
        with self._lock, self._errors():
            body = self._connection.execute("SELECT body FROM last_seen WHERE node = ?", (node,)).get
            return None if body is None else self._decoded(_last_seen, body, "last run of a test")

    def _decoded(self, decoder: msgspec.json.Decoder[T], body: Any, what: str) -> T:
        try:
            return decoder.decode(body)
        except (msgspec.DecodeError, TypeError, RecursionError, UnicodeDecodeError) as error:
            fix = "something else changed the file: move it away, and the next run starts a new one"
            raise StoreError(
                f"the stored {what} cannot be read: {error}", where=str(self.path), fix=fix
            ) from None

    def reserve(self, session: str, amount: float, cap: float) -> bool:
        """Reserve dollars unless all processes of the session together would exceed the cap.

        `session` names the session, whose processes share one budget. A process that dies keeps its
        reservation, so the cap holds.

        Returns:
            Whether they were reserved.
        """
        with self._transaction() as connection:
            if _spent(connection, session) + amount > cap + _TOLERANCE_USD:
                return False
            _add(connection, session, amount)
            return True

    def settle(self, session: str, reserved: float, actual: float) -> None:
        """Replace a reservation by what the call cost, in dollars; 0 for a call that failed."""
        with self._transaction() as connection:
            _add(connection, session, actual - reserved)

    def spent(self, session: str) -> float:
        """Return the dollars spent and reserved by all processes of a session."""
        with self._lock, self._errors():
            return _spent(self._connection, session)


def _spent(connection: apsw.Connection, session: str) -> float:
    total = connection.execute("SELECT total(usd) FROM reserve WHERE session = ?", (session,)).get
    return max(0.0, float(total))


def _add(connection: apsw.Connection, session: str, usd: float) -> None:
    connection.execute(
        "INSERT INTO reserve VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET usd = usd + excluded.usd",
        (session, str(os.getpid()), usd),
    )
