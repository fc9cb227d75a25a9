"""Anthropic's messages API."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_velo.errors import UsageError
from pytest_velo.providers.clients import HttpProvider, Wire, anthropic_transport
from pytest_velo.providers.endings import ending
from pytest_velo.providers.wire import (
    arguments_text,
    content_parts,
    count,
    given,
    json_object,
    own_parameters,
    parsed_answer,
    plain_text,
    text_or_none,
)
from pytest_velo.records import FinishReason, JsonObject, Reply, Request, ToolCall, Usage
from pytest_velo.settings import Endpoint

if TYPE_CHECKING:
    import httpx2

DEFAULT_MAX_TOKENS = 4096
"""Sent if the caller gives no `max_tokens`: the API requires a limit.

A thinking budget is added to it, because the budget has to stay below the limit.
"""

_SAMPLING = ("temperature", "top_p", "top_k")
# Newer versions of the API refuse the sampling parameters; this one takes them.
_SAMPLING_VERSION = {"anthropic-version": "2023-06-01"}


def open_messages(
    endpoint: Endpoint, *, slots: int, http_client: httpx2.AsyncClient | None = None
) -> HttpProvider:
    """Return a provider for an endpoint that speaks the messages API.

    Args:
        endpoint: Where it is.
        slots: Maximum number of calls in flight, >= 1.
        http_client: Carries the SDK's requests instead of the SDK's own client (for tests and proxies).
    """
    wire = Wire(path="/v1/messages", to_wire=to_wire, from_wire=from_wire, headers=headers)
    return HttpProvider(endpoint, wire, anthropic_transport(endpoint, slots=slots, http_client=http_client))


def headers(body: JsonObject) -> Mapping[str, str]:
    """Return the headers a body needs: the API version that accepts sampling parameters, if it has some."""
    return _SAMPLING_VERSION if any(name in body for name in _SAMPLING) else {}


def to_wire(request: Request, _seed: int | None) -> dict[str, Any]:
    """Return the body of POST /v1/messages; the API takes no seed.

    `effort` is one of the API's levels (`"low"` to `"max"`) and turns adaptive thinking on; a whole number is
    a thinking budget in tokens, for models that do not have levels; `"none"` turns thinking off.

    Source: https://platform.claude.com/docs/en/api/messages

    Raises:
        UsageError: `logprobs` was requested, or a system message follows another message.
    """
    if given(request, "logprobs") is not None:
        raise UsageError(
            "Anthropic's API gives no log probabilities",
            where=f"model {request.model}",
            fix="leave logprobs= out and claim a rate, or use a model that gives them (openai/, local/)",
        )
    system, messages = _conversation(request)
    body: dict[str, Any] = {"model": request.model, "messages": messages}
    if system:
        body["system"] = system
    for name in ("temperature", "top_p"):
        if (value := given(request, name)) is not None:
            body[name] = value
    if (stop := given(request, "stop")) is not None:
        body["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    if tools := given(request, "tools"):
        body["tools"] = [_tool(tool) for tool in tools]
    body |= _thinking(given(request, "effort"))
    if (schema := given(request, "schema")) is not None:
        wanted = {"format": {"type": "json_schema", "schema": schema}}
        body["output_config"] = body.get("output_config", {}) | wanted
    body |= own_parameters(request)
    limit = given(request, "max_tokens")
    body["max_tokens"] = _default_limit(body) if limit is None else limit
    return body


def _thinking(effort: Any) -> dict[str, Any]:
    """Return the parameters that an effort stands for."""
    if effort is None:
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    if isinstance(effort, int):
        return {"thinking": {"type": "enabled", "budget_tokens": effort, "display": "summarized"}}
    thinking = {"type": "adaptive", "display": "summarized"}
    return {"thinking": thinking, "output_config": {"effort": effort}}


def _default_limit(body: JsonObject) -> int:
    thinking = body.get("thinking")
    budget = thinking.get("budget_tokens", 0) if isinstance(thinking, Mapping) else 0
    return DEFAULT_MAX_TOKENS + int(budget)


def _tool(tool: JsonObject) -> dict[str, Any]:
    rest = {name: value for name, value in tool.items() if name != "parameters"}
    return {**rest, "input_schema": tool.get("parameters") or {"type": "object", "properties": {}}}


def _conversation(request: Request) -> tuple[str, list[JsonObject]]:
    """Return the system prompt and the turns; the results of parallel tool calls share one turn."""
    system: list[str] = []
    turns: list[JsonObject] = []
    for message in request.messages:
        if message["role"] == "system":
            if turns:
                raise UsageError(
                    "Anthropic's API takes system messages only before all others",
                    where=f"model {request.model}",
                    fix="move the system message to the front, or say it in a user message",
                )
            system.append(plain_text(message))
        elif message["role"] == "tool":
            result = {
                "type": "tool_result",
                "tool_use_id": message["tool_call_id"],
                "content": plain_text(message),
            }
            if turns and _holds_results(turns[-1]):
                turns[-1]["content"].append(result)
            else:
                turns.append({"role": "user", "content": [result]})
        else:
            turns.append({"role": message["role"], "content": _content(message)})
    return "\n\n".join(system), turns


def _holds_results(turn: JsonObject) -> bool:
    content = turn["content"]
    return turn["role"] == "user" and isinstance(content, list) and content[0].get("type") == "tool_result"


def _content(message: JsonObject) -> Any:
    """Return a turn's content; one with the provider's own blocks goes back exactly as it came."""
    if blocks := message.get("blocks"):
        return list(blocks)
    calls: Sequence[JsonObject] = message.get("tool_calls") or ()
    if isinstance(message.get("content"), str) and not calls:
        return message["content"]
    uses = [
        {
            "type": "tool_use",
            "id": call["id"],
            "name": call["name"],
            "input": json_object(arguments_text(call)) or {},
        }
        for call in calls
    ]
    return [_part(part) for part in content_parts(message)] + uses


def _part(part: JsonObject) -> JsonObject:
    if part.get("type") == "image" and "data" in part:
        source = {"type": "base64", "media_type": part["media_type"], "data": part["data"]}
        return {"type": "image", "source": source}
    return part


def from_wire(body: JsonObject, request: Request, latency_s: float) -> Reply:
    """Return the reply in a body of the messages API.

    Source: https://platform.claude.com/docs/en/api/messages

    Args:
        body: The parsed body.
        request: The request; the text is parsed if it has a schema.
        latency_s: Seconds from sending to the whole reply.

    Raises:
        TransientError: The server failed midway.
        KeyError, TypeError: The body is not such a reply.
    """
    blocks: Sequence[Mapping[str, Any]] = body["content"]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    reasoning = "\n\n".join(block["thinking"] for block in blocks if block["type"] == "thinking")
    finish = ending(body.get("stop_reason"), request)
    return Reply(
        text=text,
        reasoning=reasoning or None,
        finish_reason=finish,
        refused=finish is FinishReason.REFUSAL,
        parsed=parsed_answer(text, request),
        tool_calls=tuple(_tool_call(block) for block in blocks if block["type"] == "tool_use"),
        usage=_usage(body.get("usage") or {}),
        latency_s=latency_s,
        model_served=text_or_none(body.get("model")),
        not_honoured=("seed",),
        blocks=tuple(blocks),
        raw=body,
    )


def _tool_call(block: Mapping[str, Any]) -> ToolCall:
    arguments = block["input"]
    return ToolCall(
        id=text_or_none(block.get("id")) or "",
        name=block["name"],
        arguments=arguments if isinstance(arguments, dict) else None,
        arguments_text=json.dumps(arguments),
    )


def _usage(usage: Mapping[str, Any]) -> Usage:
    """Return the tokens; those read from and written to the prompt cache count as input too."""
    fresh = count(usage.get("input_tokens"))
    read, written = (count(usage.get(f"cache_{way}_input_tokens")) for way in ("read", "creation"))
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count((usage.get("output_tokens_details") or {}).get("thinking_tokens")),
        cached_input_tokens=read,
    )
