"""The design of a test: its error rates, its horizon, and the units it is fed."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.centred import Centring

MAX_CALIBRATED_UNITS = 5_000
"""Beyond this horizon exact thresholds cost seconds and gain little, so Ville's are used."""

NO_DIFFERENCE = 0.5
"""The null "no difference" on the scale of [0, 1]."""

PRIOR = 0.5
"""Jeffreys' prior: half a one and half a zero, used in forecasts and never in verdicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How a claim is tested. Rules made from equal claims and designs behave the same.

    Attributes:
        alpha: Upper bound on P(wrong supported); in (0, 1).
        beta: Upper bound on P(wrong refuted); in (0, 1).
        max_units: The horizon: no unit is fed after it.
        margin: How far off the claim must be to count as false, >= 0, in the statistic's own units.
        min_units: No verdict comes before this many units; in 1..max_units.
        single: Units are single trials, or single pairs of them, rather than means of cases or groups.
        extend: The horizon may be raised later, so nothing may be calibrated to it.
        draws: Trials per case whose mean is a unit; 1 if units are single trials or whole groups.
        census: Number of recorded outcomes if the units are a finite list, each seen once; else None.
        centring: What is known of the centres of a covariate; None without one.
        explained: The squared correlation with the outcomes that is expected of it, in [0, 1].

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
    centring: Centring | None = None
    explained: float = 0.0

    def __post_init__(self) -> None:
        for name, level in (("alpha", self.alpha), ("beta", self.beta)):
            if not 0.0 < level < 1.0:
                raise UsageError(f"{name} must be between 0 and 1, got {level!r}", fix=f"{name}=0.05")
        if not 1 <= self.min_units <= self.max_units:
            raise UsageError(
                f"`min_trials` must be between 1 and `max_trials`, got {self.min_units} and {self.max_units}",
                fix="1 <= min_trials <= max_trials",
            )

    @property
    def calibrates(self) -> bool:
        """Whether thresholds for 0/1 outcomes may be calibrated to the horizon."""
        return self.single and not self.extend and self.max_units <= MAX_CALIBRATED_UNITS
