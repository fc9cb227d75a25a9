"""OpenAI's responses API, which shows and carries on the reasoning of OpenAI's models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_velo.errors import RequestError
from pytest_velo.providers.clients import HttpProvider, Wire, openai_transport
from pytest_velo.providers.endings import ending
from pytest_velo.providers.failures import inner_status, read_inside, settle_failure
from pytest_velo.providers.openai_logprobs import dropped_logprobs, read_logprobs
from pytest_velo.providers.wire import (
    arguments_text,
    called,
    content_parts,
    count,
    data_url,
    given,
    is_strict,
    n_alternatives,
    own_parameters,
    parsed_answer,
    plain_text,
    text_or_none,
)
from pytest_velo.records import FinishReason, JsonObject, Reply, Request, ToolCall, Usage
from pytest_velo.settings import Endpoint

if TYPE_CHECKING:
    import httpx2

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
    wire = Wire(path="/responses", to_wire=to_wire, from_wire=from_wire)
    return HttpProvider(endpoint, wire, openai_transport(endpoint, slots=slots, http_client=http_client))


def to_wire(request: Request, _seed: int | None) -> dict[str, Any]:
    """Return the body of POST /responses; the API takes neither a seed nor stop sequences.

    With `effort`, the reasoning is requested in its encrypted, self-contained form, so that a turn read from
    the cache can be sent back long after the server forgot it.

    Source: https://platform.openai.com/docs/api-reference/responses/create

    Raises:
        UsageError: `logprobs` is not a valid number of alternatives.
    """
    body: dict[str, Any] = {
        "model": request.model,
        "input": [item for message in request.messages for item in _items(message)],
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
        body["tools"] = [{"type": "function", "strict": False, **tool} for tool in tools]
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
    return _merged(body, include, own_parameters(request))


def _merged(body: dict[str, Any], include: Sequence[str], own: Mapping[str, Any]) -> dict[str, Any]:
    """Add the caller's own parameters; theirs win, and lists and objects in both are joined."""
    wanted = list(dict.fromkeys([*include, *own.get("include", ())]))
    merged = {name: value for name, value in own.items() if name != "include"}
    for name in ("reasoning", "text"):
        if isinstance(own.get(name), Mapping):
            merged[name] = {**body.get(name, {}), **own[name]}
    return body | merged | ({"include": wanted} if wanted else {})


def _items(message: JsonObject) -> list[JsonObject]:
    """Return the input items of one neutral message; a turn with blocks goes back exactly as it came."""
    role = message["role"]
    if role == "tool":
        output = plain_text(message)
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": output}]
    if blocks := message.get("blocks"):
        return list(blocks)
    items: list[JsonObject] = []
    if parts := [_part(part, role) for part in content_parts(message)]:
        content = message["content"]
        items.append({"role": role, "content": content if isinstance(content, str) else parts})
    items += [
        {
            "type": "function_call",
            "call_id": call["id"],
            "name": call["name"],
            "arguments": arguments_text(call),
        }
        for call in message.get("tool_calls") or ()
    ]
    return items


def _part(part: JsonObject, role: str) -> JsonObject:
    match part.get("type"):
        case "text":
            return {"type": "output_text" if role == "assistant" else "input_text", "text": part["text"]}
        case "image":
            return {"type": "input_image", "image_url": data_url(part), "detail": "auto"}
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
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    refusal = "".join(part["refusal"] for part in parts if part["type"] == "refusal")
    text = "".join(part["text"] for part in parts if part["type"] == "output_text") or refusal
    calls = tuple(_tool_call(item) for item in items if item["type"] == "function_call")
    logprobs = tuple(token for part in parts for token in read_logprobs(part.get("logprobs")))
    stop = () if given(request, "stop") is None else ("stop",)
    return Reply(
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
