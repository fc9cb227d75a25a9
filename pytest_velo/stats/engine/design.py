"""The design of a test: its error rates, its horizon, and which units it is fed."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_velo.errors import UsageError

MAX_CALIBRATED_UNITS = 5_000
"""Beyond this horizon the exact thresholds cost seconds and gain little: Ville's are used."""

NO_DIFFERENCE = 0.5
"""The null "no difference" on the scale of [0, 1]."""

PRIOR = 0.5
"""Jeffreys: half a one and half a zero stand before the data in forecasts, never in verdicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What the rule of a claim is made with; rules of equal claims and designs are alike.

    Attributes:
        alpha: P(wrong supported), at most; in (0, 1).
        beta: P(wrong refuted), at most; in (0, 1).
        max_units: The horizon: no unit is fed after it.
        margin: How far off the claim must be to count as false, from 0, in the statistic's own units.
        min_units: No verdict comes before this many units; in 1..max_units.
        single: Units are single trials, or single pairs of them, not means of cases or groups.
        extend: The horizon may be raised later, so nothing may be calibrated to it.
        draws: Trials of each case whose mean is a unit; 1 where units are single or whole groups.
        census: The units are a list of so many recorded outcomes, each looked at once; None otherwise.

    Raises:
        UsageError: A number is outside its range.
    """

    alpha: float
    beta: float
    max_units: int
    margin: float = 0.0
    min_units: int = 1
    single: bool = True
    extend: bool = False
    draws: int = 1
    census: int | None = None

    def __post_init__(self) -> None:
        for name, level in (("alpha", self.alpha), ("beta", self.beta)):
            if not 0.0 < level < 1.0:
                raise UsageError(f"{name} must lie between 0 and 1, got {level!r}", fix=f"{name}=0.05")
        if not 1 <= self.min_units <= self.max_units:
            raise UsageError(
                f"the first verdict may come at {self.min_units} and the last at {self.max_units} units",
                fix="1 <= min_trials <= max_trials",
            )

    @property
    def calibrates(self) -> bool:
        """Thresholds for 0/1 outcomes may be calibrated to the horizon, by exact dynamic programming."""
        return self.single and not self.extend and self.max_units <= MAX_CALIBRATED_UNITS
