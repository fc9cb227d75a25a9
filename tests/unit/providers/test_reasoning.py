"""Reasoning in every shape that servers give it, and what of it goes back with the turn."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.providers import anthropic_messages, openai_chat, openai_responses
from pytest_velo.providers.thoughts import without_thoughts
from pytest_velo.records import JsonObject, Reply, Request

HI = {"role": "user", "content": "7 + 5?"}
WHY = {"role": "user", "content": "Why?"}
DETAILS = [{"type": "reasoning.encrypted", "data": "c2VjcmV0", "id": "r1", "format": "v1", "index": 0}]
PARTS = [
    {
        "type": "thinking",
        "thinking": [{"type": "text", "text": "Could it be 13? "}, {"type": "text", "text": "No."}],
    },
    {"type": "text", "text": "It is 12."},
]


def asked(*messages: JsonObject, api: str = "openai-chat", **parameters: Any) -> Request:
    return Request(api=api, endpoint="e", model="m", messages=messages or (HI,), parameters=parameters)


def chat(**message: Any) -> Reply:
    body = {"choices": [{"message": {"content": "It is 12.", **message}, "finish_reason": "stop"}]}
    return openai_chat.from_wire(body, asked(), 0.1)


def sent_back(reply: Reply) -> JsonObject:
    """Return what a second turn sends of the first, after the first was stored and read back."""
    stored = decode_reply(encode_reply(reply, for_cassette=True)[0])
    assert stored.message == reply.message
    turn: JsonObject = openai_chat.to_wire(asked(HI, stored.message, WHY), None)["messages"][1]
    return turn


@pytest.mark.parametrize(
    ("message", "back"),
    [
        ({"reasoning_content": "7 + 5."}, {"reasoning_content": "7 + 5."}),
        ({"reasoning": "7 + 5."}, {"reasoning": "7 + 5."}),
        ({"reasoning": "7 + 5.", "reasoning_content": "7 + 5."}, {"reasoning_content": "7 + 5."}),
        ({"reasoning_content": {"odd": 1}, "reasoning": "7 + 5."}, {"reasoning": "7 + 5."}),
        (
            {"reasoning": "7 + 5.", "reasoning_details": DETAILS},
            {"reasoning_details": DETAILS},
        ),
        (
            {"reasoning_details": [{"type": "reasoning.text", "text": "7 + 5.", "signature": "s"}]},
            {"reasoning_details": [{"type": "reasoning.text", "text": "7 + 5.", "signature": "s"}]},
        ),
    ],
    ids=["DeepSeek", "vLLM, Groq", "both", "an odd one", "OpenRouter, encrypted", "OpenRouter, signed"],
)
def test_reasoning_beside_the_text(message: dict[str, Any], back: dict[str, Any]) -> None:
    reply = chat(**message)
    assert (reply.text, reply.reasoning) == ("It is 12.", "7 + 5.")
    assert sent_back(reply) == {"role": "assistant", "content": "It is 12.", **back}


@pytest.mark.parametrize(
    ("parts", "reasoning"),
    [
        (PARTS, "Could it be 13? No."),
        ([{"type": "thinking", "thinking": "Could it be 13? No."}, PARTS[1]], "Could it be 13? No."),
        ([{"type": "reasoning", "text": "Could it be 13? No."}, PARTS[1]], "Could it be 13? No."),
        ([{"type": "reasoning", "reasoning": "No."}, PARTS[1]], "No."),
        ([{"type": "thinking", "thinking": None}, PARTS[1]], None),
    ],
    ids=["Mistral", "text", "reasoning", "named", "empty"],
)
def test_reasoning_as_parts_of_the_content(parts: list[Any], reasoning: str | None) -> None:
    reply = chat(content=parts)
    assert (reply.text, reply.reasoning) == ("It is 12.", reasoning)
    assert sent_back(reply) == {"role": "assistant", "content": parts}


def test_parts_of_text_alone_go_back_as_text() -> None:
    assert sent_back(chat(content=[PARTS[1]])) == {"role": "assistant", "content": "It is 12."}


def test_a_tool_call_goes_back_with_reasoning_and_signature() -> None:
    """DeepSeek and Gemini refuse a turn with tool calls that lacks them."""
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "c2lnbmVk"}},
    }
    reply = chat(content=None, reasoning_content="Look it up.", tool_calls=[call])
    assert sent_back(reply) == {
        "role": "assistant",
        "content": "",
        "tool_calls": [call],
        "reasoning_content": "Look it up.",
    }


def test_anthropics_blocks_go_back_unchanged() -> None:
    blocks = [
        {"type": "thinking", "thinking": "7 + 5.", "signature": "c2lnbmVk"},
        {"type": "redacted_thinking", "data": "c2VjcmV0"},
        {"type": "text", "text": "It is 12."},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
    ]
    body = {"content": blocks, "stop_reason": "tool_use"}
    reply = anthropic_messages.from_wire(body, asked(api="anthropic"), 0.1)
    result = {"role": "tool", "tool_call_id": "c1", "content": "12"}
    again = asked(HI, reply.message, result, api="anthropic")
    assert anthropic_messages.to_wire(again, None)["messages"][1]["content"] == blocks


def test_openais_items_go_back_unchanged() -> None:
    items = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2VjcmV0"},
        {"type": "message", "id": "m_1", "content": [{"type": "output_text", "text": "It is 12."}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
    ]
    body = {"status": "completed", "output": items}
    reply = openai_responses.from_wire(body, asked(api="openai-responses"), 0.1)
    again = asked(HI, reply.message, WHY, api="openai-responses")
    assert openai_responses.to_wire(again, None)["input"][1:4] == items


# --- Thoughts in the text ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>13 is wrong.</think>\n\nIt is 12.", "13 is wrong.", "It is 12."),
        ("\n<think>\n13 is wrong.\n</think>It is 12.", "13 is wrong.", "It is 12."),
        ("13 is wrong.</think>\nIt is 12.", "13 is wrong.", "It is 12."),
        ("<think></think>It is 12.", None, "It is 12."),
        ("<think>13 is", "13 is", ""),
        ("It is <think>.", None, "It is <think>."),
        ("It is 12.", None, "It is 12."),
    ],
    ids=["whole", "in lines", "opened by the prompt", "empty", "cut", "in the answer", "none"],
)
def test_thoughts_are_split_off(text: str, reasoning: str | None, answer: str) -> None:
    split = without_thoughts(Reply(text=text), asked())
    assert (split.reasoning, split.text) == (reasoning, answer)


def test_json_behind_thoughts_is_parsed() -> None:
    split = without_thoughts(Reply(text='<think>Hm.</think>{"a": 1}'), asked(schema={"type": "object"}))
    assert split.parsed == {"a": 1}


def test_blocks_that_hold_the_thoughts_do_not_go_back() -> None:
    text = "<think>Hm.</think>It is 12."
    split = without_thoughts(Reply(text=text, blocks=({"type": "text", "text": text},)), asked())
    assert split.message == {"role": "assistant", "content": "It is 12."}
