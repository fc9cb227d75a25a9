"""A trial as a page shows it: its messages in order, each with who says it, all of them harmless to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pytest_velo.records import Call, TrialRecord
from pytest_velo.report.text import shorten, visible
from pytest_velo.report.trials import asked_text, content_text, new_messages, reply_facts, tool_text

MOST_CHARACTERS = 20_000
"""Of one message; the record has it whole."""


class Message(NamedTuple):
    """One thing said in a trial.

    Attributes:
        role: `system`, `user`, `assistant`, `reasoning`, `tool call`, `tool`, `note`, ...
        text: With control characters and overrides of the direction shown as escapes.
        facts: How a reply ended and where it came from; empty for anything else.
    """

    role: str
    text: str
    facts: str = ""


def messages_of(trial: TrialRecord, limit: int = MOST_CHARACTERS) -> Iterator[Message]:
    """Yield what was said in a trial: of each call what is new, then its reply."""
    for before, call in zip((None, *trial.calls), trial.calls, strict=False):
        yield from _sent(call, before, limit)
        yield from _replied(call, limit)
    for note in trial.notes:
        yield Message("note", shown(note, limit))


def shown(text: str, limit: int = MOST_CHARACTERS) -> str:
    """Return an untrusted text cut to `limit` characters, with what would act on a reader made visible."""
    return visible(shorten(text, limit))


def _sent(call: Call, before: Call | None, limit: int) -> Iterator[Message]:
    for message in new_messages(call, before):
        text = content_text(message.get("content"))
        if text:
            yield Message(shown(str(message.get("role", "?")), 40), shown(text, limit))
        for tool in message.get("tool_calls") or ():
            yield Message("tool call", shown(tool_text(tool), limit))


def _replied(call: Call, limit: int) -> Iterator[Message]:
    reply = call.reply
    facts = shown(" · ".join(reply_facts(call)), 400)
    if reply.reasoning:
        yield Message("reasoning", shown(reply.reasoning, limit))
    if reply.text or not reply.tool_calls:
        yield Message("assistant", shown(reply.text or "(empty)", limit), facts)
        facts = ""
    for asked in reply.tool_calls:
        yield Message("tool call", shown(asked_text(asked), limit), facts)
        facts = ""
