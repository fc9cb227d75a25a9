"""The tables of the store, and the upgrade of files in an older format."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

import apsw

from pytest_velo.records import Address

VERSION = 2
APPLICATION_ID = 0x76656C6F
"""`velo` in ASCII: distinguishes our files from other SQLite files."""

# A draw is found by its request and a digest of its address. Rows and index stand in the order in which
# requests came: the index is small (28 bytes a draw where the address's own text took 150), writing appends,
# what one run reads lies side by side, and pruning the oldest frees whole pages. Two things were measured and
# are worse: an index on the digest alone, which spreads a run's draws over all of it, and replies inside the
# index's own B-tree (WITHOUT ROWID), which were three times slower and larger.
SCHEMA = """
CREATE TABLE request(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE draw(
    id INTEGER PRIMARY KEY, address BLOB NOT NULL, request INTEGER NOT NULL,
    seed INTEGER NOT NULL, stream TEXT NOT NULL, slot TEXT NOT NULL,
    reply BLOB NOT NULL, model_served TEXT, cost_usd REAL, drawn_at TEXT NOT NULL,
    UNIQUE(request, address));
"""
BOOKS = """
CREATE TABLE look(id INTEGER PRIMARY KEY, draws TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX look_draws ON look(draws);
CREATE TABLE reserve(
    session TEXT NOT NULL, worker TEXT NOT NULL, usd REAL NOT NULL, PRIMARY KEY(session, worker)
) WITHOUT ROWID;
CREATE TABLE last_seen(node TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""
TABLES = {"request", "draw", "look", "reserve", "last_seen"}

_FROM_1 = """
INSERT INTO request(key, body)
    SELECT key, body FROM request_1 ORDER BY (SELECT min(rowid) FROM draw_1 WHERE draw_1.key = request_1.key);
INSERT INTO draw(address, request, seed, stream, slot, reply, model_served, cost_usd, drawn_at)
    SELECT velo_place(draw_1.key, seed, stream, slot), request.id, seed, stream, slot, reply, model_served,
        cost_usd, drawn_at
    FROM draw_1 CROSS JOIN request ON request.key = draw_1.key ORDER BY draw_1.rowid;
DROP TABLE draw_1;
DROP TABLE request_1;
"""


def place(key: str, seed: int, stream: str, slot: str) -> bytes:
    r"""Return the digest under which a draw is found: 16 bytes of a SHA-256 over its address."""
    text = f"{key}\n{seed}\n{len(stream)}\n{stream}{slot}"
    return sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def place_of(address: Address) -> bytes:
    """Return the digest under which a draw is found: here, in a shared store, and in the book of batches."""
    return place(address.key, address.seed, address.stream, address.slot)


def _place_in_sql(*address: Any) -> bytes:
    return place(*address)


def create(connection: apsw.Connection) -> None:
    """Create all tables and set the format's number; call it on an empty file, inside a transaction."""
    connection.execute(SCHEMA + BOOKS)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def upgrade(connection: apsw.Connection) -> None:
    """Upgrade a file of format 1, where a draw's key was its address; call it inside a transaction.

    Draws keep their order, and requests get the order of their first draws. The other tables are unchanged.
    """
    connection.create_scalar_function("velo_place", _place_in_sql, 4, deterministic=True)
    connection.execute("ALTER TABLE request RENAME TO request_1; ALTER TABLE draw RENAME TO draw_1")
    connection.execute(SCHEMA + _FROM_1)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.create_scalar_function("velo_place", None, 4)


class Layout(NamedTuple):
    """What a file of ours holds, and how it is made.

    Attributes:
        application_id: Distinguishes it from other SQLite files.
        version: The format's number.
        tables: The names of its tables.
        create: Makes them in an empty file.
        upgrade: Brings an older format up to this one.
    """

    application_id: int
    version: int
    tables: set[str]
    create: Callable[[apsw.Connection], None]
    upgrade: Callable[[apsw.Connection], None]


DRAWS = Layout(APPLICATION_ID, VERSION, TABLES, create, upgrade)
"""The store of draws."""
