"""A trial as a page shows it: its messages in order, each with who says it, all of them harmless to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pytest_velo.records import TrialRecord
from pytest_velo.report.conversation import FACTS, conversation
from pytest_velo.report.text import shorten, visible

MOST_CHARACTERS = 20_000
"""Of one message; the record has it whole."""


class Message(NamedTuple):
    """One thing said in a trial.

    Attributes:
        role: `system`, `user`, `assistant`, `reasoning`, `tool call`, `tool`, `note`, `target`, ...
        text: With control characters and overrides of the direction shown as escapes.
        facts: How a reply ended and where it came from; empty for anything else.
    """

    role: str
    text: str
    facts: str = ""


def messages_of(trial: TrialRecord, limit: int = MOST_CHARACTERS) -> Iterator[Message]:
    """Yield what was said in a trial, its notes and its target; facts about a reply go with the end of it."""
    last: Message | None = None
    for said in conversation(trial):
        if said.role == FACTS and last is not None:
            last = last._replace(facts=shown(said.text, 400))
            continue
        if last is not None:
            yield last
        last = Message(shown(said.role, 40), shown(said.text, limit))
    if last is not None:
        yield last
    for note in trial.notes:
        yield Message("note", shown(note, limit))
    if trial.target:
        wanted = trial.target if isinstance(trial.target, str) else " or ".join(trial.target)
        yield Message("target", shown(wanted, limit))


def shown(text: str, limit: int = MOST_CHARACTERS) -> str:
    """Return an untrusted text cut to `limit` characters, with what would act on a reader made visible."""
    return visible(shorten(text, limit))
