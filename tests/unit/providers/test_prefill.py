"""A reply to a prefilled request: `text` is the continuation, whatever the server repeats."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers import anthropic_messages, local, openai_chat, openai_responses
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.prefill import continued, may_not_continue, with_prefill
from pytest_velo.records import Reply, Request
from pytest_velo.settings import BUILTIN_ENDPOINTS, Endpoint

HI = {"role": "user", "content": "7 + 5?"}
BEGUN = {"role": "assistant", "content": "The answer is"}


def asked(api: str = "openai-chat", *messages: Any, **parameters: Any) -> Request:
    return Request(api=api, endpoint="e", model="m", messages=messages or (HI, BEGUN), parameters=parameters)


def chat(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}


def said(api: str, text: str, request: Request) -> Reply:
    match api:
        case "openai-responses":
            content = [{"type": "output_text", "text": text}]
            body = {"status": "completed", "output": [{"type": "message", "content": content}]}
            return openai_responses.from_wire(body, request, 0.1)
        case "anthropic":
            body = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
            return anthropic_messages.from_wire(body, request, 0.1)
        case "local":
            return local.from_wire(chat(text), request, 0.1)
        case _:
            return openai_chat.from_wire(chat(text), request, 0.1)


@pytest.mark.parametrize("api", ["openai-chat", "openai-responses", "anthropic", "local"])
@pytest.mark.parametrize("repeats", [False, True])
def test_the_text_is_the_continuation(api: str, repeats: bool) -> None:
    text = "The answer is 12." if repeats else " 12."
    reply = said(api, text, asked(api))
    assert (reply.text, reply.prefill) == (" 12.", "The answer is")
    assert reply.message["content"] == "The answer is 12."


def test_only_an_exact_repetition_is_cut_off() -> None:
    assert said("openai-chat", "The answer, is 12.", asked()).text == "The answer, is 12."
    assert said("openai-chat", "the answer is 12.", asked()).text == "the answer is 12."


@pytest.mark.parametrize(
    "request_",
    [
        replace(asked("anthropic", HI, {"role": "assistant", "content": "("}), endpoint="anthropic"),
        asked(
            "openai-chat", HI, {"role": "assistant", "content": "("}, continue_final_message=True, echo=False
        ),
    ],
    ids=["anthropic", "vLLM"],
)
def test_nothing_is_cut_off_where_the_api_does_not_repeat(request_: Request) -> None:
    assert said(request_.api, "((12))", request_).text == "((12))"


@pytest.mark.parametrize("told", [{}, {"echo": True}], ids=str)
def test_a_server_that_repeats_although_it_was_told_to_continue(told: dict[str, Any]) -> None:
    """llama.cpp takes vLLM's parameters, and repeats all the same."""
    begun = asked("openai-chat", continue_final_message=True, add_generation_prompt=False, **told)
    assert said("openai-chat", "The answer is 12.", begun).text == " 12."


def test_a_reply_is_continued_once() -> None:
    doubled = asked("openai-chat", HI, {"role": "assistant", "content": "na"})
    reply = said("openai-chat", "nana", doubled)
    assert (reply.text, continued(reply, doubled).text) == ("na", "na")


@pytest.mark.parametrize(
    "messages",
    [
        (HI,),
        (HI, {"role": "assistant", "content": ""}),
        (HI, {"role": "assistant", "content": "a", "tool_calls": [{"id": "1"}]}),
        (HI, BEGUN, HI),
        (),
    ],
)
def test_a_request_without_a_turn_to_continue_has_no_prefill(messages: tuple[Any, ...]) -> None:
    plain = Request(api="openai-chat", endpoint="e", model="m", messages=messages)
    assert plain.prefill == ""
    assert said("openai-chat", "The answer is 12.", plain).prefill == ""


def test_a_prefill_in_parts_is_their_text() -> None:
    parts = [{"type": "text", "text": "The answer"}, {"type": "text", "text": " is"}]
    begun = asked("local", HI, {"role": "assistant", "content": parts})
    assert said("local", "The answer is 12.", begun).text == " 12."
    assert local.to_wire(begun, 1)["messages"][1]["content"] == "The answer is"


def test_a_refusal_is_no_continuation() -> None:
    body = {"choices": [{"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}]}
    reply = openai_chat.from_wire(body, asked(), 0.1)
    assert (reply.text, reply.prefill) == ("No.", "")


def test_json_that_was_begun_is_parsed_with_its_beginning() -> None:
    begun = asked("openai-chat", HI, {"role": "assistant", "content": '{"sum":'}, schema={"type": "object"})
    assert said("openai-chat", " 12}", begun).parsed == {"sum": 12}
    assert said("openai-chat", '{"sum": 12}', begun).parsed == {"sum": 12}
    assert said("openai-chat", " twelve", begun).parsed is None


def test_a_turn_of_anthropics_that_was_begun_goes_back_whole() -> None:
    message = said("anthropic", " 12.", asked("anthropic")).message
    assert message["blocks"] == [{"type": "text", "text": "The answer is 12."}]
    again = asked("anthropic", HI, message, HI)
    assert anthropic_messages.to_wire(again, None)["messages"][1]["content"] == message["blocks"]


def test_a_tool_call_of_anthropics_goes_back_behind_what_was_begun() -> None:
    use = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
    reply = anthropic_messages.from_wire(
        {"content": [use], "stop_reason": "tool_use"}, asked("anthropic"), 0.1
    )
    assert reply.message["blocks"] == [{"type": "text", "text": "The answer is"}, use]
    again = asked("anthropic", HI, reply.message, {"role": "tool", "tool_call_id": "c1", "content": "12"})
    assert anthropic_messages.to_wire(again, None)["messages"][1]["content"] == reply.message["blocks"]


# --- How an endpoint is told -------------------------------------------------------------------------


def declared(options: str = "", api: str = "openai-chat", host: str = "127.0.0.1") -> Endpoint:
    return parse_endpoint(f"lab: api={api} base_url=http://{host}/v1 {options}")


def test_vllm_is_told_by_parameters() -> None:
    told = with_prefill(asked(), declared("prefill=continue"))
    assert told.parameters == {"continue_final_message": True, "add_generation_prompt": False}
    assert not may_not_continue(told, declared("prefill=continue"))
    kept = with_prefill(asked("openai-chat", add_generation_prompt=True), declared("prefill=continue"))
    assert kept.parameters["add_generation_prompt"] is True


def test_deepseek_and_mistral_are_told_in_the_message() -> None:
    told = with_prefill(asked(), declared("prefill=prefix"))
    assert told.messages == (HI, {**BEGUN, "prefix": True})
    assert openai_chat.to_wire(told, None)["messages"][1] == {**BEGUN, "prefix": True}


@pytest.mark.parametrize("options", ["prefill=plain", ""])
def test_others_are_sent_the_message_as_it_is(options: str) -> None:
    assert with_prefill(asked(), declared(options)) == asked()


@pytest.mark.parametrize(
    "endpoint",
    [
        *(endpoint for endpoint in BUILTIN_ENDPOINTS if endpoint.name.startswith("openai")),
        declared(host="api.openai.com"),
        declared(host="my.openai.azure.com"),
        declared("prefill=none"),
    ],
    ids=lambda endpoint: f"{endpoint.name} {endpoint.base_url}",
)
def test_who_cannot_continue_is_not_asked_to(endpoint: Endpoint) -> None:
    with pytest.raises(UsageError) as caught:
        with_prefill(asked(), endpoint)
    assert "to be continued" in caught.value.what
    assert "model m" in caught.value.where
    assert "prefill=" in caught.value.fix
    assert with_prefill(asked("openai-chat", HI), endpoint) == asked("openai-chat", HI)


def test_nobody_knows_of_an_undeclared_server_whether_it_continues() -> None:
    assert may_not_continue(asked(), declared())
    assert not may_not_continue(asked(), declared("prefill=plain"))
    assert not may_not_continue(asked("openai-chat", HI), declared())
    assert not may_not_continue(asked("openai-chat", continue_final_message=True), declared())
    assert not may_not_continue(asked("openai-chat", HI, {**BEGUN, "prefix": True}), declared())
    assert not may_not_continue(asked("anthropic"), declared(api="anthropic"))
