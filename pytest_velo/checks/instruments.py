"""What a trial measured with: the prompt it sent and the judge it used."""

from __future__ import annotations

from typing import NamedTuple

from pytest_velo.canonical import digest
from pytest_velo.records import TrialRecord
from pytest_velo.scorers.judge import rubric_of


class Instruments(NamedTuple):
    """Hashes; empty if there is none.

    Attributes:
        prompt: Of the first messages and parameters sent to a model other than a judge.
        judge: Of the judges and their rubrics, without the text they graded.
    """

    prompt: str
    judge: str


def instruments_of(trial: TrialRecord) -> Instruments:
    """Return what a trial measured with; not the model, which is what is measured."""
    rubrics = [rubric_of(call.request) for call in trial.calls]
    asked = [call for call, rubric in zip(trial.calls, rubrics, strict=True) if rubric is None]
    graded = sorted({rubric for rubric in rubrics if rubric is not None})
    first = asked[0].request if asked else None
    return Instruments(
        prompt="" if first is None else digest([list(first.messages), dict(first.parameters)])[:CUT],
        judge=digest(graded)[:CUT] if graded else "",
    )


CUT = 16
"""Hex digits to keep: 64 bits tell prompts apart."""
