"""Which transcripts a page holds: a random sample, as well as those against the claim and those that changed.

A page that showed failures alone would make every model look broken, so half of each hypothesis's share is a
sample of its trials, drawn with a fixed seed: the same run gives the same page.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pytest_velo.records import HypothesisResult, OutcomeKind, TrialRecord
from pytest_velo.report.document import turn_of

MOST_TRANSCRIPTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A trial that is shown.

    Attributes:
        trial: The trial.
        sampled: It belongs to the random sample.
        against: It is among those that speak most against the claim.
    """

    trial: TrialRecord
    sampled: bool
    against: bool


def shares(numbers: Mapping[str, int], most: int = MOST_TRANSCRIPTS) -> dict[str, int]:
    """Share out `most` places: each gets as many as it has trials, or else the same as the others.

    >>> shares({"a": 10, "b": 2, "c": 10}, 12)
    {'a': 5, 'b': 2, 'c': 5}
    """
    given: dict[str, int] = {}
    left = most
    for place, name in enumerate(sorted(numbers, key=lambda name: numbers[name])):
        given[name] = min(numbers[name], left // (len(numbers) - place))
        left -= given[name]
    return {name: given[name] for name in numbers}


def choose(result: HypothesisResult, places: int, changed: Collection[int] = ()) -> list[Chosen]:
    """Choose trials of a result, by index: at most `places` of them, the arms of a turn together.

    Args:
        result: With its trials.
        places: From 0.
        changed: Indices of trials that came out otherwise in an earlier run; they come first.
    """
    turns = [tuple(turn) for _, turn in groupby(_by_index(result.trials), key=turn_of)]
    order = random.Random(f"{result.seed} {result.node_id}").sample(turns, len(turns))
    against, telling = frozenset(result.telling), {index: at for at, index in enumerate(result.telling)}
    worst = sorted(
        (turn for turn in turns if any(trial.index in telling for trial in turn)),
        key=lambda turn: min(telling.get(trial.index, len(telling)) for trial in turn),
    )
    invalid = [turn for turn in turns if any(trial.kind is OutcomeKind.INVALID for trial in turn)]
    moved = [turn for turn in turns if any(trial.index in changed for trial in turn)]
    sampled = _fitting(order, (places + 1) // 2) if len(result.trials) > places else order
    kept: dict[int, tuple[TrialRecord, ...]] = {}
    free = places - sum(map(len, sampled))
    for turn in (*moved, *_mixed(worst, invalid), *order):
        if turn[0].index not in kept and turn not in sampled and len(turn) <= free:
            kept[turn[0].index] = turn
            free -= len(turn)
    at_random = {turn[0].index for turn in sampled}
    kept |= {turn[0].index: turn for turn in sampled}
    return [
        Chosen(trial=trial, sampled=first in at_random, against=trial.index in against)
        for first, turn in sorted(kept.items())
        for trial in turn
    ]


def _by_index(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    return sorted(trials, key=lambda trial: trial.index)


def _fitting(turns: Sequence[tuple[TrialRecord, ...]], places: int) -> list[tuple[TrialRecord, ...]]:
    """Return as many turns as fit, from the first on."""
    found = []
    for turn in turns:
        places -= len(turn)
        if places < 0:
            break
        found.append(turn)
    return found


def _mixed(
    first: Sequence[tuple[TrialRecord, ...]], second: Sequence[tuple[TrialRecord, ...]]
) -> list[tuple[TrialRecord, ...]]:
    """Take three of the first, then one of the second, and so on."""
    mixed = []
    others = list(second)
    for at, turn in enumerate(first):
        mixed.append(turn)
        if at % 3 == 2 and others:
            mixed.append(others.pop(0))
    return [*mixed, *others]
