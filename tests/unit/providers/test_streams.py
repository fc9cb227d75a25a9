"""Streams of events, put together to what the same call would have answered without `stream`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.providers.streams import (
    BrokenStreamError,
    error_in,
    read_stream,
    whole_chat,
    whole_message,
    whole_response,
)
from support.sdk_server import chat, chat_events, message, message_events, response, response_events

BODY = {"model": "m", "tools": [{"name": "f", "function": {"name": "f"}}]}
TEXTS = st.text().filter(lambda text: not text.startswith("TOOL "))


@given(TEXTS)
def test_a_stream_adds_up_to_the_whole(text: str) -> None:
    plain = chat(BODY, text)
    choice = whole_chat(read_stream(chat_events(plain)))["choices"][0]
    assert choice["message"]["content"] == text
    assert choice["finish_reason"] == "stop"
    assert whole_response(read_stream(response_events(response(BODY, text)))) == response(BODY, text)
    said = whole_message(read_stream(message_events(message(BODY, text))))
    assert said["content"] == message(BODY, text)["content"]
    assert said["usage"] == {"input_tokens": 10, "output_tokens": 5}


def test_tool_calls_come_in_pieces() -> None:
    plain = chat(BODY, 'TOOL {"city": "Lyon"}')
    assert whole_chat(read_stream(chat_events(plain)))["choices"][0]["message"] == {
        "role": "assistant",
        "content": "",
        "tool_calls": plain["choices"][0]["message"]["tool_calls"],
    }
    used = message(BODY, 'TOOL {"city": "Lyon"}')
    assert whole_message(read_stream(message_events(used)))["content"] == used["content"]


@given(st.integers(min_value=1), st.sampled_from(["chat", "response", "message"]))
def test_no_part_of_a_stream_is_taken_for_the_whole(cut: int, api: str) -> None:
    plain, events, whole = {
        "chat": (chat, chat_events, whole_chat),
        "response": (response, response_events, whole_response),
        "message": (message, message_events, whole_message),
    }[api]
    text = events(plain(BODY, "It is foggy."))
    end = text.rindex("data: " if api == "chat" else "event: ")
    part = text[: cut % end]
    try:
        read = whole(read_stream(part))
    except (BrokenStreamError, ValueError, LookupError):
        return
    assert api == "chat"  # which ends with the reason why it ended, with some servers
    assert read["choices"][0]["message"]["content"] == "It is foggy."


def test_several_choices_and_what_servers_add() -> None:
    chunks = [
        {"id": "1", "model": "m", "choices": [{"index": 1, "delta": {"reasoning_content": "Hm"}}]},
        {"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [{"token": "a"}]}}]},
        {"choices": [{"index": 1, "delta": {"content": "b", "reasoning_content": "."}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]},
    ]
    text = ": a comment\n\n" + "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks)
    first, second = whole_chat(read_stream(text))["choices"]
    assert first["message"]["content"] == "a"
    assert first["logprobs"] == {"content": [{"token": "a"}]}
    assert second["message"] == {"reasoning_content": "Hm.", "content": "b", "role": "assistant"}
    assert second["finish_reason"] == "length"


@pytest.mark.parametrize(
    "text",
    [
        'data: {"error": {"message": "Slow down."}}\n\n',
        'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}\n\n',
        'data: {"type": "error", "code": "server_error", "message": "No."}\n\n',
    ],
)
def test_a_failure_midway_is_found(text: str) -> None:
    assert error_in(read_stream(text)) is not None
    assert error_in(read_stream('data: {"error": null}\n\n')) is None


def test_an_event_that_is_no_object() -> None:
    with pytest.raises(ValueError, match="list"):
        read_stream("data: [1]\n\n")


def test_half_of_a_tools_arguments_is_a_cut_replys() -> None:
    used = message(BODY, 'TOOL {"city": "Lyon"}')
    text = message_events(used)
    last = next(part for part in text.split("\n\n")[::-1] if "content_block_delta" in part)
    (block,) = whole_message(read_stream(text.replace(f"{last}\n\n", "")))["content"]
    assert block["input"] == '{"city": "Lyon"'
