"""F01: replies that were cut, and were scored as if they were whole.

Nothing is said of a reply that may be cut: whoever writes `allow_cut=True` has said so.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.pages import address_of
from pytest_velo.found import Level
from pytest_velo.records import Call, FinishReason, Invalid, OutcomeKind

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""What a request calls the most tokens of its reply, by API."""
_SAY_WHOLE = (FinishReason.STOP, FinishReason.OTHER)
_OFTEN = 0.05


class Ending(Enum):
    """How a reply ended, as far as its length is concerned."""

    WHOLE = auto()
    CUT = auto()
    REACHED = auto()
    """The server says that it is whole, and it is as long as was allowed."""


def ending_of(call: Call) -> Ending:
    """Return how the reply of a call ended."""
    if call.reply.finish_reason is FinishReason.LENGTH:
        return Ending.CUT
    n_tokens = call.reply.usage.output_tokens
    if n_tokens and call.reply.finish_reason in _SAY_WHOLE:
        for name in _LIMITS:
            most = call.request.parameters.get(name)
            if isinstance(most, int) and 0 < most <= n_tokens:
                return Ending.REACHED
    return Ending.WHOLE


def _look(seen: Seen) -> Iterator[Remark]:
    reached: list[int] = []
    cut: list[int] = []
    lost: list[int] = []
    n_valid = 0
    for trial in seen.trials:
        invalid = trial.kind is OutcomeKind.INVALID
        n_valid += not invalid
        endings = {ending_of(call) for call in trial.calls if not call.may_be_cut}
        if Ending.CUT in endings:
            (lost if invalid else cut).append(trial.index)
        elif Ending.REACHED in endings and not invalid:
            reached.append(trial.index)
    if reached:
        yield Remark(
            message=f"{len(reached):,} of {n_valid:,} scored trials have a reply as long as its request"
            " allows, and the server says that it is whole: it was probably cut",
            fix="allow more tokens, make such trials invalid, or say allow_cut=True if they may count",
            trials=reached,
        )
    if cut:
        yield Remark(
            message=f"{len(cut):,} of {n_valid:,} scored trials have a reply that was cut",
            fix="allow more tokens, make such trials invalid, or say allow_cut=True if they may count",
            trials=cut,
            level=Level.NOTE,
        )
    if seen.frame.invalid is Invalid.EXCLUDE and len(lost) > _OFTEN * len(seen.trials):
        yield Remark(
            message=f"{len(lost):,} of {len(seen.trials):,} trials are left out because a reply was cut:"
            " what is said is about short answers",
            fix="allow more tokens",
            trials=lost,
            level=Level.NOTE,
        )


CHECK = Check(
    code="F01",
    name="truncation",
    sees="Replies were cut, or are exactly as long as was allowed, and were scored.",
    look=_look,
    level=Level.WARNING,
    page=address_of("F01", "truncation"),
)
