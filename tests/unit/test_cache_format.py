"""Files of the first format: read, upgraded, shrunk; and what a file is made with."""

import subprocess
import sys
import textwrap
from dataclasses import replace

import apsw
import pytest

from pytest_velo.cache.codec import encode_reply
from pytest_velo.cache.database import APPLICATION_ID, LOG_BYTES
from pytest_velo.cache.keys import request_body, request_key
from pytest_velo.cache.looks import Look
from pytest_velo.cache.schema import BOOKS, VERSION, place
from pytest_velo.cache.store import Store
from pytest_velo.records import Address, Draw, Reply, Request

DAY = "2026-11-01T00:00:00Z"
FORMAT_1 = """
CREATE TABLE request(key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE draw(
    key TEXT NOT NULL, seed INTEGER NOT NULL, stream TEXT NOT NULL, slot TEXT NOT NULL,
    reply BLOB NOT NULL, model_served TEXT, cost_usd REAL, drawn_at TEXT NOT NULL,
    PRIMARY KEY(key, seed, stream, slot));
"""


def request(n):
    return Request(api="a", endpoint="e", model="m", messages=({"role": "user", "content": f"Question {n}"},))


def draws(n_requests, n_slots=3):
    for n in range(n_requests):
        for slot in range(n_slots):
            address = Address(key=request_key(request(n)), seed=-slot, stream="s", slot=f"case:{slot}:0")
            yield (
                request(n),
                Draw(address=address, reply=Reply(text=f"{n} {slot}", cost_usd=0.5), drawn_at=DAY),
            )


def write_format_1(path, n_requests):
    """Write a file as the first release did."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = apsw.Connection(str(path))
    raw.pragma("journal_mode", "WAL")
    raw.execute(FORMAT_1 + BOOKS)
    for sent, draw in draws(n_requests):
        at = draw.address
        raw.execute("INSERT OR IGNORE INTO request VALUES(?, ?)", (at.key, request_body(sent)))
        row = (at.key, at.seed, at.stream, at.slot, encode_reply(draw.reply)[0], None, 0.5, draw.drawn_at)
        raw.execute("INSERT INTO draw VALUES(?, ?, ?, ?, ?, ?, ?, ?)", row)
    raw.pragma("application_id", APPLICATION_ID)
    raw.pragma("user_version", 1)
    raw.close()


def pragma(path, name):
    raw = apsw.Connection(str(path))
    try:
        return raw.pragma(name)
    finally:
        raw.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "draws.sqlite"


def contents(store):
    return [(sent, draw.address, draw.reply.text, draw.drawn_at) for sent, draw in store.recorded()]


def test_a_file_of_the_first_format_is_upgraded_with_all_that_is_in_it(path):
    write_format_1(path, 40)
    new = Store.open(path.parent / "new.sqlite")
    new.put_many(draws(40))
    old = Store.open(path)
    assert len(contents(old)) == 120
    assert contents(old) == contents(new)
    assert [old.get(draw.address).reply.text for _, draw in draws(40)] == [d.reply.text for _, d in draws(40)]
    assert old.put_many(draws(41)) == 3
    old.close()
    new.close()
    assert pragma(path, "user_version") == VERSION
    assert pragma(path, "freelist_count") == 0  # the old tables' pages are given back


def test_books_outlive_the_upgrade(path):
    write_format_1(path, 1)
    look = Look(
        draws="d", claim="c", scorer="s", rule="ville", n=3, max_trials=9, seed=0, verdict="v", looked_at=DAY
    )
    raw = apsw.Connection(str(path))
    raw.execute("INSERT INTO reserve VALUES('session', '1', 0.75)")
    raw.close()
    store = Store.open(path)
    store.log_look(look)
    store.close()
    again = Store.open(path)
    assert again.looks_at("d") == (look,)
    assert again.spent("session") == 0.75
    again.close()


@pytest.mark.parametrize("old", [True, False], ids=["upgraded", "new"])
def test_a_file_can_be_shrunk_in_steps(path, old):
    if old:
        write_format_1(path, 1)
    Store.open(path).close()
    assert pragma(path, "auto_vacuum") == 2


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(path):
    write_format_1(path, 2)
    raw = apsw.Connection(str(path))
    raw.execute("CREATE INDEX request_1 ON look(draws)")  # a name that the upgrade needs
    raw.close()
    before = path.read_bytes()
    with pytest.raises(Exception, match="already"):
        Store.open(path)
    assert pragma(path, "user_version") == 1
    assert len(path.read_bytes()) == len(before)
    raw = apsw.Connection(str(path))
    assert raw.execute("SELECT count(*) FROM draw WHERE key IN (SELECT key FROM request)").get == 6
    raw.close()


OPENER = """
    import sys
    from pytest_velo.cache.store import Store

    sys.stdin.readline()  # all start together
    store = Store.open(sys.argv[1])
    print(len(list(store.recorded())))
    store.close()
"""


def test_processes_that_open_an_old_file_at_once_upgrade_it_once(path):
    write_format_1(path, 300)
    command = [sys.executable, "-c", textwrap.dedent(OPENER), str(path)]
    openers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for opener in openers:
        opener.stdin.write("go\n")
        opener.stdin.flush()
    assert [opener.communicate(timeout=500)[0].split() for opener in openers] == [["900"]] * 4


def test_a_large_import_leaves_no_large_log(path):
    store = Store.open(path)
    store.put_many(
        (sent, replace(draw, reply=Reply(text="x" * 3_000))) for sent, draw in draws(3_000)
    )  # 27 MB
    log = path.with_name(path.name + "-wal")
    assert 0 < log.stat().st_size <= LOG_BYTES + 2**20
    store.close()


def test_put_many_counts_across_its_transactions(path, monkeypatch):
    monkeypatch.setattr("pytest_velo.cache.store._AT_ONCE", 7)
    store = Store.open(path)
    assert store.put_many(draws(10)) == 30
    assert store.put_many(draws(12)) == 6
    assert len(contents(store)) == 36
    store.close()


def test_places_differ_in_every_part():
    at = ("k", 1, "a", "b")
    others = [
        ("j", 1, "a", "b"),
        ("k", 2, "a", "b"),
        ("k", 1, "b", "b"),
        ("k", 1, "a", "c"),
        ("k", 1, "ab", ""),
    ]
    assert len({place(*other) for other in [at, *others, ("k", 1, "", "ab"), ("k\n1", 1, "", "b")]}) == 8
    assert len(place("k", 0, "\ud83d", "")) == 16
