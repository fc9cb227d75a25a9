"""Removing the oldest draws of the store while other processes keep using the file.

The write lock is never held for longer than two thousand draws take: candidates are listed under a read lock,
removed in steps, and the file is truncated in steps. Looks and reserved dollars are never touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import apsw

from pytest_velo.cache.holdings import Draws, Holdings, number, overview
from pytest_velo.records import Address

STEP = 2_000
"""Draws removed, and pages given back, in one transaction."""

_BESIDE_TEXT = 100
"""Bytes of a draw's row and index entries in addition to the texts, measured on a million draws."""

_CANDIDATES = """
DROP TABLE IF EXISTS temp.candidate;
CREATE TEMP TABLE candidate(
    position INTEGER PRIMARY KEY, id INTEGER, request INTEGER, drawn_at TEXT, cost_usd REAL, bytes INTEGER)
"""
_LIST = f"""
INSERT INTO temp.candidate(id, request, drawn_at, cost_usd, bytes)
SELECT id, request, drawn_at, cost_usd,
    length(reply) + length(slot) + length(drawn_at) + length(coalesce(model_served, '')) + {_BESIDE_TEXT}
FROM draw WHERE (:before IS NULL OR drawn_at < :before) AND address NOT IN (SELECT address FROM temp.needed)
ORDER BY drawn_at, id
"""
_N_KEPT = """
SELECT count(*) FROM draw
WHERE (:before IS NULL OR drawn_at < :before) AND address IN (SELECT address FROM temp.needed)
"""
# At most one step: what is too old, and as much as is still in excess. A page is free only when all in it is
# gone, so it takes several steps, ever smaller ones, and hardly a draw more goes than has to.
_STEP = """
SELECT max(position) FROM (
    SELECT position, drawn_at, sum(bytes) OVER (ORDER BY position) - bytes AS freed
    FROM temp.candidate WHERE position > ?3 AND position <= ?4)
WHERE drawn_at < ?1 OR freed < ?2
"""
# The date is compared too: a draw that was made again in the meantime may reuse its predecessor's id.
_REMOVE = """
DELETE FROM draw WHERE (id, drawn_at) IN
    (SELECT id, drawn_at FROM temp.candidate WHERE position > ? AND position <= ?)
RETURNING request, CAST(drawn_at AS TEXT), CAST(cost_usd AS REAL)
"""
_REMOVE_REQUEST = "DELETE FROM request WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM draw WHERE request = ?1)"
_N_REQUESTS = """
SELECT count(*) FROM (SELECT request, count(*) AS n FROM temp.candidate WHERE position <= ? GROUP BY request)
    AS gone
WHERE n = (SELECT count(*) FROM draw WHERE draw.request = gone.request)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed, or would be.

    Attributes:
        removed: The draws.
        n_kept: Draws that would have been candidates and stay because `keep` names them.
        n_bytes_before, n_bytes_after: Size of the file; after a dry run an estimate.
    """

    removed: Draws
    n_kept: int
    n_bytes_before: int
    n_bytes_after: int


class Housekeeping(Holdings):
    """A connection to the store for inspecting it and cleaning it up."""

    def prune(
        self,
        *,
        before: str | None = None,
        max_bytes: int | None = None,
        keep: Iterable[Address] = (),
        dry_run: bool = False,
    ) -> Pruned:
        """Remove draws, the oldest first, and requests with their last draw; give the space back.

        Args:
            before: Remove what was drawn before this moment, ISO 8601 in UTC; None for no such limit.
            max_bytes: Then remove until the file is no larger; None for no such limit.
            keep: Addresses of draws that stay in any case.
            dry_run: Remove nothing; the effect of `max_bytes` is then an estimate.

        Raises:
            StoreError: The file is damaged or stays locked; or reading `keep` raised it.
        """
        self._need(keep)
        size = self._size()
        if max_bytes is None and before is None:
            return Pruned(removed=Draws(), n_kept=0, n_bytes_before=size, n_bytes_after=size)
        limits = {"before": before if max_bytes is None else None}
        with self._lock, self._errors():
            self._connection.execute(_CANDIDATES)
            self._connection.execute(_LIST, limits)
            n_kept = number(self._connection, _N_KEPT, limits)
        if dry_run:
            removed, left = self._estimate(before, max_bytes)
        else:
            removed = self._remove(before, max_bytes)
            self._shrink()
            left = self._size()
        return Pruned(removed=removed, n_kept=n_kept, n_bytes_before=size, n_bytes_after=left)

    def _remove(self, before: str | None, max_bytes: int | None) -> Draws:
        removed, position = Draws(), 0
        while until := self._next_step(position, before, max_bytes):
            with self._transaction() as connection:
                rows = list(connection.execute(_REMOVE, (position, until)))
                change = connection.total_changes()
                connection.executemany(_REMOVE_REQUEST, {(request,) for request, _, _ in rows})
                n_requests = connection.total_changes() - change
            removed = _sum(removed, rows, n_requests)
            position = until
        return removed

    def _next_step(self, position: int, before: str | None, max_bytes: int | None) -> int | None:
        """Return the last candidate to remove next; None once all that should go is gone."""
        excess = None if max_bytes is None else self._used() - max_bytes
        with self._lock, self._errors():
            found = self._connection.execute(_STEP, (before, excess, position, position + STEP)).get
        return None if found is None else int(found)

    def _estimate(self, before: str | None, max_bytes: int | None) -> tuple[Draws, int]:
        """Return what would be removed, and roughly how large the file would be then."""
        used = self._used()
        with self._lock, self._errors():
            last = 0
            for position, drawn_at, n_bytes in self._connection.execute(
                "SELECT position, drawn_at, bytes FROM temp.candidate ORDER BY position"
            ):
                if not (before is not None and drawn_at < before) and not (
                    max_bytes is not None and used > max_bytes
                ):
                    break
                last, used = position, used - n_bytes
            removed = overview(self._connection, f"temp.candidate WHERE position <= {last}")
            n_requests = number(self._connection, _N_REQUESTS, (last,))
        return replace(removed, n_requests=n_requests), max(used, 0)

    def _shrink(self) -> None:
        """Give free pages back in steps; then write the log back and truncate the file."""
        with self._lock, self._errors():
            if self._pragma("auto_vacuum") == 0:
                self._rewrite()  # a file of the first format whose upgrade could not do it
        free = self._pragma("freelist_count")
        while free:
            with self._transaction() as connection:
                for _ in connection.execute(f"PRAGMA incremental_vacuum({STEP})"):
                    pass
            before, free = free, self._pragma("freelist_count")
            if free >= before:
                break  # others use the pages as fast as they are freed
        # While others read, or write it back themselves, the file is truncated later: at the latest by the
        # process that closes it last.
        with self._lock, self._errors(), suppress(apsw.BusyError):
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)


def _sum(removed: Draws, rows: list[Any], n_requests: int) -> Draws:
    """Total up removed rows `(request, drawn_at, cost_usd)`."""
    days = [day for _, day, _ in rows]
    return Draws(
        n_draws=removed.n_draws + len(rows),
        n_requests=removed.n_requests + n_requests,
        oldest=min(filter(None, (removed.oldest, *days)), default=None),
        newest=max(filter(None, (removed.newest, *days)), default=None),
        cost_usd=removed.cost_usd + sum(cost or 0.0 for _, _, cost in rows),
        n_unpriced=removed.n_unpriced + sum(cost is None for _, _, cost in rows),
    )
