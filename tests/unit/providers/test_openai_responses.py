"""OpenAI's responses API: the one that shows and carries on the reasoning of OpenAI's models."""

from __future__ import annotations

import asyncio

import httpx2

from pytest_velo.providers.openai_responses import from_wire, open_responses, to_wire
from pytest_velo.records import Request
from pytest_velo.settings import Endpoint


def test_responses_are_posted_to_their_path() -> None:
    body = {
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "Paris"}]}],
    }

    def answer(sent):
        return httpx2.Response(200, json=body | {"model": sent.url.path})

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    endpoint = Endpoint(name="there", api="openai-responses", base_url="http://127.0.0.1")
    provider = open_responses(endpoint, slots=1, http_client=client)
    asked = Request(api="", endpoint="there", model="m", messages=())
    reply = asyncio.run(provider.complete(asked, seed=None))
    assert reply.text == "Paris"
    assert reply.model_served == "/responses"


def test_effort_asks_for_reasoning() -> None:
    wanted = {"effort": "low", "stop": "."}
    body = to_wire(Request(api="", endpoint="e", model="m", messages=(), parameters=wanted), None)
    assert body["reasoning"] == {"effort": "low"}
    assert not body["store"]
    assert body["include"] == ["reasoning.encrypted_content"]
    assert "stop" not in body


def test_a_function_call_is_read() -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "find", "arguments": '{"city": "Lyon"}'}
    asked = Request(api="openai-responses", endpoint="e", model="m", messages=())
    reply = from_wire({"output": [call], "status": "completed"}, asked, 0.8)
    assert reply.tool_calls[0].arguments == {"city": "Lyon"}
    assert str(reply.finish_reason) == "tool_calls"
    assert reply.not_honoured == ("seed",)
