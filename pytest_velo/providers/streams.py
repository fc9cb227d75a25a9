"""Streams of events that a server answered with: what they say as a whole, and whether they ended.

An SDK plays the events back one by one. What they add up to is the body that the same call would have got
without `stream`, so that one reading serves both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_velo.providers.wire import json_object
from pytest_velo.records import JsonObject

_LINES = re.compile(r"\r\n|\n|\r")
_DONE = "[DONE]"


class BrokenStreamError(ValueError):
    """A stream ended before its answer did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream, decoded.

    Attributes:
        names: What each event is called; empty without a name.
        events: The JSON of each event.
        is_done: The server said `[DONE]` at its end.
        is_cut: It ends within an event.
    """

    names: Sequence[str]
    events: Sequence[JsonObject]
    is_done: bool
    is_cut: bool = False

    @property
    def text(self) -> str:
        """The stream, written anew."""
        parts = [
            f"{f'event: {name}' + chr(10) if name else ''}data: {json.dumps(event, ensure_ascii=False)}\n\n"
            for name, event in zip(self.names, self.events, strict=True)
        ]
        return "".join([*parts, f"data: {_DONE}\n\n" if self.is_done else ""])


def read_stream(text: str) -> Stream:
    """Return the events in a body of server-sent events.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html

    Raises:
        ValueError: An event holds no JSON object.
    """
    names: list[str] = []
    events: list[JsonObject] = []
    is_done, name, data = False, "", list[str]()
    for line in _LINES.split(text):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif not line:
            said = "\n".join(data)
            if said.startswith(_DONE):
                is_done = True
            elif said:
                event = json.loads(said)
                if not isinstance(event, dict):
                    raise ValueError(f"an event is a JSON {type(event).__name__}")
                names.append(name)
                events.append(event)
            name, data = "", []
    is_done = is_done or data[:1] == [_DONE]
    is_cut = bool(data) and not is_done  # an event that no empty line follows did not come whole
    return Stream(names=names, events=events, is_done=is_done, is_cut=is_cut)


def error_in(stream: Stream) -> JsonObject | None:
    """Return the event by which a server reports that it failed midway; None without one."""
    return next(
        (event for event in stream.events if event.get("error") or event.get("type") == "error"), None
    )


Whole = Callable[[Stream], JsonObject]
"""Puts a stream together.

It raises `BrokenStreamError` where it broke off, and `LookupError` or `TypeError` where it is something else.
"""


def whole_chat(stream: Stream) -> JsonObject:
    """Return the chat completion that a stream of chunks adds up to."""
    choices: dict[int, dict[str, Any]] = {}
    whole: dict[str, Any] = {}
    for chunk in stream.events:
        for name in ("id", "created", "model", "system_fingerprint", "service_tier", "usage"):
            if chunk.get(name):
                whole[name] = chunk[name]
        for part in chunk.get("choices") or ():
            _add_choice(choices.setdefault(part.get("index") or 0, {"message": {}}), part)
    said_why = all(choice.get("finish_reason") for choice in choices.values())  # some servers say no more
    if not choices or not (stream.is_done or (said_why and not stream.is_cut)):
        raise BrokenStreamError("the stream broke off before its answer ended")
    for choice in choices.values():
        message = choice["message"]
        message.setdefault("role", "assistant")
        message.setdefault("content", None)
        if calls := message.get("tool_calls"):
            message["tool_calls"] = [calls[number] for number in sorted(calls)]
    listed = [{"index": index, **choices[index]} for index in sorted(choices)]
    return {"object": "chat.completion", **whole, "choices": listed}


def _add_choice(choice: dict[str, Any], part: JsonObject) -> None:
    if part.get("finish_reason"):
        choice["finish_reason"] = part["finish_reason"]
    for name, tokens in (part.get("logprobs") or {}).items():
        if tokens:
            choice.setdefault("logprobs", {}).setdefault(name, []).extend(tokens)
    message = choice["message"]
    for name, value in (part.get("delta") or {}).items():
        if name == "tool_calls":
            _add_calls(message.setdefault(name, {}), value or ())
        elif isinstance(value, str) and name != "role":
            message[name] = (message.get(name) or "") + value
        elif isinstance(value, list):
            message.setdefault(name, []).extend(value)
        elif value is not None:
            message[name] = value


def _add_calls(calls: dict[int, dict[str, Any]], parts: Iterable[JsonObject]) -> None:
    for part in parts:
        number = part.get("index")
        call = calls.setdefault(
            len(calls) if number is None else number, {"type": "function", "function": {}}
        )
        function = call["function"]
        for name, value in (part.get("function") or {}).items():
            # Only arguments come in pieces; some servers repeat the name with each of them.
            function[name] = (function.get(name) or "") + value if name == "arguments" and value else value
        call |= {name: value for name, value in part.items() if value and name not in ("index", "function")}


_ENDS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


def whole_response(stream: Stream) -> JsonObject:
    """Return the response that a stream of the responses API ends with."""
    last = next((event for event in stream.events[::-1] if event.get("type") in _ENDS), None)
    if last is None:
        raise BrokenStreamError("the stream broke off before the response was complete")
    response: JsonObject = last["response"]
    if response.get("output"):
        return response
    done = [event["item"] for event in stream.events if event.get("type") == "response.output_item.done"]
    return {**response, "output": done}


def whole_message(stream: Stream) -> JsonObject:
    """Return the message that a stream of the messages API adds up to.

    Source: https://platform.claude.com/docs/en/build-with-claude/streaming
    """
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    arguments: dict[int, str] = {}
    is_whole = False
    for event in stream.events:
        match event.get("type"):
            case "message_start":
                message = {**event["message"]}
            case "content_block_start":
                blocks[event["index"]] = {**event["content_block"]}
            case "content_block_delta":
                _add_delta(blocks[event["index"]], event["delta"], arguments, event["index"])
            case "message_delta":
                message |= event["delta"]
                message["usage"] = {**(message.get("usage") or {}), **(event.get("usage") or {})}
            case "message_stop":
                is_whole = True
    if not is_whole or not message:
        raise BrokenStreamError("the stream broke off before the message ended")
    for index, text in arguments.items():
        blocks[index]["input"] = (json_object(text) or text) if text else {}  # a cut reply's may be half
    return {**message, "content": [blocks[index] for index in sorted(blocks)]}


_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def _add_delta(block: dict[str, Any], delta: JsonObject, arguments: dict[int, str], index: int) -> None:
    kind = delta["type"]
    if kind == "input_json_delta":
        arguments[index] = arguments.get(index, "") + delta["partial_json"]
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
    elif kind in _PIECES:
        name = _PIECES[kind]
        block[name] = (block.get(name) or "") + delta[name]
