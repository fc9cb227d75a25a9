"""Older records, which do not say which trials make a unit: derive it from the rest, never guess."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from pytest_velo.records import HypothesisResult, Invalid, TrialRecord, UnitKind
from pytest_velo.verdicts import StopReason

_NO_CASES = "this body as it stands"
_ONE_CASE = "over this one case"
_SOME_CASES = re.compile(r"over these \d+ cases")
_NEW_CASES = "beyond these cases"
_GROUPS = "beyond these cases (unit: group)"
_LISTED = re.compile(r"these \d+ recorded outcomes")
_PAIRED = ", paired on the case"
_EXCLUDED = "among valid replies"
_RESCORED = "rescored from "

_AT_A_UNITS_END = (
    StopReason.DECIDED,
    StopReason.MAX_TRIALS,
    StopReason.CASES_EXHAUSTED,
    StopReason.FUTILITY,
)


class NotComparable(Exception):
    """Two recorded results cannot be compared; the text tells people why."""


def with_units(result: HypothesisResult) -> HypothesisResult:
    """Return a result with its kind of unit, and with the unit of each trial.

    A record of today is returned as it is. In an older one, what can be derived is filled in; `invalid` stays
    None unless invalid trials were left out.

    Raises:
        NotComparable: The older record does not tell.
    """
    named = all(trial.unit is not None and trial.unit_size is not None for trial in result.trials)
    if result.unit is not None and named:
        return result
    arms = {trial.arm for trial in result.trials}
    sizes = {_size(result, [trial for trial in result.trials if trial.arm == arm]) for arm in arms}
    if len(sizes) > 1:
        raise _untold()
    size = sizes.pop() if sizes else 1
    seen: Counter[str] = Counter()
    trials = []
    for trial in result.trials:
        trials.append(replace(trial, unit=seen[trial.arm] // size, unit_size=size * len(arms)))
        seen[trial.arm] += 1
    certified = "" if result.decision is None else result.decision.certified
    excluded = Invalid.EXCLUDE if _EXCLUDED in certified else None
    return replace(
        result,
        unit=_kind(result, size, len(arms)),
        invalid=result.invalid or excluded,
        trials=tuple(trials),
    )


def _kind(result: HypothesisResult, size: int, n_arms: int) -> UnitKind:
    if size > 1:
        return UnitKind.CASE
    if _LISTED.fullmatch(result.scope):
        return UnitKind.OUTCOME
    return UnitKind.PAIR if n_arms > 1 else UnitKind.TRIAL


def _size(result: HypothesisResult, trials: Sequence[TrialRecord]) -> int:
    """Return how many trials of one arm make a unit."""
    scope = result.scope.removesuffix(_PAIRED)
    if scope == _NO_CASES or _LISTED.fullmatch(scope):
        return 1
    if scope == _GROUPS:
        raise NotComparable("an older record does not tell the groups apart")
    runs = [len([*same]) for _, same in groupby(trial.case_id for trial in trials)]
    if scope == _NEW_CASES:
        return runs[0]  # every case comes once, with all its draws
    if scope != _ONE_CASE and not _SOME_CASES.fullmatch(scope):
        raise NotComparable(f"an older record does not tell the units of a claim about {scope}")
    if 1 in runs[:-1]:
        return 1
    try:
        return _by_evidence(result, len(trials))
    except NotComparable:
        if scope == _ONE_CASE:
            return 1  # with only one case, its trials are as independent as any
        raise


def _by_evidence(result: HypothesisResult, n: int) -> int:
    """Return the draws per case, given the number of cases that were fed."""
    decision = result.decision
    if decision is None or decision.evidence.n == 0:
        raise _untold()
    excluded = decision.evidence.n_invalid and _EXCLUDED in decision.certified
    beyond = any(fact.startswith(_RESCORED) for fact in result.facts)  # its trials go on after the verdict
    partial = decision.stop not in _AT_A_UNITS_END
    if decision.evidence.n != n and (excluded or beyond or partial or n % decision.evidence.n):
        raise _untold()
    return n // decision.evidence.n


def _untold() -> NotComparable:
    return NotComparable("an older record does not tell which trials make a unit")
