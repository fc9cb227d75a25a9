"""OpenAI's responses API, which shows and carries on the reasoning of OpenAI's models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_velo.errors import RequestError, UsageError
from pytest_velo.providers.clients import HttpProvider, Wire, openai_transport
from pytest_velo.providers.endings import ending
from pytest_velo.providers.failures import inner_status, read_inside, settle_failure
from pytest_velo.providers.openai_logprobs import dropped_logprobs, read_logprobs
from pytest_velo.providers.prefill import continued
from pytest_velo.providers.wire import (
    IMAGE,
    OWN_BLOCKS,
    arguments_text,
    beside,
    call_fields,
    called,
    content_parts,
    count,
    data_url,
    given,
    is_plain_text,
    is_strict,
    n_alternatives,
    own_parameters,
    parsed_answer,
    plain_text,
    refuse_audio,
    refuse_edited,
    refuse_fields,
    refuse_parameters,
    text_or_none,
)
from pytest_velo.records import FinishReason, JsonObject, Reply, Request, ToolCall, Usage
from pytest_velo.settings import Endpoint

if TYPE_CHECKING:
    import httpx2

_FIXED = {
    "model": 'name the model in the mark, or velo.model("…")',
    "input": "give the messages as the prompt",
    "stream": "leave stream= out: a reply is read whole",
    "background": "leave background= out: a reply is waited for",
}
_TOGETHER = {"max_output_tokens": "max_tokens", "top_logprobs": "logprobs"}
_JOINED = {"reasoning": ("effort", "effort"), "text": ("format", "schema")}
_API = "the responses API"
_FOREIGN = ("text", "thinking", "redacted_thinking", "tool_use")  # blocks of Anthropic's
_ROLES = ("user", "assistant", "system", "developer", "tool")
_ITEM = ("type", "id", "status", "phase")  # of a message, besides role and content
_NOT_CUT = (FinishReason.STOP, FinishReason.TOOL_CALLS, FinishReason.OTHER)
_UNFINISHED = ("queued", "in_progress")


def open_responses(
    endpoint: Endpoint, *, slots: int, http_client: httpx2.AsyncClient | None = None
) -> HttpProvider:
    """Return a provider for an endpoint that speaks the responses API.

    Args:
        endpoint: Where it is.
        slots: Maximum number of calls in flight, >= 1.
        http_client: Carries the SDK's requests instead of the SDK's own client (for tests and proxies).
    """
    return HttpProvider(endpoint, wire(), openai_transport(endpoint, slots=slots, http_client=http_client))


def wire() -> Wire:
    """Return how the responses API is spoken."""
    return Wire(path="/responses", to_wire=to_wire, from_wire=from_wire)


def to_wire(request: Request, _seed: int | None) -> dict[str, Any]:
    """Return the body of POST /responses; the API takes neither a seed nor stop sequences.

    With `effort`, the reasoning is requested in its encrypted, self-contained form, so that a turn read from
    the cache can be sent back long after the server forgot it.

    Source: https://platform.openai.com/docs/api-reference/responses/create

    Raises:
        UsageError: `logprobs` is not a valid number of alternatives, a parameter would replace what the call
            sends anyway, or a message has what the API has no place for.
        KeyError: A message lacks a part.
    """
    refuse_audio(request, _API)
    body: dict[str, Any] = {
        "model": request.model,
        "input": [
            item
            for place, message in enumerate(request.messages)
            for item in _items(message, f"messages[{place}]", request)
        ],
    }
    include: list[str] = []
    for name, wire_name in (
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("max_tokens", "max_output_tokens"),
    ):
        if (value := given(request, name)) is not None:
            body[wire_name] = value
    if tools := given(request, "tools"):
        body["tools"] = [_tool(tool) for tool in tools]
    if (schema := given(request, "schema")) is not None:
        strict = is_strict(schema)
        body["text"] = {
            "format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": strict}
        }
    if (alternatives := n_alternatives(request)) is not None:
        body["top_logprobs"] = alternatives
        include.append("message.output_text.logprobs")
    if (effort := given(request, "effort")) is not None:
        body |= {"reasoning": {"effort": effort}, "store": False}
        include.append("reasoning.encrypted_content")
    refuse_parameters(request, body, _FIXED, _TOGETHER)
    own = own_parameters(request)
    for name, (field, neutral) in _JOINED.items():
        if given(request, neutral) is not None and field in (own.get(name) or ()):
            raise UsageError(
                f"`{neutral}` and `{name}` set the same",
                where=f"{request.endpoint}, model {request.model}",
                fix=f"leave {field} out of {name}=",
            )
    return _merged(body, include, own)


def _tool(tool: JsonObject) -> JsonObject:
    """Return one neutral tool; one that is no function is the API's own, and stays as it is."""
    is_function = tool.get("type", "function") == "function"
    return {"type": "function", "strict": False, **tool} if is_function else tool


def _merged(body: dict[str, Any], include: Sequence[str], own: Mapping[str, Any]) -> dict[str, Any]:
    """Add the caller's own parameters; theirs win, and lists and objects in both are joined."""
    wanted = list(dict.fromkeys([*include, *own.get("include", ())]))
    merged = {name: value for name, value in own.items() if name != "include"}
    for name in ("reasoning", "text"):
        if isinstance(own.get(name), Mapping):
            merged[name] = {**body.get(name, {}), **own[name]}
    return body | merged | ({"include": wanted} if wanted else {})


def _items(message: JsonObject, place: str, request: Request) -> list[JsonObject]:
    """Return the input items of one neutral message; a turn with blocks goes back exactly as it came."""
    role = message["role"]
    refuse_fields(request, place, [] if role in _ROLES else ["role"], _API, f"a role is {', '.join(_ROLES)}")
    rest = beside(message, "role", "content", "tool_calls", "blocks")
    if role == "tool":
        answered = {"call_id": rest.pop("tool_call_id"), "output": _output(message, place, request)}
        refuse_fields(request, place, rest.keys() - {"id", "status"}, _API)
        return [{"type": "function_call_output", **answered, **rest}]
    refuse_fields(request, place, rest.keys() - set(_ITEM), _API)
    if blocks := message.get("blocks"):
        foreign = any(
            block.get("type") in _FOREIGN or str(block.get("type")).startswith("reasoning.")
            for block in blocks
        )
        refuse_fields(request, place, ["blocks"] if foreign else [], _API, OWN_BLOCKS)
        said = _said(blocks) or _refusal(blocks)
        refuse_edited(request, place, message, said, {block.get("call_id") for block in blocks})
        return list(blocks)
    items: list[JsonObject] = []
    sent = [
        _part(part, role, f"{place}.content[{n}]", request) for n, part in enumerate(content_parts(message))
    ]
    if sent or not message.get("tool_calls"):
        content = message.get("content") or ""
        items.append({"role": role, "content": content if isinstance(content, str) else sent, **rest})
    items += [_sent_call(call) for call in message.get("tool_calls") or ()]
    return items


def _sent_call(call: JsonObject) -> JsonObject:
    return {
        "type": "function_call",
        "call_id": call["id"],
        "name": call["name"],
        "arguments": arguments_text(call),
        **call_fields(call),
    }


def _output(message: JsonObject, place: str, request: Request) -> Any:
    """Return what a tool gave: text, or parts if it is more than text."""
    parts = content_parts(message)
    if is_plain_text(parts):
        return plain_text(message)
    return [_part(part, "tool", f"{place}.content[{n}]", request) for n, part in enumerate(parts)]


def _part(part: JsonObject, role: str, place: str, request: Request) -> JsonObject:
    match part.get("type"):
        case "text":
            refuse_fields(request, place, beside(part, "type", "text"), _API)
            return {"type": "output_text" if role == "assistant" else "input_text", "text": part["text"]}
        case "image":
            refuse_fields(request, place, beside(part, *IMAGE, "detail"), _API)
            return {
                "type": "input_image",
                "image_url": data_url(part),
                "detail": part.get("detail", "auto"),
            }
        case _:
            return part


def from_wire(body: JsonObject, request: Request, latency_s: float) -> Reply:
    """Return the reply in a body of the responses API.

    Source: https://platform.openai.com/docs/api-reference/responses/object

    Args:
        body: The parsed body.
        request: The request; the text is parsed if it has a schema.
        latency_s: Seconds from sending to the whole reply.

    Raises:
        VeloError: The server answered 200 but reports a failure inside.
        KeyError, TypeError: The body is not such a reply.
    """
    if body.get("status") == "failed":
        error = body.get("error") or {}
        status = inner_status(error)
        failure = read_inside(502 if status < 400 else status, {}, {**body, "error": error})
        settled = settle_failure(failure, request, latency_s)
        usage, served = _usage(body.get("usage") or {}), text_or_none(body.get("model"))
        return replace(settled, usage=usage, model_served=served, raw=body)
    items: Sequence[Mapping[str, Any]] = body["output"]
    parts = _contents(items)
    refusal = _refusal(items)
    text = _said(items) or refusal
    calls = tuple(_tool_call(item) for item in items if item["type"] == "function_call")
    logprobs = tuple(token for part in parts for token in read_logprobs(part.get("logprobs")))
    stop = () if given(request, "stop") is None else ("stop",)
    reply = Reply(
        text=text,
        reasoning=_reasoning(items),
        finish_reason=FinishReason.REFUSAL if refusal else _finish(body, calls, request),
        refused=bool(refusal),
        parsed=parsed_answer(text, request),
        tool_calls=calls,
        logprobs=logprobs,
        usage=_usage(body.get("usage") or {}),
        latency_s=latency_s,
        model_served=text_or_none(body.get("model")),
        not_honoured=("seed", *stop, *dropped_logprobs(request, text, logprobs)),
        blocks=tuple(items),
        raw=body,
    )
    return continued(reply, request)


def _contents(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the parts of what a turn says."""
    return [part for item in items if item["type"] == "message" for part in item["content"]]


def _said(items: Sequence[Mapping[str, Any]]) -> str:
    return "".join(part["text"] for part in _contents(items) if part["type"] == "output_text")


def _refusal(items: Sequence[Mapping[str, Any]]) -> str:
    return "".join(part["refusal"] for part in _contents(items) if part["type"] == "refusal")


def _finish(body: JsonObject, calls: tuple[ToolCall, ...], request: Request) -> FinishReason:
    """Return why a response ended, by its status."""
    match status := body.get("status"):
        case "completed" | None:
            return FinishReason.TOOL_CALLS if calls else FinishReason.STOP
        case "incomplete":
            # Whatever the reason, it is not whole.
            finish = ending((body.get("incomplete_details") or {}).get("reason"), request)
            return FinishReason.LENGTH if finish in _NOT_CUT else finish
        case _ if status in _UNFINISHED:
            raise RequestError(
                f"the response is only {status}: it is made in the background",
                where=f"{request.endpoint}, model {request.model}",
                fix="leave background= out of the call",
            )
        case _:
            return ending(status, request)


def _reasoning(items: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the visible reasoning: its text if the server gives it, else its summary."""
    shown: list[str] = []
    for item in items:
        if item["type"] == "reasoning":
            parts = item.get("content") or item.get("summary") or ()
            shown += [part["text"] for part in parts]
    return "\n\n".join(shown) or None


def _tool_call(item: Mapping[str, Any]) -> ToolCall:
    return called(item.get("call_id"), item["name"], item["arguments"])


def _usage(usage: Mapping[str, Any]) -> Usage:
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count((usage.get("output_tokens_details") or {}).get("reasoning_tokens")),
        cached_input_tokens=count((usage.get("input_tokens_details") or {}).get("cached_tokens")),
    )
