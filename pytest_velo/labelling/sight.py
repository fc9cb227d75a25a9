"""What a person who labels a trial sees of it: the case, and what was said but by judges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pytest_velo.canonical import digest
from pytest_velo.plain import case_to_json, message_to_json, plain
from pytest_velo.records import Call, TrialRecord

JUDGE = "judge"
"""The part of a model whose calls nobody sees who labels."""
_LENGTH = 20


def seen_calls(trial: TrialRecord) -> tuple[Call, ...]:
    """Return the calls of a trial that a person sees who labels it: all but those of judges."""
    return tuple(call for call in trial.calls if call.speaker != JUDGE)


def trial_digest(test_id: str, trial: TrialRecord) -> str:
    """Return the digest of what a person saw who labelled a trial.

    It is of the test's id, the case's content, the arm, the repeat and what was said; no outcome, no note and
    no word of a judge is in it. A trial that runs and the same one in a record have the same digest. It
    begins with a letter, since spreadsheets take some texts for numbers.

    Args:
        test_id: The test's node id.
        trial: A trial, as it ran or as it was recorded.
    """
    said = [part for call in seen_calls(trial) for part in _said(call)]
    case = _text(None if trial.case is None else case_to_json(trial.case))
    return f"t{digest([_text(test_id), case, _text(trial.arm), trial.repeat, said])[:_LENGTH]}"


def _said(call: Call) -> Iterator[str]:
    reply = call.reply
    yield _text([message_to_json(message) for message in call.request.messages])
    yield _text([call.speaker, reply.prefill, reply.reasoning or "", reply.text])
    yield _text([[tool.name, plain(tool.arguments), tool.arguments_text] for tool in reply.tool_calls])


def _text(value: Any) -> str:
    """Return plain JSON as ASCII: halves of surrogate pairs, which models give, have no other exact form."""
    return json.dumps(value, sort_keys=True)
