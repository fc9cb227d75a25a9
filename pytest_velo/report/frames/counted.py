"""Which recorded trials a verdict counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from pytest_velo.baselines.older import NotComparable, with_units
from pytest_velo.baselines.written import parts_of
from pytest_velo.records import HypothesisResult, Invalid, OutcomeKind, TrialRecord


def counted(result: HypothesisResult) -> frozenset[int] | None:
    """Return the indices of the trials that the evidence rests on; None if an older record does not tell.

    They are those of its first n whole units. An invalid trial is among them unless the claim is about valid
    ones only: the evidence has it as what it may have been. An arm that is not compared counts for nothing.

    Args:
        result: With its trials.
    """
    if result.decision is None:
        return frozenset()
    try:
        known = with_units(result)
    except NotComparable:
        return None
    arms = _compared(known)
    excluding = known.invalid is Invalid.EXCLUDE
    found: set[int] = set()
    n_left = result.decision.evidence.n
    for unit in _whole_units(known.trials):
        turns = _turns([trial for trial in unit if not arms or trial.arm in arms])
        valid = [turn for turn in turns if not (excluding and any(map(_is_invalid, turn)))]
        if n_left and valid:
            n_left -= 1
            found.update(trial.index for turn in valid for trial in turn)
    return frozenset(found)


def pairs_of(trials: Sequence[TrialRecord]) -> dict[int, int]:
    """Return the number of the pair, or of the set of arms, that each trial is of; nothing without arms.

    Args:
        trials: In submission order.
    """
    found: dict[int, int] = {}
    seen: set[str] = set()
    number = 0
    for trial in trials:
        if not trial.arm:
            continue
        if trial.arm in seen:
            seen.clear()
            number += 1
        seen.add(trial.arm)
        found[trial.index] = number
    return found


def _compared(result: HypothesisResult) -> Collection[str]:
    """Return the arms that the claim compares; none if all trials count."""
    parts = parts_of(result.claim) or ()
    return {arm for part in parts for arm in part.arms}


def _whole_units(trials: Sequence[TrialRecord]) -> Iterator[list[TrialRecord]]:
    units: defaultdict[int, list[TrialRecord]] = defaultdict(list)
    for trial in trials:
        units[trial.unit or 0].append(trial)
    for number in sorted(units):
        if len(units[number]) == units[number][0].unit_size:
            yield units[number]


def _turns(trials: Sequence[TrialRecord]) -> list[list[TrialRecord]]:
    """Put the arms of one case and repeat together; trials without arms stay alone."""
    places = pairs_of(trials)
    turns: dict[int, list[TrialRecord]] = {}
    for trial in trials:
        turns.setdefault(places.get(trial.index, trial.index), []).append(trial)
    return list(turns.values())


def _is_invalid(trial: TrialRecord) -> bool:
    return trial.kind is OutcomeKind.INVALID
