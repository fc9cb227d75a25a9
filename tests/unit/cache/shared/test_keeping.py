"""Draws of others are kept in the local store, and what was read there stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pytest_velo.cache.codec import encode_reply
from pytest_velo.cache.keys import request_body, request_key
from pytest_velo.cache.shared.keeping import Keeper, Theirs
from pytest_velo.cache.shared.rows import Kept
from pytest_velo.cache.store import Store
from pytest_velo.errors import StoreError
from pytest_velo.records import Address, Draw, Reply, Request

REQUEST = Request(api="local", endpoint="lab", model="m", messages=({"role": "user", "content": "Hi"},))
KEY = request_key(REQUEST)


def at(slot: str) -> Address:
    return Address(key=KEY, seed=0, stream="", slot=slot)


def theirs(slot: str, text: str) -> Theirs:
    body, _ = encode_reply(Reply(text=text))
    return Theirs(request_body(REQUEST), at(slot), Kept(body, "2026"))


def test_what_is_returned_is_what_is_stored_here(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "draws.sqlite")
    keeper = Keeper(store.path, "postgresql://lab", beside=store)

    async def work() -> None:
        await store.put(REQUEST, at("mine"), Reply(text="read here"), "2025")
        several = [[theirs("mine", "theirs"), theirs("a", "new")], [theirs("a", "late"), theirs("b", "new")]]
        put = [store.put(REQUEST, at(f"put {n}"), Reply(text="put"), "2026") for n in range(9)]
        found, *_ = await asyncio.gather(asyncio.gather(*map(keeper.keep, several)), *put)
        texts = [[draw.reply.text for draw in draws] for draws in found]
        assert texts == [["read here", "new"], ["new", "new"]]
        assert found == [[store.get(each.address) for each in draws] for draws in several]
        assert await keeper.keep([]) == []
        (over,) = await keeper.keep([theirs("mine", "made again")], over=True)
        assert over == store.get(at("mine"))
        assert over.reply.text == "made again"

    asyncio.run(work())
    keeper.close()
    store.close()


def test_what_is_no_draw_names_the_shared_store_and_leaves_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "draws.sqlite")
    keeper = Keeper(store.path, "postgresql://lab", beside=store)
    damaged = theirs("b", "x")._replace(kept=Kept(b"{", "2026"))
    with pytest.raises(StoreError, match="slot b cannot be read") as caught:
        asyncio.run(keeper.keep([theirs("a", "text"), damaged]))
    assert caught.value.where == "postgresql://lab"
    assert store.get(at("a")) is None
    keeper.close()
    keeper.close()
    with pytest.raises(StoreError, match="closed"):
        asyncio.run(keeper.keep([theirs("a", "text")]))
    store.close()


def test_the_others_wait_while_a_transaction_is_under_way_however_long(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "draws.sqlite")
    keeper = Keeper(store.path, "postgresql://lab", beside=store)
    keeper._store._connection.set_busy_timeout(0)  # SQLite would give up at once

    async def work() -> list[Draw]:
        with store._transaction():
            keeping = asyncio.ensure_future(keeper.keep([theirs("a", "text")]))
            await asyncio.sleep(0.05)
        return await keeping

    assert [draw.reply.text for draw in asyncio.run(work())] == ["text"]
    keeper.close()
    store.close()
