"""Several logs side by side: the same samples, paired by id, with what is missing in its place.

A log's epochs are draws of each case. Draw k of a case is its epoch k, counted from 0, in every arm; an arm
with fewer epochs than another is gone through again, so that the mean over the draws of a case is the mean
over the arm's epochs. Nothing is dropped: a sample that one log lacks is an invalid one there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pytest_velo.canonical import digest
from pytest_velo.errors import UsageError, nearest
from pytest_velo.logs.log import Log, Sample, as_text

_INPUT = "input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The samples of one or more logs.

    Attributes:
        logs: The log of each arm, by the arm's name.
        ids: Every sample that any log has or announces, in the order of the logs.
        n_draws: Draws of each case.
        groups: The group of each sample, in the order of `ids`; None if they stand for themselves.
        notices: What the reader of a verdict should know about the pairing.
    """

    logs: Mapping[str, Log]
    ids: tuple[str, ...]
    n_draws: int
    groups: tuple[str, ...] | None
    notices: tuple[str, ...]
    _arms: Mapping[str, _Arm]

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the arms."""
        return tuple(self.logs)

    def at(self, arm: str, name: str, draw: int) -> Sample:
        """Return one arm's sample `name` in draw `draw`, from 0; an invalid one if the log has none."""
        return self._arms[arm].at(name, draw)

    def n_epochs(self, arm: str) -> int:
        """Return how many epochs an arm has."""
        return self._arms[arm].n_epochs


class _Arm:
    """One log, as a table of ids and epochs."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._samples: dict[tuple[str, int], Sample] = {}
        for sample in log.samples:
            place = (sample.id, sample.epoch)
            if place in self._samples:
                raise _twice(self._samples[place], sample)
            self._samples[place] = sample
        places = [*log.announced, *self._samples]
        self.ids = tuple(dict.fromkeys(name for name, _ in places))
        self._epochs = sorted({epoch for _, epoch in places})
        self.n_epochs = len(self._epochs)

    def at(self, name: str, draw: int) -> Sample:
        epoch = self._epochs[draw % self.n_epochs]
        found = self._samples.get((name, epoch))
        if found is not None:
            return found
        of = f" in epoch {epoch}" if self.n_epochs > 1 and name in self.known else ""
        return Sample(id=name, epoch=epoch, invalid=f"missing: the log has no such sample{of}")

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(name for name, _ in self._samples)

    def field(self, name: str, field: str) -> Any:
        """Return a field of a sample, from its first epoch that there is; None if it is not there."""
        for draw in range(self.n_epochs):
            found = self._samples.get((name, self._epochs[draw]))
            if found is not None:
                return found.fields.get(field)
        return None

    def first(self, name: str) -> Sample | None:
        return next(
            (self._samples[name, epoch] for epoch in self._epochs if (name, epoch) in self._samples), None
        )


def make_grid(logs: Mapping[str, Log], group: str | None = None) -> Grid:
    """Pair logs by their samples' ids.

    Args:
        logs: One or more, by the arm's name.
        group: A field of the samples that says which belong together; None if each stands for itself.

    Raises:
        UsageError: A sample comes twice, the logs have no sample in common or number them differently, or a
            sample has no such field.
    """
    for name, log in logs.items():
        if not log.samples:
            raise UsageError(
                f"the log of {name!r} has no samples", where=str(log.path), fix="was it cancelled?"
            )
        if log.numbered and len(logs) > 1:
            raise UsageError(
                "its rows have no id, so they pair with nothing",
                where=str(log.path),
                fix="give the rows an `id`, or name the field: --id=FIELD",
            )
    arms = {name: _Arm(log) for name, log in logs.items()}
    ids = tuple(dict.fromkeys(sample for arm in arms.values() for sample in arm.ids))
    return Grid(
        logs=dict(logs),
        ids=ids,
        n_draws=math.lcm(*(arm.n_epochs for arm in arms.values())),
        groups=None if group is None else tuple(_group(arms, name, group) for name in ids),
        notices=(
            *(f"{name}: {notice}" for name, log in logs.items() for notice in log.notices),
            *_notices(logs, arms),
        ),
        _arms=arms,
    )


def _twice(first: Sample, second: Sample) -> UsageError:
    of = f" in epoch {second.epoch}" if second.epoch != 1 else ""
    return UsageError(
        f"the sample {second.id!r} comes twice{of}; the first is {first.where}",
        where=second.where,
        fix="give each sample an id of its own, and its repeats a field `epoch`",
    )


def _group(arms: Mapping[str, _Arm], name: str, group: str) -> str:
    """Return a sample's group; one that no log has stands for itself, as nobody knows better."""
    known = [sample for arm in arms.values() if (sample := arm.first(name)) is not None]
    if not known:
        return f"sample {name}"
    for sample in known:
        value = sample.fields.get(group)
        if isinstance(value, str | int | float) and value != "":
            return as_text(value)
    raise UsageError(
        f"the sample {name!r} has no field {group!r} to group by",
        where=known[0].where,
        fix=nearest(group, map(str, known[0].fields)),
    )


def _notices(logs: Mapping[str, Log], arms: Mapping[str, _Arm]) -> Iterable[str]:
    """Check that the first arm pairs with each other one, and say what is odd about it."""
    first, *others = arms
    for other in others:
        common = arms[first].known & arms[other].known
        if not common:
            raise _nothing_in_common(first, other, logs, arms)
        differing = [
            name for name in arms[first].ids if name in common and _differs(name, arms, first, other)
        ]
        if differing:
            _check_order(differing, first, other, logs, arms)
            yield (
                f"{len(differing)} of {len(common)} samples have another input in {other} than in {first}"
                f" under the same id ({differing[0]} is the first): are they the same samples?"
            )
        mine, theirs = arms[first].n_epochs, arms[other].n_epochs
        if mine != theirs:
            yield (
                f"{first} has {mine} and {other} {theirs} epochs: the unit is a case's mean over its epochs,"
                " so some draws are in several pairs"
            )


def _differs(name: str, arms: Mapping[str, _Arm], first: str, second: str) -> bool:
    mine, theirs = (arms[arm].field(name, _INPUT) for arm in (first, second))
    return mine is not None and theirs is not None and mine != theirs


def _check_order(
    differing: Sequence[str], first: str, second: str, logs: Mapping[str, Log], arms: Mapping[str, _Arm]
) -> None:
    """Refuse logs that have the same inputs under other ids: one was shuffled before it was numbered."""
    mine, theirs = (
        Counter(_key(arms[arm].field(name, _INPUT)) for name in differing) for arm in (first, second)
    )
    n_moved = (mine & theirs).total()
    if 2 * n_moved >= len(differing):
        raise UsageError(
            f"{n_moved} of its samples have the inputs of other ids in {logs[first].path}: the logs number"
            " the same samples differently, so their ids pair what does not belong together",
            where=str(logs[second].path),
            fix="pair them by their text: --id=input",
        )


def _key(value: Any) -> str:
    try:
        return digest(value)
    except UsageError:
        return repr(value)


def _nothing_in_common(
    first: str, second: str, logs: Mapping[str, Log], arms: Mapping[str, _Arm]
) -> UsageError:
    shown = [", ".join(arms[arm].ids[:3]) for arm in (first, second)]
    return UsageError(
        f"the logs have no sample in common: {first} has {shown[0]}, …; {second} has {shown[1]}, …",
        where=str(logs[second].path),
        fix="name logs of the same samples, or pair them by another field: --id=input",
    )
