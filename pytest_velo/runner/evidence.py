"""The seam between a run and its evidence: what runs and reports ask of a weigher, and it of a hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pytest_velo.case_sets import Planned
from pytest_velo.claims import AnyClaim
from pytest_velo.records import Invalid, TrialRecord
from pytest_velo.runner.beside import Beside
from pytest_velo.runner.distance import Distance
from pytest_velo.runner.frame import Foresight
from pytest_velo.runner.labelled import Labelled, Labelling
from pytest_velo.runner.units import Units
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.choice import MakeRule
from pytest_velo.verdicts import Interval, PartVerdict, Verdict


class Boundaries(NamedTuple):
    """The log evidence at which a claim is supported and refuted, and the p-values so far."""

    support: float
    refute: float
    p_support: float
    p_refute: float


class Weigher(Protocol):
    """Turns trials into evidence for or against what is claimed."""

    @property
    def units(self) -> Units:
        """The units of the statistic; for a joint claim those of its first part."""
        ...

    @property
    def all_units(self) -> Sequence[Units]:
        """The units of each part of the claim, in order."""
        ...

    @property
    def n(self) -> int:
        """Units fed."""
        ...

    @property
    def kind(self) -> str:
        """Where the thresholds come from: `calibrated` or `ville`."""
        ...

    @property
    def beside(self) -> Beside | None:
        """What the covariate turned out to say; None without one."""
        ...

    @property
    def labelled(self) -> Labelled | None:
        """The labels and what was judged, if the claim is about labels."""
        ...

    @property
    def is_ready(self) -> bool:
        """The next trial can be weighed at once; else `get_ready` comes before, and takes about a second."""
        ...

    def get_ready(self) -> None:
        """Compute what trials are weighed with after an invalid one; any thread may call it."""
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
        """Estimate the chance of a verdict by the horizon, rather too high than too low."""
        ...

    def log_e(self) -> tuple[float, float] | None:
        """Return the log evidence for and against the claim; None if nothing is claimed."""
        ...

    def boundaries(self) -> Boundaries | None:
        """Return where the rule decides; None where it does not tell, or has no single number for a side."""
        ...

    def bounds(self) -> tuple[float | None, float | None, Interval | None]:
        """Return p_support, p_refute and the interval; None for any that does not apply.

        The interval never excludes the estimate of the units (`stats.rules.interval`).
        """
        ...

    def drifts(self) -> bool:
        """Tell whether earlier units ruled out what all of them show, and no luck explains it."""
        ...

    def certified(self, verdict: Verdict) -> str:
        """Return the inequality that a verdict certifies."""
        ...

    def parts(self) -> tuple[PartVerdict, ...]:
        """Return the verdicts of the parts of a joint claim."""
        ...

    def distances(self) -> list[Distance]:
        """Return how far each turn speaks against the claim, in widths of the statistic's range."""
        ...

    def n_needed(self) -> int | None:
        """Guess the total units that a verdict or a measured number needs, if what was observed is the truth.

        None if there is one, if no number is in sight, or if the rule is not ours.
        """
        ...


class WeighsAtOnce:
    """The answers of a weigher that has nothing to compute."""

    @property
    def is_ready(self) -> bool:
        """Always."""
        return True

    def get_ready(self) -> None:
        """Do nothing."""


class Weighed(Protocol):
    """What is weighed: a hypothesis, or as much of one as a record holds."""

    @property
    def claim(self) -> AnyClaim:
        """What is claimed."""
        ...

    @property
    def design(self) -> Design:
        """What the rule is made from."""
        ...

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms every case goes through; empty without arms."""
        ...

    @property
    def invalid(self) -> Invalid:
        """How invalid trials count."""
        ...

    @property
    def reference(self) -> Sequence[float | None] | None:
        """The values a baseline stored, one per turn."""
        ...

    @property
    def make_rule(self) -> MakeRule:
        """Makes the rule of a claim about one statistic."""
        ...

    @property
    def foresight(self) -> Foresight | None:
        """What a covariate says of each case; None without one."""
        ...

    @property
    def labelling(self) -> Labelling | None:
        """Which trials have labels, if the claim is about labels."""
        ...
