"""The store of draws."""

import asyncio
import pickle
import subprocess
import sys
import textwrap
from dataclasses import replace

import apsw
import pytest

from pytest_velo.cache.database import APPLICATION_ID
from pytest_velo.cache.keys import request_key
from pytest_velo.cache.schema import VERSION
from pytest_velo.cache.store import Store
from pytest_velo.errors import StoreError
from pytest_velo.records import (
    Address,
    Draw,
    FinishReason,
    Reply,
    Request,
    TokenLogprob,
    ToolCall,
    Usage,
)

DAY = "2026-11-01T00:00:00Z"
REQUEST = Request(
    api="local",
    endpoint="local",
    model="m",
    messages=({"role": "user", "content": "Hi"},),
    parameters={"n": 1},
)
ADDRESS = Address(key=request_key(REQUEST), seed=0, stream="", slot="case:0:0")
RICH = Reply(
    text="yes",
    reasoning="because",
    finish_reason=FinishReason.TOOL_CALLS,
    refused=True,
    parsed={"a": [1, 1.5, None]},
    tool_calls=(ToolCall(id="1", name="f", arguments={"x": 1}, arguments_text='{"x":1}'),),
    logprobs=(TokenLogprob(token="y", logprob=-0.1, top={"y": -0.1, "n": -2.0}),),
    usage=Usage(input_tokens=3, output_tokens=4, reasoning_tokens=None),
    cost_usd=0.25,
    latency_s=1.5,
    model_served="m-1",
    fingerprint="fp",
    not_honoured=("seed",),
    blocks=({"type": "thinking", "signature": "s"},),
    raw={"id": "abc"},
)


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "cache" / "draws.sqlite")
    yield opened
    opened.close()


def put(store, reply, *, address=ADDRESS, request=REQUEST, **options):
    return asyncio.run(store.put(request, address, reply, DAY, **options))


def at(slot):
    return replace(ADDRESS, slot=slot)


def fields_of(reply):
    return {name: getattr(reply, name) for name in Reply.__slots__}


def test_an_empty_store_has_nothing(store):
    assert store.get(ADDRESS) is None
    assert store.request(ADDRESS.key) is None


def test_every_field_of_a_reply_comes_back(store):
    put(store, RICH)
    read = store.get(ADDRESS)
    assert fields_of(read.reply) == fields_of(RICH) | {"cached": True}
    assert read.drawn_at == DAY
    assert store.request(ADDRESS.key) == REQUEST


def test_a_draw_outlives_the_connection(store):
    put(store, RICH)
    store.close()
    again = Store.open(store.path)
    assert again.get(ADDRESS).reply.text == "yes"
    again.close()


@pytest.mark.parametrize(
    "change", [{"key": "k"}, {"seed": 1}, {"stream": "s"}, {"slot": "case:1:0"}], ids=str
)
def test_every_part_of_the_address_counts(store, change):
    put(store, RICH)
    assert store.get(replace(ADDRESS, **change)) is None


def test_the_first_draw_stays(store):
    first = put(store, Reply(text="first"))
    second = put(store, Reply(text="second"))
    assert (first.reply.text, first.reply.cached) == ("first", False)
    assert (second.reply.text, second.reply.cached) == ("first", True)


def test_replace_overwrites(store):
    put(store, Reply(text="first"))
    assert put(store, Reply(text="second"), replace=True).reply.text == "second"
    assert store.get(ADDRESS).reply.text == "second"


def test_puts_of_one_iteration_are_one_transaction(store, monkeypatch):
    commits = []
    commit = Store._commit

    def counted(self, writes):
        commits.append(len(writes))
        return commit(self, writes)

    monkeypatch.setattr(Store, "_commit", counted)

    async def many():
        puts = (store.put(REQUEST, at(f"c:{n}:0"), Reply(text=str(n)), DAY) for n in range(100))
        return await asyncio.gather(*puts)

    draws = asyncio.run(many())
    assert [draw.reply.text for draw in draws] == [str(n) for n in range(100)]
    assert commits == [100]


def test_hazard_14_a_put_waits_for_no_timer(store):
    async def look():
        task = asyncio.create_task(store.put(REQUEST, ADDRESS, RICH, DAY))
        await asyncio.sleep(0)  # the task hands its write over
        await asyncio.sleep(0)  # the end of that iteration commits it
        other = Store.open(store.path)
        try:
            return other.get(ADDRESS), await task
        finally:
            other.close()

    seen, put_draw = asyncio.run(look())
    assert seen.reply.text == put_draw.reply.text == "yes"


def test_two_puts_of_one_address_in_one_transaction_agree(store):
    async def both():
        return await asyncio.gather(*(store.put(REQUEST, ADDRESS, Reply(text=t), DAY) for t in "ab"))

    assert [draw.reply.text for draw in asyncio.run(both())] == ["a", "a"]


def test_a_cancelled_put_is_stored_all_the_same(store):
    async def cancel():
        task = asyncio.create_task(store.put(REQUEST, ADDRESS, RICH, DAY))
        await asyncio.sleep(0)  # lets the task hand its write over, before the flush of that iteration
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancel())
    assert store.get(ADDRESS).reply.text == "yes"


def test_a_draw_is_committed_when_put_returns(store):
    async def look():
        await store.put(REQUEST, ADDRESS, RICH, DAY)
        other = Store.open(store.path)
        try:
            return other.get(ADDRESS)
        finally:
            other.close()

    assert asyncio.run(look()).reply.text == "yes"


def test_close_commits_what_waits(tmp_path):
    opened = Store.open(tmp_path / "draws.sqlite")

    async def leave():
        task = asyncio.create_task(opened.put(REQUEST, ADDRESS, RICH, DAY))
        loop = asyncio.get_running_loop()
        loop.call_soon(opened.close)  # runs after the task began, before its flush
        return await task

    assert asyncio.run(leave()).reply.text == "yes"
    again = Store.open(tmp_path / "draws.sqlite")
    assert again.get(ADDRESS) is not None
    again.close()


def test_half_a_surrogate_pair_is_the_same_live_and_read(store):
    live = put(store, Reply(text="cut \ud83d", raw={"t": ["\ud83d"]}))
    assert live.reply.text == store.get(ADDRESS).reply.text == "cut \ufffd"


def test_a_log_probability_of_minus_infinity_is_kept_as_a_very_low_one(store):
    infinite = float("-inf")
    put(store, Reply(text="x", logprobs=(TokenLogprob(token="x", logprob=0.0, top={"y": infinite}),)))
    assert store.get(ADDRESS).reply.logprobs[0].top["y"] == -1e9


def test_put_many_keeps_what_is_there_and_counts_what_is_new(store):
    put(store, Reply(text="mine"))
    slots = ("case:0:0", "b", "c")
    draws = [Draw(address=at(slot), reply=Reply(text="theirs"), drawn_at=DAY) for slot in slots]
    assert store.put_many((REQUEST, draw) for draw in draws) == 2
    assert store.get(ADDRESS).reply.text == "mine"


def test_recorded_is_sorted(store):
    for slot in ("b", "a", "c"):
        put(store, Reply(text=slot), address=at(slot))
    assert [(request, draw.reply.text) for request, draw in store.recorded()] == [(REQUEST, t) for t in "abc"]


def test_a_reply_that_is_no_json_is_refused_and_the_others_are_stored(store):
    async def both():
        bad = Reply(text="x", raw={"o": object()})
        puts = (store.put(REQUEST, at("bad"), bad, DAY), store.put(REQUEST, ADDRESS, RICH, DAY))
        return await asyncio.gather(*puts, return_exceptions=True)

    failed, stored = asyncio.run(both())
    assert isinstance(failed, StoreError)
    assert stored.reply.text == "yes"


def test_a_seed_beyond_64_bits_is_refused(store):
    with pytest.raises(StoreError, match="does not fit 64 bits"):
        put(store, RICH, address=replace(ADDRESS, seed=2**64))


def test_the_folder_ignores_itself(store):
    assert (store.path.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "conftest.py").write_text("")
    Store.open(tmp_path / "draws.sqlite").close()
    assert not (tmp_path / ".gitignore").exists()


def test_close_twice(store):
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.get(ADDRESS)


# Files that are not what they should be


def test_a_file_that_is_no_database_is_an_error_and_stays(tmp_path):
    path = tmp_path / "draws.sqlite"
    path.write_bytes(b"not a database, but long enough to look at" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="damaged") as caught:
        Store.open(path)
    assert str(path) in caught.value.where
    assert "mv " in caught.value.fix
    assert path.read_bytes() == before


def test_another_programs_database_is_refused(tmp_path):
    path = tmp_path / "draws.sqlite"
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE browser_history(url)")
    other.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(path)


def test_a_newer_format_is_refused(store):
    store.close()
    raw = apsw.Connection(str(store.path))
    raw.execute(f"PRAGMA user_version = {VERSION + 1}")
    raw.close()
    with pytest.raises(StoreError, match="newer pytest-velo") as caught:
        Store.open(store.path)
    assert "upgrade" in caught.value.fix


def test_a_damaged_page_is_an_error(store):
    for n in range(50):
        put(store, Reply(text="x" * 2_000), address=at(str(n)))
    store.close()
    content = bytearray(store.path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    store.path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        Store.open(store.path).get(ADDRESS)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Store.open(tmp_path / "file" / "cache" / "draws.sqlite")


# Hostile content


class Bomb:
    fired = False

    def __reduce__(self):
        return (setattr, (Bomb, "fired", True))


def overwrite(path, statement, *values):
    raw = apsw.Connection(str(path))
    raw.execute(statement, values)
    raw.close()


@pytest.mark.parametrize("body", [pickle.dumps(Bomb()), b"{", b'{"text": 5}', b"[]", "text", 7])
def test_a_poisoned_reply_is_an_error_and_runs_nothing(store, body):
    put(store, RICH)
    store.close()
    overwrite(store.path, "UPDATE draw SET reply = ?", body)
    again = Store.open(store.path)
    with pytest.raises(StoreError, match="cannot be read"):
        again.get(ADDRESS)
    again.close()
    assert Bomb.fired is False


def test_triggers_and_views_are_refused(store):
    store.close()
    overwrite(store.path, "CREATE TRIGGER evil AFTER INSERT ON draw BEGIN DELETE FROM draw; END")
    with pytest.raises(StoreError, match="not have the expected tables: evil"):
        Store.open(store.path)


def test_a_schema_that_only_looks_like_ours_is_refused(tmp_path):
    path = tmp_path / "draws.sqlite"
    raw = apsw.Connection(str(path))
    raw.execute("CREATE VIEW draw AS SELECT load_extension('x.so') AS reply")
    raw.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}")
    raw.close()
    with pytest.raises(StoreError, match="expected tables"):
        Store.open(path)


# Several processes

RACER = """
    import asyncio, sys
    from pytest_velo.cache.store import Store
    from pytest_velo.records import Address, Reply, Request

    request = Request(api="a", endpoint="e", model="m", messages=())
    sys.stdin.readline()  # all start together
    store = Store.open(sys.argv[1])

    async def race():
        puts = (
            store.put(request, Address(key="k", seed=0, stream="", slot=str(n)), Reply(text=sys.argv[2]), "d")
            for n in range(200)
        )
        return await asyncio.gather(*puts)

    print("".join(draw.reply.text for draw in asyncio.run(race())))
    print(sum(store.reserve("session", 0.01, 1.0) for _ in range(100)))
    store.close()
"""


def test_processes_that_share_a_new_file_agree_on_every_draw_and_on_the_budget(tmp_path):
    path = tmp_path / "cache" / "draws.sqlite"
    command = [sys.executable, "-c", textwrap.dedent(RACER), str(path)]
    racers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in "abcd"
    ]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=500)[0].split() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    assert len({texts for texts, _ in told}) == 1
    assert sum(int(granted) for _, granted in told) == 100  # of 400 asked for: 1.00 at 0.01 each


def test_a_slot_that_is_no_text_is_an_error_and_nobody_waits(tmp_path):
    """Half a surrogate pair in `slot=` broke the commit of every draw of that moment, and all waited on."""
    store = Store.open(tmp_path / "draws.sqlite")

    async def both():
        good = store.put(REQUEST, ADDRESS, Reply(text="a"), DAY)
        bad = store.put(REQUEST, replace(ADDRESS, slot="c:0:0:\ud83d"), Reply(text="b"), DAY)
        return await asyncio.wait_for(asyncio.gather(good, bad, return_exceptions=True), timeout=60)

    stored, failed = asyncio.run(both())
    assert stored.reply.text == "a"
    assert isinstance(failed, StoreError)
    assert "slot" in failed.what
    store.close()


def test_a_commit_that_breaks_in_any_way_is_told_to_those_who_wait(tmp_path, monkeypatch):
    store = Store.open(tmp_path / "draws.sqlite")

    def broken(_writes):
        raise OverflowError("too large")

    async def put():
        monkeypatch.setattr(store, "_commit", broken)
        await asyncio.wait_for(store.put(REQUEST, ADDRESS, Reply(text="a"), DAY), timeout=60)

    with pytest.raises(StoreError, match="too large"):
        asyncio.run(put())
    store.close()
