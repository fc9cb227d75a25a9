"""Which case each trial gets: pure functions of the case set and the seed, never of max_trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import Any

from pytest_velo.case_sets.case import Recorded, fresh, is_shared_safely
from pytest_velo.case_sets.sets import CaseSet
from pytest_velo.errors import UsageError, nearest

Unit = tuple[int, ...]
"""Positions of the cases of one unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One trial to run.

    Attributes:
        index: Position in submission order, from 0.
        unit: Position of its unit, from 0; the trials of a unit are consecutive.
        case: The case; None without cases.
        case_digest: Digest of its content; empty without cases.
        case_id: Its name; empty without cases.
        repeat: How many earlier trials had the same case content, so that no two share a draw.
        unit_size: Trials in its unit, from 1.
        turn: Position without arms: all arms of one turn have the same case, repeat and seed.
        arm: The arm; empty without arms.
    """

    index: int
    turn: int
    unit: int
    case: Any
    case_digest: str
    case_id: str
    repeat: int
    unit_size: int
    arm: str = ""


class Plan:
    """The trials of a hypothesis in submission order; iterate over it, or index it.

    Attributes:
        n_units: Number of units; None if endless.
        largest_unit: Most trials in a unit.
    """

    def __init__(self, case_set: CaseSet | None, over: str, seed: int, draws_per_case: int) -> None:
        self._set = case_set
        self._seed = seed
        self._draws = draws_per_case
        self._listed = None if case_set is None or over == "cases" else _shuffled(case_set, seed)
        self._shared = () if case_set is None else tuple(map(is_shared_safely, case_set.items))
        self.n_units = None if self._listed is None else len(self._listed)
        self.largest_unit = draws_per_case * max(map(len, self._listed or ((0,),)))
        self._known: list[Planned] = []
        self._more = self._trials()

    def __iter__(self) -> Iterator[Planned]:
        return self._trials()

    def __getitem__(self, index: int) -> Planned:
        if index < 0:
            raise IndexError(index)
        while len(self._known) <= index:
            planned = next(self._more, None)
            if planned is None:
                raise IndexError(index)
            self._known.append(planned)
        return self._known[index]

    def _trials(self) -> Iterator[Planned]:
        indices = count()
        seen: Counter[str] = Counter()
        for number, unit in enumerate(self._units()):
            size = len(unit) * self._draws
            for position in unit:
                for _ in range(self._draws):
                    yield self._planned(next(indices), number, position, size, seen)

    def _planned(self, index: int, unit: int, position: int, size: int, seen: Counter[str]) -> Planned:
        case, case_digest, case_id = None, "", ""
        if self._set is not None:
            item = self._set.items[position]
            case = item if self._shared[position] else fresh(item)
            case_digest, case_id = self._set.digests[position], self._set.ids[position]
        repeat = seen[case_digest]
        seen[case_digest] = repeat + 1
        if isinstance(case, Recorded):
            case = case.drawn(repeat)
        return Planned(
            index=index,
            turn=index,
            unit=unit,
            case=case,
            case_digest=case_digest,
            case_id=case_id,
            repeat=repeat,
            unit_size=size,
        )

    def _units(self) -> Iterator[Unit]:
        if self._listed is not None:
            return iter(self._listed)
        if self._set is None:
            return ((0,) for _ in count())
        return _picked(self._set, self._seed)


def pick_order(case_set: CaseSet | None, over: str, seed: int, draws_per_case: int = 1) -> Plan:
    """Plan the trials of a hypothesis.

    Args:
        case_set: The cases; None for a body that takes none ("this body as it stands").
        over: `cases`: every unit is a case picked uniformly with replacement, exactly i.i.d.
            `population`: every case once, in seeded random order (an endless source: as drawn); with
            groups a unit is a whole group.
        seed: The run's root seed.
        draws_per_case: Trials of each case in its unit, from 1.

    Raises:
        UsageError: The design does not fit the set.
    """
    if isinstance(draws_per_case, bool) or not isinstance(draws_per_case, int) or draws_per_case < 1:
        raise UsageError(f"draws_per_case= must be a whole number, 1 or more, got {draws_per_case!r}")
    if case_set is None:
        if draws_per_case > 1:
            raise UsageError("draws_per_case= needs cases=", fix="without cases every trial is its own unit")
    elif over not in ("cases", "population"):
        raise UsageError(f"over={over!r} is unknown", fix=nearest(str(over), ("cases", "population")))
    else:
        _check_fit(case_set, over)
    return Plan(case_set, over, seed, draws_per_case)


def chosen_order(case_set: CaseSet, chosen: Iterable[tuple[int, int]]) -> Iterator[Planned]:
    """Plan given cases in order, each its own unit; `chosen` pairs positions in the set with repeats."""
    for index, (position, repeat) in enumerate(chosen):
        item = case_set.items[position]
        case = item if is_shared_safely(item) else fresh(item)
        yield Planned(
            index=index,
            turn=index,
            unit=index,
            case=case.drawn(repeat) if isinstance(case, Recorded) else case,
            case_digest=case_set.digests[position],
            case_id=case_set.ids[position],
            repeat=repeat,
            unit_size=1,
        )


def with_arms(trials: Iterable[Planned], arms: Sequence[str]) -> Iterator[Planned]:
    """Plan every trial once per arm, on the same case, repeat and seed."""
    n = len(arms)
    for trial in trials:
        for position, arm in enumerate(arms):
            yield Planned(  # `replace` takes five times as long
                index=trial.index * n + position,
                turn=trial.turn,
                unit=trial.unit,
                case=trial.case,
                case_digest=trial.case_digest,
                case_id=trial.case_id,
                repeat=trial.repeat,
                unit_size=trial.unit_size * n,
                arm=arm,
            )


def plain_order() -> Plan:
    """Plan the trials of a body without cases: endless, each its own unit."""
    return pick_order(None, "cases", seed=0)


def _check_fit(case_set: CaseSet, over: str) -> None:
    if over == "cases" and case_set.endless:
        raise UsageError(
            'over="cases" needs a fixed set of cases, but this source is endless',
            fix='say how many: cases(..., n=100), or use over="population"',
        )
    if case_set.groups is not None and case_set.endless:
        raise UsageError("group= needs a fixed set of cases", fix="say how many: cases(..., n=100)")
    if case_set.groups is not None and over == "cases":
        raise UsageError(
            'group= does not apply with over="cases", where each trial picks a single case',
            fix='drop group=, or use over="population", where the unit is the group\'s mean',
        )


def _picked(case_set: CaseSet, seed: int) -> Iterator[Unit]:
    """Pick a case for each unit, uniformly with replacement (2**256 over a few cases: no bias)."""
    base = sha256(f"pick {seed} {case_set.digest} ".encode())
    n = len(case_set)
    for number in count():
        own = base.copy()
        own.update(b"%d" % number)
        yield (int.from_bytes(own.digest(), "big") % n,)


def _shuffled(case_set: CaseSet, seed: int) -> list[Unit]:
    """Order the units by a seeded hash of their own content.

    The order is uniformly random. A row added to a file does not move the others, so their draws stay usable.
    """
    if case_set.endless:
        return [(position,) for position in range(len(case_set))]
    units: dict[str, list[int]] = {}
    copies: Counter[str] = Counter()
    for position, case_digest in enumerate(case_set.digests):
        name = f"{case_digest} {copies[case_digest]}"
        if case_set.groups is not None:
            name = case_set.groups[position]
        copies[case_digest] += 1
        units.setdefault(name, []).append(position)
    names = sorted(units, key=lambda name: sha256(f"order {seed} {name}".encode()).digest())
    return [tuple(units[name]) for name in names]
