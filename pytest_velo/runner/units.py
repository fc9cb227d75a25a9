"""From trials to units: a trial, the mean of a case's k draws, or the mean of a group."""

from __future__ import annotations

from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.hypothesis import Hypothesis


class Units:
    """Collects trials until their unit is complete."""

    def __init__(self, hypothesis: Hypothesis) -> None:
        self._hypothesis = hypothesis
        self._missing = 0
        self._bounds: list[tuple[float, float]] = []
        self._values: list[float] = []
        self._sum = 0.0
        self._n_valid = 0
        self.n_ones = 0
        self.n_zeros = 0
        self.n_invalid = 0

    def add(self, record: TrialRecord, unit_size: int) -> tuple[float, float] | None:
        """Add the next trial in submission order.

        Args:
            record: The finished trial.
            unit_size: How many trials its unit has, from 1.

        Returns:
            The bounds of the unit's mean when the unit is complete and counts, else None.
        """
        if self._missing == 0:
            self._missing = unit_size
        self._missing -= 1
        value = self._count(record)
        if value is not None:
            self._values.append(value)
        bounds = self._hypothesis.bounds(value)
        if bounds is not None:
            self._bounds.append(bounds)
        return self._complete() if self._missing == 0 else None

    @property
    def estimate(self) -> float | None:
        """Mean over complete units of their valid trials' mean; None without any."""
        return self._sum / self._n_valid if self._n_valid else None

    def _count(self, record: TrialRecord) -> float | None:
        match record.kind:
            case OutcomeKind.ONE:
                self.n_ones += 1
                return 1.0
            case OutcomeKind.ZERO:
                self.n_zeros += 1
                return 0.0
            case OutcomeKind.INVALID:
                self.n_invalid += 1
                return None

    def _complete(self) -> tuple[float, float] | None:
        bounds, values = self._bounds, self._values
        self._bounds, self._values = [], []
        if values:
            self._sum += sum(values) / len(values)
            self._n_valid += 1
        if not bounds:
            return None  # every trial of the unit was invalid and is left out
        n = len(bounds)
        return sum(low for low, _ in bounds) / n, sum(high for _, high in bounds) / n
