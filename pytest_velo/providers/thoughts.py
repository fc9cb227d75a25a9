"""Thoughts that a server leaves in a reply's text, between `<think>` and `</think>`."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.providers.wire import parsed_answer
from pytest_velo.records import Reply, Request

_BEGIN, _END = "<think>", "</think>"


def thought_aloud(thoughts: str, answer: str | None = None) -> str:
    """Return a reply's text with its thoughts in it; without an answer they have not ended."""
    return f"{_BEGIN}\n{thoughts}" + ("" if answer is None else f"\n{_END}\n\n{answer}")


def has_thoughts(text: str) -> bool:
    """Tell whether a text holds thoughts: it begins with them, or with what is left of them.

    Prompt formats may hold the opening mark themselves, so that the text has the closing one only.
    """
    return text.lstrip().startswith(_BEGIN) or _END in text


def without_thoughts(reply: Reply, request: Request) -> Reply:
    """Return a reply whose thoughts are its reasoning, and no part of its text.

    Thoughts that do not end, because the reply was cut, leave no text. They may begin in the prefill.
    """
    begun = _END not in reply.prefill and reply.prefill.lstrip().startswith(_BEGIN)
    if not begun and not has_thoughts(reply.text):
        return reply
    thought, _, answer = reply.text.lstrip().removeprefix(_BEGIN).partition(_END)
    text = answer.lstrip()
    known = [reply.reasoning] if reply.reasoning else []
    return replace(
        reply,
        text=text,
        reasoning="\n\n".join([*known, thought.strip()]) or None,
        parsed=parsed_answer(text, request),
        # Blocks hold the text with its thoughts; OpenRouter's, which hold reasoning alone, stay.
        blocks=tuple(block for block in reply.blocks if str(block.get("type")).startswith("reasoning.")),
        extras={name: value for name, value in reply.extras.items() if name != "content"},
    )
