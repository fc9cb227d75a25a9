"""What the shared store has, and removing its oldest draws; looks are never removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_velo.cache.codec import decode_request
from pytest_velo.cache.holdings import Draws, ModelDraws
from pytest_velo.cache.schema import place_of
from pytest_velo.cache.shared.line import Connection, Line
from pytest_velo.cache.shared.schema import prepare
from pytest_velo.errors import StoreError
from pytest_velo.records import Address
from pytest_velo.settings import StoreUrl

_STEP = 2_000
"""Draws that are removed in one transaction."""

_TOTAL = """
SELECT count(*), count(DISTINCT request), min(drawn_at), max(drawn_at), coalesce(sum(cost_usd), 0.0::float8),
    count(*) - count(cost_usd) FROM draw WHERE {}
"""
_BY_REQUEST = """
SELECT body, n FROM (SELECT request, count(*) AS n FROM draw GROUP BY request) AS counted
JOIN request ON request.id = counted.request
"""
_BY_MAKER = """
SELECT stored_by, coalesce(sum(cost_usd), 0.0::float8), count(*) FROM draw GROUP BY 1 ORDER BY 3 DESC, 1
"""
_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(name)), 0)::bigint
FROM unnest(ARRAY['draw', 'request', 'look', 'lease']::regclass[]) AS ours(name)
"""
_LEASED = "SELECT count(*) FROM lease WHERE expires >= clock_timestamp()"
_OLD = "drawn_at < %(before)s AND NOT address = ANY(%(keep)b)"
_REMOVE = f"""
DELETE FROM draw WHERE id IN (SELECT id FROM draw WHERE {_OLD} ORDER BY id LIMIT {_STEP} FOR UPDATE)
RETURNING request
"""
_REMOVE_REQUESTS = """
DELETE FROM request WHERE id = ANY(%s) AND NOT EXISTS (SELECT FROM draw WHERE draw.request = request.id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStats:
    """The contents of the shared store.

    Attributes:
        draws: All draws.
        models: Most draws first.
        makers: Dollars and draws by the database's user who stored them.
        n_bytes: What the tables take.
        n_leases: Draws that are being made now.
    """

    draws: Draws
    models: tuple[ModelDraws, ...]
    makers: tuple[tuple[str, float, int], ...]
    n_bytes: int
    n_leases: int


class Upkeep:
    """A connection to the shared store for inspecting it and cleaning it up."""

    def __init__(self, url: StoreUrl) -> None:
        self._url = url
        self._line = Line(url, prepare=self._prepare)
        self._line.open()

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def stats(self) -> SharedStats:
        """Count what is stored.

        Raises:
            StoreError: The store cannot be reached, or what it has is no request.
        """
        return self._line.wait(_stats)

    def prune(self, before: str, keep: Iterable[Address], *, dry_run: bool) -> Draws:
        """Remove draws that were made before a moment, but those in `keep`; requests go with their last draw.

        Raises:
            StoreError: The store cannot be reached, or this user may not remove draws.
        """
        values = {"before": before, "keep": [place_of(address) for address in keep]}
        removed = self._line.wait(partial(_total, condition=_OLD, values=values))
        while not dry_run and self._line.wait(partial(_remove, values=values)):
            pass
        return removed

    def _prepare(self, connection: Connection) -> None:
        try:
            prepare(connection, self._url.schema)
        except StoreError as error:
            raise error.at(str(self._url)) from None


def _total(connection: Connection, condition: str, values: Any = None) -> Draws:
    row = connection.execute(_TOTAL.format(condition), values).fetchone()
    assert row is not None
    n_draws, n_requests, oldest, newest, cost_usd, n_unpriced = row
    return Draws(
        n_draws=n_draws,
        n_requests=n_requests,
        oldest=oldest,
        newest=newest,
        cost_usd=cost_usd,
        n_unpriced=n_unpriced,
    )


def _stats(connection: Connection) -> SharedStats:
    counts: Counter[tuple[str, str]] = Counter()
    cursor = connection.cursor(binary=True)
    cursor.execute(_BY_REQUEST)
    for body, n in cursor:
        request = decode_request(body)
        counts[request.model, request.endpoint] += n
    makers = connection.execute(_BY_MAKER).fetchall()
    (n_bytes,), (n_leases,) = (connection.execute(query).fetchone() or (0,) for query in (_SIZE, _LEASED))
    return SharedStats(
        draws=_total(connection, "true"),
        models=tuple(
            ModelDraws(model=model, endpoint=endpoint, n_draws=n)
            for (model, endpoint), n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ),
        makers=tuple((str(name), float(usd), int(n)) for name, usd, n in makers),
        n_bytes=n_bytes,
        n_leases=n_leases,
    )


def _remove(connection: Connection, values: Any) -> int:
    """Remove a step's draws; return how many there were."""
    with connection.transaction():
        requests = [request for (request,) in connection.execute(_REMOVE, values)]
        connection.execute(_REMOVE_REQUESTS, (list(set(requests)),))
        connection.execute("DELETE FROM lease WHERE expires < clock_timestamp() - interval '1 day'")
    return len(requests)
