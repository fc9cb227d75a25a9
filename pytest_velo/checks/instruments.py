"""What a trial measured with: the prompt it sent and the judge it asked."""

from __future__ import annotations

from typing import NamedTuple

from pytest_velo.canonical import digest
from pytest_velo.records import TrialRecord
from pytest_velo.scorers.judge import rubric_of


class Instruments(NamedTuple):
    """Hashes; empty where there is none.

    Attributes:
        prompt: Of what the trial sent first to a model that is no judge, and of the parameters.
        judge: Of the judges it asked and their rubrics, without what they judged.
    """

    prompt: str
    judge: str


def instruments_of(trial: TrialRecord) -> Instruments:
    """Return what a trial measured with. The model is no part of it: it is what is measured.

    Args:
        trial: Its calls are looked at; one without any has no instruments.

    Examples:
        >>> from pytest_velo.records import Address, Call, OutcomeKind, Reply, Request, as_messages
        >>> def trial(model, prompt):
        ...     asked = Request(api="a", endpoint="e", model=model, messages=as_messages(prompt))
        ...     at = Address(key="k", seed=0, stream="", slot="c:0:0")
        ...     call = Call(model=model, request=asked, reply=Reply(text=""), address=at, drawn_at="")
        ...     made = {"index": 0, "case_id": "", "repeat": 0, "seed": 0, "kind": OutcomeKind.ONE}
        ...     return TrialRecord(**made, values={}, calls=(call,))
        >>> hi, bye = instruments_of(trial("m", "Hi")), instruments_of(trial("m", "Bye"))
        >>> hi == instruments_of(trial("another", "Hi")), hi.prompt == bye.prompt, hi.judge
        (True, False, '')
    """
    rubrics = [rubric_of(call.request) for call in trial.calls]
    asked = [call for call, rubric in zip(trial.calls, rubrics, strict=True) if rubric is None]
    graded = sorted({rubric for rubric in rubrics if rubric is not None})
    first = asked[0].request if asked else None
    return Instruments(
        prompt="" if first is None else digest([list(first.messages), dict(first.parameters)])[:CUT],
        judge=digest(graded)[:CUT] if graded else "",
    )


CUT = 16
"""Hex digits that are kept: 64 bits tell prompts apart."""
