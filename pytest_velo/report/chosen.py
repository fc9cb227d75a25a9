"""Which trials of a result are shown: those against its claim, for it, invalid, at random, or changed.

The words are those of `--velo-show` and of `velo show`. The arms of one case and repeat are chosen together.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import assert_never

from pytest_velo.baselines.written import claim_of
from pytest_velo.claims import Change, Claim, EachCase, Estimation, Joint, Ranking, Statistic
from pytest_velo.records import HypothesisResult, OutcomeKind, TrialRecord, TruthSeen
from pytest_velo.report.document import turn_of
from pytest_velo.report.phrases import CHANGE, statistic_of
from pytest_velo.runner.distance import distance_from
from pytest_velo.settings import ShowKind

IN_BASELINE = "in the baseline: "
"""A note of a trial that is compared with a stored one says so, and its outcome."""

Turn = tuple[TrialRecord, ...]
_Place = tuple[str, int, str]
"""Case, repeat and arm: what names the same trial in another run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The same hypothesis in an earlier run, with its trials."""

    run: str
    result: HypothesisResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is shown, in the order to show it.

    Attributes:
        turns: Single trials, or the arms of one case and repeat.
        total: How many there are of the kind.
        why_none: Why it is not known which there are; empty if it is.
    """

    turns: tuple[Turn, ...] = ()
    total: int = 0
    why_none: str = ""

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """All trials."""
        return tuple(trial for turn in self.turns for trial in turn)


def choose(
    result: HypothesisResult,
    kind: ShowKind,
    most: int | None = None,
    *,
    before: Before | None = None,
    seed: int | None = None,
) -> Chosen:
    """Choose trials of a result.

    Args:
        result: With all its trials.
        kind: Which of them.
        most: Trials or pairs to choose, from 0; None for all.
        before: What changed trials are compared with, unless each has a stored partner in a baseline.
        seed: Of the random choice; by default the run's.
    """
    turns = turns_of(result)
    match kind:
        case ShowKind.INVALID:
            found = [turn for turn in turns if any(t.kind is OutcomeKind.INVALID for t in turn)]
        case ShowKind.RANDOM:
            picker = random.Random(f"{result.seed if seed is None else seed} {result.node_id}")
            n = len(turns) if most is None else min(most, len(turns))
            picked = picker.sample(range(len(turns)), n)
            return Chosen(turns=tuple(turns[place] for place in sorted(picked)), total=len(turns))
        case ShowKind.CHANGED:
            if statistic_of(result.claim) == CHANGE:
                found = [turn for turn in turns if _stored(turn[0]) not in (None, _said(turn[0]))]
            elif before is None:
                return Chosen(why_none="no earlier run has this test")
            else:
                then = _outcomes(before.result)
                found = [noted for turn in turns if (noted := _changed(turn, then, before.run)) is not None]
        case ShowKind.AGAINST | ShowKind.FOR:
            sides = _sides(result, turns)
            if sides is None:
                return Chosen(why_none=_no_sides(result))
            there = [(far, turn) for far, turn in zip(sides, turns, strict=True) if far is not None]
            against = kind is ShowKind.AGAINST
            mine = [(far, turn) for far, turn in there if (far > 0) is against]
            found = [turn for _, turn in sorted(mine, key=lambda pair: -abs(pair[0]))]
        case _:
            assert_never(kind)
    return Chosen(turns=tuple(found[:most]), total=len(found))


def turns_of(result: HypothesisResult) -> list[Turn]:
    """Return the trials of a result in submission order, the arms of one case and repeat together."""
    ordered = sorted(result.trials, key=lambda trial: trial.index)
    return [tuple(turn) for _, turn in groupby(ordered, key=turn_of)]


def _no_sides(result: HypothesisResult) -> str:
    if isinstance(claim_of(result.claim), Estimation | Ranking):
        return "nothing is claimed, so no trial is for or against it"
    return "the record does not tell which trials are for this claim, and which against it"


def _sides(result: HypothesisResult, turns: Sequence[Turn]) -> list[float | None] | None:
    """Return how far each turn is on the wrong side of the claim's threshold; None without a claim of ours.

    A turn has None if it is on no side: it is invalid, its arms are alike, or labels count and it has none.
    """
    claim = claim_of(result.claim)
    if isinstance(claim, EachCase):
        claim = claim.claim
    if claim is None or isinstance(claim, Estimation | Ranking):
        return None
    parts = claim.parts if isinstance(claim, Joint) else (claim,)
    try:
        each = [_distances(part, turns, result.truth) for part in parts]
    except (KeyError, ValueError):
        return None  # a record whose outcomes are not those of its claim
    return [
        None if None in turn else max(far for far in turn if far is not None)
        for turn in zip(*each, strict=True)
    ]


def values_of(statistic: Statistic, result: HypothesisResult) -> list[float]:
    """Return what a statistic averages, of each valid turn of a result with its trials.

    Raises:
        KeyError, ValueError: Its outcomes are not those of the statistic.
    """
    values = (_value(statistic, turn) for turn in turns_of(result))
    return [value for value in values if value is not None]


def _distances(claim: Claim, turns: Sequence[Turn], truth: TruthSeen | None) -> list[float | None]:
    if truth is None:
        values = [_value(claim.statistic, turn) for turn in turns]
    else:
        values = [truth.labels.get(turn[0].index) for turn in turns]  # what was judged is on no side
    known = [value for value in values if value is not None]
    measure = distance_from(claim, sum(known) / len(known) if known else None)
    ties = bool(claim.statistic.arms)
    return [None if value is None or (ties and value == 0) else measure(value) for value in values]


def _value(statistic: Statistic, turn: Turn) -> float | None:
    """Return what the statistic averages; None when a trial it needs is invalid."""
    name = statistic.name or ""
    by_arm = {trial.arm: None if _is_invalid(trial) else trial.values[name] for trial in turn}
    if isinstance(statistic, Change):
        now, then = by_arm.get(""), _stored(turn[0])
        return None if now is None or then in (None, _INVALID) else now - float(then or 0)
    if not statistic.arms:
        return by_arm.get(turn[0].arm)
    first, second = (by_arm.get(arm) for arm in statistic.arms)
    return None if first is None or second is None else first - second


def _is_invalid(trial: TrialRecord) -> bool:
    return trial.kind is OutcomeKind.INVALID


_INVALID = "invalid"


def _stored(trial: TrialRecord) -> str | None:
    """Return the outcome of a trial's partner in a baseline, as noted; None if it has none."""
    notes = (note for note in reversed(trial.notes) if note.startswith(IN_BASELINE))  # a body's come before
    return next((note.removeprefix(IN_BASELINE) for note in notes), None)


def _changed(turn: Turn, then: Mapping[_Place, str], run: str) -> Turn | None:
    """Return a turn of which a trial came out otherwise before, with notes that say how; None if none did."""
    noted = []
    for trial in turn:
        was = then.get(_place_of(trial))
        other = was is not None and was != _said(trial)
        note = f"in run {run}: {was}"
        noted.append(replace(trial, notes=(*trial.notes, note)) if other else trial)
    return tuple(noted) if any(now is not was for now, was in zip(noted, turn, strict=True)) else None


def _outcomes(result: HypothesisResult) -> Mapping[_Place, str]:
    return {_place_of(trial): _said(trial) for trial in result.trials}


def _place_of(trial: TrialRecord) -> _Place:
    return trial.case_id, trial.repeat, trial.arm


def _said(trial: TrialRecord) -> str:
    """Return a trial's outcomes as they are noted."""
    if _is_invalid(trial):
        return _INVALID
    named = {name: f"{value:g}" for name, value in sorted(trial.values.items())}
    if [*named] == [""]:
        return named[""]
    return ", ".join(f"{name}={value}" for name, value in named.items() if name)


def kind_title(kind: ShowKind, seed: int) -> str:
    """Name the trials of a kind."""
    match kind:
        case ShowKind.AGAINST:
            return "trials against the claim"
        case ShowKind.FOR:
            return "trials for the claim"
        case ShowKind.INVALID:
            return "invalid trials"
        case ShowKind.RANDOM:
            return f"trials picked at random with seed {seed}"
        case ShowKind.CHANGED:
            return "trials that came out otherwise before"
    assert_never(kind)
