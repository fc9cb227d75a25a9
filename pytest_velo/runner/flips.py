"""Which outcomes changed between two scorings of the same trials. Pure, and independent of claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_velo.records import OutcomeKind, TrialRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A trial whose outcome changed.

    Attributes:
        before, now: The trial as it was scored then and now.
        moved: By the outcome's name, now minus before; empty if the trial became valid or invalid.
        size: How large the change is, from 0 to 1: 1 for a 0/1 outcome or a change of validity; for a score
            its share of the range of all scores of that name.
    """

    before: TrialRecord
    now: TrialRecord
    moved: Mapping[str, float]
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How one outcome moved over all trials that are valid in both scorings.

    Attributes:
        name: The outcome's name; empty if the body has a single unnamed one.
        binary: Every value, then and now, is 0 or 1.
        n: Trials.
        n_up, n_down: Trials in which it rose and fell.
        mean: Mean of now minus before over all `n`, in its own units; None if there are none.
    """

    name: str
    binary: bool
    n: int
    n_up: int
    n_down: int
    mean: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """What a rescoring changed.

    Attributes:
        n: Trials that were scored twice.
        n_alone: Trials that only one scoring has; they are not compared.
        flips: The trials whose outcome changed, the largest changes first.
        moves: How each outcome moved, by name.
        n_invalid, n_valid: Trials that became invalid, and valid.
    """

    n: int
    n_alone: int
    flips: tuple[Flip, ...]
    moves: tuple[Moves, ...]
    n_invalid: int
    n_valid: int


Pair = tuple[TrialRecord, TrialRecord]


def flips_between(before: Iterable[TrialRecord], now: Iterable[TrialRecord]) -> Flips:
    """Compare two scorings of the same trials, paired on index, case, repeat and arm."""
    old, new = ({_place(trial): trial for trial in trials} for trials in (before, now))
    pairs = [(old[place], trial) for place, trial in new.items() if place in old]
    spans = _spans(pairs)
    flips = [flip for pair in pairs if (flip := _flip(*pair, spans)) is not None]
    return Flips(
        n=len(pairs),
        n_alone=len(old.keys() ^ new.keys()),
        flips=tuple(sorted(flips, key=lambda flip: (-flip.size, flip.now.index))),
        moves=tuple(_moves(name, pairs) for name in sorted(spans)),
        n_invalid=sum(_is_valid(then) and not _is_valid(today) for then, today in pairs),
        n_valid=sum(_is_valid(today) and not _is_valid(then) for then, today in pairs),
    )


def _place(trial: TrialRecord) -> tuple[int, str, int, str]:
    return trial.index, trial.case_id, trial.repeat, trial.arm


def _is_valid(trial: TrialRecord) -> bool:
    return trial.kind is not OutcomeKind.INVALID


def _both(pair: Pair, name: str) -> tuple[float, float] | None:
    """Return an outcome then and now; None if a scoring lacks it."""
    then, today = (trial.values.get(name) if _is_valid(trial) else None for trial in pair)
    return None if then is None or today is None else (then, today)


def _values(name: str, pairs: Sequence[Pair]) -> list[tuple[float, float]]:
    found = (_both(pair, name) for pair in pairs)
    return [values for values in found if values is not None]


def _spans(pairs: Sequence[Pair]) -> dict[str, float]:
    """Return by name the range of an outcome's values; 0 if all are the same."""
    seen: dict[str, list[float]] = {}
    for pair in pairs:
        for name in pair[0].values.keys() & pair[1].values.keys():
            seen.setdefault(name, []).extend(_both(pair, name) or ())
    return {name: max(values) - min(values) for name, values in seen.items() if values}


def _flip(then: TrialRecord, today: TrialRecord, spans: Mapping[str, float]) -> Flip | None:
    if _is_valid(then) != _is_valid(today):
        return Flip(before=then, now=today, moved={}, size=1.0)
    both = {name: _both((then, today), name) for name in spans}
    moved = {
        name: values[1] - values[0]
        for name, values in both.items()
        if values is not None and values[0] != values[1]
    }
    if not moved:
        return None
    return Flip(
        before=then, now=today, moved=moved, size=max(abs(by) / spans[name] for name, by in moved.items())
    )


def _moves(name: str, pairs: Sequence[Pair]) -> Moves:
    values = _values(name, pairs)
    return Moves(
        name=name,
        binary=all(value in (0.0, 1.0) for both in values for value in both),
        n=len(values),
        n_up=sum(today > then for then, today in values),
        n_down=sum(today < then for then, today in values),
        mean=sum(today - then for then, today in values) / len(values) if values else None,
    )
