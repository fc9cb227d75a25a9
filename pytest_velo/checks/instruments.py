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
