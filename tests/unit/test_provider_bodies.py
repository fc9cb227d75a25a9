"""Whatever a server puts where a reply has something: it is no reply, or one that can be read back."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.errors import VeloError
from pytest_velo.providers import anthropic_messages, openai_chat, openai_responses
from pytest_velo.providers.wire import MOST_TOKENS
from pytest_velo.records import JsonObject, Reply, Request

WIRES: dict[str, Callable[[JsonObject, Request, float], Reply]] = {
    "openai-chat": openai_chat.from_wire,
    "openai-responses": openai_responses.from_wire,
    "anthropic": anthropic_messages.from_wire,
}
# What providers.clients takes for garbage.
GARBAGE = (KeyError, IndexError, TypeError, AttributeError, ValueError, VeloError)
SHAPES = ("plain", "refusal", "tool_call", "thinking", "cut")
ODD: list[Any] = [
    None,
    True,
    -1,
    0.5,
    1e300,
    10**400,
    -(10**400),
    "",
    "x",
    "\ud83d",
    [],
    [None],
    {},
    {"a": 1},
]
Place = tuple[Any, ...]


def bodies(api: str) -> Iterator[JsonObject]:
    """Yield the recorded bodies of an API, each with every part of it replaced by everything odd."""
    recorded = json.loads((Path(__file__).parent / "wire" / f"{api}.json").read_text(encoding="utf-8"))
    for shape in SHAPES:
        if shape in recorded:
            body = recorded[shape]["body"]
            yield from (put(body, place, odd) for place in places(body) for odd in ODD)


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from places(part, (*path, name))


def put(body: JsonObject, path: Place, value: Any) -> Any:
    changed: Any = copy.deepcopy(body)
    inside = changed
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = value
    return changed


@pytest.mark.parametrize("api", WIRES)
def test_a_reply_that_is_read_can_be_read_back(api: str) -> None:
    asked = Request(api=api, endpoint="e", model="m", messages=({"role": "user", "content": "Hi"},))
    n_read = 0
    for body in bodies(api):
        try:
            reply = WIRES[api](body, asked, 0.1)
        except GARBAGE:
            continue
        n_read += 1
        stored, kept = encode_reply(reply)
        again = decode_reply(stored)
        for name in ("text", "reasoning", "tool_calls", "usage", "blocks", "extras", "model_served"):
            assert getattr(again, name) == getattr(kept, name), (name, body)
        for count in (reply.usage.input_tokens, reply.usage.output_tokens):
            assert count is None or (type(count) is int and 0 <= count <= MOST_TOKENS), body
    assert n_read > 100
