"""OpenAI's chat completions, spoken by OpenAI and by most other servers (vLLM, OpenRouter, Azure, ...)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_velo.errors import VeloError
from pytest_velo.providers.clients import HttpProvider, Wire, openai_transport
from pytest_velo.providers.endings import ending
from pytest_velo.providers.failures import inner_status, read_inside, settle_failure
from pytest_velo.providers.openai_logprobs import dropped_logprobs, own_logprobs
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
    is_strict,
    n_alternatives,
    own_parameters,
    parsed_answer,
    refuse_fields,
    refuse_parameters,
    text_of,
    text_or_none,
)
from pytest_velo.records import (
    FinishReason,
    JsonObject,
    Reply,
    Request,
    ToolCall,
    Usage,
)
from pytest_velo.settings import Endpoint

if TYPE_CHECKING:
    import httpx2

# What a parameter of a call would replace, or cannot mean here.
_FIXED = {
    "model": 'name the model in the mark, or velo.model("…")',
    "messages": "give the messages as the prompt",
    "stream": "leave stream= out: a reply is read whole",
}
_TOGETHER = {
    "reasoning_effort": "effort",
    "response_format": "schema",
    "top_logprobs": "logprobs",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
}
_OPENAI_HOSTS = ("openai.com", "azure.com")


def open_chat(
    endpoint: Endpoint, *, slots: int, http_client: httpx2.AsyncClient | None = None
) -> HttpProvider:
    """Return a provider for an endpoint that speaks chat completions.

    Args:
        endpoint: Where it is.
        slots: Maximum number of calls in flight, >= 1.
        http_client: Carries the SDK's requests instead of the SDK's own client (for tests and proxies).
    """
    transport = openai_transport(endpoint, slots=slots, http_client=http_client)
    return HttpProvider(endpoint, wire_of(endpoint), transport)


def wire_of(endpoint: Endpoint) -> Wire:
    """Return how chat completions are spoken at an endpoint."""
    host = urlsplit(endpoint.base_url).hostname if endpoint.base_url else "api.openai.com"
    # OpenAI's reasoning models refuse the older name; many other servers do not know the newer one.
    limit = "max_completion_tokens" if (host or "").endswith(_OPENAI_HOSTS) else "max_tokens"
    return Wire(path="/chat/completions", to_wire=partial(to_wire, limit_name=limit), from_wire=from_wire)


def to_wire(
    request: Request, seed: int | None, *, limit_name: str = "max_completion_tokens"
) -> dict[str, Any]:
    """Return the body of POST /chat/completions.

    Source: https://platform.openai.com/docs/api-reference/chat/create

    Args:
        request: What to send.
        seed: Sent as `seed`; None for none.
        limit_name: What this server calls the limit on a reply's tokens.

    Raises:
        UsageError: `logprobs` is not a valid number of alternatives, a parameter would replace what the call
            sends anyway, or a message holds what only another API has.
        KeyError: A message lacks a part.
    """
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [
            _message(message, f"messages[{place}]", request) for place, message in enumerate(request.messages)
        ],
    }
    renamed = {"temperature": "temperature", "top_p": "top_p", "stop": "stop", "effort": "reasoning_effort"}
    for name, wire_name in (*renamed.items(), ("max_tokens", limit_name)):
        if (value := given(request, name)) is not None:
            body[wire_name] = value
    if seed is not None:
        body["seed"] = seed
    if tools := given(request, "tools"):
        body["tools"] = [_tool(tool) for tool in tools]
    if (schema := given(request, "schema")) is not None:
        answer = {"name": "answer", "schema": schema, "strict": is_strict(schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": answer}
    if (alternatives := n_alternatives(request)) is not None:
        body |= {"logprobs": True, "top_logprobs": alternatives}
    other_limit = {"max_tokens", "max_completion_tokens"} - {limit_name}
    doubled = body | (dict.fromkeys(other_limit) if limit_name in body else {})
    refuse_parameters(request, doubled, _FIXED, _TOGETHER)
    return body | own_parameters(request)


def _tool(tool: JsonObject) -> JsonObject:
    """Return one neutral tool; one that is no function is the API's own, and stays as it is."""
    if tool.get("type", "function") != "function":
        return tool
    return {"type": "function", "function": beside(tool, "type")}


def _message(message: JsonObject, place: str, request: Request) -> dict[str, Any]:
    """Return one neutral message in the format of chat completions, which servers extend by fields."""
    role, content = message["role"], message.get("content")
    if content is not None and not isinstance(content, str):
        content = [_part(part) for part in content_parts(message)]
    sent: dict[str, Any] = {"role": role, "content": content}
    sent |= beside(message, "role", "content", "tool_calls", "blocks")
    if role == "tool":
        sent["tool_call_id"] = message["tool_call_id"]
    if calls := message.get("tool_calls"):
        sent["tool_calls"] = [_sent_call(call) for call in calls]
    if blocks := message.get("blocks"):
        foreign = not all(str(block.get("type", "")).startswith("reasoning.") for block in blocks)
        refuse_fields(request, place, ["blocks"] if foreign else [], "chat completions", OWN_BLOCKS)
        sent["reasoning_details"] = list(blocks)
    return sent


def _sent_call(call: JsonObject) -> JsonObject:
    """Return a tool call; one of the API's own that is no function stays as it is."""
    if call.get("type", "function") != "function":
        return call
    function = {"name": call["name"], "arguments": arguments_text(call)}
    return {"id": call["id"], "type": "function", "function": function, **call_fields(call)}


def _part(part: JsonObject) -> JsonObject:
    if part.get("type") == "audio" and "data" in part:
        sound = {"data": part["data"], "format": _sound_format(part["media_type"])}
        return {"type": "input_audio", "input_audio": sound, **beside(part, *IMAGE)}
    if part.get("type") != "image":
        return part
    image = {"url": data_url(part)} | ({"detail": part["detail"]} if "detail" in part else {})
    return {"type": "image_url", "image_url": image, **beside(part, *IMAGE, "detail")}


def _sound_format(media_type: str) -> str:
    """Return the API's word for a type of sound; servers take others than OpenAI's `wav` and `mp3`."""
    name = media_type.partition("/")[2].removeprefix("x-")
    return {"mpeg": "mp3", "wave": "wav", "vnd.wave": "wav"}.get(name, name)


def from_wire(body: JsonObject, request: Request, latency_s: float) -> Reply:
    """Return the reply in a body of chat completions.

    Source: https://platform.openai.com/docs/api-reference/chat/object

    Args:
        body: The parsed body; its first choice is read.
        request: The request; the text is parsed if it has a schema.
        latency_s: Seconds from sending to the whole reply.

    Raises:
        VeloError: The server failed midway.
        KeyError, IndexError, TypeError: The body is not such a reply.
    """
    if not body.get("choices") and _is_withheld(body):
        return Reply(
            text="",
            finish_reason=FinishReason.CONTENT_FILTER,
            usage=_usage(body.get("usage") or {}),
            latency_s=latency_s,
            model_served=text_or_none(body.get("model")),
            raw=body,
        )
    choice = body["choices"][0]
    if isinstance(failed := choice.get("error"), dict):  # half an answer does not count
        failure = read_inside(inner_status(failed), {}, {"error": failed})
        return settle_failure(failure, request, latency_s)
    finish = ending(choice.get("finish_reason"), request)
    stopped = finish in (FinishReason.CONTENT_FILTER, FinishReason.LENGTH)  # Gemini then sends no message
    message: Mapping[str, Any] = (choice.get("message") or {}) if stopped else choice["message"]
    refusal = text_of(message.get("refusal") or "", "a refusal")
    text = _text(message.get("content")) or refusal
    usage = _usage(body.get("usage") or {})
    listed = choice.get("logprobs") or {}
    logprobs = own_logprobs(listed.get("content") or listed.get("refusal") or (), usage.output_tokens)
    refused = bool(refusal) or finish is FinishReason.REFUSAL
    reply = Reply(
        text=text,
        reasoning=_reasoning(message),
        finish_reason=FinishReason.REFUSAL if refused else finish,
        refused=refused,
        parsed=parsed_answer(text, request),
        tool_calls=tuple(_tool_call(call) for call in message.get("tool_calls") or ()),
        logprobs=logprobs,
        usage=usage,
        latency_s=latency_s,
        model_served=text_or_none(body.get("model")),
        fingerprint=text_or_none(body.get("system_fingerprint")),
        not_honoured=dropped_logprobs(request, text.removeprefix(request.prefill), logprobs),
        blocks=_blocks(message),
        extras=_extras(message),
        raw=body,
    )
    return continued(reply, request)


def _is_withheld(body: JsonObject) -> bool:
    """Tell whether a prompt was read and nothing given for it: so Gemini answers a prompt that it blocks."""
    usage = body.get("usage")
    if not isinstance(usage, Mapping):
        return False
    return bool(count(usage.get("prompt_tokens"))) and not count(usage.get("completion_tokens"))


def split_choices(reply: Reply, request: Request) -> tuple[Reply, ...] | None:
    """Return the replies to a call for several draws, up to the first one that cannot be read.

    Args:
        reply: The reply to the whole call.
        request: What was asked, without `n`.

    Returns:
        One reply per choice, each with its own part of the raw body; None if the provider answered the prompt
            instead (a content filter, a context overflow).
    """
    listed = reply.raw.get("choices")
    if not isinstance(listed, list) or not listed:
        return None
    replies: list[Reply] = []
    for choice in listed:
        try:
            replies.append(from_wire({**reply.raw, "choices": [choice]}, request, reply.latency_s or 0.0))
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, VeloError):
            break  # this one and those after it are requested again
    return tuple(replies)


def _text(content: Any) -> str:
    """Return the text of a message's content; some servers answer in parts."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return "" if content is None else text_of(content, "content")


_THOUGHTS = ("thinking", "reasoning")  # a part's type, and the field of its text
_REASONING = ("reasoning_content", "reasoning")


def _reasoning(message: Mapping[str, Any]) -> str | None:
    """Return the reasoning, whichever way the server shows it; None if it does not."""
    for name in _REASONING:
        if isinstance(shown := message.get(name), str) and shown:
            return shown
    parts = _parts(message.get("content"))
    thoughts = [part.get(part["type"]) or part.get("text") for part in parts if part.get("type") in _THOUGHTS]
    details = [block.get("text") or block.get("summary") for block in _blocks(message)]
    shown = "".join(map(_thought, thoughts)) or "".join(map(_thought, details))
    return shown or None


def _thought(thought: Any) -> str:
    """Return the text of a thought: a text, or parts of text."""
    if isinstance(thought, list):
        return "".join(map(_thought, (part.get("text") for part in thought if isinstance(part, dict))))
    return text_or_none(thought) or ""


def _parts(content: Any) -> list[Mapping[str, Any]]:
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _blocks(message: Mapping[str, Any]) -> tuple[JsonObject, ...]:
    return tuple(block for block in message.get("reasoning_details") or () if isinstance(block, dict))


def _extras(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what goes back with the turn: the reasoning as it came, and what tool calls carry beside.

    `reasoning_details` (`blocks`) are the whole reasoning; where they are, nothing else of it goes back.
    """
    extras: dict[str, Any] = {}
    content = message.get("content")
    if any(part.get("type") != "text" for part in _parts(content)):
        extras["content"] = content
    if not _blocks(message):
        told = ((name, message.get(name)) for name in _REASONING)
        extras |= dict([(name, text) for name, text in told if isinstance(text, str) and text][:1])
    calls = message.get("tool_calls") or ()
    if any(beside(call, "id", "type", "function", "index") for call in calls):
        extras["tool_calls"] = [
            {**_tool_call(call).request, **beside(call, "id", "type", "function", "index")} for call in calls
        ]
    return extras


def _tool_call(call: Mapping[str, Any]) -> ToolCall:
    function = call["function"]
    return called(call.get("id"), function["name"], function.get("arguments"))


def _usage(usage: Mapping[str, Any]) -> Usage:
    return Usage(
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        reasoning_tokens=count((usage.get("completion_tokens_details") or {}).get("reasoning_tokens")),
        cached_input_tokens=count((usage.get("prompt_tokens_details") or {}).get("cached_tokens")),
    )
