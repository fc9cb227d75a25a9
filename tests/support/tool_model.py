"""A model with tools for the loopback server: it calls each tool that it is offered, then says the result.

Whether it does is drawn by the hash of the request, and of how often that came before.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from support.sdk_server import (
    Body,
    Got,
    SdkServer,
    Sent,
    chat,
    chat_events,
    message,
    message_events,
    response,
    response_events,
)

SHRUG = "I do not know."


@dataclass(frozen=True)
class Turn:
    """What a request says, whatever API it speaks.

    Attributes:
        question: The last thing that the user said.
        called: The names of the tools that were called since then.
        results: What they returned.
        tools: The schema of each tool on offer, by its name.
    """

    question: str
    called: tuple[str, ...]
    results: tuple[str, ...]
    tools: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """A tool call that the model makes."""

    id: str
    name: str
    arguments: Body


class ToolModel:
    """Answers a server's requests in chat completions, responses and messages.

    Args:
        server: The server, which gets its answers from here.
        share: How often the last word is the tool's result.
    """

    def __init__(self, server: SdkServer, share: float = 0.9) -> None:
        self.share = share
        self._apis = {
            "/chat/completions": (_read_chat, _write_chat, chat_events),
            "/responses": (_read_response, _write_response, _response_events),
            "/messages": (_read_message, _write_message, message_events),
        }
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._other, server.answer = server.answer, self.answer

    def answer(self, got: Got) -> Sent:
        """Answer one request."""
        path = got.path.partition("?")[0]
        for end, (read, write, events) in self._apis.items():
            if path.endswith(end):
                whole = write(got.body, self._said(got.body, read(got.body)))
                if got.body.get("stream"):
                    return Sent(events(whole).encode(), headers={"Content-Type": "text/event-stream"})
                return Sent(whole)
        return self._other(got)

    def _said(self, body: Body, turn: Turn) -> Wanted | str:
        for name, schema in turn.tools.items():
            if name not in turn.called:
                city = re.findall(r"[A-Z]\w+", turn.question)[-1]
                given = dict.fromkeys(schema.get("properties") or (), city)
                return Wanted(f"call_{len(turn.called) + 1}", name, given)
        request = json.dumps(body, sort_keys=True)
        with self._lock:
            n_before = self._seen[request]
            self._seen[request] += 1
        drawn = hashlib.sha256(f"{request}{n_before}".encode()).digest()
        is_good = turn.results and drawn[0] / 256 < self.share
        return f"It is {turn.results[-1]}." if is_good else SHRUG


def _read_chat(body: Body) -> Turn:
    tools = [tool["function"] for tool in body.get("tools") or ()]
    said: list[tuple[str, str]] = []
    for turn in body["messages"]:
        said += [("call", call["function"]["name"]) for call in turn.get("tool_calls") or ()]
        if turn["role"] in ("user", "tool"):
            said.append((turn["role"], _text(turn["content"])))
    return _turn(said, {tool["name"]: tool.get("parameters") or {} for tool in tools})


def _read_response(body: Body) -> Turn:
    asked = body["input"]
    said: list[tuple[str, str]] = []
    for item in [{"role": "user", "content": asked}] if isinstance(asked, str) else asked:
        match item:
            case {"type": "function_call", "name": name}:
                said.append(("call", name))
            case {"type": "function_call_output", "output": output}:
                said.append(("tool", _text(output)))
            case {"role": "user", "content": content}:
                said.append(("user", _text(content)))
    tools = [tool for tool in body.get("tools") or () if tool["type"] == "function"]
    return _turn(said, {tool["name"]: tool.get("parameters") or {} for tool in tools})


def _read_message(body: Body) -> Turn:
    said: list[tuple[str, str]] = []
    for turn in body["messages"]:
        content = turn["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            match part:
                case {"type": "tool_use", "name": name}:
                    said.append(("call", name))
                case {"type": "tool_result", "content": result}:
                    said.append(("tool", _text(result)))
                case {"type": "text", "text": text} if turn["role"] == "user":
                    said.append(("user", text))
    tools = body.get("tools") or ()
    return _turn(said, {tool["name"]: tool.get("input_schema") or {} for tool in tools})


def _turn(said: Iterable[tuple[str, str]], tools: Mapping[str, Mapping[str, Any]]) -> Turn:
    question, called, results = "", list[str](), list[str]()
    for kind, text in said:
        match kind:
            case "user":
                question, called, results = text, [], []
            case "call":
                called.append(text)
            case _:
                results.append(text)
    return Turn(question, tuple(called), tuple(results), tools)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content)


def _write_chat(body: Body, said: Wanted | str) -> Body:
    if isinstance(said, str):
        return chat(body, said)
    whole = chat(body, "", "tool_calls")
    function = {"name": said.name, "arguments": json.dumps(said.arguments)}
    calls = [{"id": said.id, "type": "function", "function": function}]
    whole["choices"][0]["message"] |= {"content": None, "tool_calls": calls}
    return whole


def _write_response(body: Body, said: Wanted | str) -> Body:
    if isinstance(said, str):
        return response(body, said)
    call = {"type": "function_call", "id": f"fc_{said.id}", "call_id": said.id, "status": "completed"}
    return {
        **response(body, ""),
        "output": [{**call, "name": said.name, "arguments": json.dumps(said.arguments)}],
    }


def _write_message(body: Body, said: Wanted | str) -> Body:
    if isinstance(said, str):
        return message(body, said)
    used = {"type": "tool_use", "id": said.id, "name": said.name, "input": said.arguments}
    return {**message(body, ""), "content": [used], "stop_reason": "tool_use"}


def _response_events(whole: Body) -> str:
    (item,) = whole["output"]
    if item["type"] == "message":
        return response_events(whole)
    at = {"item_id": item["id"], "output_index": 0}
    events: list[Body] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", **at, "delta": item["arguments"]},
        {"type": "response.function_call_arguments.done", **at, "arguments": item["arguments"]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    numbered = [{"sequence_number": number, **event} for number, event in enumerate(events)]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in numbered)
