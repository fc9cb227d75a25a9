"""Nothing sent is lost: what a wire has a place for is sent, and what it has none for is refused by name."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers import anthropic_messages, local, openai_chat, openai_responses
from pytest_velo.providers.wire import sendable
from pytest_velo.records import Request
from pytest_velo.sampling.prompts import messages_of, neutral_tools

WIRES: dict[str, Callable[[Request, int | None], dict[str, Any]]] = {
    "openai-chat": openai_chat.to_wire,
    "openai-responses": openai_responses.to_wire,
    "anthropic": anthropic_messages.to_wire,
    "local": local.to_wire,
}
HI = {"role": "user", "content": "Hi"}


def sent(api: str, *messages: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    request = Request(
        api=api, endpoint="lab", model="m", messages=messages_of(messages, None), parameters=parameters
    )
    return sendable(WIRES[api], request, None)


def refused(api: str, *messages: dict[str, Any], **parameters: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        sent(api, *messages, **parameters)
    assert "model m" in caught.value.where or "local/m" in caught.value.where
    assert caught.value.fix
    return caught.value


def user(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts), **fields}


# --- Messages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", [{"name": "Ada"}, {"cache_control": {"type": "ephemeral"}}, {"metadata": {"a": 1}}], ids=str
)
def test_chat_completions_carry_any_field_of_a_message(field: dict[str, Any]) -> None:
    assert sent("openai-chat", {**HI, **field})["messages"] == [{**HI, **field}]


@pytest.mark.parametrize(
    "field", [{"prefix": True}, {"reasoning_content": "Hm."}, {"reasoning": "Hm."}, {"audio": {"id": "a"}}]
)
def test_chat_completions_carry_any_field_of_a_turn(field: dict[str, Any]) -> None:
    turn = {"role": "assistant", "content": "It is", **field}
    assert sent("openai-chat", HI, turn)["messages"][1] == turn


@pytest.mark.parametrize("api", ["openai-responses", "anthropic", "local"])
@pytest.mark.parametrize("field", ["name", "prefix", "reasoning_content", "cache_control"])
def test_a_field_without_a_place_is_named(api: str, field: str) -> None:
    error = refused(api, HI, {**HI, field: "x"})
    assert f"`{field}` of messages[1]" in error.what
    assert f"leave {field} out" in error.fix or "leave it out" in error.fix


def test_a_response_message_keeps_what_the_api_knows() -> None:
    item = {"role": "user", "content": "Hi", "type": "message", "id": "msg_1", "status": "completed"}
    assert sent("openai-responses", item)["input"] == [item]


def test_an_empty_message_is_sent() -> None:
    assert sent("openai-responses", {"role": "user", "content": ""}, HI)["input"] == [
        {"role": "user", "content": ""},
        HI,
    ]


@pytest.mark.parametrize(
    ("api", "role"),
    [("anthropic", "developer"), ("anthropic", "function"), ("openai-responses", "function")],
)
def test_a_role_that_the_api_lacks_is_named(api: str, role: str) -> None:
    assert "`role` of messages[0]" in refused(api, {"role": role, "content": "Be brief."}, HI).what


def test_a_developer_message_is_sent_where_there_are_some() -> None:
    brief = {"role": "developer", "content": "Be brief."}
    assert sent("openai-chat", brief, HI)["messages"][0] == brief
    assert sent("openai-responses", brief, HI)["input"][0] == brief


# --- Parts -------------------------------------------------------------------------------------------

PICTURE = {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="}
CACHED = {"cache_control": {"type": "ephemeral"}}


def test_the_detail_of_an_image_is_sent() -> None:
    (chat,) = sent("openai-chat", user({**PICTURE, "detail": "low"}))["messages"][0]["content"]
    assert chat["image_url"]["detail"] == "low"
    (item,) = sent("openai-responses", user({**PICTURE, "detail": "low"}))["input"][0]["content"]
    assert item["detail"] == "low"


@pytest.mark.parametrize("api", ["openai-chat", "anthropic"])
def test_a_mark_on_a_part_is_sent(api: str) -> None:
    text, image = sent(api, user({"type": "text", "text": "a", **CACHED}, {**PICTURE, **CACHED}))["messages"][
        0
    ]["content"]
    assert text == {"type": "text", "text": "a", **CACHED}
    assert image["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize("api", ["openai-responses", "local"])
def test_a_mark_on_a_part_without_a_place_is_named(api: str) -> None:
    error = refused(api, user({"type": "text", "text": "a"}, {"type": "text", "text": "b", **CACHED}))
    assert "`cache_control` of messages[0].content[1]" in error.what


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "input_text", "text": "a"},
    ],
    ids=str,
)
@pytest.mark.parametrize("api", ["openai-chat", "openai-responses", "anthropic"])
def test_a_part_of_an_apis_own_is_sent_as_it_is(api: str, part: dict[str, Any]) -> None:
    body = sent(api, user(part))
    (message,) = body.get("input") or body["messages"]
    assert message["content"] == [part]


def test_a_marked_system_prompt_is_sent_in_parts() -> None:
    part = {"type": "text", "text": "Be brief.", **CACHED}
    system = [{"role": "system", "content": [part]}, {"role": "system", "content": "Be kind."}]
    assert sent("anthropic", *system, HI)["system"] == [part, {"type": "text", "text": "Be kind."}]


@pytest.mark.parametrize("api", ["openai-responses", "anthropic"])
def test_a_picture_that_a_tool_gave_is_sent(api: str) -> None:
    body = sent(api, HI, {"role": "tool", "tool_call_id": "1", "content": [PICTURE]})
    result = body["input"][1] if api == "openai-responses" else body["messages"][1]["content"][0]
    (part,) = result.get("output") or result["content"]
    assert "iVBORw0KGgo=" in str(part)


def test_an_error_of_a_tool_is_sent_where_there_is_a_mark_for_it() -> None:
    result = {"role": "tool", "tool_call_id": "1", "content": "no", "is_error": True}
    assert sent("anthropic", HI, result)["messages"][1]["content"][0]["is_error"] is True
    assert sent("openai-chat", HI, result)["messages"][1] == result
    assert "`is_error`" in refused("openai-responses", HI, result).what


# --- Tool calls --------------------------------------------------------------------------------------

OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


@pytest.mark.parametrize(
    "call",
    [OPENAI_CALL, {"id": "c1", "name": "f", "arguments": {"a": 1}}],
    ids=["OpenAI's shape", "neutral"],
)
def test_tool_calls_of_both_shapes_are_sent_alike(call: dict[str, Any]) -> None:
    turns = (
        HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "12"},
    )
    assert sent("openai-chat", *turns)["messages"][1]["tool_calls"] == [OPENAI_CALL]
    item = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'}
    assert sent("openai-responses", *turns)["input"][1] == item
    use = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}
    assert sent("anthropic", *turns)["messages"][1]["content"] == [use]


def test_what_a_tool_call_carries_beside_is_sent() -> None:
    beside = {"extra_content": {"google": {"thought_signature": "c2lnbmVk"}}}
    turn = {"role": "assistant", "content": None, "tool_calls": [{**OPENAI_CALL, **beside}]}
    assert sent("openai-chat", HI, turn)["messages"][1]["tool_calls"] == [{**OPENAI_CALL, **beside}]


def test_a_custom_call_is_sent_as_it_is() -> None:
    custom = {"id": "c1", "type": "custom", "custom": {"name": "f", "input": "x"}}
    turn = {"role": "assistant", "content": None, "tool_calls": [custom]}
    assert sent("openai-chat", HI, turn)["messages"][1]["tool_calls"] == [custom]


def test_broken_arguments_are_not_sent_as_none() -> None:
    call = {"id": "c1", "name": "f", "arguments": '{"a": '}
    error = refused("anthropic", HI, {"role": "assistant", "content": None, "tool_calls": [call]})
    assert "'c1' of messages[1]" in error.what


@pytest.mark.parametrize("api", ["openai-responses", "anthropic"])
def test_a_turn_whose_text_was_edited_beside_its_blocks_is_refused(api: str) -> None:
    block = {"type": "text", "text": "Lyon."}
    item = {"type": "message", "content": [{"type": "output_text", "text": "Lyon."}]}
    blocks = [block if api == "anthropic" else item]
    turn = {"role": "assistant", "content": "Lyon.", "blocks": blocks}
    assert sent(api, HI, turn, HI)
    assert "messages[1]" in refused(api, HI, {**turn, "content": "Paris."}, HI).what


@pytest.mark.parametrize(
    ("api", "block"),
    [
        ("openai-chat", {"type": "thinking", "thinking": "Hm.", "signature": "s"}),
        ("openai-responses", {"type": "thinking", "thinking": "Hm.", "signature": "s"}),
        ("openai-responses", {"type": "reasoning.text", "text": "Hm."}),
        ("anthropic", {"type": "reasoning", "id": "rs_1", "summary": []}),
        ("anthropic", {"type": "reasoning.text", "text": "Hm."}),
        ("local", {"type": "reasoning.text", "text": "Hm."}),
    ],
)
def test_blocks_of_another_api_are_refused(api: str, block: dict[str, Any]) -> None:
    turn = {"role": "assistant", "content": "Lyon.", "blocks": [block]}
    assert "`blocks` of messages[1]" in refused(api, HI, turn, HI).what


# --- Tools and parameters ----------------------------------------------------------------------------

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    "tool",
    [
        {"name": "f", "parameters": SCHEMA, "strict": True},
        {"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}},
        {"name": "f", "input_schema": SCHEMA, "strict": True},
    ],
    ids=["neutral", "OpenAI's", "Anthropic's"],
)
def test_tools_of_every_shape_are_sent_alike(tool: dict[str, Any]) -> None:
    tools = neutral_tools([tool])
    function = {"name": "f", "parameters": SCHEMA, "strict": True}
    assert sent("openai-chat", HI, tools=tools)["tools"] == [{"type": "function", "function": function}]
    assert sent("openai-responses", HI, tools=tools)["tools"] == [{"type": "function", **function}]
    named = {"name": "f", "input_schema": SCHEMA, "strict": True}
    assert sent("anthropic", HI, tools=tools)["tools"] == [named]


def test_a_flat_function_is_one_on_every_wire() -> None:
    flat = [{"type": "function", "name": "f", "parameters": SCHEMA}]
    function = {"name": "f", "parameters": SCHEMA}
    assert sent("openai-chat", HI, tools=flat)["tools"] == [{"type": "function", "function": function}]
    assert sent("anthropic", HI, tools=flat)["tools"] == [{"name": "f", "input_schema": SCHEMA}]


@pytest.mark.parametrize(
    ("api", "tool"),
    [
        ("openai-chat", {"type": "custom", "custom": {"name": "f"}}),
        ("openai-responses", {"type": "web_search"}),
        ("anthropic", {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}),
    ],
)
def test_a_tool_of_the_apis_own_is_sent_as_it_is(api: str, tool: dict[str, Any]) -> None:
    assert sent(api, HI, tools=[tool])["tools"] == [tool]


@pytest.mark.parametrize(
    ("api", "parameters", "named"),
    [
        ("openai-chat", {"messages": []}, "`messages`"),
        ("openai-chat", {"model": "other"}, "`model`"),
        ("openai-chat", {"stream": True}, "`stream`"),
        ("openai-chat", {"effort": "low", "reasoning_effort": "high"}, "`effort` and `reasoning_effort`"),
        ("openai-chat", {"schema": {}, "response_format": {}}, "`schema` and `response_format`"),
        ("openai-chat", {"logprobs": 2, "top_logprobs": 5}, "`logprobs` and `top_logprobs`"),
        ("openai-responses", {"input": "x"}, "`input`"),
        ("openai-responses", {"max_tokens": 5, "max_output_tokens": 6}, "`max_tokens` and"),
        ("openai-responses", {"effort": "low", "reasoning": {"effort": "high"}}, "`effort` and `reasoning`"),
        ("openai-responses", {"schema": {}, "text": {"format": {"type": "text"}}}, "`schema` and `text`"),
        ("anthropic", {"messages": []}, "`messages`"),
        ("anthropic", {"stop": "a", "stop_sequences": ["b"]}, "`stop` and `stop_sequences`"),
        ("anthropic", {"effort": "low", "output_config": {"effort": "max"}}, "`effort` and `output_config`"),
        ("anthropic", {"effort": 2000, "thinking": {"type": "disabled"}}, "`effort` and `thinking`"),
        ("local", {"model": "other"}, "`model`"),
        ("local", {"repeat_penalti": 1.1}, "`repeat_penalti`"),
    ],
    ids=str,
)
def test_a_parameter_that_would_replace_another_or_be_ignored_is_named(
    api: str, parameters: dict[str, Any], named: str
) -> None:
    assert named in refused(api, HI, **parameters).what


def test_output_configs_are_joined() -> None:
    body = sent(
        "anthropic", HI, effort="low", output_config={"format": {"type": "json_schema", "schema": {}}}
    )
    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": {}}}


def test_a_tools_answer_without_its_id_is_refused() -> None:
    answer = {"role": "tool", "content": "12"}
    for api in ("openai-chat", "openai-responses", "anthropic"):
        assert "tool_call_id" in refused(api, HI, answer).what


def test_the_embedded_model_takes_no_answers_of_tools() -> None:
    error = refused("local", HI, {"role": "tool", "tool_call_id": "1", "content": "12"})
    assert "`role` of messages[1]" in error.what
    assert "user message" in error.fix


# --- Whatever is put wherever ------------------------------------------------------------------------

MARK = "a-value-that-is-seen"
CONVERSATION: list[dict[str, Any]] = [
    {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
    {"role": "user", "content": [{"type": "text", "text": "Weather?"}, PICTURE]},
    {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [{"id": "c1", "name": "f", "arguments": {"a": 1}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "rain"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "Rain."}]},
    {"role": "user", "content": "Sure?"},
]
TOOLS = [{"name": "f", "description": "d", "parameters": SCHEMA}]


def places(value: Any) -> list[dict[str, Any]]:
    """Return every object inside."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] * isinstance(value, dict) + [place for part in inner for place in places(part)]


def told(api: str, *messages: dict[str, Any], **parameters: Any) -> str:
    """Return the body that is sent, or what is said instead."""
    try:
        return json.dumps(sent(api, *messages, **parameters))
    except UsageError as error:
        return error.what


@pytest.mark.parametrize("field", ["name_of_ours", "detail", "status", "type_of", "index", "strict"])
@pytest.mark.parametrize("api", WIRES)
def test_a_field_put_anywhere_is_sent_or_refused(api: str, field: str) -> None:
    turns = [
        turn for turn in CONVERSATION if api != "local" or not ({"tool_calls", "tool_call_id"} & {*turn})
    ]
    if api == "local":  # text only; what tools= becomes there is in not_honoured
        turns = [{**turn, "content": "Hi"} for turn in turns]
    parameters: dict[str, Any] = {} if api == "local" else {"tools": TOOLS}
    sent(api, *turns, **parameters)  # as it stands, all of it can be
    n_seen = 0
    for number in range(len(places([turns, parameters]))):
        changed, options = copy.deepcopy([turns, parameters])
        place = places([changed, options])[number]
        if field in place or place is options:
            continue
        place[field] = MARK
        said = told(api, *changed, **options)
        assert MARK in said or f"`{field}`" in said, f"{place} lost it"
        n_seen += MARK in said
    assert n_seen or api == "local"
