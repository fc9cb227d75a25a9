"""What a trial measured with: the prompt it sent and the judge it used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

from pytest_velo.cache.forms import FIRST, form_of
from pytest_velo.canonical import digest
from pytest_velo.case_sets import Case
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
    return _hashed(trial, lambda messages: messages)


def template_of(trial: TrialRecord) -> Instruments:
    """Return the same with what the case says left out of the messages: alike for every case of a test.

    Which case comes first is a matter of seed and stream, and makes no other prompt. What a body makes of a
    case, such as a list that it puts into words, is not found in the messages, and stays.
    """
    said = sorted({text for text in _texts_in(trial.case) if text}, key=len, reverse=True)
    if not said:
        return instruments_of(trial)
    # Whole words only: the case "a" is not in "name".
    left_out = re.compile("|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in said), re.IGNORECASE)
    return _hashed(trial, lambda messages: _without(messages, left_out))


def _hashed(trial: TrialRecord, read: Callable[[Any], Any]) -> Instruments:
    rubrics = [rubric_of(call.request) for call in trial.calls]
    asked = [call for call, rubric in zip(trial.calls, rubrics, strict=True) if rubric is None]
    graded = sorted({rubric for rubric in rubrics if rubric is not None})
    first = asked[0].request if asked else None
    return Instruments(
        prompt="" if first is None else _prompt(first, read),
        judge=digest(graded)[:CUT] if graded else "",
    )


def _texts_in(value: Any) -> Iterator[str]:
    """Return the texts and numbers in a case, however it is put together."""
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts_in(each)
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for each in value:
            yield from _texts_in(each)
    elif isinstance(value, Case):
        yield from _texts_in(vars(value))
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts_in(getattr(value, field.name))


def _without(value: Any, left_out: re.Pattern[str]) -> Any:
    """Return messages with every mention of what is left out replaced by a mark."""
    if isinstance(value, str):
        return left_out.sub("\0", value)
    if isinstance(value, Mapping):
        return {name: _without(each, left_out) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without(each, left_out) for each in value]
    return value


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
        old, new = _comparable(before.trials, now.trials)
        if old.prompt != new.prompt:
            changes.append("the prompt")
        if old.judge != new.judge:
            changes.append("the judge")
    return tuple(changes)


def _comparable(before: Sequence[TrialRecord], now: Sequence[TrialRecord]) -> tuple[Instruments, Instruments]:
    """Return what both measured with, on a case that both asked if there is one."""
    then = {(trial.arm, trial.case_id): trial for trial in reversed(before)}
    for trial in now:
        if (trial.arm, trial.case_id) in then:
            return instruments_of(then[trial.arm, trial.case_id]), instruments_of(trial)
    return template_of(before[0]), template_of(now[0])


def _stubbed(result: HypothesisResult) -> str:
    return ", ".join(f"{each.what}: {each.why}" for each in result.stubs) or "nothing"


def _rung_of(result: HypothesisResult) -> str:
    """Return the rung whose trials are recorded."""
    ladder = result.ladder
    return "none" if ladder is None or ladder.at is None else ladder.rungs[ladder.at].name


def _prompt(request: Request, read: Callable[[Any], Any]) -> str:
    """Return the hash of a prompt; one that an older version sent or read otherwise has another.

    Its form is told without the API, which comes with the model.
    """
    form = form_of(replace(request, api=""))
    newer = [] if form == FIRST else [form]
    return digest([read(list(request.messages)), dict(request.parameters), *newer])[:CUT]


CUT = 16
"""Hex digits to keep: 64 bits tell prompts apart."""
