"""Bodies that servers send and no document describes: what is paid for is readable again, and unaltered."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.errors import TransientError, UsageError
from pytest_velo.providers.anthropic_messages import open_messages
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.openai_chat import open_chat
from pytest_velo.providers.openai_responses import open_responses
from pytest_velo.providers.registry import Target, resolve
from pytest_velo.records import FinishReason, Reply, as_messages
from pytest_velo.sampling.pricing import Priced

OPENERS = {"openai-chat": open_chat, "openai-responses": open_responses, "anthropic": open_messages}


def ask(api: str, body: Any, options: str = "") -> Reply:
    """Return the priced reply to a call that is answered with `body`, through the whole provider."""
    endpoint = parse_endpoint(f"there: api={api} base_url=http://127.0.0.1:1 price=1/2 {options}")
    server = httpx2.MockTransport(lambda _: httpx2.Response(200, json=body))
    provider = OPENERS[api](endpoint, slots=1, http_client=httpx2.AsyncClient(transport=server))
    asked = Target(endpoint=endpoint, model="m").request(as_messages("Hi"))
    return asyncio.run(Priced(provider, endpoint).complete(asked, None))


def chat(message: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    choice = {"message": message or {"content": "Paris"}, "finish_reason": "stop"}
    return {"choices": [choice], "model": "m-1", **more}


def call(**fields: Any) -> dict[str, Any]:
    return {"content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}, **fields}]}


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("openai-chat", chat(usage={"prompt_tokens": 12.0, "completion_tokens": 3.0})),
        ("openai-chat", chat(usage={"prompt_tokens": "12", "completion_tokens": 3})),
        ("openai-chat", chat(usage={"prompt_tokens": True, "completion_tokens": -3})),
        ("openai-chat", chat() | {"model": 5}),
        ("openai-chat", chat(system_fingerprint={"a": 1})),
        ("openai-chat", chat({"content": "Paris", "reasoning": ["a"]})),
        ("openai-chat", chat({"content": "Paris", "reasoning_content": {"text": "a"}})),
        ("openai-chat", chat({"content": "Paris", "reasoning_details": {"text": "a"}})),
        ("openai-chat", chat({"content": "Paris", "reasoning_details": ["a"]})),
        ("openai-chat", chat(call(id=None))),
        ("openai-chat", chat(call())),
        ("openai-chat", chat(call(id="1", function={"name": "f", "arguments": {"a": 1}}))),
        (
            "anthropic",
            {
                "content": [{"type": "tool_use", "id": None, "name": "f", "input": {}}],
                "stop_reason": "tool_use",
                "usage": {"input_tokens": 1.0, "output_tokens": "1"},
                "model": 7,
            },
        ),
        (
            "openai-responses",
            {
                "status": "completed",
                "output": [{"type": "function_call", "call_id": None, "name": "f", "arguments": "{}"}],
                "usage": {"input_tokens": "1", "output_tokens": 2},
                "model": ["m"],
            },
        ),
    ],
    ids=str,
)
def test_what_was_paid_for_can_be_read_again(api: str, body: dict[str, Any]) -> None:
    reply = ask(api, body)
    stored, _ = encode_reply(reply)
    again = decode_reply(stored)
    assert (again.text, again.usage, again.tool_calls) == (reply.text, reply.usage, reply.tool_calls)


def test_tokens_that_are_no_count_are_unknown_and_so_is_the_price() -> None:
    assert ask("openai-chat", chat(usage={"prompt_tokens": 12.0, "completion_tokens": 3.0})).cost_usd == (
        pytest.approx(18e-6)
    )
    for usage in (
        {"prompt_tokens": "12", "completion_tokens": 3},
        {"prompt_tokens": -1, "completion_tokens": 3},
    ):
        reply = ask("openai-chat", chat(usage=usage))
        assert reply.usage.input_tokens is None
        assert reply.cost_usd is None


@pytest.mark.parametrize("count", [-1, 1.5, True, "12", 10**400, [], None], ids=lambda value: str(value)[:9])
@pytest.mark.parametrize("api", OPENERS)
def test_a_count_that_is_none_is_unknown_and_the_reply_counts(api: str, count: Any) -> None:
    usage = {"prompt_tokens": count, "input_tokens": count, "completion_tokens": 3, "output_tokens": 3}
    body = {
        "openai-chat": chat(),
        "openai-responses": {
            "status": "completed",
            "output": [{"type": "message", "content": [{"type": "output_text", "text": "Paris"}]}],
        },
        "anthropic": {"content": [{"type": "text", "text": "Paris"}], "stop_reason": "end_turn"},
    }[api]
    reply = ask(api, body | {"usage": usage})
    assert (reply.text, reply.usage.input_tokens, reply.usage.output_tokens) == ("Paris", None, 3)
    assert reply.cost_usd is None
    assert decode_reply(encode_reply(reply)[0]).usage == reply.usage


@pytest.mark.parametrize(
    "message",
    [
        call(function={"name": None, "arguments": "{}"}),
        call(function={"name": 5, "arguments": "{}"}),
        {"content": 5},
        {"content": {"text": "a"}},
        {"content": [{"type": "text", "text": None}]},
        {"content": None, "refusal": {"text": "no"}},
    ],
    ids=str,
)
def test_a_message_of_a_wrong_type_is_garbage(message: dict[str, Any]) -> None:
    with pytest.raises(TransientError) as caught:
        ask("openai-chat", chat(message))
    assert caught.value.kind == "garbage"


@pytest.mark.parametrize(
    "token",
    [
        {"token": None, "logprob": -0.1},
        {"token": 5, "logprob": -0.1},
        {"token": "a", "logprob": None},
        {"token": "a", "logprob": True},
        {"token": "a", "logprob": -(10**400)},
        {"token": "a", "logprob": -0.1, "top_logprobs": [{"token": None, "logprob": -0.1}]},
    ],
    ids=lambda token: str(token)[:60],
)
def test_a_log_probability_of_a_wrong_type_is_garbage(token: dict[str, Any]) -> None:
    body = chat()
    body["choices"][0]["logprobs"] = {"content": [token]}
    with pytest.raises(TransientError) as caught:
        ask("openai-chat", body)
    assert caught.value.kind == "garbage"


def test_a_tool_of_anthropics_without_a_name_is_garbage() -> None:
    use = {"type": "tool_use", "id": "1", "name": None, "input": {}}
    with pytest.raises(TransientError) as caught:
        ask("anthropic", {"content": [use], "stop_reason": "tool_use"})
    assert caught.value.kind == "garbage"


def test_arguments_that_come_as_an_object_are_the_calls_arguments() -> None:
    (made,) = ask("openai-chat", chat(call(id="1", function={"name": "f", "arguments": {"a": 1}}))).tool_calls
    assert made.arguments == {"a": 1}
    assert made.arguments_text == '{"a": 1}'


def failed(code: str) -> dict[str, Any]:
    error = {"code": code, "message": "it failed"}
    return {"object": "response", "status": "failed", "error": error, "output": [], "model": "m-1"}


def test_a_response_that_failed_for_its_prompt_is_an_observation() -> None:
    assert ask("openai-responses", failed("invalid_prompt")).finish_reason is FinishReason.CONTENT_FILTER


def test_a_response_that_failed_for_the_limit_is_a_rate_limit() -> None:
    with pytest.raises(TransientError) as caught:
        ask("openai-responses", failed("rate_limit_exceeded"))
    assert caught.value.kind == "rate_limit"


def test_half_an_answer_of_a_server_that_broke_is_no_reply() -> None:
    """A router answers 200 with what came before the server behind it failed."""
    body = chat({"content": "The capital is not"})
    body["choices"][0] |= {"finish_reason": "error", "error": {"code": 502, "message": "upstream died"}}
    with pytest.raises(TransientError, match="upstream died") as caught:
        ask("openai-chat", body)
    assert caught.value.kind == "server"


def test_a_header_that_is_a_word_is_not_struck_out_of_replies() -> None:
    reply = ask("openai-chat", chat({"content": "Ask openai."}), "header.X-Route=openai")
    assert reply.text == "Ask openai."
    reply = ask(
        "openai-chat", chat({"content": "See https://example.com/1."}), "header.Referer=https://example.com/1"
    )
    assert reply.text == "See https://example.com/1."


@pytest.mark.parametrize("address", ["https://user:word@proxy.example/v1", "localhost:8000/v1", "ftp://x/v1"])
@pytest.mark.parametrize(
    ("variable", "model"), [("OPENAI_BASE_URL", "openai"), ("ANTHROPIC_BASE_URL", "anthropic")]
)
def test_an_address_of_the_environment_holds_no_secret(
    monkeypatch: pytest.MonkeyPatch, address: str, variable: str, model: str
) -> None:
    """The address is part of every draw's request, which cassettes carry into version control."""
    monkeypatch.setenv(variable, address)
    with pytest.raises(UsageError, match=variable) as caught:
        resolve(f"{model}/m")
    assert "word" not in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(
    "message",
    [
        {"role": "tool", "content": "12 degrees"},
        {"role": "user", "content": [{"type": "image", "data": "iVBORw0KGgo="}]},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]},
    ],
    ids=str,
)
@pytest.mark.parametrize("api", OPENERS)
def test_a_message_that_lacks_a_part_is_named(api: str, message: dict[str, Any]) -> None:
    endpoint = parse_endpoint(f"there: api={api} base_url=http://127.0.0.1:1 price=1/2")
    server = httpx2.MockTransport(lambda _: httpx2.Response(500))
    provider = OPENERS[api](endpoint, slots=1, http_client=httpx2.AsyncClient(transport=server))
    with pytest.raises(UsageError, match="cannot be sent") as caught:
        asyncio.run(provider.complete(Target(endpoint=endpoint, model="m").request([message]), None))
    assert "model m" in caught.value.where
    assert caught.value.fix
