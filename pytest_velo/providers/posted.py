"""What an SDK's client posts: which API it speaks, what it asks, and how its answer is read.

A client's request is sent as it is. What is made of it here is the key of its draw, which holds all of it,
and its neutral form, which transcripts show and replies are read with.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import unquote

import msgspec

from pytest_velo.providers import anthropic_messages, openai_chat, openai_responses
from pytest_velo.providers.streams import Whole, whole_chat, whole_message, whole_response
from pytest_velo.providers.wire import beside, count, text_or_none
from pytest_velo.records import JsonObject, Reply, Request, Usage
from pytest_velo.settings import Api

EMBEDDINGS = "openai-embeddings"
"""The wire family of embeddings, which no endpoint has alone."""

BINARY_STREAM = "/invoke-with-response-stream"
"""How the path of a stream of Bedrock's ends, which is not text."""

_BETA_HEADERS = ("anthropic-beta", "openai-beta")
"""Headers that change what is answered, and so belong to what is asked."""

_Messages = list[JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One API as clients post to it.

    Attributes:
        api: Its wire family.
        path: How the paths end that it is posted to; a group `model` is the model's name.
        sequence: The field of the body that holds the conversation.
        messages: Converts a body to neutral messages, for transcripts.
        schema: Finds the JSON schema that a body asks its reply to follow; None without one.
        from_wire: Converts an answer's body to the reply.
        whole: Puts a stream together; None where the API has none that is text.
        is_read: Its replies are a model's words, which may be cut or empty.
    """

    api: str
    path: re.Pattern[str]
    sequence: str
    messages: Callable[[JsonObject], _Messages]
    schema: Callable[[JsonObject], Any]
    from_wire: Callable[[JsonObject, Request, float], Reply]
    whole: Whole | None
    is_read: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A client's request for a draw, understood.

    Attributes:
        posting: The API.
        model: The model's name.
        body: The whole body.
    """

    posting: Posting
    model: str
    body: JsonObject

    def request(self, endpoint: str, path: str, headers: Mapping[str, str]) -> JsonObject:
        """Return the fields of the request that its draw is stored under."""
        sequence = self.posting.sequence
        listed = self.body.get(sequence)
        turns = _objects(listed)
        is_list = isinstance(listed, list) and len(turns) == len(listed)
        own = ("model", sequence) if is_list else ("model",)
        betas = {name: headers[name] for name in _BETA_HEADERS if name in headers}
        return {
            "api": self.posting.api,
            "endpoint": endpoint,
            "model": self.model,
            "messages": tuple(turns) if is_list else (),
            "parameters": {**beside(self.body, *own), **betas},
            "path": path,
        }

    def shown(self, endpoint: str, path: str) -> Request:
        """Return the request in neutral form."""
        body = self.body
        renamed = {_NEUTRAL.get(name, name): value for name, value in body.items() if name in _SHOWN}
        schema = self.posting.schema(body)
        return Request(
            api=self.posting.api,
            endpoint=endpoint,
            model=self.model,
            messages=tuple(self.posting.messages(body)),
            parameters=renamed if schema is None else {**renamed, "schema": schema},
            path=path,
        )


_NEUTRAL = {
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "stop_sequences": "stop",
    "reasoning_effort": "effort",
}
_SHOWN = frozenset({"temperature", "top_p", "max_tokens", "stop", *_NEUTRAL})


def understood(method: str, path: str, content: bytes) -> Posted | None:
    """Return what a request asks a model; None if it asks none."""
    if method != "POST":
        return None
    for posting in _POSTINGS:
        found = posting.path.search(path)
        if found is None:
            continue
        try:
            body = msgspec.json.decode(content)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        named = found.groupdict().get("model")
        model = unquote(named) if named else body.get("model") if isinstance(body, dict) else None
        if isinstance(body, dict) and isinstance(model, str) and posting.sequence in body:
            return Posted(posting=posting, model=model, body=body)
    return None


def is_draw(method: str, path: str) -> bool:
    """Tell whether a request goes where models are asked, whatever it holds."""
    return method == "POST" and any(posting.path.search(path) for posting in _POSTINGS)


def _chat_messages(body: JsonObject) -> _Messages:
    return [_with_calls(message) for message in _objects(body.get("messages"))]


def _with_calls(message: JsonObject) -> JsonObject:
    calls = [_neutral_call(call) for call in _objects(message.get("tool_calls"))]
    return {**message, "tool_calls": calls} if calls else beside(message, "tool_calls")


def _neutral_call(call: JsonObject) -> JsonObject:
    function = call.get("function")
    if not isinstance(function, Mapping):
        return call
    return {"id": call.get("id"), "name": function.get("name"), "arguments": function.get("arguments")}


def _chat_schema(body: JsonObject) -> Any:
    return _inside(body, "response_format", "json_schema", "schema")


def _response_messages(body: JsonObject) -> _Messages:
    told = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    asked = body.get("input")
    if isinstance(asked, str):
        return [*told, {"role": "user", "content": asked}]
    return [*told, *_turns(map(_response_item, _objects(asked)))]


def _turns(items: Iterable[JsonObject]) -> Iterator[JsonObject]:
    """Give messages; the items of one reply (thoughts, text, calls) are one, as they were in its call."""
    for is_reply, group in groupby(items, key=lambda item: item.get("role") == "assistant"):
        said = [*group]
        if not is_reply or len(said) == 1:
            yield from said
            continue
        calls = [call for item in said for call in item.get("tool_calls") or ()]
        thoughts = "\n".join(item["reasoning"] for item in said if item.get("reasoning"))
        yield {
            "role": "assistant",
            "content": [part for item in said for part in _parts(item.get("content"))],
            **({"reasoning": thoughts} if thoughts else {}),
            **({"tool_calls": calls} if calls else {}),
        }


def _parts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _response_item(item: JsonObject) -> JsonObject:
    match item.get("type"):
        case "function_call":
            call = {"id": item.get("call_id"), "name": item.get("name"), "arguments": item.get("arguments")}
            return {"role": "assistant", "content": "", "tool_calls": [call]}
        case "function_call_output":
            output = item.get("output")
            said = output if isinstance(output, str | list) else json.dumps(output, default=str)
            return {"role": "tool", "tool_call_id": item.get("call_id"), "content": said}
        case "reasoning":
            thoughts = [part.get("text") or "" for part in _objects(item.get("summary"))]
            return {"role": "assistant", "content": "", "reasoning": "\n".join(thoughts)}
        case "message" | None if "role" in item:
            return item
        case _:
            return {"role": "assistant", "content": [item]}


def _response_schema(body: JsonObject) -> Any:
    return _inside(body, "text", "format", "schema")


def _anthropic_messages(body: JsonObject) -> _Messages:
    system = body.get("system")
    told = [{"role": "system", "content": system}] if system else []
    return [*told, *(said for turn in _objects(body.get("messages")) for said in _anthropic_turn(turn))]


def _anthropic_turn(turn: JsonObject) -> Iterator[JsonObject]:
    """Give one turn; the results of tools in it are messages of their own, and calls are calls."""
    content = turn.get("content")
    if not isinstance(content, list):
        yield turn
        return
    parts = _objects(content)
    for part in parts:
        if part.get("type") == "tool_result":
            yield {"role": "tool", "tool_call_id": part.get("tool_use_id"), "content": part.get("content")}
    calls = [
        {"id": part.get("id"), "name": part.get("name"), "arguments": json.dumps(part.get("input"))}
        for part in parts
        if part.get("type") == "tool_use"
    ]
    rest = [part for part in parts if part.get("type") not in ("tool_result", "tool_use")]
    if rest or calls:
        yield {**turn, "content": rest, **({"tool_calls": calls} if calls else {})}


def _anthropic_schema(body: JsonObject) -> Any:
    return _inside(body, "output_config", "format", "schema") or _inside(body, "output_format", "schema")


def _embedded_texts(body: JsonObject) -> _Messages:
    asked = body.get("input")
    texts = asked if isinstance(asked, list) and not all(isinstance(part, int) for part in asked) else [asked]
    return [{"role": "user", "content": _embedded_text(text)} for text in texts]


def _embedded_text(text: Any) -> str:
    if isinstance(text, str):
        return text
    return f"[{len(text)} tokens]" if isinstance(text, list) else json.dumps(text, default=str)


def _embeddings_from_wire(body: JsonObject, request: Request, latency_s: float) -> Reply:
    """Return what a body of embeddings is in a transcript: how many, and how long.

    Source: https://platform.openai.com/docs/api-reference/embeddings/object

    Raises:
        KeyError, TypeError, ValueError: The body is something else.
    """
    listed = body["data"]
    if not listed:
        raise ValueError("it holds no embedding")
    lengths = {_length(entry["embedding"]) for entry in listed}
    sizes = " or ".join(f"{length:,}" for length in sorted(lengths))
    noun = "embedding" if len(listed) == 1 else "embeddings"
    usage = body.get("usage") or {}
    return Reply(
        text=f"[{len(listed)} {noun} of {sizes} numbers]",
        usage=Usage(input_tokens=count(usage.get("prompt_tokens")), output_tokens=0),
        latency_s=latency_s,
        model_served=text_or_none(body.get("model")),
        raw=body,
    )


def _length(embedding: Any) -> int:
    """Return how many numbers an embedding has; as text, it is base64 of 32-bit floats."""
    return len(b64decode(embedding)) // 4 if isinstance(embedding, str) else len(embedding)


def _no_schema(_body: JsonObject) -> None:
    return None


def _objects(value: Any) -> list[JsonObject]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def _inside(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _messages_posting(path: str, whole: Whole | None) -> Posting:
    return Posting(
        api=Api.ANTHROPIC,
        path=re.compile(path),
        sequence="messages",
        messages=_anthropic_messages,
        schema=_anthropic_schema,
        from_wire=anthropic_messages.from_wire,
        whole=whole,
    )


_POSTINGS = (
    Posting(
        api=Api.OPENAI_CHAT,
        path=re.compile(r"/chat/completions$"),
        sequence="messages",
        messages=_chat_messages,
        schema=_chat_schema,
        from_wire=openai_chat.from_wire,
        whole=whole_chat,
    ),
    Posting(
        api=Api.OPENAI_RESPONSES,
        path=re.compile(r"/responses$"),
        sequence="input",
        messages=_response_messages,
        schema=_response_schema,
        from_wire=openai_responses.from_wire,
        whole=whole_response,
    ),
    _messages_posting(r"/messages$", whole_message),
    Posting(
        api=EMBEDDINGS,
        path=re.compile(r"/embeddings$"),
        sequence="input",
        messages=_embedded_texts,
        schema=_no_schema,
        from_wire=_embeddings_from_wire,
        whole=None,
        is_read=False,
    ),
    # Bedrock's and Vertex's own addresses name the model. A stream of Bedrock's is binary, and not read.
    _messages_posting(r"/model/(?P<model>[^/]+)/invoke(?:-with-response-stream)?$", None),
    _messages_posting(
        r"/publishers/anthropic/models/(?P<model>[^/:]+):(?:streamR|r)awPredict$", whole_message
    ),
)
