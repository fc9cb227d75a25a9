"""Why a reply ended, in every server's words."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.errors import RequestError, TransientError
from pytest_velo.providers import anthropic_messages, openai_chat, openai_responses
from pytest_velo.providers.endings import ending
from pytest_velo.records import FinishReason, Reply, Request

ASKED = Request(api="a", endpoint="e", model="m", messages=())


def chat(reason: Any, text: str = "The answer is") -> Reply:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": reason}
    return openai_chat.from_wire({"choices": [choice]}, ASKED, 0.1)


def messages(reason: Any) -> Reply:
    content = [{"type": "text", "text": "The answer is"}]
    return anthropic_messages.from_wire({"content": content, "stop_reason": reason}, ASKED, 0.1)


def responses(status: Any, reason: Any = None) -> Reply:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "The answer is"}]}]
    body = {"status": status, "output": output, "incomplete_details": reason and {"reason": reason}}
    return openai_responses.from_wire(body, ASKED, 0.1)


@pytest.mark.parametrize(
    ("reasons", "finish"),
    [
        # OpenAI; Anthropic; TGI, Together; Cohere; servers that give none.
        (("stop", "end_turn", "stop_sequence", "eos", "eos_token", "COMPLETE", None, ""), FinishReason.STOP),
        # OpenAI; Anthropic; Gemini; Mistral; Cohere.
        (("length", "max_tokens", "MAX_TOKENS", "model_length", "ERROR_LIMIT"), FinishReason.LENGTH),
        (("tool_calls", "function_call", "tool_use", "TOOL_CALL"), FinishReason.TOOL_CALLS),
        (("refusal",), FinishReason.REFUSAL),
        (("content_filter", "SAFETY", "RECITATION", "PROHIBITED_CONTENT"), FinishReason.CONTENT_FILTER),
        (("content_filter: RECITATION", "FINISH_REASON_SAFETY"), FinishReason.CONTENT_FILTER),
        # Bedrock; Zhipu; Cohere.
        (("guardrail_intervened", "sensitive", "ERROR_TOXIC"), FinishReason.CONTENT_FILTER),
        (("model_context_window_exceeded",), FinishReason.CONTEXT_OVERFLOW),
        (("pause_turn",), FinishReason.PAUSED),
        (("a_new_reason", 7), FinishReason.OTHER),
    ],
)
def test_an_ending_in_any_api(reasons: tuple[Any, ...], finish: FinishReason) -> None:
    assert {reason: ending(reason, ASKED) for reason in reasons} == dict.fromkeys(reasons, finish)
    assert {reason: chat(reason).finish_reason for reason in reasons} == dict.fromkeys(reasons, finish)
    assert {reason: messages(reason).finish_reason for reason in reasons} == dict.fromkeys(reasons, finish)


@pytest.mark.parametrize("read", [chat, messages, responses])
@pytest.mark.parametrize("reason", ["error", "abort", "ERROR", "TIMEOUT", "insufficient_system_resource"])
def test_a_reply_that_the_server_broke_off_is_none(read: Any, reason: str) -> None:
    with pytest.raises(TransientError) as caught:
        read(reason)
    assert caught.value.kind == "server"
    assert repr(reason) in caught.value.what
    assert caught.value.where == "e, model m"


@pytest.mark.parametrize("read", [chat, messages])
def test_a_refusal_is_one_by_its_ending_alone(read: Any) -> None:
    assert read("refusal").refused
    assert read("refusal").text == "The answer is"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_output_tokens", FinishReason.LENGTH),
        ("max_tokens", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("a_new_reason", FinishReason.LENGTH),
        (None, FinishReason.LENGTH),
    ],
)
def test_an_incomplete_response_is_never_whole(reason: str | None, finish: FinishReason) -> None:
    assert responses("incomplete", reason).finish_reason is finish


def test_a_response_without_a_status_is_whole_and_one_under_way_is_none() -> None:
    assert responses(None).finish_reason is FinishReason.STOP
    with pytest.raises(TransientError):
        responses("cancelled")
    with pytest.raises(RequestError, match="in the background") as caught:
        responses("queued")
    assert "background=" in caught.value.fix


def test_gemini_gives_no_message_with_a_filtered_choice() -> None:
    body = {"choices": [{"finish_reason": "content_filter: PROHIBITED_CONTENT", "index": 0}]}
    assert openai_chat.from_wire(body, ASKED, 0.1).finish_reason is FinishReason.CONTENT_FILTER
    with pytest.raises(KeyError):
        openai_chat.from_wire({"choices": [{"finish_reason": "stop"}]}, ASKED, 0.1)


@pytest.mark.parametrize("choices", [{}, {"choices": None}, {"choices": []}])
def test_a_prompt_that_gemini_blocks_gets_no_choice(choices: dict[str, Any]) -> None:
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    reply = openai_chat.from_wire({"object": "chat.completion", "usage": usage, **choices}, ASKED, 0.1)
    assert reply.finish_reason is FinishReason.CONTENT_FILTER
    assert reply.usage.input_tokens == 5


@pytest.mark.parametrize(
    "usage", [{}, {"usage": None}, {"usage": {"prompt_tokens": 5, "completion_tokens": 9}}]
)
def test_a_body_without_choices_is_no_reply(usage: dict[str, Any]) -> None:
    with pytest.raises((KeyError, IndexError)):
        openai_chat.from_wire({"object": "chat.completion", "choices": [], **usage}, ASKED, 0.1)
