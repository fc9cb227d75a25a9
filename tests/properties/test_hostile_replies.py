"""Damaged bodies in every wire format: a reply that can be stored and recorded, or one of our errors."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.errors import VeloError
from pytest_velo.providers.anthropic_messages import open_messages
from pytest_velo.providers.base import Provider
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.openai_chat import open_chat
from pytest_velo.providers.openai_responses import open_responses
from pytest_velo.providers.registry import Target
from pytest_velo.records import Address, Call, Reply, Request, as_messages
from pytest_velo.report.record import trial_lines
from pytest_velo.report.transcript import trial_from_json
from pytest_velo.sampling.pricing import Priced
from support.hostile import damaged_json, fuzzing
from support.reports import refuted, trial

OPENERS = {"openai-chat": open_chat, "openai-responses": open_responses, "anthropic": open_messages}
DEEP = b"[" * 100_000 + b"]" * 100_000
ENDPOINTS = {
    api: parse_endpoint(f"there: api={api} base_url=http://127.0.0.1:1 price=1/2 header.x-team=a1b2c3d4e5f6")
    for api in OPENERS
}


def shapes(api: str) -> list[tuple[int, Any]]:
    record = json.loads((Path(__file__).parents[1] / "unit" / "wire" / f"{api}.json").read_bytes())
    return [(shape.get("status", 200), shape["body"]) for shape in record.values()]


def asked(api: str) -> Request:
    schema = {"type": "object"}
    return Target(endpoint=ENDPOINTS[api], model="m").request(as_messages("Hi"), {"schema": schema})


@cache
def opened(api: str) -> tuple[Provider, list[httpx2.Response]]:
    """Return a priced provider, and where the answer to its next call goes: SDKs take long to set up."""
    next_answer: list[httpx2.Response] = []
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: next_answer.pop()))
    provider = OPENERS[api](ENDPOINTS[api], slots=1, http_client=client)
    return Priced(provider, ENDPOINTS[api]), next_answer


def answered(api: str, status: int, content: bytes) -> Reply:
    """Return the reply to a call that is answered with these bytes, through the whole provider."""
    provider, next_answer = opened(api)
    next_answer[:] = [httpx2.Response(status, content=content)]
    return asyncio.run(provider.complete(asked(api), None))


def answers(api: str) -> st.SearchStrategy[tuple[int, bytes]]:
    return st.sampled_from(shapes(api)).flatmap(
        lambda shape: st.tuples(st.just(shape[0]), damaged_json(shape[1]))
    )


def response_with(token: Any) -> bytes:
    """Return the body of a response whose log probabilities are this token's."""
    part = {"type": "output_text", "text": "a", "logprobs": [token]}
    message = {"type": "message", "role": "assistant", "content": [part]}
    return json.dumps({"status": "completed", "output": [message], "model": "m"}).encode()


def assert_stored_whole_or_refused(api: str, status: int, content: bytes) -> None:
    """A reply that is read comes back from the cache and the record; else the error says where."""
    try:
        reply = answered(api, status, content)
    except VeloError as error:
        if not error.where:
            raise
        return
    stored, as_stored = encode_reply(reply)
    read = decode_reply(stored)
    assert (read.text, read.tool_calls, read.finish_reason) == (
        as_stored.text,
        as_stored.tool_calls,
        as_stored.finish_reason,
    )
    repr(read.raw)
    at = Address(key="k", seed=0, stream="", slot="s")
    call = Call(model="there/m", request=asked(api), reply=read, address=at, drawn_at="2026-11-29T00:00:00")
    (line,) = trial_lines(refuted(trials=(trial(0, 1, calls=(call,)),)))
    again = trial_from_json(json.loads(line))
    assert again.calls[0].reply.text == read.text


@fuzzing
@given(answers("openai-chat"))
@example((200, DEEP))
@example((400, b'{"error":' + DEEP + b"}"))
def test_a_chat_completion(answer: tuple[int, bytes]) -> None:
    assert_stored_whole_or_refused("openai-chat", *answer)


@fuzzing
@given(answers("openai-responses"))
@example((200, DEEP))
@example((200, response_with({"token": 7, "logprob": -1.0})))
@example((200, response_with({"token": "a", "logprob": -(10**400)})))
@example((200, response_with({"token": "a", "logprob": -1.0, "top_logprobs": [{"token": [], "logprob": 0}]})))
def test_a_response(answer: tuple[int, bytes]) -> None:
    assert_stored_whole_or_refused("openai-responses", *answer)


@fuzzing
@given(answers("anthropic"))
@example((200, DEEP))
def test_a_message(answer: tuple[int, bytes]) -> None:
    assert_stored_whole_or_refused("anthropic", *answer)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
