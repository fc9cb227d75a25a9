"""What was said in a trial, in order: the messages of each call that no earlier one had, then its reply.

A terminal and a page show the same. The texts are a model's and a user's: who shows them makes them harmless.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_velo.media import identified, shown
from pytest_velo.records import Call, JsonObject, Reply, TrialRecord
from pytest_velo.report.numbers import count
from pytest_velo.report.text import inline

FACTS = ""
"""The role of what is said about a reply, after it."""

REASONING = "reasoning"
TOOL_CALL = "tool call"


class Said(NamedTuple):
    """One thing said in a trial.

    Attributes:
        role: `system`, `user`, `assistant` or the part that the model plays, `prefill`, `tool`, `reasoning`,
            `tool call`; `FACTS` for how a reply ended and where it came from.
        text: As it was said.
    """

    role: str
    text: str


def conversation(trial: TrialRecord) -> Iterator[Said]:
    """Yield what was said in a trial."""
    for number, call in enumerate(trial.calls):
        yield from _sent(call, trial.calls[:number])
        yield from _replied(call)
        yield Said(FACTS, " · ".join(_reply_facts(call, number, trial)))


def _sent(call: Call, earlier: Sequence[Call]) -> Iterator[Said]:
    tools = _tool_names(call.request.messages)
    for message in _new_messages(call, earlier):
        begun = bool(call.request.prefill) and message is call.request.messages[-1]
        role = "prefill" if begun else str(message.get("role", "?"))
        text = _content_text(message.get("content"))
        if role == "tool" and (name := tools.get(str(message.get("tool_call_id")))):
            text = f"{name}: {text}"
        if text:
            yield Said(_speaker(call) if role == "assistant" else role, text)
        for tool in message.get("tool_calls") or ():
            yield Said(TOOL_CALL, _tool_text(tool))


def _replied(call: Call) -> Iterator[Said]:
    reply = call.reply
    if reply.reasoning:
        yield Said(REASONING, reply.reasoning)
    if reply.text or not reply.tool_calls:
        yield Said(_speaker(call), reply.text or "(empty)")
    for asked in reply.tool_calls:
        arguments = asked.arguments_text or json.dumps(asked.arguments, default=str)
        yield Said(TOOL_CALL, f"{asked.name}({arguments})")


def _speaker(call: Call) -> str:
    return call.speaker or "assistant"


def _tool_names(messages: Iterable[JsonObject]) -> dict[str, str]:
    """Return the names of the tools called in a conversation, by the ids of the calls."""
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    named = (call for call in calls if isinstance(call, Mapping) and call.get("id"))
    return {str(call["id"]): str(call.get("name")) for call in named}


def _reply_facts(call: Call, number: int, trial: TrialRecord) -> Iterator[str]:
    """Say what a reply's text does not: which call it answers, of which model, and how it ended."""
    reply = call.reply
    if len(trial.calls) > 1:
        yield f"call {number + 1} of {len(trial.calls)}"
    if len({each.model for each in trial.calls}) > 1:
        yield f"to {inline(call.model, 60)}"
    yield f"finish: {reply.finish_reason}"
    if reply.refused:
        yield "refused"
    if reply.usage.output_tokens is not None:
        yield count(reply.usage.output_tokens, "token")
    yield f"served by {reply.model_served or 'an unnamed model'}"
    if reply.not_honoured:
        yield f"not honoured: {', '.join(reply.not_honoured)}"
    if reply.cached:
        yield f"drawn {call.drawn_at[:10]}"


def _new_messages(call: Call, earlier: Sequence[Call]) -> tuple[JsonObject, ...]:
    """Return the messages that no earlier call showed: a chat resends its past each time."""
    messages = call.request.messages
    for before in reversed(earlier):
        past = before.request.messages
        if not past or messages[: len(past)] != past:
            continue
        news = messages[len(past) :]
        if news and _is_reply(news[0], before.reply):
            return news[1:]
        return news
    return messages


def _is_reply(message: JsonObject, reply: Reply) -> bool:
    return message.get("role") == "assistant" and _content_text(message.get("content")) == reply.text


def _content_text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, Iterable):
        return "\n".join(map(_part_text, content))
    return str(content)


def _part_text(part: Any) -> str:
    if not isinstance(part, Mapping):
        return str(part)
    if "text" in part:
        return str(part["text"])
    return shown({**part, **identified(part)})


def _tool_text(tool: Any) -> str:
    if not isinstance(tool, Mapping):
        return str(tool)
    arguments = tool.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, default=str)
    return f"{tool.get('name')}({text})"
