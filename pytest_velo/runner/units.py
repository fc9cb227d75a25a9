"""From trials to units of evidence: a trial, a pair of arms, the mean of a case's k draws or of a group."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from pytest_velo.case_sets import Planned
from pytest_velo.claims import Statistic
from pytest_velo.records import Invalid, OutcomeKind, TrialRecord


class Turn(NamedTuple):
    """One trial, or one trial of each arm on the same case.

    Attributes:
        value: What the statistic averages, in its own units; None if it is invalid.
        trials: Indices of its trials.
    """

    value: float | None
    trials: tuple[int, ...]


class Units:
    """Collects trials until their unit is complete.

    Args:
        statistic: What is averaged.
        n_arms: Trials in a turn, >= 1.
        invalid: How invalid trials count.
        worst: How one counts under `against`: 0 or 1, on the scale [0, 1].
        reference: For a `Change`: what a baseline stored for each turn, in the outcome's units; None for
            invalid.

    Attributes:
        turns: All complete turns of the prefix, in order.
        n_ones, n_zeros: Valid trials with outcome 1 and 0, in any arm.
        n_invalid: Invalid turns.
    """

    def __init__(
        self,
        statistic: Statistic,
        *,
        n_arms: int = 1,
        invalid: Invalid = Invalid.BOUND,
        worst: float = 0.0,
        reference: Sequence[float | None] | None = None,
    ) -> None:
        self._statistic = statistic
        self._n_arms = n_arms
        self._invalid = invalid
        self._worst = worst
        self._reference = reference
        self._missing = 0
        self._turn: dict[str, TrialRecord] = {}
        self._bounds: list[tuple[float, float]] = []
        self._values: list[float] = []
        self._sum = 0.0
        self._n_valid = 0
        self._n_fed = 0
        self._unit_sum = 0.0
        self._unit_squares = 0.0
        self._lows, self._highs = array("d"), array("d")
        self._arm_sums: dict[str, tuple[float, int]] = {}
        self.turns: list[Turn] = []
        self.n_ones = 0
        self.n_zeros = 0
        self.n_invalid = 0

    def add(self, record: TrialRecord, planned: Planned) -> tuple[float, float] | None:
        """Add the next trial in submission order; return the bounds of its unit if complete and counted."""
        if self._missing == 0:
            self._missing = planned.unit_size
        self._missing -= 1
        self._count(record)
        self._turn[record.arm] = record
        if len(self._turn) == self._n_arms:
            self._end_turn(planned.turn)
        return self._complete() if self._missing == 0 else None

    @property
    def estimate(self) -> float | None:
        """Mean over complete units of their valid turns' mean, in the statistic's units; None without any.

        Under `against` an invalid turn counts as in the evidence: at the claim's bad end.
        """
        return self._sum / self._n_valid if self._n_valid else None

    @property
    def moments(self) -> tuple[int, float, float]:
        """Number, mean and variance of the complete units on the scale [0, 1].

        A pseudo-unit of 0 and one of 1 are included, so that the variance is never 0: (n, mean, variance).
        """
        n = self._n_fed
        mean = (self._unit_sum + 1.0) / (n + 2.0)
        variance = (self._unit_squares + 1.0) / (n + 2.0) - mean * mean
        return n, self._unit_sum / n if n else 0.5, max(variance, 0.0)

    @property
    def open_share(self) -> float:
        """Mean width of the bounds of the complete units, from 0 to 1: what invalid trials leave open."""
        return (sum(self._highs) - sum(self._lows)) / self._n_fed if self._n_fed else 0.0

    @property
    def bounds(self) -> tuple[array[float], array[float]]:
        """The low and the high bounds of the complete units, on the scale [0, 1], in order."""
        return self._lows, self._highs

    @property
    def compares(self) -> tuple[str, ...]:
        """The arms whose difference it is, first minus second; empty for a statistic of one arm."""
        return self._statistic.arms

    @property
    def n_valid(self) -> int:
        """Valid turns."""
        return len(self.turns) - self.n_invalid

    @property
    def arm_means(self) -> dict[str, float]:
        """The mean valid outcome of each arm, in the outcomes' own units; empty without arms."""
        scale = self._statistic.outcomes
        return {arm: scale.from_unit(total / n) for arm, (total, n) in self._arm_sums.items()}

    def _count(self, record: TrialRecord) -> None:
        if record.kind is OutcomeKind.ONE:
            self.n_ones += 1
        elif record.kind is OutcomeKind.ZERO:
            self.n_zeros += 1

    def _end_turn(self, turn: int) -> None:
        records, self._turn = self._turn, {}
        outcomes = {arm: self._outcome(record) for arm, record in records.items()}
        if self._reference is not None:
            stored = self._reference[turn]
            now, then = self._statistic.arms
            unit = None if stored is None else self._statistic.outcomes.to_unit(stored)
            outcomes = {now: outcomes[""], then: unit}
        for arm, outcome in outcomes.items():
            if arm and outcome is not None:
                total, n = self._arm_sums.get(arm, (0.0, 0))
                self._arm_sums[arm] = total + outcome, n + 1
        value = self._value(outcomes)
        self.turns.append(Turn(value, tuple(record.index for record in records.values())))
        if value is None:
            self.n_invalid += 1
            if self._invalid is Invalid.AGAINST:  # it is part of what the claim is tested on
                self._values.append(self._statistic.scale.from_unit(self._worst))
        else:
            self._values.append(value)
        bounds = self._bounds_of(outcomes)
        if bounds is not None:
            self._bounds.append(bounds)

    def _outcome(self, record: TrialRecord) -> float | None:
        """Return a trial's outcome on the scale of [0, 1]; None for an invalid one."""
        if record.kind is OutcomeKind.INVALID:
            return None
        return self._statistic.outcomes.to_unit(record.values[self._statistic.name or ""])

    def _value(self, outcomes: dict[str, float | None]) -> float | None:
        """Return what the statistic averages; None when a trial it needs is invalid."""
        if not self._statistic.arms:
            (outcome,) = outcomes.values()
            return None if outcome is None else self._statistic.scale.from_unit(outcome)
        first, second = (outcomes[arm] for arm in self._statistic.arms)
        if first is None or second is None:
            return None
        return (first - second) * self._statistic.outcomes.span

    def _bounds_of(self, outcomes: dict[str, float | None]) -> tuple[float, float] | None:
        """Return the bounds of a turn on the scale of [0, 1]; None when it does not count at all."""
        needed = [outcomes[arm] for arm in self._statistic.arms or outcomes]
        if None in needed:
            match self._invalid:
                case Invalid.EXCLUDE:
                    return None
                case Invalid.AGAINST:
                    return self._worst, self._worst
                case Invalid.BOUND:
                    pass
        ends = [(0.0, 1.0) if outcome is None else (outcome, outcome) for outcome in needed]
        if len(ends) == 1:
            return ends[0]
        (first_low, first_high), (second_low, second_high) = ends
        return (first_low - second_high + 1.0) / 2.0, (first_high - second_low + 1.0) / 2.0

    def _complete(self) -> tuple[float, float] | None:
        bounds, values = self._bounds, self._values
        self._bounds, self._values = [], []
        if values:
            self._sum += sum(values) / len(values)
            self._n_valid += 1
        if not bounds:
            return None  # every trial of the unit was invalid and is left out
        n = len(bounds)
        low, high = sum(low for low, _ in bounds) / n, sum(high for _, high in bounds) / n
        middle = (low + high) / 2.0
        self._n_fed += 1
        self._lows.append(low)
        self._highs.append(high)
        self._unit_sum += middle
        self._unit_squares += middle * middle
        return low, high
