"""A reply that could not be read back from the store is garbage, whoever made it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_velo.errors import TransientError
from pytest_velo.records import Reply, Request, TokenLogprob, ToolCall, Usage
from pytest_velo.sampling.readable import Readable

ASKED = Request(api="acme", endpoint="acme", model="m", messages=())


class Plugin:
    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    async def complete(self, _request: Request, _seed: int | None) -> Reply:
        return self.reply

    async def aclose(self) -> None:
        pass


def ask(**fields: Any) -> Reply:
    reply = Reply(**{"text": "x", **fields})
    return asyncio.run(Readable(Plugin(reply), "endpoint acme").complete(ASKED, None))


@pytest.mark.parametrize(
    "fields",
    [
        {"text": None},
        {"text": 5},
        {"reasoning": ["a"]},
        {"prefill": 1},
        {"refused": "no"},
        {"tool_calls": (ToolCall(id="1", name=None, arguments={}),)},
        {"tool_calls": (ToolCall(id=1, name="f", arguments={}),)},
        {"logprobs": (TokenLogprob(token=None, logprob=-1.0, top={}),)},
        {"logprobs": (TokenLogprob(token="a", logprob=None, top={}),)},
        {"usage": Usage(input_tokens="12")},
        {"usage": Usage(output_tokens=0.5)},
        {"cost_usd": "0.1"},
        {"model_served": 7},
        {"blocks": ("a",)},
        {"extras": ["a"]},
        {"raw": ["a"]},
        {"parsed": print},
    ],
    ids=str,
)
def test_a_field_of_a_wrong_type_is_garbage(fields: dict[str, Any]) -> None:
    with pytest.raises(TransientError) as caught:
        ask(**fields)
    assert caught.value.kind == "garbage"
    assert "read back" in caught.value.what
    assert caught.value.where == "endpoint acme, model m"


def test_a_sound_reply_passes_unchanged() -> None:
    reply = Reply(text="half of an emoji \ud83d", raw={"big": 10**400}, usage=Usage(input_tokens=1))
    assert asyncio.run(Readable(Plugin(reply), "endpoint acme").complete(ASKED, None)) is reply
