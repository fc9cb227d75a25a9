"""What a body may give as a prompt, as the neutral messages that every wire can carry."""

from __future__ import annotations

import pytest

from pytest_velo.errors import BodyError
from pytest_velo.records import Reply, ToolCall
from pytest_velo.sampling.prompts import messages_of


def test_messages_of_a_reply_and_of_a_broken_message() -> None:
    assert messages_of(Reply(text="Paris"), "Be brief.")[1] == {"role": "user", "content": "Paris"}
    with pytest.raises(BodyError) as caught:
        messages_of([{"role": "user", "content": 5}], None)
    assert caught.value.what == "a message's content must be a text or a list of parts, got 5"
    assert (
        caught.value.fix
        == '{"role": "user", "content": "…"}, or [{"type": "text", "text": "…"}] as its content'
    )


def test_tool_calls_of_every_kind_become_neutral() -> None:
    neutral = {"id": "c1", "name": "f", "arguments": '{"a": 1}'}
    openais = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}, "index": 0}
    made = ToolCall(id="c1", name="f", arguments={"a": 1}, arguments_text='{"a": 1}')
    turn = {"role": "assistant", "content": None, "tool_calls": [neutral, openais, made]}
    (message,) = messages_of([turn], None)
    assert message["tool_calls"] == [neutral, {**neutral, "index": 0}, neutral]
    assert turn["tool_calls"][1] is openais, "what the caller wrote is as it was"


@pytest.mark.parametrize("calls", ["f", {"id": "c1"}, ["f"], [None], 5])
def test_what_is_no_tool_call_says_so(calls: object) -> None:
    with pytest.raises(BodyError) as caught:
        messages_of([{"role": "assistant", "content": None, "tool_calls": calls}], None)
    assert "tool call" in caught.value.what or "tool_calls" in caught.value.what
    assert '"arguments"' in caught.value.fix


def test_a_reply_is_a_message_of_the_next_turn() -> None:
    reply = Reply(
        text="12",
        tool_calls=(ToolCall(id="c1", name="f", arguments={"a": 1}),),
        blocks=({"type": "reasoning.text", "text": "Hm."},),
        extras={"reasoning_content": "Hm."},
        prefill="It is ",
    )
    (message,) = messages_of([reply.message], None)
    assert message == {
        "role": "assistant",
        "content": "It is 12",
        "tool_calls": [{"id": "c1", "name": "f", "arguments": {"a": 1}}],
        "blocks": [{"type": "reasoning.text", "text": "Hm."}],
        "reasoning_content": "Hm.",
    }
