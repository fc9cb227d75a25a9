"""Anthropic's messages API."""

from __future__ import annotations

import asyncio

import httpx2

from pytest_velo.providers.anthropic_messages import from_wire, headers, open_messages, to_wire
from pytest_velo.records import Request
from pytest_velo.settings import Endpoint


def test_messages_are_posted_to_their_path() -> None:
    body = {"content": [{"type": "text", "text": "Paris"}], "stop_reason": "end_turn"}

    def answer(sent):
        return httpx2.Response(200, json=body | {"model": sent.url.path})

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    endpoint = Endpoint(name="there", api="anthropic", base_url="http://127.0.0.1")
    provider = open_messages(endpoint, slots=1, http_client=client)
    asked = Request(api="", endpoint="there", model="m", messages=())
    reply = asyncio.run(provider.complete(asked, seed=None))
    assert reply.text == "Paris"
    assert reply.model_served == "/v1/messages"


def test_the_version_header_is_sent_with_a_temperature() -> None:
    assert headers({"model": "m", "temperature": 0}) == {"anthropic-version": "2023-06-01"}
    assert headers({"model": "m"}) == {}


def test_the_system_prompt_is_a_field_of_its_own() -> None:
    said = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"})
    body = to_wire(Request(api="anthropic", endpoint="e", model="m", messages=said), None)
    assert body["system"] == "Be brief."
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert body["max_tokens"] == 4096


def test_thinking_is_read_as_reasoning() -> None:
    blocks = [{"type": "thinking", "thinking": "France: Paris"}, {"type": "text", "text": "Paris"}]
    body = {"content": blocks, "stop_reason": "max_tokens", "usage": {"output_tokens": 5}}
    reply = from_wire(body, Request(api="anthropic", endpoint="e", model="m", messages=()), 0.8)
    assert reply.text == "Paris"
    assert reply.reasoning == "France: Paris"
    assert str(reply.finish_reason) == "length"
    assert reply.usage.output_tokens == 5
