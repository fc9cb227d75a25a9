"""Draws that an older version made of a request it sent or read differently are not today's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.cache.cassette import export, load
from pytest_velo.cache.forms import FIRST, WHOLE, form_of
from pytest_velo.cache.keys import recorded_form, request_body, request_key
from pytest_velo.cache.store import Store
from pytest_velo.records import Address, Draw, Reply, Request

HI = {"role": "user", "content": "Hi"}
BEGUN = {"role": "assistant", "content": "It is"}
TEXT = {"type": "text", "text": "a"}
PICTURE = {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="}
CACHED = {"cache_control": {"type": "ephemeral"}}
CALL = {"id": "1", "name": "f", "arguments": "{}"}


def asked(api: str, *messages: Any, **parameters: Any) -> Request:
    return Request(api=api, endpoint="e", model="m", messages=messages, parameters=parameters)


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


@pytest.mark.parametrize(
    "request_",
    [
        asked("openai-chat", {"role": "system", "content": "S"}, HI, BEGUN, HI),
        asked("openai-chat", user(TEXT, PICTURE)),
        asked("openai-chat", user({**TEXT, **CACHED})),
        asked("anthropic", user({**TEXT, **CACHED})),
        asked("openai-chat", HI, {"role": "assistant", "content": "", "tool_calls": [CALL]}),
        asked("openai-chat", HI, {"role": "tool", "tool_call_id": "1", "content": "12"}),
        asked("anthropic", HI, {"role": "assistant", "content": "a", "blocks": [TEXT]}, HI),
        asked("openai-chat", HI, tools=[{"name": "f", "parameters": {}}], logit_bias={"5": 1}),
        asked("openai-responses", HI, tools=[{"type": "function", "name": "f"}]),
        replace(asked("anthropic", HI, BEGUN), endpoint="anthropic"),  # it never repeated a prefill
        asked("openai-chat", HI, BEGUN, continue_final_message=True, echo=False),
    ],
    ids=str,
)
def test_the_key_of_a_request_that_was_always_sent_whole_stays(request_: Request) -> None:
    assert form_of(request_) == FIRST
    assert b'"form"' not in request_body(request_)


@pytest.mark.parametrize(
    "request_",
    [
        asked("openai-chat", {**HI, "name": "Ada"}),
        asked("openai-chat", {**HI, "tool_call_id": "1"}),
        asked("openai-chat", user({**PICTURE, "detail": "low"})),
        asked("openai-responses", user({**TEXT, **CACHED})),
        asked("local", user({**TEXT, **CACHED})),
        asked("anthropic", {"role": "system", "content": [{**TEXT, **CACHED}]}, HI),
        asked("anthropic", HI, {"role": "tool", "tool_call_id": "1", "content": [PICTURE]}),
        asked("openai-chat", HI, {"role": "assistant", "tool_calls": [{**CALL, "extra_content": {}}]}),
        asked("openai-responses", {"role": "user", "content": ""}, HI),
        asked("openai-chat", HI, tools=[{"type": "custom", "custom": {"name": "f"}}]),
        asked("anthropic", HI, tools=[{"type": "web_search_20250305", "name": "web_search"}]),
        asked("openai-chat", HI, BEGUN),
        asked("openai-chat", HI, BEGUN, continue_final_message=True, add_generation_prompt=False),
        asked("openai-responses", HI, BEGUN),
        asked("local", HI, BEGUN),
        asked("anthropic", HI, BEGUN),  # a server that may have repeated it
    ],
    ids=str,
)
def test_a_request_that_was_sent_or_read_otherwise_has_a_key_of_its_own(request_: Request) -> None:
    assert form_of(request_) == WHOLE
    assert request_key(request_) != request_key(request_, FIRST)
    assert recorded_form(request_, request_key(request_, FIRST)) == FIRST


def test_an_old_draw_stays_in_store_and_cassette_and_is_not_read(tmp_path: Path) -> None:
    begun = asked("local", HI, BEGUN)
    old = Address(key=request_key(begun, FIRST), seed=0, stream="", slot="c:0:0")
    new = Address(key=request_key(begun), seed=0, stream="", slot="c:0:0")
    draw = Draw(address=old, reply=Reply(text="It is 12."), drawn_at="2026-11-01T00:00:00.000000+00:00")
    store, other = Store(tmp_path / "a.sqlite"), Store(tmp_path / "b.sqlite")
    path = tmp_path / "draws.jsonl"
    try:
        store.put_many([(begun, draw)])
        asyncio.run(
            store.put(begun, new, Reply(text=" 12.", prefill="It is"), "2026-11-02T00:00:00.000000+00:00")
        )
        export(store, None, path)
        cassette = load(path)
        other.put_many(cassette.recorded())
        for source in (store, cassette, other):
            assert source.get(old).reply.text == "It is 12."
            assert source.get(new).reply.text == " 12."
            assert source.get(new).reply.prefill == "It is"
    finally:
        store.close()
        other.close()


def test_a_miss_says_that_an_older_version_recorded_it(tmp_path: Path) -> None:
    begun = asked("local", HI, BEGUN)
    old = Address(key=request_key(begun, FIRST), seed=0, stream="", slot="c:0:0")
    draw = Draw(address=old, reply=Reply(text="It is 12."), drawn_at="2026-11-01T00:00:00.000000+00:00")
    store = Store(tmp_path / "a.sqlite")
    try:
        store.put_many([(begun, draw)])
        asked_for = Address(key=request_key(begun), seed=0, stream="", slot="c:0:0")
        assert "an older version recorded this request" in store.nearest_request(begun, asked_for)
    finally:
        store.close()
