"""The tables of the store, and how files of an older format become files of this one."""

from __future__ import annotations

import apsw

from pytest_velo.cache.schema import TABLES, VERSION, create, place, upgrade


def test_place_separates_its_parts() -> None:
    assert place("k", 0, "a", "b") == place("k", 0, "a", "b")
    assert len(place("k", 0, "a", "b")) == 16
    assert place("k", 0, "ab", "") != place("k", 0, "a", "b")


def test_create_makes_every_table() -> None:
    connection = apsw.Connection(":memory:")
    create(connection)
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    assert {name for (name,) in tables} == TABLES
    assert connection.pragma("user_version") == VERSION


def test_upgrade_keeps_the_draws_of_the_first_version() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE request(key, body); INSERT INTO request VALUES('k', '{}')")
    columns = "key, seed, stream, slot, reply, model_served, cost_usd, drawn_at"
    connection.execute(f"CREATE TABLE draw({columns})")
    row = "'k', 7, '', 'c:0:0', '{}', NULL, 0.5, '2026-11-01'"
    connection.execute(f"INSERT INTO draw VALUES({row})")
    upgrade(connection)
    assert connection.execute("SELECT address, cost_usd FROM draw").get == (place("k", 7, "", "c:0:0"), 0.5)
