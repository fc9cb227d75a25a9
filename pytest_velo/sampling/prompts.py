"""The prompts a body may give, converted to the neutral messages that every wire can carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pytest_velo.errors import BodyError
from pytest_velo.media import Media, MediaFile
from pytest_velo.records import JsonObject, Reply, ToolCall, as_messages

Prompt = str | Reply | Media | MediaFile | Sequence[JsonObject] | Sequence[str | Media | MediaFile]

_CALL = '{"id": "call_1", "name": "get_weather", "arguments": {"city": "Lyon"}}'


def messages_of(prompt: Prompt, system: str | None, folder: Path = Path()) -> tuple[JsonObject, ...]:
    """Return the messages of a prompt; a reply, as a prompt or as a message's content, stands for its text.

    Tool calls may have OpenAI's own shape, or be the `tool_calls` of a reply. Images and sounds, alone or in
    a list with texts, are one message of the user's; their files are read now, relative ones from `folder`.

    Raises:
        BodyError: It is not a prompt, or a message's content is neither text nor parts, or its tool calls
            are not tool calls; or a file cannot be read.
    """
    text: Any = prompt.text if isinstance(prompt, Reply) else prompt
    if is_content(text):
        text = [{"role": "user", "content": text}]
    if not isinstance(text, str) and not (
        isinstance(text, Sequence) and text and all(map(_is_message, text))
    ):
        raise BodyError(
            f"a prompt must be a text or a list of messages, got {prompt!r}",
            fix='model("…") or model([{"role": "user", "content": "…"}])',
        )
    return tuple(map(partial(_carried, folder=folder), as_messages(text, system)))


def begun(messages: tuple[JsonObject, ...], prefill: Any) -> tuple[JsonObject, ...]:
    """Return messages with the beginning of the reply (`prefill=`) behind them; an empty one is none.

    Raises:
        BodyError: It is no text, or the messages end with one that is begun.
    """
    if not isinstance(prefill, str):
        raise BodyError(
            f"prefill= is the beginning of the reply, a text, got {prefill!r}", fix='prefill="The answer is"'
        )
    if not prefill:
        return messages
    if messages[-1]["role"] == "assistant":
        raise BodyError(
            "prefill= begins the reply, and the messages end with the assistant's already",
            fix="give one of the two",
        )
    return (*messages, {"role": "assistant", "content": prefill})


def is_content(prompt: object) -> bool:
    """Tell whether a prompt is the content of one message: images and sounds, alone or among texts."""
    if isinstance(prompt, Media | MediaFile):
        return True
    if not isinstance(prompt, list | tuple):
        return False
    media = sum(isinstance(part, Media | MediaFile) for part in prompt)
    return media > 0 and media + sum(isinstance(part, str) for part in prompt) == len(prompt)


def neutral_tools(tools: Sequence[Any]) -> list[Any]:
    """Return tool definitions in neutral form, from OpenAI's own shape or Anthropic's."""
    return [_neutral_tool(tool) for tool in tools]


def _neutral_tool(tool: Any) -> Any:
    if not isinstance(tool, Mapping):
        return tool
    if isinstance(tool.get("function"), Mapping) and tool.get("type", "function") == "function":
        beside = {name: value for name, value in tool.items() if name not in ("type", "function")}
        return {**tool["function"], **beside}
    if "input_schema" in tool and "parameters" not in tool:
        renamed = {"input_schema": "parameters"}
        return {renamed.get(name, name): value for name, value in tool.items()}
    return tool


def _is_message(message: object) -> bool:
    return isinstance(message, Mapping) and isinstance(message.get("role"), str)


def _carried(message: JsonObject, folder: Path) -> JsonObject:
    if message.get("tool_calls"):
        message = {**message, "tool_calls": _neutral_calls(message["tool_calls"])}
    content = message.get("content")
    if isinstance(content, Reply):
        return {**message, "content": content.text}
    if content is None or isinstance(content, str):
        return message
    if isinstance(content, Media | MediaFile):
        content = [content]
    if isinstance(content, list | tuple) and all(isinstance(part, Mapping) for part in content):
        return {**message, "content": content}
    if isinstance(content, list | tuple) and _holds_media(content):
        return {**message, "content": [_part(part, folder) for part in content]}
    raise BodyError(
        f"a message's content must be a text or a list of parts, got {content!r}",
        fix='{"role": "user", "content": "…"}, or [{"type": "text", "text": "…"}] as its content',
    )


def _holds_media(parts: Sequence[Any]) -> bool:
    """Tell whether parts are of the kinds that a wire can carry, texts among images and sounds included."""
    known = all(isinstance(part, Mapping | MediaFile | str) for part in parts)
    return known and any(isinstance(part, Media | MediaFile) for part in parts)


def _part(part: Any, folder: Path) -> JsonObject:
    if isinstance(part, MediaFile):
        return part.read(folder)
    return {"type": "text", "text": part} if isinstance(part, str) else part


def _neutral_calls(calls: Any) -> list[JsonObject]:
    if not isinstance(calls, list | tuple):
        raise BodyError(f"a message's tool_calls must be a list, got {calls!r}", fix=f"[{_CALL}]")
    return [_neutral_call(call) for call in calls]


def _neutral_call(call: Any) -> JsonObject:
    if isinstance(call, ToolCall):
        return call.request
    if not isinstance(call, Mapping):
        raise BodyError(f"a message's tool call must be an object, got {call!r}", fix=_CALL)
    function = call.get("function")
    if not isinstance(function, Mapping):
        return call
    beside = {name: value for name, value in call.items() if name not in ("type", "function")}
    return {**beside, **function}
