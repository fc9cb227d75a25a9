"""Cassettes: recorded draws as a text file that is committed with the tests. One line is one draw."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pytest_velo.cache.cassette import export, load
from pytest_velo.cache.keys import CANON, request_key
from pytest_velo.cache.store import Store
from pytest_velo.records import Address, Draw, Reply, Request


def test_a_cassette_is_loaded(tmp_path: Path) -> None:
    asked = {"api": "a", "endpoint": "e", "model": "m", "messages": (), "parameters": {}}
    place = {"key": request_key(Request(**asked)), "seed": 0, "stream": "", "slot": "c:0:0"}
    draw = {"request": asked, "reply": {"text": "Hello"}, "drawn_at": "2026-11-01T00:00:00Z"}
    path = tmp_path / "draws.jsonl"
    path.write_bytes(msgspec.json.encode({"canon": CANON, **place, **draw}))
    assert [draw.reply for _, draw in load(path).recorded()] == [Reply(text="Hello")]


def test_an_exported_draw_is_loaded_again(tmp_path: Path) -> None:
    asked = Request(api="a", endpoint="e", model="m", messages=({"role": "user", "content": "Hi"},))
    address = Address(key=request_key(asked), seed=0, stream="", slot="c:0:0")
    draw = Draw(address=address, reply=Reply(text="Hello"), drawn_at="2026-11-01T00:00:00Z")
    store = Store.open(tmp_path / "draws.sqlite")
    assert store.put_many([(asked, draw)]) == 1
    assert export(store, None, tmp_path / "draws.jsonl").n_draws == 1
    assert load(tmp_path / "draws.jsonl").get(address) == draw
    store.close()
