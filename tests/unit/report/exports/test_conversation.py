"""The messages of a trial, as Inspect knows messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_velo.records import Call, FinishReason, ToolCall, Usage
from pytest_velo.report.exports.conversation import (
    conversation,
    output_of,
    reply_message,
    request_messages,
    usage_of,
)
from support.reports import call, trial


def asked(*messages: dict[str, Any], answer: str = "Yes.", **reply: Any) -> Call:
    """Return a call with these messages."""
    made = call("", answer)
    return replace(made, request=replace(made.request, messages=messages), reply=replace(made.reply, **reply))


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def words(messages: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(message["role"], message["content"]) for message in messages]


def test_a_call_is_what_was_sent_and_the_reply() -> None:
    made = asked({"role": "system", "content": "Be brief."}, user("Sure?"))
    told = conversation([trial(0, 1, calls=(made,))])
    assert words(told) == [("system", "Be brief."), ("user", "Sure?"), ("assistant", "Yes.")]
    assert all("metadata" not in message for message in told)


def test_a_chat_is_one_conversation() -> None:
    first = asked(user("One?"), answer="1")
    second = asked(user("One?"), {"role": "assistant", "content": "1"}, user("Two?"), answer="2")
    told = conversation([trial(0, 1, calls=(first, second))])
    assert words(told) == [("user", "One?"), ("assistant", "1"), ("user", "Two?"), ("assistant", "2")]


def test_a_chat_goes_on_whatever_its_thoughts_look_like() -> None:
    first = asked(user("One?"), answer="1", reasoning="Hm.")
    second = asked(user("One?"), {"role": "assistant", "content": "1"}, user("Two?"), answer="2")
    told = conversation([trial(0, 1, calls=(first, second))])
    assert len(told) == 4
    assert told[1]["content"] == [
        {"type": "reasoning", "reasoning": "Hm."},
        {"type": "text", "text": "1"},
    ]


def test_calls_that_do_not_go_on_say_whose_they_are() -> None:
    arms = [
        trial(0, 1, arm="a", calls=(asked(user("Hint?")),)),
        trial(1, 0, arm="b", calls=(asked(user("Plain?"), answer="No."),)),
    ]
    told = conversation(arms)
    assert [message["metadata"]["arm"] for message in told] == ["a", "a", "b", "b"]
    judged = trial(
        0, 1, calls=(asked(user("Sure?")), replace(asked(user("Is it right?")), model="lab/judge"))
    )
    assert [message["metadata"]["model"] for message in conversation([judged])] == [
        "lab/tiny",
        "lab/tiny",
        "lab/judge",
        "lab/judge",
    ]


def test_tool_calls_and_their_results() -> None:
    wanted = ToolCall(id="t1", name="weather", arguments={"city": "Lyon"})
    first = asked(user("Weather?"), answer="", tool_calls=(wanted,), finish_reason=FinishReason.TOOL_CALLS)
    asking = {"role": "assistant", "content": "", "tool_calls": [dict(wanted.request)]}
    result = {"role": "tool", "tool_call_id": "t1", "content": "Rain."}
    second = asked(user("Weather?"), asking, result, answer="It rains.")
    told = conversation([trial(0, 1, calls=(first, second))])
    assert [message["role"] for message in told] == ["user", "assistant", "tool", "assistant"]
    (called,) = told[1]["tool_calls"]
    assert (called["id"], called["function"], called["arguments"]) == ("t1", "weather", {"city": "Lyon"})
    assert (told[2]["tool_call_id"], told[2]["function"]) == ("t1", "weather")
    assert output_of(first, told[1])["choices"][0]["stop_reason"] == "tool_calls"


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "\ud800"])
def test_arguments_that_are_no_object_are_kept_as_an_error(text: str) -> None:
    wanted = ToolCall(id="t1", name="f", arguments=None, arguments_text=text)
    (called,) = reply_message(asked(user("?"), tool_calls=(wanted,)))["tool_calls"]
    assert called["arguments"] == {}
    assert text in called["parse_error"]


def test_arguments_that_are_an_empty_object_are_no_error() -> None:
    wanted = ToolCall(id="t1", name="f", arguments={}, arguments_text="{}")
    (called,) = reply_message(asked(user("?"), tool_calls=(wanted,)))["tool_calls"]
    assert (called["arguments"], called["parse_error"]) == ({}, None)


def test_a_tool_call_in_the_shape_of_openai() -> None:
    asking = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
    }
    (_, sent) = request_messages(asked(user("?"), asking))
    assert sent["content"] == ""
    assert (sent["tool_calls"][0]["function"], sent["tool_calls"][0]["arguments"]) == ("f", {"a": 1})


def test_an_image_is_named_by_its_hash() -> None:
    image = {"type": "image", "media_type": "image/png", "sha256": "ab12"}
    (sent,) = request_messages(asked(user([{"type": "text", "text": "What is this?"}, image])))
    assert [part["text"] for part in sent["content"]] == ["What is this?", "[image image/png sha256:ab12]"]


def test_a_begun_reply_is_told_whole_and_once() -> None:
    made = asked(
        user("Capital?"), {"role": "assistant", "content": "It is"}, answer=" Lyon.", prefill="It is"
    )
    assert words(conversation([trial(0, 1, calls=(made,))])) == [
        ("user", "Capital?"),
        ("assistant", "It is Lyon."),
    ]


def test_a_role_that_inspect_does_not_have_is_still_told() -> None:
    sent = request_messages(asked({"role": "developer", "content": "a"}, {"role": "critic", "content": None}))
    assert words(sent) == [("system", "a"), ("user", "")]


def test_tokens_that_are_not_known_are_not_zero() -> None:
    assert usage_of(Usage(output_tokens=2), 0.1) is None
    made = asked(user("?"))  # its server told the output alone
    output = output_of(made, reply_message(made))
    assert output["usage"] is None
    assert output["metadata"]["velo"]["output_tokens"] == 2
    known = usage_of(Usage(input_tokens=10, output_tokens=2, cached_input_tokens=4), None)
    assert known is not None
    assert (known["input_tokens"], known["input_tokens_cache_read"], known["total_tokens"]) == (6, 4, 12)
    assert known["total_cost"] is None


@pytest.mark.parametrize("reason", FinishReason)
def test_every_ending_has_a_name_in_inspect(reason: FinishReason) -> None:
    made = asked(user("?"), finish_reason=reason)
    told = output_of(made, reply_message(made))
    assert told["choices"][0]["stop_reason"] in (
        "stop", "max_tokens", "model_length", "tool_calls", "content_filter", "unknown",
    )  # fmt: skip
    assert told["metadata"]["velo"]["finish_reason"] == reason.value
