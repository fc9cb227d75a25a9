"""Trials as a person sees them who labels them: what was asked and said, and nothing of how it was judged."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from pytest_velo.baselines.written import parts_of
from pytest_velo.errors import UsageError, nearest
from pytest_velo.labelling import EVERY, JUDGE, label_order, seen_calls, trial_digest
from pytest_velo.labelling.label import SKIP
from pytest_velo.plain import case_to_json
from pytest_velo.records import HypothesisResult, TrialRecord
from pytest_velo.report.conversation import FACTS, Said, conversation
from pytest_velo.report.lines import Line, block

_WORDS = {"y": True, "yes": True, "n": False, "no": False}
_NO_FIELD = "case"
"""The name of a case that has no fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """One trial as it is labelled. It has no outcome, no judge's word, no arm's name and no note in it.

    Attributes:
        digest: Of what is seen, by which a label names the trial.
        case_id: The case's name; empty without cases.
        fields: The case's fields by name, as text.
        said: What was said, in order.
    """

    digest: str
    case_id: str
    fields: tuple[tuple[str, str], ...]
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a trial is, for its label's row; nobody sees it who labels.

    Attributes:
        arm: Its arm; empty without arms.
        repeat: Of its case, from 0.
    """

    arm: str
    repeat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The outcomes that a label may be: 0 and 1 alone, or a score from `low` to `high`."""

    low: float
    high: float
    binary: bool

    @property
    def keys(self) -> str:
        """What may be typed."""
        return "y/n" if self.binary else f"{self.low:g} to {self.high:g}"

    def read(self, word: str) -> bool | float:
        """Return the label that was typed, or written.

        Raises:
            ValueError: It is none, or not in the range.
        """
        word = word.strip().casefold()
        if self.binary:
            if word in ("1", "0"):
                return word == "1"
            return _WORDS[word] if word in _WORDS else _refused()
        number = float(word)
        return number if self.low <= number <= self.high else _refused()

    def has(self, label: bool | float | None) -> bool:
        """Tell whether a label that was read may be one of these outcomes; "cannot say" always may."""
        if label is None or (self.binary and label in (0, 1)):
            return True
        return not self.binary and not isinstance(label, bool) and self.low <= label <= self.high


def _refused() -> bool:
    raise ValueError("not in the range")


def range_of(result: HypothesisResult) -> Range:
    """Return what a label of a hypothesis's trials may be.

    Raises:
        UsageError: The claim has several outcomes, so that a label would not say which it is.
    """
    parts = parts_of(result.claim) or ()
    if len(parts) != 1:
        raise UsageError(
            f"the claim {result.claim} has not one outcome, and a label is of one",
            where=result.node_id,
            fix="write a hypothesis about one rate or one mean",
        )
    low, high = parts[0].statistic.outcomes
    return Range(low=low, high=high, binary=parts[0].statistic.binary)


def blinds_of(
    result: HypothesisResult, every: int = EVERY, hidden: Collection[str] = ()
) -> tuple[tuple[Blind, Place], ...]:
    """Return the trials of a hypothesis that are labelled, in the order in which they are.

    Args:
        result: With its trials.
        every: Trials of a block, of which one is labelled.
        hidden: Names of fields of cases, and of parts that models play, that are not shown either.

    Raises:
        UsageError: The trials have no transcripts, or there is nothing of a name that is hidden.
    """
    by_index = {trial.index: trial for trial in result.trials}
    n = max(by_index, default=-1) + 1
    order = label_order(result.node_id, n, result.seed, every)
    chosen = [by_index[at] for at in order if at in by_index]
    if not any(map(seen_calls, result.trials)):
        raise UsageError(
            "no trial has a transcript, so there is nothing to label"
            if result.trials
            else "no trial is recorded, so there is nothing to label",
            where=result.node_id,
            fix="ask the model through the fixture `model`, or let its client be adopted"
            ' (clients="adopt" in the mark), and run the test again'
            if result.trials
            else "run the test",
        )
    _check_hidden(result, hidden)
    return tuple(
        (blind_of(result.node_id, trial, hidden), Place(arm=trial.arm, repeat=trial.repeat))
        for trial in chosen
    )


def _check_hidden(result: HypothesisResult, hidden: Collection[str]) -> None:
    """Raise an error for a name that hides nothing: what it was to hide would be shown."""
    if not hidden:
        return
    parts = {call.speaker for trial in result.trials for call in trial.calls if call.speaker}
    fields = {name for trial in result.trials for name, _ in _fields(trial)}
    for name in hidden:
        if name not in parts | fields:
            raise UsageError(
                f"there is no field and no part of a model named {name!r}, so nothing is hidden",
                where=result.node_id,
                fix=nearest(name, (parts | fields) - {JUDGE}),
            )


def blind_of(node_id: str, trial: TrialRecord, hidden: Collection[str] = ()) -> Blind:
    """Return a trial as it is labelled; `hidden` as for `blinds_of`."""
    calls = tuple(call for call in seen_calls(trial) if call.speaker not in hidden)
    said = (said for said in conversation(replace(trial, calls=calls)) if said.role not in (FACTS, JUDGE))
    return Blind(
        digest=trial_digest(node_id, trial),
        case_id=trial.case_id,
        fields=tuple((name, text) for name, text in _fields(trial) if name not in hidden),
        said=tuple(said),
    )


def _fields(trial: TrialRecord) -> Iterator[tuple[str, str]]:
    case = None if trial.case is None else case_to_json(trial.case)
    fields = case if isinstance(case, dict) else {} if case is None else {_NO_FIELD: case}
    for name, value in fields.items():
        yield name, value if isinstance(value, str) else _told(value)


def _told(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def blind_lines(blind: Blind, width: int) -> Iterator[Line]:
    """Show a trial to a person who labels it, whole."""
    for name, text in blind.fields:
        yield from block(name, text, width)
    for said in blind.said:
        yield from block(said.role, said.text, width)
    if not blind.said:
        yield Line(f"  (nothing was said in this trial: {SKIP} it, unless the case says enough)")
