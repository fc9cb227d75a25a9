"""Anthropic's messages API."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_velo.errors import UsageError
from pytest_velo.providers.clients import HttpProvider, Wire, anthropic_transport
from pytest_velo.providers.endings import ending
from pytest_velo.providers.prefill import continued
from pytest_velo.providers.wire import (
    IMAGE,
    OWN_BLOCKS,
    arguments_text,
    beside,
    call_fields,
    content_parts,
    count,
    given,
    is_plain_text,
    json_object,
    own_parameters,
    parsed_answer,
    plain_text,
    refuse_audio,
    refuse_edited,
    refuse_fields,
    refuse_parameters,
    text_of,
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
_API = "Anthropic's API"
_FIXED = {
    "model": 'name the model in the mark, or velo.model("…")',
    "messages": "give the messages as the prompt",
    "stream": "leave stream= out: a reply is read whole",
}
_TOGETHER = {"stop_sequences": "stop"}
_ROLES = ("user", "assistant", "system", "tool")
_FOREIGN = ("message", "reasoning", "function_call")  # items of OpenAI's


def open_messages(
    endpoint: Endpoint, *, slots: int, http_client: httpx2.AsyncClient | None = None
) -> HttpProvider:
    """Return a provider for an endpoint that speaks the messages API.

    Args:
        endpoint: Where it is.
        slots: Maximum number of calls in flight, >= 1.
        http_client: Carries the SDK's requests instead of the SDK's own client (for tests and proxies).
    """
    return HttpProvider(endpoint, wire(), anthropic_transport(endpoint, slots=slots, http_client=http_client))


def wire() -> Wire:
    """Return how the messages API is spoken."""
    return Wire(path="/v1/messages", to_wire=to_wire, from_wire=from_wire, headers=headers)


def headers(body: JsonObject) -> Mapping[str, str]:
    """Return the headers a body needs: the API version that accepts sampling parameters, if it has some."""
    return _SAMPLING_VERSION if any(name in body for name in _SAMPLING) else {}


def to_wire(request: Request, _seed: int | None) -> dict[str, Any]:
    """Return the body of POST /v1/messages; the API takes no seed.

    `effort` is one of the API's levels (`"low"` to `"max"`) and turns adaptive thinking on; a whole number is
    a thinking budget in tokens, for models that do not have levels; `"none"` turns thinking off.

    Source: https://platform.claude.com/docs/en/api/messages

    Raises:
        UsageError: `logprobs` was requested, a system message follows another message, a parameter would
            replace what the call sends anyway, or a message has what the API has no place for.
        KeyError: A message lacks a part.
    """
    if given(request, "logprobs") is not None:
        raise UsageError(
            "Anthropic's API gives no log probabilities",
            where=f"model {request.model}",
            fix="leave logprobs= out and claim a rate, or use a model that gives them (openai/, local/)",
        )
    refuse_audio(request, _API)
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
    refuse_parameters(request, body, _FIXED, _TOGETHER)
    body |= _joined(body, request)
    limit = given(request, "max_tokens")
    body["max_tokens"] = _default_limit(body) if limit is None else limit
    return body


def _joined(body: JsonObject, request: Request) -> dict[str, Any]:
    """Return the call's own parameters; an `output_config` is joined with ours."""
    own = own_parameters(request)
    ours, theirs = body.get("output_config"), own.get("output_config")
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        named = {"effort": "effort", "format": "schema"}
        for name in sorted(ours.keys() & theirs.keys()):
            raise _twice(request, named[name], "output_config", f"leave {name} out of output_config=")
        own["output_config"] = {**ours, **theirs}
    effort = given(request, "effort")
    if "thinking" in own and (effort == "none" or isinstance(effort, int)):
        raise _twice(request, "effort", "thinking", "leave effort= or thinking= out")
    return own


def _twice(request: Request, one: str, other: str, fix: str) -> UsageError:
    return UsageError(
        f"`{one}` and `{other}` set the same",
        where=f"{request.endpoint}, model {request.model}",
        fix=fix,
    )


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


def _tool(tool: JsonObject) -> JsonObject:
    """Return one neutral tool; one of the API's own (`web_search_…`) stays as it is."""
    if tool.get("type", "function") not in ("function", "custom"):
        return tool
    rest = beside(tool, "parameters") if tool.get("type") == "custom" else beside(tool, "parameters", "type")
    return {**rest, "input_schema": tool.get("parameters") or {"type": "object", "properties": {}}}


def _conversation(request: Request) -> tuple[Any, list[JsonObject]]:
    """Return the system prompt and the turns; the results of parallel tool calls share one turn."""
    system: list[JsonObject] = []
    turns: list[JsonObject] = []
    for number, message in enumerate(request.messages):
        place, role = f"messages[{number}]", message["role"]
        if role not in _ROLES:
            fix = 'use the role "system"' if role == "developer" else f"a role is {', '.join(_ROLES)}"
            refuse_fields(request, place, ["role"], _API, fix)
        if role == "system":
            if turns:
                raise UsageError(
                    "Anthropic's API takes system messages only before all others",
                    where=f"model {request.model}",
                    fix="move the system message to the front, or say it in a user message",
                )
            refuse_fields(request, place, beside(message, "role", "content"), _API, _ON_A_PART)
            system.append(message)
        elif role == "tool":
            result = _result(message, place, request)
            if turns and _holds_results(turns[-1]):
                turns[-1]["content"].append(result)
            else:
                turns.append({"role": "user", "content": [result]})
        else:
            turns.append({"role": role, "content": _content(message, place, request)})
    return _system(system), turns


_ON_A_PART = "leave it out; cache_control belongs on a part of the content"


def _system(messages: Sequence[JsonObject]) -> Any:
    """Return the system prompt: text, or parts if they carry more."""
    parts = [part for message in messages for part in content_parts(message)]
    return "\n\n".join(map(plain_text, messages)) if is_plain_text(parts) else list(map(_part, parts))


def _result(message: JsonObject, place: str, request: Request) -> JsonObject:
    """Return what a tool gave, as a part of a turn of the user's."""
    rest = beside(message, "role", "content", "tool_call_id")
    refuse_fields(request, place, rest.keys() - {"is_error", "cache_control"}, _API)
    parts = content_parts(message)
    return {
        "type": "tool_result",
        "tool_use_id": message["tool_call_id"],
        "content": plain_text(message) if is_plain_text(parts) else list(map(_part, parts)),
        **rest,
    }


def _holds_results(turn: JsonObject) -> bool:
    content = turn["content"]
    return turn["role"] == "user" and isinstance(content, list) and content[0].get("type") == "tool_result"


def _content(message: JsonObject, place: str, request: Request) -> Any:
    """Return a turn's content; one with the provider's own blocks goes back exactly as it came."""
    rest = beside(message, "role", "content", "tool_calls", "blocks")
    refuse_fields(request, place, rest, _API, _ON_A_PART)
    if blocks := message.get("blocks"):
        foreign = any(
            block.get("type") in _FOREIGN or str(block.get("type")).startswith("reasoning.")
            for block in blocks
        )
        refuse_fields(request, place, ["blocks"] if foreign else [], _API, OWN_BLOCKS)
        refuse_edited(request, place, message, _said(blocks), {block.get("id") for block in blocks})
        return list(blocks)
    calls: Sequence[JsonObject] = message.get("tool_calls") or ()
    if isinstance(message.get("content"), str) and not calls:
        return message["content"]
    uses = [_use(call, place, request) for call in calls]
    return [_part(part) for part in content_parts(message)] + uses


def _use(call: JsonObject, place: str, request: Request) -> JsonObject:
    text = arguments_text(call)
    arguments = json_object(text)
    if arguments is None:
        raise UsageError(
            f"the arguments of the tool call {call['id']!r} of {place} are no JSON object, and {_API} takes"
            " nothing else",
            where=f"{request.endpoint}, model {request.model}",
            fix="mend them, or leave the call out",
        )
    return {
        "type": "tool_use",
        "id": call["id"],
        "name": call["name"],
        "input": arguments,
        **call_fields(call),
    }


def _part(part: JsonObject) -> JsonObject:
    if part.get("type") == "image" and "data" in part:
        source = {"type": "base64", "media_type": part["media_type"], "data": part["data"]}
        return {"type": "image", "source": source, **beside(part, *IMAGE)}
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
    text = _said(blocks)
    reasoning = "\n\n".join(block["thinking"] for block in blocks if block["type"] == "thinking")
    finish = ending(body.get("stop_reason"), request)
    reply = Reply(
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
    return continued(reply, request)


def _said(blocks: Sequence[Mapping[str, Any]]) -> str:
    return "".join(block["text"] for block in blocks if block["type"] == "text")


def _tool_call(block: Mapping[str, Any]) -> ToolCall:
    arguments = block["input"]
    return ToolCall(
        id=text_or_none(block.get("id")) or "",
        name=text_of(block["name"], "a tool's name"),
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
