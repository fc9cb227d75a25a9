"""Empty replies scored: what says nothing was given a score, instead of making its trial invalid."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.pages import address_of
from pytest_velo.found import Level
from pytest_velo.records import Call, FinishReason, OutcomeKind, TrialRecord
from pytest_velo.scorers.grading import judged_text

_BLANK = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_LONG = 1_000  # a longer text is not blank, or nobody would have kept it


class Nothing(StrEnum):
    """What was scored although there was nothing to score."""

    EMPTY = "empty"
    REFUSED = "refused"
    JUDGED = "judged"


@dataclass(slots=True)
class Scored:
    """Trials with an outcome in which there was nothing to score.

    Attributes:
        trials: Their indices.
        total: Sum of their first outcomes.
        n: Trials with an outcome, whatever they hold.
    """

    trials: list[int]
    total: float = 0.0
    n: int = 0


def scored_nothing(trials: Iterable[TrialRecord]) -> dict[Nothing, Scored]:
    """Return the trials with an outcome whose last reply is empty or refused, or whose judge saw no text.

    A trial in which tools were called may have its outcome from what they did.
    """
    found: dict[Nothing, Scored] = {}
    n = 0
    for trial in trials:
        if trial.kind is OutcomeKind.INVALID:
            continue
        n += 1
        kind = _nothing(trial.calls)
        if kind is not None:
            scored = found.setdefault(kind, Scored(trials=[]))
            scored.trials.append(trial.index)
            scored.total += next(iter(trial.values.values()), 0.0)
    for scored in found.values():
        scored.n = n
    return found


def _nothing(calls: Iterable[Call]) -> Nothing | None:
    last: Call | None = None
    for call in calls:
        if call.reply.tool_calls:
            return None
        if not call.speaker:
            last = call
        elif (text := judged_text(call.request)) is not None and is_blank(text):
            return Nothing.JUDGED
    if last is None:
        return None
    reply = last.reply
    if reply.refused or reply.finish_reason is FinishReason.REFUSAL:
        return Nothing.REFUSED
    return Nothing.EMPTY if is_blank(reply.text) else None


def is_blank(text: str) -> bool:
    r"""Tell whether nobody can see anything in a text: spaces, control and formatting characters."""
    if text[:1].isalnum():
        return False
    if not text or text.isspace():
        return True
    return len(text) <= _LONG and all(unicodedata.category(char) in _BLANK for char in text)


_SAID = {
    Nothing.EMPTY: "the reply is empty",
    Nothing.JUDGED: "the judge was shown an empty text",
    Nothing.REFUSED: "the provider marks the reply as refused",
}
_FIXES = {
    Nothing.EMPTY: "leave allow_empty=True out, and they are invalid",
    Nothing.JUDGED: "call velo.invalid(why) where the body finds nothing to judge",
    Nothing.REFUSED: "if a refusal says nothing about the claim: `if reply.refused: velo.invalid(why)`",
}


def _look(seen: Seen) -> Iterator[Remark]:
    for kind, scored in scored_nothing(seen.trials).items():
        n = len(scored.trials)
        yield Remark(
            message=f"in {n} of {scored.n} trials with an outcome {_SAID[kind]}; the mean of their outcomes"
            f" is {scored.total / n:.3g}",
            fix=_FIXES[kind],
            trials=scored.trials,
            level=Level.NOTE if kind is Nothing.REFUSED else None,  # often, to refuse is the behaviour
        )


CHECK = Check(
    code="F12",
    name="empty replies scored",
    sees="An empty or refused reply has an outcome, or a judge was shown an empty text.",
    look=_look,
    level=Level.WARNING,
    page=address_of("F12", "empty replies scored"),
)
