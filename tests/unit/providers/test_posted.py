"""What an SDK's client posts, understood: for the key of its draw, and for transcripts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_velo.cache.keys import request_body, request_key
from pytest_velo.providers.posted import is_draw, understood
from pytest_velo.records import Request
from pytest_velo.sampling.pricing import IMAGE_TOKENS, prompt_bytes

KNOWN = "50d0960bec22cec5eee977be855952ef82afb9019c6a118c1cc5a52719eb03da"
HI = [{"role": "user", "content": "Hi"}]


def posted(path: str, body: Any) -> Any:
    return understood("POST", path, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("path", "body", "api"),
    [
        ("/v1/chat/completions", {"model": "m", "messages": HI}, "openai-chat"),
        ("/openai/deployments/d/chat/completions", {"model": "m", "messages": HI}, "openai-chat"),
        ("/v1/responses", {"model": "m", "input": "Hi"}, "openai-responses"),
        ("/v1/messages", {"model": "m", "messages": HI}, "anthropic"),
        ("/v1/embeddings", {"model": "m", "input": "Hi"}, "openai-embeddings"),
        ("/model/m/invoke", {"messages": HI}, "anthropic"),
        ("/v1/projects/p/publishers/anthropic/models/m:rawPredict", {"messages": HI}, "anthropic"),
    ],
)
def test_what_asks_a_model(path: str, body: Any, api: str) -> None:
    found = posted(path, body)
    assert (found.posting.api, found.model) == (api, "m")
    request = Request(**found.request("lab", path, {}))
    again = {"model": "m", **request.parameters}
    if request.messages:
        again[found.posting.sequence] = list(request.messages)
    assert again == {"model": "m", **body}  # nothing is dropped
    assert json.loads(request_body(request))["path"] == path


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/v1/chat/completions", b""),
        ("POST", "/surveys/7/responses", b'{"answers": [1, 2]}'),
        ("POST", "/v1/messages", b"not JSON"),
        ("POST", "/v1/messages", b"[1]"),
        ("POST", "/slack/messages", b'{"text": "Hi", "model": 3, "messages": []}'),
        ("POST", "/v1/messages/batches", b'{"model": "m", "messages": []}'),
        ("POST", "/v1/messages/count_tokens", b'{"model": "m", "messages": []}'),
    ],
)
def test_what_does_not(method: str, path: str, content: bytes) -> None:
    assert understood(method, path, content) is None


def test_where_models_are_asked() -> None:
    assert is_draw("POST", "/v1/responses")
    assert not is_draw("GET", "/v1/responses")
    assert not is_draw("POST", "/v1/responses/resp_1/cancel")


def key_of(path: str, body: Any, headers: dict[str, str] | None = None) -> str:
    return request_key(Request(**posted(path, body).request("lab", path, headers or {})))


def test_all_that_is_sent_is_in_the_key() -> None:
    base = {"model": "m", "messages": HI}
    path = "/chat/completions"
    changed = [
        base | {"temperature": 0.5},
        base | {"stream": True},
        base | {"model": "n"},
        base | {"messages": [*HI, *HI]},
        base | {"tools": [{"type": "function", "function": {"name": "f"}}]},
    ]
    keys = [key_of(path, base), *(key_of(path, body) for body in changed)]
    keys += [key_of("/other/chat/completions", base), key_of(path, base, {"openai-beta": "x"})]
    assert len(set(keys)) == len(keys)
    assert key_of(path, base, {"authorization": "Bearer k"}) == keys[0]
    text, parts = ({"model": "m", "input": asked} for asked in ("Hi", HI))
    assert key_of("/responses", text) != key_of("/responses", parts)


def test_a_request_of_model_has_the_key_it_always_had() -> None:
    request = Request(api="openai-chat", endpoint="lab", model="m", messages=tuple(HI))
    assert request_key(request) == KNOWN
    assert b'"path"' not in request_body(request)


def shown(path: str, body: Any) -> Any:
    return posted(path, body).shown("lab", path)


def test_transcripts_show_neutral_messages() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = shown(
        "/chat/completions", {"model": "m", "messages": [{"role": "assistant", "tool_calls": [call]}]}
    )
    assert said.messages[0]["tool_calls"] == [{"id": "1", "name": "f", "arguments": "{}"}]

    items = [
        {"role": "user", "content": "Hi"},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "4"},
        {"type": "reasoning", "id": "r"},
    ]
    asked = shown("/responses", {"model": "m", "instructions": "Be brief.", "input": items})
    assert [message["role"] for message in asked.messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    parts = [{"type": "tool_result", "tool_use_id": "1", "content": "4"}, {"type": "text", "text": "So?"}]
    used = [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]
    turns = [{"role": "assistant", "content": used}, {"role": "user", "content": parts}]
    told = shown("/messages", {"model": "m", "system": "Be brief.", "messages": turns, "max_tokens": 9})
    assert [message["role"] for message in told.messages] == ["system", "assistant", "tool", "user"]
    assert told.messages[1]["tool_calls"] == [{"id": "1", "name": "f", "arguments": "{}"}]
    assert told.parameters == {"max_tokens": 9}

    texts = shown("/embeddings", {"model": "m", "input": ["a", "b"]}).messages
    assert [message["content"] for message in texts] == ["a", "b"]
    assert shown("/embeddings", {"model": "m", "input": [1, 2, 3]}).messages[0]["content"] == "[3 tokens]"


def test_the_items_of_one_reply_are_one_message() -> None:
    """Shown as the reply that they were, and not once more when the next call resends them."""
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Let us see."}],
    }
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Two calls."}]},
        said,
        {**call, "call_id": "1"},
        {**call, "call_id": "2"},
        {"type": "function_call_output", "call_id": "1", "output": "4"},
        {"type": "function_call_output", "call_id": "2", "output": "5"},
    ]
    _, reply, *results = shown("/responses", {"model": "m", "input": items}).messages
    assert reply["content"] == said["content"]
    assert reply["reasoning"] == "Two calls."
    assert [call["id"] for call in reply["tool_calls"]] == ["1", "2"]
    assert [result["content"] for result in results] == ["4", "5"]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        (
            "/chat/completions",
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"a": 1}}}},
        ),
        ("/responses", {"text": {"format": {"type": "json_schema", "schema": {"a": 1}}}}),
        ("/messages", {"output_config": {"format": {"type": "json_schema", "schema": {"a": 1}}}}),
    ],
)
def test_a_schema_is_found(path: str, more: Any) -> None:
    asked = {"input": "Hi"} if path == "/responses" else {"messages": HI}
    assert shown(path, {"model": "m", **asked, **more}).parameters["schema"] == {"a": 1}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/chat/completions", {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
        ("/responses", {"input": [{"role": "user", "content": [{"type": "input_image"}]}]}),
        ("/messages", {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}),
    ],
)
def test_an_image_is_reserved_for_like_one(path: str, body: Any) -> None:
    request = Request(**posted(path, {"model": "m", **body}).request("lab", path, {}))
    assert prompt_bytes(request) >= IMAGE_TOKENS
