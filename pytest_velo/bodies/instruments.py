"""What a trial measured with: the prompt it sent and the judge it used."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from pytest_velo.cache.forms import FIRST, form_of
from pytest_velo.canonical import digest
from pytest_velo.records import HypothesisResult, Request, TrialRecord
from pytest_velo.scorers.grading import rubric_of


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
        prompt="" if first is None else _prompt(first),
        judge=digest(graded)[:CUT] if graded else "",
    )


def changes_between(before: HypothesisResult, now: HypothesisResult) -> tuple[str, ...]:
    """Name what else differs between two recorded runs of a hypothesis, as far as their records tell.

    Their trials must be at hand. A difference between the runs may be due to any of it.
    """
    changes = []
    if before.model != now.model:
        changes.append(f"the model ({before.model or 'none'} -> {now.model or 'none'})")
    if before.models_served and now.models_served and before.models_served != now.models_served:
        then, today = ", ".join(before.models_served), ", ".join(now.models_served)
        changes.append(f"what served it ({then} -> {today})")
    if before.body_digest and now.body_digest and before.body_digest != now.body_digest:
        changes.append("the body")
    if {(each.what, each.why) for each in before.stubs} != {(each.what, each.why) for each in now.stubs}:
        changes.append(f"what is stubbed ({_stubbed(before)} -> {_stubbed(now)})")
    if (then_on := _rung_of(before)) != (now_on := _rung_of(now)):
        changes.append(f"the rung of the ladder ({then_on} -> {now_on})")
    if before.trials and now.trials:
        old, new = (instruments_of(result.trials[0]) for result in (before, now))
        if old.prompt != new.prompt:
            changes.append("the prompt")
        if old.judge != new.judge:
            changes.append("the judge")
    return tuple(changes)


def _stubbed(result: HypothesisResult) -> str:
    return ", ".join(f"{each.what}: {each.why}" for each in result.stubs) or "nothing"


def _rung_of(result: HypothesisResult) -> str:
    """Return the rung whose trials are recorded."""
    ladder = result.ladder
    return "none" if ladder is None or ladder.at is None else ladder.rungs[ladder.at].name


def _prompt(request: Request) -> str:
    """Return the hash of a prompt; one that an older version sent or read otherwise has another.

    Its form is told without the API, which comes with the model.
    """
    form = form_of(replace(request, api=""))
    newer = [] if form == FIRST else [form]
    return digest([list(request.messages), dict(request.parameters), *newer])[:CUT]


CUT = 16
"""Hex digits to keep: 64 bits tell prompts apart."""
