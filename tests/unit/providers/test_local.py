"""The embedded model `local/smollm2-135m`: no key, no account, no network."""

from __future__ import annotations

from pytest_velo.providers.local import from_wire, to_wire
from pytest_velo.records import Request


def test_local_defaults_are_sent() -> None:
    asked = Request(api="local", endpoint="local", model="smollm2-135m", messages=())
    body = to_wire(asked, 2**32)
    assert body["temperature"] == 1.0
    assert body["top_k"] == 0
    assert body["max_tokens"] == 512
    assert body["seed"] == 1


def test_local_reply_tells_what_was_not_honoured() -> None:
    body = {"choices": [{"message": {"content": "Paris"}, "finish_reason": "stop"}]}
    asked = Request(api="", endpoint="e", model="m", messages=(), parameters={"effort": "low"})
    reply = from_wire(body, asked, 0.1)
    assert reply.text == "Paris"
    assert reply.not_honoured == ("effort",)
