"""The store in PostgreSQL, on a server that the test session starts in a temporary folder."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner

from pytest_velo.cache.attempt_ledger import AttemptLedger
from pytest_velo.cache.attempts import Tried
from pytest_velo.cache.frozen import FrozenClaim
from pytest_velo.cache.keys import request_key
from pytest_velo.cache.looks import Look
from pytest_velo.cache.store import Store
from pytest_velo.cli.main import main
from pytest_velo.errors import StoreError
from pytest_velo.records import Address, Belief, Draw, Reply, Request
from pytest_velo.settings import StoreUrl
from support.listening import free_port
from support.machines import machines, why_not
from support.model_server import ModelServer
from support.postgres import PASSWORD, Cluster, binaries, cluster

pytestmark = pytest.mark.servers

psycopg = pytest.importorskip("psycopg", reason="pip install 'pytest-velo[postgres]'")

REQUEST = Request(api="local", endpoint="lab", model="m", messages=({"role": "user", "content": "Hi"},))
KEY = request_key(REQUEST)
LOOK = Look(
    draws="d",
    claim="c",
    scorer="s",
    rule="ville",
    n=9,
    max_trials=20,
    seed=0,
    verdict="supported",
    looked_at="1",
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    """A server, and roles: `owner`, and `reader` who may only read."""
    found = binaries()
    if found is None:
        pytest.skip("there is no PostgreSQL (apt-get install postgresql)")
    port = free_port()
    # Not below pytest's own folder, which is closed to the user that runs the server.
    with TemporaryDirectory(prefix="velo-postgres-") as folder, cluster(folder, found, port, "*") as made:
        with psycopg.connect(made.url(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
        yield made


@pytest.fixture
def url(postgres: Cluster, request: pytest.FixtureRequest) -> str:
    """The URL of a store of its own for each test."""
    return f"{postgres.url()}?schema=t{abs(hash(request.node.nodeid)) % 10**12}"


@pytest.fixture
def machine(tmp_path: Path, url: str) -> Iterator[Callable[..., Any]]:
    """Open the shared store as a machine, by its name, would."""
    from pytest_velo.cache.shared import SharedStore

    opened: list[Any] = []

    def open_as(name: str, at: str = url) -> Any:
        store = SharedStore(tmp_path / name / "draws.sqlite", StoreUrl(at), [])
        opened.append(store)
        return store

    yield open_as
    for store in opened:
        store.close()


def at(slot: str, key: str = KEY, stream: str = "") -> Address:
    return Address(key=key, seed=0, stream=stream, slot=slot)


def run(work: Awaitable[Any]) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(work, 300)

    return asyncio.run(bounded())


async def put(store: Any, slot: str, text: str, **more: Any) -> Draw:
    address = more.pop("address", at(slot))
    when = more.pop("drawn_at", f"2026-11-29T00:00:00.{hash(text) % 10**6:06}+00:00")
    return await store.put(REQUEST, address, Reply(text=text, cost_usd=0.5), when, **more)


def text_at(store: Any, slot: str) -> str | None:
    found = store.get(at(slot))
    return None if found is None else found.reply.text


def test_a_draw_of_one_machine_is_read_by_another_and_kept_there(machine: Any) -> None:
    one, two = machine("one"), machine("two")

    async def work() -> None:
        await asyncio.gather(*(put(one, str(n), f"text {n}") for n in range(1200)))
        assert two.get(at("7")) is None, "looking locally asks nobody"
        assert await two.find(REQUEST, at("7"))
        assert not await two.find(REQUEST, at("none"))
        assert text_at(two, "7") == "text 7"
        assert all(await asyncio.gather(*(two.find(REQUEST, at(str(n))) for n in range(1200))))

    run(work())
    assert one.get(at("7")) == two.get(at("7"))


def test_the_first_draw_counts_for_all(machine: Any) -> None:
    one, two = machine("one"), machine("two")

    async def work() -> None:
        await put(one, "a", "first")
        stored = await put(two, "a", "second")
        assert stored.reply.text == "first", "what is stored is read back"

    run(work())
    assert text_at(two, "a") == "first"
    two.close()
    assert any("1 draw was made by another machine, too" in note for note in two.notes)


def test_draws_that_a_batch_brought_are_pushed_and_the_first_counts_here_too(machine: Any) -> None:
    one, two = machine("one"), machine("two")
    run(put(one, "a", "drawn before"))
    brought = [
        (REQUEST, Draw(address=at(slot), reply=Reply(text="brought"), drawn_at="2026-11-29T00:00:00+00:00"))
        for slot in "ab"
    ]
    assert one.put_many(brought) == 1
    one.close()
    assert run(two.find(REQUEST, at("a")))
    assert run(two.find(REQUEST, at("b")))
    assert (text_at(two, "a"), text_at(two, "b")) == ("drawn before", "brought")


def test_texts_of_every_kind_come_back_as_they_went(machine: Any) -> None:
    one, two = machine("one"), machine("two")
    odd = "\x00 \x1b[31m </script> \u202e é 🙂 \ud83d"
    address = at("slot \x00 é", stream="s\x00")

    async def work() -> Draw:
        reply = Reply(text=odd, model_served="m\x00", raw={"a": "\x00"}, cost_usd=None)
        mine = await one.put(REQUEST, address, reply, "2026-11-29")
        assert await two.find(REQUEST, address)
        return mine

    mine = run(work())
    theirs = two.get(address)
    assert theirs.reply.text == mine.reply.text
    assert (theirs.reply.model_served, theirs.reply.cost_usd) == ("m\x00", None)
    assert theirs.reply.raw == {"a": "\x00"}


def test_refreshing_replaces_the_shared_draw(machine: Any) -> None:
    one, two = machine("one"), machine("two")

    async def work() -> None:
        await put(one, "a", "old", drawn_at="2026-11-01")
        await put(two, "a", "new", drawn_at="2026-11-02", replace=True)

    run(work())
    three = machine("three")
    run(three.find(REQUEST, at("a")))
    assert text_at(three, "a") == "new"
    assert text_at(one, "a") == "old", "what a machine has read stays what it reads"


def test_one_machine_at_a_time_may_make_a_draw(machine: Any, url: str) -> None:
    from pytest_velo.cache.shared.answers import Found, Held, Mine

    one, same, two = machine("one"), machine("one"), machine("two")

    def claim(store: Any, slot: str, since: str = "") -> Any:
        return store.claim(REQUEST, at(slot), since)

    async def work() -> None:
        assert await claim(one, "a") == Mine()
        assert await claim(two, "a") == Held(socket.gethostname()[:100])
        assert await claim(same, "a") == Mine(), "the system's locks part the processes of a machine"
        one.release(at("a"))
        assert isinstance(await claim(two, "a"), Held), "a process releases its own leases only"
        await put(same, "a", "made")
        assert await claim(two, "a") == Found()
        assert text_at(two, "a") == "made"
        assert await claim(two, "a", "2027") == Mine(), "what was made before does not count"
        two.release(at("a"))
        assert await claim(one, "b") == Mine()
        one.release(at("b"))
        many = await asyncio.gather(*(claim(one, f"m{n}") for n in range(300)))
        theirs = await asyncio.gather(*(claim(two, f"m{n}") for n in range(600)))
        assert many == [Mine()] * 300
        assert [type(answer) for answer in theirs] == [Held] * 300 + [Mine] * 300

    run(work())
    with psycopg.connect(postgres_of(url)) as connection:
        connection.execute("UPDATE lease SET expires = now() - interval '1 s'")
    assert run(claim(two, "m0")) == Mine(), "a lease ends by the server's clock"


def postgres_of(url: str) -> str:
    """Return what psycopg connects with, the schema chosen."""
    base, _, schema = url.partition("?schema=")
    return f"{base}?options=-csearch_path%3D{schema}"


def test_leases_are_renewed_while_a_draw_is_made_and_given_back_at_the_end(
    machine: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_velo.cache.shared import rows

    monkeypatch.setattr(rows, "RENEW_S", 0.01)
    one = machine("one")
    query = "SELECT expires FROM lease"
    with psycopg.connect(postgres_of(url), autocommit=True) as connection:

        async def work() -> None:
            await one.claim(REQUEST, at("a"), "")
            first = connection.execute(query).fetchone()
            while connection.execute(query).fetchone() == first:  # noqa: ASYNC110 - another process's doing
                await asyncio.sleep(0.01)

        run(work())
        one.close()
        assert connection.execute("SELECT count(*) FROM lease").fetchone() == (0,)


def test_looks_are_shared(machine: Any) -> None:
    one, two = machine("one"), machine("two")
    one.log_look(LOOK)
    two.log_look(replace(LOOK, looked_at="2", n=10))
    two.close()
    one.push(10)
    seen = machine("three").looks_at("d")
    assert [look.n for look in seen] == [9, 10]
    assert one.looks_at("d") == seen, "its own look is not counted twice"


def test_frozen_claims_are_shared(machine: Any, url: str, postgres: Cluster) -> None:
    claim = FrozenClaim(
        test="t",
        hash="1",
        node_id="n",
        model="m",
        claim="rate >= 0.3",
        claim_hash="c",
        body="b",
        max_trials=20,
        seed=0,
        stream="",
        frozen_at="2026-11-30T02:10:00+00:00",
    )
    one, two = machine("one"), machine("two")
    one.freeze(claim)
    later = replace(claim, hash="2", frozen_at="2026-11-30T02:11:00+00:00")
    assert [each.hash for each in two.freeze(later)] == ["1", "2"]
    again = replace(claim, frozen_at="2026-11-30T02:12:00+00:00")
    assert two.freeze(again) == (claim, later), "the same claim keeps the time when it was first frozen"
    assert one.frozen("t") == (claim, later)
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        name = url.rpartition("=")[2]
        connection.execute(f"GRANT USAGE ON SCHEMA {name} TO reader")
        connection.execute(f"GRANT SELECT, INSERT ON {name}.draw, {name}.request, {name}.store TO reader")
    writer = machine("writer", url.replace("owner", "reader"))
    assert writer.freeze(later) == (later,), "an older GRANT loses nothing but the others' confirmations"
    assert "may not read them" in " ".join(writer.notes)


def test_machines_that_come_first_at_the_same_time_make_the_tables_once(machine: Any) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(machine, ["a", "b", "c", "d"]))
    run(put(stores[0], "a", "text"))
    assert run(stores[3].find(REQUEST, at("a")))


def test_tables_of_another_format(machine: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_velo.cache.shared import schema

    run(put(machine("one"), "a", "text"))
    monkeypatch.setattr(schema, "UPGRADES", (*schema.UPGRADES, "CREATE TABLE later(id bigint)"))
    assert run(machine("two").find(REQUEST, at("a"))), "an older store is upgraded, and keeps its draws"
    with psycopg.connect(postgres_of(url)) as connection:
        assert connection.execute("SELECT count(*) FROM later").fetchone() == (0,)
    monkeypatch.undo()
    with pytest.raises(StoreError, match="newer pytest-velo") as refused:
        machine("three")
    assert "upgrade pytest-velo" in refused.value.fix
    assert PASSWORD not in str(refused.value)


def test_a_user_who_may_only_read(machine: Any, url: str, postgres: Cluster) -> None:
    from pytest_velo.cache.shared.answers import Held, Unguarded

    owner = machine("owner")
    run(put(owner, "a", "text"))
    name = url.rpartition("=")[2]
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"GRANT USAGE ON SCHEMA {name} TO reader")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO reader")
    reader = machine("reader", url.replace("owner", "reader"))

    async def work() -> None:
        assert await reader.find(REQUEST, at("a"))
        await owner.claim(REQUEST, at("c"), "")
        assert await reader.claim(REQUEST, at("b"), "") == Unguarded()
        assert isinstance(await reader.claim(REQUEST, at("c"), ""), Held), "it does not pay for what is made"
        await put(reader, "b", "local")
        await put(reader, "d", "local, too")

    run(work())
    assert text_at(reader, "b") == "local"
    reader.close()
    assert len(reader.notes) == 2, reader.notes
    assert "only read" in reader.notes[0]
    assert "2 draws are on this machine only" in reader.notes[1]
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {name} TO reader")
    machine("reader", url.replace("owner", "reader")).close()
    assert run(owner.find(REQUEST, at("d"))), "what was not pushed is, once it may be"


def test_draws_go_on_while_the_database_is_away_and_are_pushed_once_it_is_back(
    machine: Any, postgres: Cluster
) -> None:
    from pytest_velo.cache.shared.answers import Away, Mine

    one = machine("one")

    async def cut() -> None:
        assert await one.claim(REQUEST, at("leased"), "") == Mine()
        postgres.stop()
        try:
            await put(one, "leased", "made while away")
            one.release(at("leased"))
            await asyncio.gather(*(put(one, f"away {n}", "mine") for n in range(20)))
            assert isinstance(await one.claim(REQUEST, at("other"), ""), Away)
            with pytest.raises(StoreError, match="cannot be reached"):
                await one.find(REQUEST, at("other"))
            one.log_look(LOOK)
            assert one.looks_at("d") == (LOOK,)
        finally:
            postgres.start()
        while one.away_s is not None:  # noqa: ASYNC110 - another thread's doing
            await asyncio.sleep(0.05)

    run(cut())
    assert text_at(one, "away 3") == "mine"
    one.close()
    assert [note for note in one.notes if "could not be reached" in note] == one.notes[:1]
    assert not any("on this machine only" in note for note in one.notes)
    two = machine("two")
    assert run(two.find(REQUEST, at("away 19")))
    assert run(two.find(REQUEST, at("leased")))
    assert two.looks_at("d") == (LOOK,)


def test_a_network_that_swallows_everything_holds_nobody_up(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_velo.cache.shared import line
    from pytest_velo.cache.shared.answers import AwayError

    one = machine("one")
    monkeypatch.setattr(line, "ANSWER_S", 0.2)

    async def work() -> None:
        with pytest.raises(AwayError, match="did not answer in time"):
            await one._line.tell(lambda connection: connection.execute("SELECT pg_sleep(20)"))
        monkeypatch.setattr(line, "ANSWER_S", 60.0)
        await put(one, "a", "text")
        two = machine("two")
        while not await two.find(REQUEST, at("a")):  # noqa: ASYNC110 - the line pushes in its own time
            await asyncio.sleep(0.05)

    run(work())


def test_ctrl_c_ends_a_wait_for_the_database_whichever_thread_receives_it(machine: Any) -> None:
    one, goes_on = machine("one"), threading.Event()
    waited = []

    def work(connection: Any) -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        waited.append(goes_on.wait(300))

    with pytest.raises(KeyboardInterrupt):
        one._line.wait(work)
    goes_on.set()
    one.close()
    assert waited == [True], "the wait ended before the work"


def test_what_was_read_is_kept_whole_when_the_process_is_killed(
    machine: Any, url: str, tmp_path: Path
) -> None:
    one = machine("one")
    run(_put_many(one, 300))
    command = [sys.executable, "-c", READ_AND_KILLED, str(tmp_path / "two" / "draws.sqlite"), url, KEY]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert killed.returncode == -9, killed.stderr
    seen = json.loads(killed.stdout)
    assert len(seen) == 300
    with psycopg.connect(postgres_of(url)) as connection:
        connection.execute("DELETE FROM draw")  # somebody prunes
    two = Store.open(tmp_path / "two" / "draws.sqlite")
    assert {slot: text_at(two, slot) for slot in seen} == seen, "what bodies saw is there without the others"
    two.close()


def test_reading_ahead_never_replaces_what_was_read_here_and_brings_nothing_twice(
    machine: Any, tmp_path: Path
) -> None:
    run(_put_many(machine("one"), 300))
    local = Store.open(tmp_path / "two" / "draws.sqlite")
    run(put(local, f"{REPEATED}:150:0", "read here"))
    local.close()
    two = machine("two")
    fetched: list[bytes] = []
    tell = two._line.tell

    async def noted(work: Any) -> Any:
        fetched.extend(work.keywords["addresses"])
        return await tell(work)

    two._line.tell = noted

    async def work() -> None:
        rest = iter(range(300))

        async def body() -> None:
            for repeat in rest:
                address = replace(at(""), slot=f"{REPEATED}:{repeat}:0")
                found = two.get(address) or await two.find(REQUEST, address)
                assert found.reply.text == ("read here" if repeat == 150 else f"text {repeat}")

        await asyncio.gather(*(body() for _ in range(20)))

    run(work())
    assert len(fetched) == len(set(fetched))
    assert text_at(two, f"{REPEATED}:150:0") == "read here"


REPEATED = "case"


async def _put_many(store: Any, n: int) -> None:
    await asyncio.gather(*(put(store, f"{REPEATED}:{repeat}:0", f"text {repeat}") for repeat in range(n)))


READ_AND_KILLED = """
import asyncio, json, os, sys
from pathlib import Path
from pytest_velo.cache.shared import SharedStore
from pytest_velo.records import *
from pytest_velo.settings import StoreUrl

store = SharedStore(Path(sys.argv[1]), StoreUrl(sys.argv[2]), [])
request = Request(api="local", endpoint="lab", model="m", messages=({"role": "user", "content": "Hi"},))
seen = {}

async def work():
    for repeat in range(300):
        slot = f"case:{repeat}:0"
        address = Address(key=sys.argv[3], seed=0, stream="", slot=slot)
        draw = store.get(address) or await store.find(request, address)
        seen[slot] = draw.reply.text
    print(json.dumps(seen), flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(work())
"""


def test_machines_that_were_cut_apart_each_keep_what_they_read(machine: Any, postgres: Cluster) -> None:
    one = machine("one")
    postgres.stop()
    try:
        run(put(one, "a", "of one"))
        one.close()
        assert any("1 draw is on this machine only" in note for note in one.notes)
    finally:
        postgres.start()
    two = machine("two")
    run(put(two, "a", "of two"))
    again = machine("one")
    again.push(10)
    assert text_at(again, "a") == "of one", "a rerun reads what the first run read"
    assert text_at(two, "a") == "of two"
    again.close()
    assert any("1 draw was made by another machine, too" in note for note in again.notes)
    third = machine("third")
    run(third.find(REQUEST, at("a")))
    assert text_at(third, "a") == "of two", "the first in the shared store is the shared one"


KILLED = """
import asyncio, os, sys
from pathlib import Path
from pytest_velo.cache.shared import SharedStore
from pytest_velo.records import *
from pytest_velo.settings import StoreUrl

store = SharedStore(Path(sys.argv[1]), StoreUrl(sys.argv[2]), [])
request = Request(api="local", endpoint="lab", model="m", messages=({"role": "user", "content": "Hi"},))
store._line.tell = lambda work: asyncio.sleep(60)  # the network takes its time

async def work():
    puts = [
        store.put(request, Address(key=sys.argv[3], seed=0, stream="", slot=slot), Reply(text="paid"), "2026")
        for slot in "01234"
    ]
    waiting = [asyncio.ensure_future(one) for one in puts]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("queued", flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(work())
"""


def test_a_draw_that_was_paid_for_survives_a_kill_before_it_is_pushed(
    machine: Any, url: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "one" / "draws.sqlite"), url, KEY]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (killed.returncode, killed.stdout) == (-9, "queued\n"), killed.stderr
    one = machine("one")
    assert [text_at(one, str(n)) for n in range(5)] == ["paid"] * 5
    one.close()
    assert run(machine("two").find(REQUEST, at("4")))


def test_a_stored_draw_that_somebody_damaged_is_an_error_that_names_the_store(machine: Any, url: str) -> None:
    run(put(machine("one"), "a", "text"))
    with psycopg.connect(postgres_of(url)) as connection:
        connection.execute("UPDATE draw SET reply = '{\"text\": [1]}'")
    with pytest.raises(StoreError, match="cannot be read") as damaged:
        run(machine("two").find(REQUEST, at("a")))
    assert damaged.value.where.startswith("postgresql://owner@127.0.0.1")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("owner:", "stranger:"), "password authentication failed"),
        ((f":{PASSWORD}@", ":other@"), "password authentication failed"),
        (("/postgres?", "/nowhere?"), 'database "nowhere" does not exist'),
        (("postgres?", "postgres?sslmode=require&"), "SSL"),
    ],
)
def test_a_store_that_cannot_be_used_is_an_error_before_anything_is_paid_for(
    machine: Any, url: str, change: tuple[str, str], told: str
) -> None:
    with pytest.raises(StoreError) as refused:
        machine("one", url.replace(*change))
    assert told in refused.value.what
    assert "--velo-store=none" in refused.value.fix
    assert PASSWORD not in str(refused.value)


SHARE_DRAWS = Path(__file__).parents[2] / "docs" / "how-to" / "share-draws.md"


def test_the_roles_of_the_documents_may_do_what_they_are_for(
    machine: Any, postgres: Cluster, tmp_path: Path
) -> None:
    blocks = re.findall(r"^```sql\n(.*?)^```", SHARE_DRAWS.read_text(encoding="utf-8"), re.M | re.S)
    roles, grants, person = (block.replace("'…'", f"'{PASSWORD}'") for block in blocks)
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        for statement in roles.split(";"):
            connection.execute(statement)
    owner = postgres.url("draws", user="velo_owner")
    assert CliRunner().invoke(main, ["cache", "stats", f"--store={owner}"]).exit_code == 0
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(grants)
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(person)
        connection.execute(f"CREATE ROLE bob LOGIN PASSWORD '{PASSWORD}' IN ROLE velo_readers")

    ana = machine("ana", postgres.url("draws", user="ana"))
    bob = machine("bob", postgres.url("draws", user="bob"))

    async def work() -> None:
        await ana.claim(REQUEST, at("a"), "")
        await put(ana, "a", "text")
        await ana.claim(REQUEST, at("b"), "")
        ana.release(at("b"))
        assert await bob.find(REQUEST, at("a"))
        await put(bob, "b", "local")

    run(work())
    ana.log_look(LOOK)
    ana.close()
    bob.close()
    assert ana.notes == []
    assert len(bob.notes) == 2
    folder = f"--cache-dir={tmp_path / 'ana'}"
    prune = ["cache", "prune", "--shared", "--older-than=0h", folder]
    for user, code in (("ana", 1), ("velo_owner", 0)):
        env = {"VELO_STORE": postgres.url("draws", user=user)}
        done = CliRunner().invoke(main, prune, env=env)
        assert done.exit_code == code, done.output
        assert ("permission denied" in done.output) == (user == "ana")


# Whole runs.

BODY = """
import pytest
from pytest_velo import rate

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials={n}, min_trials={n})
async def test_h(model):
    return "yes" in (await model("Is it so?", max_tokens=5)).text
"""
PYTEST = (
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:asyncio",
    "-p",
    "no:randomly",
    "-m",
    "velo",
)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """A model whose every answer is another one."""
    made = ModelServer("0.0.0.0")
    yield made
    made.close()


def start(
    folder: Path, cache: str, *options: str, prefix: tuple[str, ...] = (), **environment: str
) -> subprocess.Popen[str]:
    """Start pytest in a folder, with a cache of its own."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("VELO_", "PYTEST_", "CI"))
    }
    return subprocess.Popen(
        [*prefix, sys.executable, *PYTEST, f"--velo-cache-dir={cache}", *options],
        cwd=folder,
        env={**clean, "LAB_KEY": "k", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    shown, _ = process.communicate(timeout=300)
    assert process.returncode == code, shown
    return shown


def write_test(folder: Path, endpoint: str, n: int) -> None:
    (folder / "test_it.py").write_text(BODY.format(n=n), encoding="utf-8")
    (folder / "pytest.ini").write_text(f"[pytest]\nvelo_endpoints =\n    {endpoint}\n", encoding="utf-8")


def test_a_run_on_another_machine_pays_for_nothing_and_no_secret_is_anywhere(
    tmp_path: Path, url: str, server: ModelServer
) -> None:
    write_test(tmp_path, server.endpoint(), 30)
    one = ended(start(tmp_path, "one", f"--velo-store={url}"))
    assert server.n_calls == 30
    two = ended(start(tmp_path, "two", "--velo-mode=replay", "-v", "-v", VELO_STORE=url))
    assert server.n_calls == 30
    assert "0 model calls" in two
    refused = ended(
        start(tmp_path, "three", f"--velo-store={url.replace('/postgres?', '/nowhere?')}"), code=1
    )
    assert "cannot be reached" in refused
    runner = CliRunner()
    commands = (["stats"], ["push", "--cache-dir", str(tmp_path / "one")])
    told = [runner.invoke(main, ["cache", *words, f"--store={url}"]).output for words in commands]
    said = [one, two, refused, *told]
    assert "30 draws of 1 request" in said[-2]
    assert all(PASSWORD not in text for text in said)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 8
    assert [path for path in written if PASSWORD.encode() in path.read_bytes()] == []


def test_four_processes_on_two_machines_pay_for_each_draw_once_although_one_machine_is_cut_off(
    tmp_path: Path, url: str, server: ModelServer
) -> None:
    if reason := why_not():
        pytest.skip(reason)
    server.latency_s, n = 0.4, 160
    noticed_soon = "&tcp_user_timeout=1000&connect_timeout=2"
    cut = threading.Event()
    with machines(2) as (first, second):

        def trouble(number: int) -> None:
            if number == 40:  # they are in the midst of it
                first.cut()
                cut.set()

        server.before = trouble
        running = []
        for machine in (first, first, second, second):
            folder = tmp_path / machine.name
            folder.mkdir(exist_ok=True)
            write_test(folder, server.endpoint(machine.model), n)
            store = f"--velo-store={url.replace('127.0.0.1', machine.database)}"
            store += noticed_soon if machine is first else ""
            prefix = tuple(machine.command())
            running.append(start(folder, "cache", store, "--velo-concurrency=3", prefix=prefix))
        assert cut.wait(300)
        time.sleep(10)
        first.mend()
        shown = [" ".join(ended(process).split()) for process in running]
    assert len(server.calls) == n
    assert server.twice == {}, shown
    assert not any("could not be reached" in text for text in shown[2:]), "these were connected"
    assert not any("paid for twice" in text or "on this machine only" in text for text in shown)


def test_a_machine_that_stays_cut_off_goes_on_alone_when_its_patience_ends_and_says_so(
    tmp_path: Path, url: str, postgres: Cluster, server: ModelServer
) -> None:
    server.latency_s = 0.1
    write_test(tmp_path, server.endpoint(), 60)
    server.before = lambda number: postgres.stop() if number == 5 else None
    alone = start(tmp_path, "one", f"--velo-store={url}", "--velo-store-patience=0.5", "--velo-concurrency=2")
    try:
        shown = ended(alone)
    finally:
        postgres.start()
    words = " ".join(shown.split())
    assert "made without knowing whether another machine made them" in words
    assert "on this machine only" in words
    assert server.n_calls == len(server.calls) == 60
    again = ended(start(tmp_path, "one", f"--velo-store={url}"))
    assert "0 model calls" in again
    assert "on this machine only" not in " ".join(again.split())
    assert "0 model calls" in ended(start(tmp_path, "two", f"--velo-store={url}"))
    assert server.n_calls == 60


# The command.


def invoke(*words: str) -> str:
    done = CliRunner().invoke(main, ["cache", *words])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A cache with draws of two models, a run record, and no shared store so far."""
    store = Store.open(tmp_path / "cache" / "draws.sqlite")

    async def fill() -> None:
        for model in ("m", "n"):
            request = replace(REQUEST, model=model)
            for slot in "abc":
                address = at(slot, request_key(request))
                await store.put(
                    request, address, Reply(text=slot, cost_usd=0.5), f"2026-11-0{ord(slot) - 96}"
                )

    asyncio.run(fill())
    store.close()
    calls = [{"model": "lab/m", "address": {"key": KEY, "seed": 0, "stream": "", "slot": "a"}}]
    folder = tmp_path / "cache" / "runs" / "2026-11-29T00-00-00Z"
    folder.mkdir(parents=True)
    (folder / "trials.jsonl").write_text(json.dumps({"node_id": "t.py::t", "calls": calls}) + "\n")
    return tmp_path / "cache"


def test_pushing_and_pulling(filled: Path, tmp_path: Path, url: str) -> None:
    here, there = (
        [f"--store={url}", f"--cache-dir={filled}"],
        [f"--store={url}", f"--cache-dir={tmp_path / 'b'}"],
    )
    assert invoke("push", *here, "--test", "t.py::t").startswith("1 draw, 1 new in the shared store")
    assert invoke("push", *here, "--model", "lab/n").startswith("3 draws, 3 new")
    assert invoke("push", *here, "--model", "m").startswith("3 draws, 2 new")
    assert invoke("push", *here, "--run", "2026-11-29T00-00-00Z").startswith("1 draw, 0 new")
    assert invoke("push", *here).startswith("6 draws, 0 new")
    assert invoke("pull", *there, "--model", "lab/n").startswith("3 draws, 3 new in ")
    assert invoke("pull", *there).startswith("6 draws, 3 new")
    assert text_at(Store.open(tmp_path / "b" / "draws.sqlite"), "b") == "b"
    refused = CliRunner().invoke(main, ["cache", "push", *here, "--test", "t.py::other"])
    assert refused.exit_code == 1
    assert "name a test as the record does" in refused.output


def test_draws_of_which_both_sides_have_another_one_stay(
    filled: Path, tmp_path: Path, url: str, machine: Any
) -> None:
    run(put(machine("one"), "a", "theirs"))
    assert "1 draw not moved: the shared store has other replies" in invoke(
        "push", f"--store={url}", f"--cache-dir={filled}"
    )
    assert "1 draw not moved: this cache has other replies" in invoke(
        "pull", f"--store={url}", f"--cache-dir={filled}"
    )


def test_what_the_shared_store_holds_and_pruning_it(
    filled: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke("push", f"--store={url}", f"--cache-dir={filled}")
    monkeypatch.setenv("VELO_STORE", url)
    shown = invoke("stats", "--shared")
    assert "6 draws of 2 requests" in shown
    assert "owner: 6 draws, $3" in shown
    assert PASSWORD not in shown
    folder = f"--cache-dir={filled}"
    assert "6 draws" in invoke("stats", folder), "without --shared it is the local one"
    invoke("prune", "--older-than=0h", folder)
    assert "6 draws of 2 requests" in invoke("stats", "--shared"), "which is all that is pruned"
    prune = ["prune", "--shared", "--older-than=0h", "--keep-recorded", folder]
    assert "would remove 5 draws of the shared store" in invoke(*prune, "--dry-run")
    assert "removed 5 draws" in invoke(*prune)
    assert "1 draw of 1 request" in invoke("stats", "--shared")
    refused = CliRunner().invoke(main, ["cache", "prune", "--shared", "--larger-than=1MB"])
    assert "by their age alone" in refused.output


def test_pulled_draws_must_be_what_their_key_names(filled: Path, tmp_path: Path, url: str) -> None:
    invoke("push", f"--store={url}", f"--cache-dir={filled}")
    with psycopg.connect(postgres_of(url)) as connection:
        connection.execute("UPDATE request SET body = replace(encode(body, 'escape'), 'Hi', 'Ho')::bytea")
    refused = CliRunner().invoke(main, ["cache", "pull", f"--store={url}", f"--cache-dir={tmp_path / 'b'}"])
    assert refused.exit_code == 1
    assert "not the one its key names" in refused.output


def test_machines_count_their_attempts_together_and_one_after_the_other(machine: Any) -> None:
    one, two = machine("one"), machine("two")
    ledgers = [one.attempts, two.attempts]

    def tried(draws: int) -> int:
        attempt = Tried(
            test="t", sentence="", number=1, claim="rate >= 0.5", claim_hash="c", prompt="p", body="b",
            draws=str(draws), model="m", at=f"2026-11-30T00:00:{draws:02}",
        )  # fmt: skip
        return int(ledgers[draws % 2].number(attempt).number)

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(tried, range(12)))
    assert sorted(numbers) == list(range(1, 13))
    assert [tried(draws) for draws in range(12)] == numbers, "the same evidence again is no new attempt"
    three = machine("three").attempts
    assert {entry.number for entry in three.history(Belief(test="t"))} == set(numbers)
    alone = AttemptLedger(one.path.with_name("alone"))
    assert alone.entries() == []
    alone.close()
