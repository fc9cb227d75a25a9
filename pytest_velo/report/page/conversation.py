"""A trial as a page shows it: its messages in order, each with who says it, all of them harmless to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pytest_velo.records import TrialRecord
from pytest_velo.report.text import shorten, visible
from pytest_velo.report.trials import reply_facts, said_in

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
    for number, call in enumerate(trial.calls):
        *said, last = said_in(call, trial.calls[:number])
        for label, text, _ in said:
            yield Message(shown(label, 40), shown(text, limit))
        facts = " · ".join(reply_facts(call, number, trial))
        yield Message(shown(last.label, 40), shown(last.text, limit), shown(facts, 400))
    for note in trial.notes:
        yield Message("note", shown(note, limit))


def shown(text: str, limit: int = MOST_CHARACTERS) -> str:
    """Return an untrusted text cut to `limit` characters, with what would act on a reader made visible."""
    return visible(shorten(text, limit))
