"""Claims that were frozen before their first draw: an append-only file beside the store.

It is a file of its own, so that the store's format stays what older versions read. Nothing removes a row, and
`velo cache prune` does not open it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import apsw
import msgspec

from pytest_velo.cache.database import Database
from pytest_velo.cache.schema import APPLICATION_ID, Layout
from pytest_velo.errors import StoreError

_SCHEMA = """
CREATE TABLE frozen(
    id INTEGER PRIMARY KEY, test TEXT NOT NULL, hash TEXT NOT NULL, body BLOB NOT NULL, UNIQUE(test, hash));
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenClaim:
    """What was claimed before anything was drawn.

    Attributes:
        test: Identifies test and model.
        hash: Identifies the rest: claim, design, cases, body, judge, seed and stream.
        stream: The mark's, to which the draws of the confirmation are fresh.
        max_trials: The most units; None where the design holds for every number of them.
        frozen_at: ISO 8601 in UTC.
    """

    test: str
    hash: str
    node_id: str
    model: str
    claim: str
    claim_hash: str
    body: str
    max_trials: int | None
    seed: int
    stream: str
    frozen_at: str


_decoder = msgspec.json.Decoder(FrozenClaim)


def _create(connection: apsw.Connection) -> None:
    connection.execute(_SCHEMA)
    connection.execute("PRAGMA user_version = 1")


class FrozenClaims(Database):
    """The frozen claims of this folder."""

    layout = Layout(APPLICATION_ID, 1, {"frozen"}, _create, _create)

    def add(self, claims: Iterable[FrozenClaim]) -> None:
        """Append claims that are not there yet; committed on return."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO frozen(test, hash, body) VALUES(?, ?, ?)", map(row_of, claims)
            )

    def of(self, test: str) -> tuple[FrozenClaim, ...]:
        """Return every claim that was frozen for a test, the oldest first."""
        with self._lock, self._errors():
            bodies = self._connection.execute("SELECT body FROM frozen WHERE test = ? ORDER BY id", (test,))
            return in_order(self.decoded(body) for (body,) in bodies)

    def decoded(self, body: bytes) -> FrozenClaim:
        """Read a claim as it is stored.

        Raises:
            StoreError: It is damaged.
        """
        try:
            return _decoder.decode(body)
        except (msgspec.DecodeError, TypeError, RecursionError, UnicodeDecodeError) as error:
            raise StoreError(
                f"a frozen claim cannot be read: {error}",
                where=str(self.path),
                fix="something else changed the file: move it away, and confirmations are counted anew",
            ) from None


def row_of(claim: FrozenClaim) -> tuple[str, str, bytes]:
    """Return a claim as it is stored."""
    return claim.test, claim.hash, msgspec.json.encode(claim)


def in_order(claims: Iterable[FrozenClaim]) -> tuple[FrozenClaim, ...]:
    """Return claims once each, the first frozen first: machines may have frozen the same one."""
    firsts: dict[str, FrozenClaim] = {}
    for claim in sorted(claims, key=lambda claim: claim.frozen_at):
        firsts.setdefault(claim.hash, claim)
    return tuple(firsts.values())
