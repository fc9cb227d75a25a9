"""Counts of what the store has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import apsw

from pytest_velo.cache.database import Database
from pytest_velo.cache.schema import place
from pytest_velo.records import Address

_OVERVIEW = (
    "SELECT count(*), min(drawn_at), max(drawn_at), total(cost_usd), count(*) - count(cost_usd) FROM {}"
)
_MODELS = """
SELECT body ->> 'model' AS model, body ->> 'endpoint' AS endpoint, sum(n) AS n_draws
FROM (SELECT request, count(*) AS n FROM draw GROUP BY request) JOIN request ON request.id = request
GROUP BY model, endpoint ORDER BY n_draws DESC, model, endpoint
"""
_UNUSED = "SELECT count(*) FROM draw WHERE address NOT IN (SELECT address FROM temp.needed)"
_NEEDED = """
DROP TABLE IF EXISTS temp.needed;
CREATE TEMP TABLE needed(address BLOB PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDraws:
    """How many draws of one model at one endpoint are stored."""

    model: str
    endpoint: str
    n_draws: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """Totals of a set of draws.

    Attributes:
        n_draws, n_requests: How many; a request counts if all of its draws are in the set.
        oldest, newest: ISO 8601 in UTC; None without draws.
        cost_usd: Dollars of the draws with a known price.
        n_unpriced: How many have an unknown price.
    """

    n_draws: int = 0
    n_requests: int = 0
    oldest: str | None = None
    newest: str | None = None
    cost_usd: float = 0.0
    n_unpriced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The contents of the store.

    Attributes:
        draws: All draws.
        models: Most draws first.
        n_bytes: Size of the file, after its log is written back.
        n_unrecorded: Draws that none of the recorded runs used.
    """

    draws: Draws
    models: tuple[ModelDraws, ...]
    n_bytes: int
    n_unrecorded: int


class Holdings(Database):
    """A connection to the store for inspecting it."""

    def stats(self, recorded: Iterable[Address]) -> Stats:
        """Count what is stored; `recorded` gives the addresses of the recorded runs' draws.

        Raises:
            StoreError: The file is damaged; or reading `recorded` raised it.
        """
        self._need(recorded)
        with self._lock, self._errors():
            connection = self._connection
            draws = overview(connection, "draw")
            return Stats(
                draws=replace(draws, n_requests=number(connection, "SELECT count(*) FROM request")),
                models=tuple(
                    ModelDraws(model=str(model), endpoint=str(endpoint), n_draws=n)
                    for model, endpoint, n in connection.execute(_MODELS)
                ),
                n_bytes=self._size(),
                n_unrecorded=number(connection, _UNUSED),
            )

    def _need(self, addresses: Iterable[Address]) -> None:
        """Note which draws are needed, outside the file and in little memory."""
        with self._lock, self._errors():
            self._connection.execute(_NEEDED)
            places = ((place(at.key, at.seed, at.stream, at.slot),) for at in addresses)
            self._connection.execute("BEGIN")  # of the temporary database alone
            try:
                self._connection.executemany("INSERT OR IGNORE INTO temp.needed VALUES(?)", places)
            finally:
                self._connection.execute("COMMIT")

    def _size(self) -> int:
        return self._pragma("page_count") * self._pragma("page_size")

    def _used(self) -> int:
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size")

    def _pragma(self, name: str) -> int:
        with self._lock, self._errors():
            value = self._connection.pragma(name)
        assert isinstance(value, int)
        return value


def overview(connection: apsw.Connection, draws: str) -> Draws:
    """Total up draws; requests are not counted.

    `draws` is the table as it stands after FROM, including any condition, with the columns `drawn_at` and
    `cost_usd`. It is inserted into the SQL and must never come from outside.
    """
    n_draws, oldest, newest, cost_usd, n_unpriced = next(connection.execute(_OVERVIEW.format(draws)))
    return Draws(n_draws=n_draws, oldest=oldest, newest=newest, cost_usd=cost_usd, n_unpriced=n_unpriced)


def number(connection: apsw.Connection, query: str, values: Any = ()) -> int:
    """Return the single whole number that a query gives."""
    found = connection.execute(query, values).get
    return int(found)
