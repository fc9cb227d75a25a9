"""OpenAI's chat completions, spoken by OpenAI and by most other servers (vLLM, OpenRouter, Azure, ...)."""

from __future__ import annotations

import asyncio

import httpx2

from pytest_velo.providers.openai_chat import from_wire, open_chat, split_choices, to_wire
from pytest_velo.records import FinishReason, Reply, Request
from pytest_velo.settings import Endpoint


def test_chat_is_posted_to_its_path() -> None:
    body = {"choices": [{"message": {"content": "Paris"}, "finish_reason": "stop"}]}

    def answer(sent):
        return httpx2.Response(200, json=body | {"model": sent.url.path})

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    endpoint = Endpoint(name="there", api="openai-chat", base_url="http://127.0.0.1")
    provider = open_chat(endpoint, slots=1, http_client=client)
    asked = Request(api="", endpoint="there", model="m", messages=())
    reply = asyncio.run(provider.complete(asked, seed=None))
    assert reply.text == "Paris"
    assert reply.model_served == "/chat/completions"


def test_limits_are_sent_under_their_names_of_today() -> None:
    limits = {"max_tokens": 5, "top_k": 1}
    assert to_wire(
        Request(api="openai-chat", endpoint="e", model="m", messages=(), parameters=limits), 7
    ) == {"model": "m", "messages": [], "max_completion_tokens": 5, "seed": 7, "top_k": 1}


def test_a_refusal_is_read() -> None:
    choice = {"message": {"refusal": "I can't."}, "finish_reason": "stop"}
    body = {"choices": [choice], "model": "m-june"}
    reply = from_wire(body, Request(api="openai-chat", endpoint="e", model="m", messages=()), 0.8)
    assert reply.text == "I can't."
    assert reply.refused
    assert reply.model_served == "m-june"
    assert reply.usage.output_tokens is None


def test_choices_are_split_into_replies() -> None:
    asked = Request(api="openai-chat", endpoint="e", model="m", messages=())
    choices = [{"message": {"content": text}, "finish_reason": "stop"} for text in ("Paris", "Lyon")]
    replies = split_choices(from_wire({"choices": choices}, asked, 0.8), asked)
    assert [reply.text for reply in replies] == ["Paris", "Lyon"]
    assert split_choices(Reply(text="", finish_reason=FinishReason.CONTENT_FILTER), asked) is None
