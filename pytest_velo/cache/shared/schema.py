"""The tables in PostgreSQL, and their upgrade."""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

import psycopg

from pytest_velo.cache.shared.line import Connection
from pytest_velo.errors import StoreError

# Texts of users are bytes: PostgreSQL's own texts have no NUL. A draw is found by the digest of its address,
# as in the local store. Times that matter to a lease are the server's; `drawn_at` is the maker's word.
_DRAWS = """
CREATE TABLE request(
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE, body bytea NOT NULL);
CREATE TABLE draw(
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request bigint NOT NULL REFERENCES request,
    address bytea NOT NULL UNIQUE,
    seed bigint NOT NULL, stream bytea NOT NULL, slot bytea NOT NULL,
    reply bytea NOT NULL, cost_usd double precision, drawn_at text COLLATE "C" NOT NULL,
    stored_by text NOT NULL DEFAULT session_user);
CREATE INDEX draw_request ON draw(request);
CREATE TABLE lease(
    address bytea PRIMARY KEY, machine text NOT NULL, process text NOT NULL, host text NOT NULL,
    expires timestamptz NOT NULL);
CREATE TABLE look(
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE, draws text NOT NULL, body bytea NOT NULL);
CREATE INDEX look_draws ON look(draws);
"""
_FROZEN = """
CREATE TABLE frozen(
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    test text NOT NULL, hash text NOT NULL, body bytea NOT NULL, UNIQUE(test, hash));
"""
_ATTEMPTS = """
CREATE TABLE attempt(
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest text NOT NULL UNIQUE, test text NOT NULL, sentence text NOT NULL, body bytea NOT NULL);
CREATE INDEX attempt_test ON attempt(test);
CREATE INDEX attempt_sentence ON attempt(sentence);
"""
UPGRADES = (_DRAWS, _FROZEN, _ATTEMPTS)
"""What makes each version of the one before; the first makes it of nothing."""


class Found(NamedTuple):
    """A store that is ready.

    Attributes:
        store_id: Its name for those that queue draws for it.
        read_only: This user may not add to it.
    """

    store_id: str
    read_only: bool


def prepare(connection: Connection, schema: str) -> Found:
    """Choose the schema; create or upgrade its tables if they are missing or old.

    Raises:
        StoreError: The tables are newer than this package; or this user may not make what is missing.
    """
    with connection.transaction():
        connection.execute(f"SET search_path = {schema}")
    is_there = connection.execute("SELECT to_regclass(%s)", (f"{schema}.store",)).fetchone()
    assert is_there is not None
    version, store_id = (0, "") if is_there[0] is None else _version(connection)
    if version > len(UPGRADES):
        raise StoreError(
            f"the shared store was written by a newer pytest-velo (format {version}, this one knows"
            f" {len(UPGRADES)})",
            fix="upgrade pytest-velo, or take another schema with ?schema=NAME",
        )
    if version < len(UPGRADES):
        store_id = _upgrade(connection, schema)
    row = connection.execute(
        "SELECT has_table_privilege('draw', 'INSERT') AND has_table_privilege('request', 'INSERT'),"
        " current_setting('transaction_read_only')"
    ).fetchone()
    assert row is not None
    return Found(store_id, not row[0] or row[1] == "on")


def _version(connection: Connection) -> tuple[int, str]:
    try:
        row = connection.execute("SELECT version, id FROM store").fetchone()
    except psycopg.errors.UndefinedColumn:
        row = None
    if row is None:
        raise StoreError(
            "the schema has a table `store` that is not ours", fix="take another schema with ?schema=NAME"
        )
    return row[0], row[1]


def _upgrade(connection: Connection, schema: str) -> str:
    """Bring the tables up to date, one process at a time; return the store's name."""
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (crc32(f"velo {schema}".encode()),))
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            connection.execute("CREATE TABLE IF NOT EXISTS store(version integer NOT NULL, id text NOT NULL)")
            connection.execute(
                "INSERT INTO store SELECT 0, gen_random_uuid() WHERE NOT EXISTS (SELECT FROM store)"
            )
            version, store_id = _version(connection)  # another process may have been here
            for upgrade in UPGRADES[version:]:
                connection.execute(upgrade)
            connection.execute("UPDATE store SET version = greatest(version, %s)", (len(UPGRADES),))
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction) as error:
        raise StoreError(
            f"the shared store has no tables of format {len(UPGRADES)} in the schema {schema}, and this user"
            f" may not make them ({error.diag.message_primary})",
            fix="let the owner of the database run `velo cache stats --store=URL` once: that makes them",
        ) from None
    return store_id
