"""Labels of a few trials beside the judged outcomes of all: blocks of trials become units of evidence."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Protocol

from pytest_velo.case_sets import Planned
from pytest_velo.claims import Direction, Statistic
from pytest_velo.errors import UsageError
from pytest_velo.labelling import Label, label_order, label_text, one_line, trial_digest
from pytest_velo.records import Invalid, OutcomeKind, TrialRecord, TruthSeen
from pytest_velo.runner.beside import Together
from pytest_velo.runner.units import Units
from pytest_velo.stats import limits
from pytest_velo.stats.engine.blocks import Blocks
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.centred import BREAK_EVEN
from pytest_velo.stats.rules.interval import reported
from pytest_velo.verdicts import Interval

AT_ONCE = 20
"""So many labels are asked for at least, if so many are left: one by one would take a run for each."""


class Labelling(Protocol):
    """Which trials are labelled, and what their labels are."""

    def chosen_in(self, block: int) -> int:
        """Return the index of the labelled trial of a block, from 0."""
        ...

    @property
    def every(self) -> int:
        """Trials of a block."""
        ...

    def label_of(self, trial: TrialRecord) -> Label | None:
        """Return the label of a trial; None if it has none yet."""
        ...

    def is_changed(self, trial: TrialRecord) -> bool:
        """Tell whether a trial without a label has one of what was said in its place before."""
        ...


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels in a file.

    Attributes:
        path: The file, as its user names it.
        exists: It is there.
        test_id: The test whose trials are labelled.
        every: Trials of a block.
        by: Whose labels count; empty for those of all.
        seed: The root seed, which chooses the trials.
        found: The labels by the digest of what was seen.
    """

    path: str
    exists: bool
    test_id: str
    every: int
    by: str = ""
    seed: int
    found: Mapping[str, Label]

    def chosen_in(self, block: int) -> int:
        """Return the index of the labelled trial of a block."""
        known, more = self._order
        while len(known) <= block:
            known.append(next(more))
        return known[block]

    @cached_property
    def _order(self) -> tuple[list[int], Iterator[int]]:
        return [], iter(label_order(self.test_id, sys.maxsize, self.seed, self.every))

    def label_of(self, trial: TrialRecord) -> Label | None:
        """Return the label of what is said in a trial; None if there is none.

        Raises:
            UsageError: Two things are said of it.
        """
        return self.found.get(trial_digest(self.test_id, trial))

    def is_changed(self, trial: TrialRecord) -> bool:
        """Tell whether the same case and repeat has a label, but for something else that was said."""
        return (trial.case_id, trial.arm, trial.repeat) in self._slots

    @cached_property
    def _slots(self) -> frozenset[tuple[str, str, int | None]]:
        return frozenset(
            (label.case, label.arm, label.repeat)
            for label in self.found.values()
            if label.test in ("", one_line(self.test_id))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedLabels:
    """The labels that a record says were used, by the index of the trial."""

    every: int
    chosen: Sequence[int]
    labels: Mapping[int, float | None]

    def chosen_in(self, block: int) -> int:
        """Return the index of the labelled trial of a block."""
        return self.chosen[block]

    def label_of(self, trial: TrialRecord) -> Label | None:
        """Return the label of a trial; None if it had none."""
        if trial.index not in self.labels:
            return None
        return Label(trial="", label=self.labels[trial.index])

    @staticmethod
    def is_changed(trial: TrialRecord) -> bool:
        """Return False: a record does not tell."""
        return False


class LabelledUnit(NamedTuple):
    """A unit of evidence: the bounds of a label, its centre, and the ends foreseen for that."""

    bounds: tuple[float, float]
    centre: float
    ends: tuple[float, float]


class LabelledUnits(Units):
    """The labelled trials, with their labels as outcomes."""

    def __init__(self, statistic: Statistic, *, invalid: Invalid, worst: float) -> None:
        super().__init__(statistic, invalid=invalid, worst=worst)
        self.together = Together()

    @property
    def estimate(self) -> float | None:
        """The mean label, at what the judge says of all trials; in the statistic's own units."""
        adjusted = self.together.adjusted
        plain = super().estimate
        return plain if adjusted is None or plain is None else self._statistic.scale.from_unit(adjusted)


class Labelled:
    """Collects trials until a block is complete, and finds the label of the one that is chosen.

    The first block whose label is missing ends the evidence: what comes later waits for labels, too, and is
    only there to be labelled. Blocks are never taken out of order.

    Attributes:
        units: The labelled trials.
        judged: All trials, with the outcomes that were judged.
        n_judged: Trials of complete blocks.
        n_skipped: Labels that cannot say.
        n_waiting: Complete blocks whose label is still missing, or comes after one that is.
        n_changed: Waiting trials that have a label of something else that was said.
        labels: The labels that count, by the index of their trial, in the statistic's units; None for those
            that cannot say.
    """

    def __init__(
        self, labelling: Labelling, statistic: Statistic, invalid: Invalid, direction: Direction | None
    ) -> None:
        worst = 1.0 if direction is Direction.AT_MOST else 0.0
        self.units = LabelledUnits(statistic, invalid=invalid, worst=worst)
        self.judged = Units(statistic)
        self.n_judged = self.n_waiting = self.n_changed = self.n_skipped = 0
        self.labels: dict[int, float | None] = {}
        self._labelling = labelling
        self._statistic = statistic
        self._blocks = Blocks()
        self._block: list[TrialRecord] = []
        self._enough = AT_ONCE
        self._agree = [0, 0]

    @property
    def agreement(self) -> float | None:
        """Share of the labels that are what was judged, where both are known; None for scores."""
        n_alike, n_both = self._agree
        return n_alike / n_both if n_both and self._statistic.binary else None

    @property
    def correlation(self) -> float | None:
        """Of labels and judged outcomes; None of few, or where one of both never varied."""
        return self.units.together.correlation

    @property
    def squared(self) -> float:
        """The squared correlation, less what chance gives on average."""
        return self.units.together.squared

    @property
    def explained(self) -> float:
        """The share of the labels' variance that the judge takes away, as estimated."""
        return self.squared * (1.0 - 1.0 / self._labelling.every)

    @property
    def is_enough(self) -> bool:
        """Whether so many trials wait for labels that these come first."""
        return self.n_waiting >= self._enough

    def add(self, record: TrialRecord, planned: Planned) -> LabelledUnit | None:
        """Take in the next trial; return the unit that it completes, if its block has a label.

        Raises:
            UsageError: The label is none of this statistic.
        """
        self.judged.add(record, replace(planned, unit_size=1))
        self._block.append(record)
        if len(self._block) < self._labelling.every:
            return None
        block, self._block = self._block, []
        number = self.n_judged // self._labelling.every
        self.n_judged += len(block)
        place = self._labelling.chosen_in(number) - block[0].index
        label = None if self.n_waiting else self._labelling.label_of(block[place])
        if label is None:
            self.n_waiting += 1
            self.n_changed += self._is_changed(block[place])
            return None
        return self._unit(block, place, label, planned)

    def expect(self, n_more: int, left: int) -> None:
        """Ask for as many labels as the verdict likely needs, of those that are `left`."""
        self._enough = max(1, min(left, max(AT_ONCE, n_more)))

    def further(self, units: int) -> int:
        """Return the blocks that are still wanted, where the rule wants so many units."""
        return max(0, self._enough - self.n_waiting) if self.n_waiting else units

    def _is_changed(self, trial: TrialRecord) -> bool:
        return self._labelling.label_of(trial) is None and self._labelling.is_changed(trial)

    def _unit(
        self, block: Sequence[TrialRecord], place: int, label: Label, planned: Planned
    ) -> LabelledUnit | None:
        trial = block[place]
        value = self._value(label, trial)
        centre, ends = self._blocks.centre([self._judged(each) for each in block], place)
        self.labels[trial.index] = value
        name = self._statistic.name or ""
        seen = replace(trial, kind=_kind(value, binary=self._statistic.binary), values={name: value or 0.0})
        bounds = self.units.add(seen, replace(planned, unit_size=1, turn=len(self.units.turns)))
        assert bounds is not None  # nothing is left out: the check of the keywords looked
        self.n_skipped += value is None
        if value is not None and trial.kind is not OutcomeKind.INVALID:
            self._agree[0] += value == trial.values[name]
            self._agree[1] += 1
        if bounds[0] == bounds[1]:
            self.units.together.add(bounds[0], centre)
        return LabelledUnit(bounds, centre, ends)

    def _judged(self, trial: TrialRecord) -> float | None:
        """Return what was judged on the scale [0, 1]; None for nothing."""
        if trial.kind is OutcomeKind.INVALID:
            return None
        return self._statistic.outcomes.to_unit(trial.values[self._statistic.name or ""])

    def _value(self, label: Label, trial: TrialRecord) -> float | None:
        """Return a label in the statistic's own units; None for one that cannot say."""
        if label.label is None:
            return None
        low, high = self._statistic.outcomes
        value = float(label.label)
        fits = value in (0.0, 1.0) if self._statistic.binary else low <= value <= high
        if not fits or (isinstance(label.label, bool) and (low, high) != (0.0, 1.0)):
            wanted = "yes or no" if self._statistic.binary else f"a number from {low:g} to {high:g}"
            raise UsageError(
                f"the label of trial {trial.index} is {label_text(label.label)!r}, and `{self._statistic}`"
                f" takes {wanted}",
                where=f"label {label.trial}",
                fix=f"write {wanted}, or skip",
            )
        return value


def _kind(value: float | None, *, binary: bool) -> OutcomeKind:
    if value is None:
        return OutcomeKind.INVALID
    if not binary:
        return OutcomeKind.VALUE
    return OutcomeKind.ONE if value == 1.0 else OutcomeKind.ZERO


def truth_of(
    labelled: Labelled,
    labelling: Labels,
    statistic: Statistic,
    design: Design,
    *,
    n: int | None,
    two_sided: bool,
) -> TruthSeen:
    """Return what a record says of the labels.

    `n` is how many decided the claim, if they did; `two_sided` tells that the interval has half of alpha on
    each side.
    """
    levels = (design.alpha / 2, design.alpha / 2) if two_sided else (design.alpha, design.beta)
    alone = None
    if n is not None:
        explained = min(labelled.explained, _MOST)
        rival = 1.0 - BREAK_EVEN if statistic.binary else 1.0
        alone = max(n, round(n / (1.0 - explained) * rival))
    return TruthSeen(
        source=labelling.path,
        every=labelling.every,
        by=labelling.by,
        n_judged=labelled.n_judged,
        n_labelled=len(labelled.labels),
        n_skipped=labelled.n_skipped,
        n_waiting=labelled.n_waiting,
        n_changed=labelled.n_changed,
        judged=labelled.judged.estimate,
        judged_interval=_interval_of(labelled.judged, statistic, *levels),
        correlation=labelled.correlation,
        agreement=labelled.agreement,
        n_alone=alone,
        labels=dict(labelled.labels),
    )


def _interval_of(judged: Units, statistic: Statistic, below: float, above: float) -> Interval | None:
    """Return the interval of what was judged, which never excludes its mean; None before the first trial."""
    if not judged.turns:
        return None
    size = 1 + len(judged.turns) // _MOST_UNITS
    lows, highs = (_means(each, size) for each in judged.bounds)
    low = limits.mean_limit(lows, 1, limits.constant(below))
    high = limits.mean_limit(highs, -1, limits.constant(above))
    native = statistic.scale.from_unit
    running = Interval(low=native(min(low, high)), high=native(max(low, high)), level=1.0 - below - above)
    return reported(running, judged.estimate, None).interval


def _means(values: Sequence[float], size: int) -> list[float]:
    """Return the means of so many values each, in order, without a rest."""
    return [math.fsum(values[at : at + size]) / size for at in range(0, len(values) - size + 1, size)]


_MOST_UNITS = 4_000
"""Beyond it an interval takes seconds, and is made of the means of several trials."""

_MOST = 0.95
"""Beyond it the saving is more than twentyfold by the formula, which no run has shown."""
