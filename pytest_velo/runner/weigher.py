"""The seam between a run and its evidence: what a run, and what a report, asks of a weigher."""

from __future__ import annotations

from typing import Protocol

from pytest_velo.case_sets import Planned
from pytest_velo.records import TrialRecord
from pytest_velo.runner.distances import Distance
from pytest_velo.runner.units import Units
from pytest_velo.verdicts import Interval, PartVerdict, Verdict


class Weigher(Protocol):
    """What a run needs of the evidence."""

    @property
    def units(self) -> Units:
        """The units of the statistic, of a joint claim those of its first part."""
        ...

    @property
    def n(self) -> int:
        """Units that were fed."""
        ...

    @property
    def kind(self) -> str:
        """Where the thresholds come from: `calibrated` or `ville`."""
        ...

    def add(self, record: TrialRecord, planned: Planned) -> Verdict | None:
        """Take in the next trial in submission order; return the verdict if it decides."""
        ...

    def min_more(self) -> int:
        """Return a number of further units before which no verdict can come."""
        ...

    def expected_more(self) -> int:
        """Guess how many further units the verdict needs."""
        ...

    def predictive_probability(self) -> float:
        """Return roughly the chance of a verdict by the horizon, rather too high."""
        ...

    def log_e(self) -> tuple[float, float] | None:
        """Return the log evidence for and against the claim; None where nothing is claimed."""
        ...

    def bounds(self) -> tuple[float | None, float | None, Interval | None]:
        """Return p_support, p_refute and the interval; None for what there is not."""
        ...

    def certified(self, verdict: Verdict) -> str:
        """Return the inequality that a verdict certifies."""
        ...

    def parts(self) -> tuple[PartVerdict, ...]:
        """Return what came of the parts of a joint claim."""
        ...

    def distances(self) -> list[Distance]:
        """Return for each turn how far it speaks against the claim, in widths of the statistic's range."""
        ...

    def n_needed(self) -> int | None:
        """Guess the units in all that a number takes which is not measured yet; None for claims."""
        ...
