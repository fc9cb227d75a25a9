"""The messages of a trial in Inspect's shape: one conversation where its calls continue each other.

Calls that do not (the second arm, a judge) follow it; where there are several conversations, every message
says in its metadata whose it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_velo.records import Call, FinishReason, JsonObject, Reply, TrialRecord, Usage

Message = dict[str, Any]

_ROLES = {"system": "system", "developer": "system", "assistant": "assistant", "tool": "tool"}
"""Every other role is shown as the user's, which is what it is for the model."""

_STOPS = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.REFUSAL: "content_filter",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.CONTEXT_OVERFLOW: "model_length",
    FinishReason.PAUSED: "unknown",
    FinishReason.OTHER: "unknown",
}


def conversation(trials: Sequence[TrialRecord]) -> list[Message]:
    """Return the messages of the trials that make one sample: one trial, or one of each arm."""
    threads: list[tuple[dict[str, str], list[Message]]] = []
    for trial in trials:
        told: list[Message] = []
        for call in trial.calls:
            sent = request_messages(call)
            if not told or not _continues(told, sent):
                told = []
                label = {"arm": trial.arm} if trial.arm else {}
                threads.append(({**label, "model": call.model}, told))
            told += [*sent[len(told) :], reply_message(call)]
    if len(threads) == 1:
        return threads[0][1]
    return [{**message, "metadata": label} for label, told in threads for message in told]


def _continues(told: Sequence[Message], sent: Sequence[Message]) -> bool:
    """Tell whether a request begins with what was said before, whatever its blocks of thought look like."""
    before = [_words(message) for message in told]
    return before == [_words(message) for message in sent[: len(before)]]


def _words(message: Message) -> tuple[str, str]:
    content = message["content"]
    if isinstance(content, str):
        return message["role"], content
    return message["role"], "".join(part["text"] for part in content if part["type"] == "text")


def request_messages(call: Call) -> list[Message]:
    """Return what was sent; not a message that the reply goes on with, for the reply has it whole."""
    messages = list(call.request.messages)
    if call.reply.prefill and messages and messages[-1].get("role") == "assistant":
        messages.pop()
    functions: dict[Any, str] = {}
    return [_message(message, functions) for message in messages]


def _message(message: JsonObject, functions: dict[Any, str]) -> Message:
    """Return one message; `functions` remembers which tool a call's id belongs to."""
    role = _ROLES.get(str(message.get("role")), "user")
    written: Message = {"role": role, "content": _content(message.get("content"))}
    if role == "assistant":
        thought = message.get("reasoning_content") or message.get("reasoning")
        written["content"] = _with_thoughts(thought, written["content"])
        calls = [_tool_call(call) for call in _mappings(message.get("tool_calls"))]
        functions |= {call["id"]: call["function"] for call in calls}
        if calls:
            written["tool_calls"] = calls
    elif role == "tool":
        asked = message.get("tool_call_id")
        written["tool_call_id"] = None if asked is None else str(asked)
        written["function"] = functions.get(asked)
    return written


def reply_message(call: Call) -> Message:
    """Return the reply as the assistant's message, with its reasoning and its tool calls."""
    reply = call.reply
    written: Message = {
        "role": "assistant",
        "content": _with_thoughts(reply.reasoning, reply.prefill + reply.text),
        "source": "generate",
        "model": reply.model_served or call.model,
    }
    if reply.tool_calls:
        written["tool_calls"] = [
            _tool_call(
                {"id": asked.id, "name": asked.name, "arguments": asked.arguments or asked.arguments_text}
            )
            for asked in reply.tool_calls
        ]
    return written


def output_of(call: Call, message: Message) -> dict[str, Any]:
    """Return the reply, which is `message` in the conversation, as Inspect's output of a model."""
    reply = call.reply
    usage = usage_of(reply.usage, reply.cost_usd)
    return {
        "model": reply.model_served or call.model,
        "choices": [{"message": message, "stop_reason": _STOPS[reply.finish_reason]}],
        "usage": usage,
        "time": reply.latency_s,
        "metadata": {"velo": _told_of(reply, usage is None)},
    }


def usage_of(usage: Usage, cost_usd: float | None) -> dict[str, Any] | None:
    """Return the tokens of a reply; None if they are not known, for Inspect would show zeros."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    return {
        "input_tokens": max(0, usage.input_tokens - (usage.cached_input_tokens or 0)),
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "input_tokens_cache_read": usage.cached_input_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "total_cost": cost_usd,
    }


def _told_of(reply: Reply, without_usage: bool) -> dict[str, Any]:
    """Return what Inspect has no field for."""
    told: dict[str, Any] = {"finish_reason": reply.finish_reason.value, "from_cache": reply.cached}
    if reply.not_honoured:
        told["not_honoured"] = list(reply.not_honoured)
    if without_usage:
        known = {"input_tokens": reply.usage.input_tokens, "output_tokens": reply.usage.output_tokens}
        told |= {name: n for name, n in known.items() if n is not None}
    return told


def _with_thoughts(reasoning: Any, content: Any) -> Any:
    if not isinstance(reasoning, str) or not reasoning:
        return content
    rest = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [{"type": "reasoning", "reasoning": reasoning}, *rest]


def _content(content: Any) -> Any:
    if content is None:
        return ""
    if isinstance(content, list | tuple):
        return [{"type": "text", "text": _part(part)} for part in content]
    return content if isinstance(content, str) else _json(content)


def _part(part: Any) -> str:
    """Return a part as text; of an image the record has the hash alone."""
    if not isinstance(part, Mapping):
        return part if isinstance(part, str) else _json(part)
    if part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    told = (str(part[name]) for name in ("type", "media_type") if part.get(name))
    named = f" sha256:{part['sha256']}" if part.get("sha256") else ""
    return f"[{' '.join(told)}{named}]"


def _tool_call(call: JsonObject) -> dict[str, Any]:
    """Return a tool call; arguments that are no JSON object are an error of parsing, and kept in it."""
    function = call.get("function")
    named = function if isinstance(function, Mapping) else call
    arguments = named.get("arguments")
    problem = None
    if isinstance(arguments, str):
        text = arguments
        try:
            arguments = json.loads(text) if text.strip() else {}
        except (ValueError, RecursionError):
            arguments = None
        if not isinstance(arguments, Mapping):
            problem = f"not a JSON object: {text}"
    return {
        "id": str(call.get("id") or ""),
        "function": str(named.get("name") or ""),
        "arguments": dict(arguments) if isinstance(arguments, Mapping) else {},
        "type": "function",
        "parse_error": problem,
    }


def _mappings(value: Any) -> Iterable[JsonObject]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _json(value: Any) -> str:
    return json.dumps(value, default=str)
