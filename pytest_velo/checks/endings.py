"""Replies that ended for a reason nobody knows: they count, and the reader is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.pages import address_of
from pytest_velo.records import FinishReason, JsonObject, TrialRecord


def unknown_endings(trials: Sequence[TrialRecord]) -> tuple[str, ...]:
    """Return one notice for each unknown reason for which replies of these trials ended.

    Args:
        trials: The trials of a run.
    """
    reasons = dict.fromkeys(
        _reason(call.reply.raw)
        for trial in trials
        for call in trial.calls
        if call.reply.finish_reason is FinishReason.OTHER
    )
    return tuple(
        f"replies ended for a reason that is not known here ({reason}): they count as whole, perhaps wrongly"
        for reason in reasons
    )


def _reason(raw: JsonObject) -> str:
    """Return the server's own word; the wire formats keep it in different places."""
    choices = raw.get("choices")
    choice: Any = choices[0] if isinstance(choices, Sequence) and choices else {}
    found = choice.get("finish_reason") if isinstance(choice, Mapping) else None
    found = found or raw.get("stop_reason") or raw.get("status")
    return f"{str(found)[:80]!r}" if found else "a cassette does not keep it"


def _look(seen: Seen) -> Iterator[Remark]:
    for said in unknown_endings(seen.trials):
        yield Remark(message=said, fix="look at these replies: velo show")


CHECK = Check(
    code="F14",
    name="unknown endings",
    sees="Replies ended for a reason that is not known here, and count as whole.",
    look=_look,
    page=address_of("F14", "unknown endings"),
)
