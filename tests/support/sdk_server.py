"""A loopback server that answers the SDKs: chat completions, responses, messages, embeddings and models.

The same request gets the same answer: what it says is drawn by the hash of its body, and of how often that
body came before.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.listening import LoopbackServer

Body = dict[str, Any]


@dataclass(frozen=True)
class Got:
    """One request."""

    method: str
    path: str
    body: Body
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Sent:
    """One answer: JSON, or the bytes of any body."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class SdkServer:
    """The server.

    Attributes:
        calls: The requests so far.
        answer: Makes an answer; may be replaced.
        said: Makes a reply's text of a request's body and of how often that came before.
        share: How often `said` is "yes".
    """

    def __init__(self) -> None:
        self.calls: list[Got] = []
        self.share = 1.0
        self.answer: Callable[[Got], Sent] = self.reply
        self.said: Callable[[Body, int], str] = self.yes_or_no
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = LoopbackServer(_handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [call.path for call in self.calls]

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def note(self, got: Got) -> Sent:
        """Count a request, and answer it."""
        with self._lock:
            self.calls.append(got)
        return self.answer(got)

    def yes_or_no(self, body: Body, n_before: int) -> str:
        """Say yes or no, by the hash of the request."""
        drawn = hashlib.sha256(f"{json.dumps(body, sort_keys=True)}{n_before}".encode()).digest()
        return "yes" if drawn[0] / 256 < self.share else "no"

    def reply(self, got: Got) -> Sent:
        """Answer as the SDKs expect."""
        path = got.path.partition("?")[0]
        if path.endswith("/models"):
            return Sent({"object": "list", "data": [{"id": "tiny", "object": "model", "owned_by": "lab"}]})
        if path.endswith("/embeddings"):
            return Sent(embeddings(got.body))
        with self._lock:
            seen = json.dumps(got.body, sort_keys=True)
            n_before = self._seen[seen]
            self._seen[seen] += 1
        text = self.said(got.body, n_before)
        if path.endswith("/chat/completions"):
            whole, events = chat(got.body, text), chat_events
        elif path.endswith("/responses"):
            whole, events = response(got.body, text), response_events
        elif path.endswith("/messages"):
            whole, events = message(got.body, text), message_events
        else:
            return Sent({"error": {"message": f"no such path: {path}", "type": "not_found"}}, 404)
        if not got.body.get("stream"):
            return Sent(whole, headers={"x-request-id": "req-7", "request-id": "req-7"})
        return Sent(events(whole).encode(), headers={"Content-Type": "text/event-stream; charset=utf-8"})


def chat(body: Body, text: str, finish: str = "stop") -> Body:
    """Return a chat completion; a text `TOOL {...}` calls the first tool with these arguments."""
    said: Body = {"role": "assistant", "content": text, "refusal": None}
    if text.startswith("TOOL ") and body.get("tools"):
        function = {"name": body["tools"][0]["function"]["name"], "arguments": text[5:]}
        said |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
        finish = "tool_calls"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": f"{body['model']}-2026-11-01",
        "choices": [{"index": 0, "message": said, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def chat_events(whole: Body) -> str:
    """Return a chat completion as a stream, a few letters at a time."""
    (choice,) = whole["choices"]
    said = choice["message"]
    deltas: list[Body] = [{"role": "assistant", "content": ""}]
    if calls := said.get("tool_calls"):
        (call,) = calls
        function = call["function"]
        begun = {"index": 0, "id": call["id"], "type": "function"}
        deltas.append({"tool_calls": [{**begun, "function": {"name": function["name"], "arguments": ""}}]})
        pieces = _pieces(function["arguments"])
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
    else:
        deltas += [{"content": piece} for piece in _pieces(said["content"])]
    head = {name: whole[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    parts = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    parts.append({"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]})
    chunks = [{**head, "choices": [part]} for part in parts]
    chunks.append({**head, "choices": [], "usage": whole["usage"]})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def response(body: Body, text: str) -> Body:
    """Return a response of the responses API."""
    part = {"type": "output_text", "text": text, "annotations": []}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "completed",
        "model": f"{body['model']}-2026-11-01",
        "output": [said],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "total_tokens": 15,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }


def response_events(whole: Body) -> str:
    """Return a response as a stream."""
    begun = {**whole, "status": "in_progress", "output": []}
    (item,) = whole["output"]
    (part,) = item["content"]
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[Body] = [
        {"type": "response.created", "response": begun},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**item, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *(
            {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
            for piece in _pieces(part["text"])
        ),
        {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return _named({"sequence_number": number, **event} for number, event in enumerate(events))


def message(body: Body, text: str) -> Body:
    """Return a message of the messages API; a text `TOOL {...}` uses the first tool."""
    content: list[Body] = [{"type": "text", "text": text}]
    if text.startswith("TOOL ") and body.get("tools"):
        name = body["tools"][0]["name"]
        content = [{"type": "tool_use", "id": "toolu_1", "name": name, "input": json.loads(text[5:])}]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": f"{body['model']}-2026-11-01",
        "content": content,
        "stop_reason": "tool_use" if content[0]["type"] == "tool_use" else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }


def message_events(whole: Body) -> str:
    """Return a message as a stream."""
    (block,) = whole["content"]
    events: list[Body] = [
        {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}},
        {"type": "ping"},
    ]
    if block["type"] == "text":
        begun = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
    else:
        begun = {**block, "input": {}}
        pieces = _pieces(json.dumps(block["input"]))
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    events.append({"type": "content_block_start", "index": 0, "content_block": begun})
    events += [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events += [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return _named(events)


def embeddings(body: Body) -> Body:
    """Return embeddings of four numbers: how often a text holds each of the first letters."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    vectors = [[float(text.lower().count(letter)) for letter in "abcd"] for text in texts]
    data = [
        {"object": "embedding", "index": index, "embedding": _coded(vector, body.get("encoding_format"))}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 3 * len(texts), "total_tokens": 3 * len(texts)}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def _coded(vector: list[float], coding: str | None) -> Any:
    if coding != "base64":
        return vector
    import base64
    import struct

    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _pieces(text: str) -> list[str]:
    return [text[place : place + 3] for place in range(0, len(text), 3)]


def _named(events: Any) -> str:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


def _handler(server: SdkServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._do({})

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                body = json.loads(content)
            except ValueError:
                body = {"content": content.decode("latin-1")}
            self._do(body)

        def _do(self, body: Body) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent = server.note(Got(self.command, self.path, body, headers))
            data = sent.body if isinstance(sent.body, bytes) else json.dumps(sent.body).encode()
            try:
                self.send_response(sent.status)
                for name, value in {"Content-Type": "application/json", **sent.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler
