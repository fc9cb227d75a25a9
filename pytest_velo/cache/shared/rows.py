"""What is said to the database: each function is one exchange, for as many draws as are wanted.

All of it may be said twice. Rows are locked in the order of their addresses, so that machines that want the
same draws do not wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pytest_velo.cache.attempt_ledger import HISTORY
from pytest_velo.cache.codec import decode_request
from pytest_velo.cache.shared.line import Connection

LEASE_S = 120
"""How long a lease lasts by the server's clock, unless it is renewed."""

RENEW_S = 30.0
"""How often leases are renewed: a machine that is cut off keeps its own for `LEASE_S - RENEW_S` at least."""

_REQUESTS = """
INSERT INTO request(key, body) SELECT key, body FROM unnest(%s::text[], %b::bytea[]) AS new(key, body)
ORDER BY key ON CONFLICT DO NOTHING
"""
_INSERT = """
INSERT INTO draw(request, address, seed, stream, slot, reply, cost_usd, drawn_at)
SELECT request.id, address, seed, stream, slot, reply, cost_usd, drawn_at
FROM unnest(
    %s::text[], %b::bytea[], %s::bigint[], %b::bytea[], %b::bytea[], %b::bytea[], %s::float8[], %s::text[]
) AS new(key, address, seed, stream, slot, reply, cost_usd, drawn_at)
JOIN request USING (key) ORDER BY address
"""
_IF_NEW = f"{_INSERT} ON CONFLICT (address) DO NOTHING RETURNING address"
_OVER = f"""{_INSERT} ON CONFLICT (address) DO UPDATE SET (reply, cost_usd, drawn_at, stored_by) =
    (excluded.reply, excluded.cost_usd, excluded.drawn_at, session_user) RETURNING address
"""
_FETCH = "SELECT address, reply, drawn_at FROM draw WHERE address = ANY(%b)"
_CLAIM = f"""
INSERT INTO lease(address, machine, process, host, expires)
SELECT address, %s, %s, %s, clock_timestamp() + interval '{LEASE_S} s'
FROM unnest(%b::bytea[]) AS wanted(address) ORDER BY address
ON CONFLICT (address) DO UPDATE
    SET machine = excluded.machine, process = excluded.process, host = excluded.host,
        expires = excluded.expires
    WHERE lease.expires < clock_timestamp() OR lease.machine = excluded.machine
RETURNING address
"""
_HELD = "SELECT address, host FROM lease WHERE address = ANY(%b) AND expires >= clock_timestamp()"
_RENEW = f"""
WITH mine AS (
    SELECT address FROM lease WHERE address = ANY(%b) AND process = %s ORDER BY address FOR UPDATE)
UPDATE lease SET expires = clock_timestamp() + interval '{LEASE_S} s'
FROM mine WHERE lease.address = mine.address
"""
_RELEASE = """
WITH mine AS (
    SELECT address FROM lease WHERE address = ANY(%b) AND process = %s ORDER BY address FOR UPDATE)
DELETE FROM lease USING mine WHERE lease.address = mine.address
"""
_LOOK = "INSERT INTO look(digest, draws, body) VALUES(%b, %s, %b) ON CONFLICT DO NOTHING"
_LOOKS = "SELECT body FROM look WHERE draws = %s ORDER BY id"
_FREEZE = "INSERT INTO frozen(test, hash, body) VALUES(%s, %s, %b) ON CONFLICT DO NOTHING"
_FROZEN = "SELECT body FROM frozen WHERE test = %s ORDER BY id"
_ATTEMPT = """
INSERT INTO attempt(digest, test, sentence, body) VALUES(%s, %s, %s, %b) ON CONFLICT DO NOTHING
"""
_ATTEMPTS = HISTORY.format(table="attempt", value="%s::text")
_NUMBERING = "SELECT pg_advisory_xact_lock(hashtext('velo attempts'), hashtext(current_schema()))"
_TIMES = "SELECT address, drawn_at FROM draw WHERE address = ANY(%b)"
_LISTED = """
SELECT draw.id, key, address, drawn_at FROM draw JOIN request ON request.id = request
WHERE {} ORDER BY draw.id LIMIT %s
"""
_WHOLE = """
SELECT key, body, address, seed, stream, slot, reply, cost_usd, drawn_at
FROM draw JOIN request ON request.id = draw.request WHERE address = ANY(%b)
"""


class Row(NamedTuple):
    """One draw with its request, as it is stored.

    Attributes:
        key, body: The request.
        address: The digest of the draw's address.
        reply: Its JSON.
        over: It replaces what is there.
    """

    key: str
    body: bytes
    address: bytes
    seed: int
    stream: str
    slot: str
    reply: bytes
    cost_usd: float | None
    drawn_at: str
    over: bool = False


class Kept(NamedTuple):
    """What is stored of a draw: the JSON of its reply, and when it was made."""

    reply: bytes
    drawn_at: str


class Holder(NamedTuple):
    """Who takes leases. Processes of one machine take over from each other; the system's locks part them."""

    machine: str
    process: str
    host: str


class Claims(NamedTuple):
    """What came of a claim, by address: draws that are there, leases taken here, and by which hosts."""

    found: dict[bytes, Kept]
    taken: set[bytes]
    held: dict[bytes, str]


def fetch(connection: Connection, addresses: Sequence[bytes]) -> dict[bytes, Kept]:
    """Return the draws that are there."""
    rows = connection.cursor(binary=True).execute(_FETCH, (list(addresses),))
    return {address: Kept(reply, drawn_at) for address, reply, drawn_at in rows}


def insert(connection: Connection, rows: Sequence[Row], process: str) -> dict[bytes, Kept]:
    """Store draws and end their leases; return what was there instead of some of them."""
    bodies = {row.key: row.body for row in rows}
    others: dict[bytes, Kept] = {}
    with connection.pipeline(), connection.transaction():
        cursor = connection.cursor()
        cursor.execute(_REQUESTS, (list(bodies), list(bodies.values())))
        asked = []
        for statement, some in (
            (_IF_NEW, [row for row in rows if not row.over]),
            (_OVER, [row for row in rows if row.over]),
        ):
            if some:
                columns = zip(*map(_columns, some), strict=True)
                new = connection.cursor(binary=True)
                new.execute(statement, tuple(map(list, columns)))
                asked.append(new)
        connection.cursor().execute(_RELEASE, ([row.address for row in rows], process))
    stored = {address for new in asked for (address,) in new}
    if len(stored) < len(rows):
        others = fetch(connection, [row.address for row in rows if row.address not in stored])
    return others


def claim(
    connection: Connection, holder: Holder, addresses: Sequence[bytes], since: str, *, read_only: bool
) -> Claims:
    """Take the leases of draws that are not there, or made before `since`, unless other machines have them.

    A draw is stored and its lease ended in one transaction. So the lease is taken first, and then looked for
    the draw: who gets a lease that was just ended finds what was made under it.
    """
    wanted = list(addresses)
    leases, draws, hosts = (connection.cursor(binary=True) for _ in range(3))
    with connection.pipeline():
        if not read_only:
            leases.execute(_CLAIM, (*holder, wanted))
        draws.execute(_FETCH, (wanted,))
        hosts.execute(_HELD, (wanted,))
    taken: set[bytes] = set() if read_only else {address for (address,) in leases}
    there = {address: Kept(reply, drawn_at) for address, reply, drawn_at in draws if drawn_at >= since}
    if vain := [address for address in taken if address in there]:
        release(connection, vain, holder.process)
    held = {address: host for address, host in hosts if address not in taken and address not in there}
    return Claims(there, taken.difference(vain), held)


def renew(connection: Connection, addresses: Sequence[bytes], process: str) -> None:
    """Make leases last from now on, those that this process still has."""
    connection.execute(_RENEW, (list(addresses), process))


def release(connection: Connection, addresses: Sequence[bytes], process: str) -> None:
    """End leases of this process."""
    connection.execute(_RELEASE, (list(addresses), process))


def looks_at(connection: Connection, draws: str) -> list[bytes]:
    """Return every look at a set of draws, the first one stored first."""
    rows = connection.cursor(binary=True).execute(_LOOKS, (draws,))
    return [body for (body,) in rows]


def log_looks(connection: Connection, looks: Iterable[tuple[bytes, str, bytes]]) -> None:
    """Add looks, each `(digest, draws, body)`, that are not there yet."""
    connection.cursor().executemany(_LOOK, list(looks))


def frozen(connection: Connection, test: str, ours: Sequence[tuple[str, str, bytes]]) -> list[bytes]:
    """Add frozen claims, each `(test, hash, body)`, that are not there; return all of a test."""
    with connection.transaction():
        if ours:
            connection.cursor().executemany(_FREEZE, list(ours))
        rows = connection.cursor(binary=True).execute(_FROZEN, (test,))
        return [body for (body,) in rows]


def attempts_at(
    connection: Connection, keys: tuple[str, str], mine: Sequence[tuple[str, str, str, bytes]]
) -> list[bytes]:
    """Add entries of the ledger of attempts that are not there yet; return all about one belief."""
    if mine:
        connection.cursor().executemany(_ATTEMPT, list(mine))
    rows = connection.cursor(binary=True).execute(_ATTEMPTS, keys)
    return [body for (body,) in rows]


def number_attempts(connection: Connection) -> None:
    """Wait for this machine's turn to number an attempt; it lasts until the transaction ends."""
    connection.execute(_NUMBERING)


def times(connection: Connection, addresses: Sequence[bytes]) -> dict[bytes, str]:
    """Return when draws were made, those that are there."""
    cursor = connection.cursor(binary=True)
    return dict(cursor.execute(_TIMES, (list(addresses),)).fetchall())


def listed(
    connection: Connection, after: int, most: int, model: str, addresses: Sequence[bytes] | None
) -> list[tuple[int, str, bytes, str]]:
    """Return number, key, address and time of draws, in the order of their numbers from `after` on."""
    where, values = ["draw.id > %s"], [after]  # type: tuple[list[str], list[Any]]
    if model:
        where.append("request = ANY(%s)")
        values.append(_requests_of(connection, model))
    if addresses is not None:
        where.append("address = ANY(%b)")
        values.append(list(addresses))
    cursor = connection.cursor(binary=True)
    return cursor.execute(_LISTED.format(" AND ".join(where)), (*values, most)).fetchall()


def whole(connection: Connection, addresses: Sequence[bytes]) -> list[Row]:
    """Return draws with their requests."""
    cursor = connection.cursor(binary=True).execute(_WHOLE, (list(addresses),))
    return [
        Row(key, body, address, seed, _text(stream), _text(slot), reply, cost_usd, drawn_at)
        for key, body, address, seed, stream, slot, reply, cost_usd, drawn_at in cursor
    ]


def _requests_of(connection: Connection, model: str) -> list[int]:
    """Return the numbers of a model's requests, whose bodies only we can read: they may hold NUL."""
    cursor = connection.cursor(binary=True).execute("SELECT id, body FROM request")
    found = []
    for number, body in cursor:
        request = decode_request(body)
        if model in (request.model, f"{request.endpoint}/{request.model}"):
            found.append(number)
    return found


def _columns(row: Row) -> tuple[Any, ...]:
    place = (row.seed, row.stream.encode(), row.slot.encode())
    return (row.key, row.address, *place, row.reply, row.cost_usd, row.drawn_at)


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")
