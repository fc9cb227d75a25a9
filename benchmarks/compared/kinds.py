"""What is compared: kinds of claims, their cells, and what each way of deciding does in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, geometric_mean

ALPHA = 0.05
"""Of every way: the errors it is asked to keep, on either side."""

MAX_TRIALS = 1_000
POWER = 0.9
"""Of a fixed n, at the very effect that is true: whoever plans it has to guess that."""

OURS, PATIENT, FIXED = "pytest-velo", "never gives up", "fixed n"
OBSERVED, PEEKING = "observed", "at every look"
WAYS = {
    OURS: "a run as it is by default; it gives up where a verdict has become unlikely (--velo-futility)",
    PATIENT: "the same rule with --velo-futility=off",
    FIXED: "one look at an n that was planned for the true effect, with power 0.9",
    OBSERVED: "200 trials, and what was observed decides (50 of each model in a ranking)",
    PEEKING: "a textbook interval at 90% (95% where an interval is asked for) after every trial from the"
    " tenth on, until it excludes what is asked or is narrow enough",
}
"""The ways of deciding, in the order of the tables."""

SHARE_OF = 200
"""Trials of `OBSERVED`."""

FIRST_LOOK = 10
"""Of `PEEKING`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """What a way of deciding does where the truth is as the cell says.

    Attributes:
        trials: Mean trials, or units of the claim.
        right: P(the right verdict), or that an interval is as narrow as was asked; None where not computed.
    """

    trials: float
    right: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One claim at one truth.

    Attributes:
        claim: What is claimed.
        truth: What is true, in words.
        least: What trials are measured by, in trials.
        laws: What each way does there.
        wrong: P(wrong) of each way where it is most often wrong: where the claim is true or false by a hair,
            the larger one of both verdicts. Of an interval, P(it misses the truth).
    """

    claim: str
    truth: str
    least: float
    laws: Mapping[str, Law]
    wrong: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Cells that are alike.

    Attributes:
        name: The kind of claim.
        least: What `Cell.least` is, in words.
        runs: Simulated runs a cell; 0 where all is exact.
        cells: At least one.
    """

    name: str
    least: str
    runs: int
    cells: Sequence[Cell]

    @property
    def ways(self) -> list[str]:
        """The ways that any cell has, the usual ones first."""
        found = dict.fromkeys(way for cell in self.cells for way in (*cell.laws, *cell.wrong))
        return [*(way for way in WAYS if way in found), *(way for way in found if way not in WAYS)]

    def ratio(self, way: str) -> float | None:
        """Return the geometric mean of a way's trials over `least`; None where it has no cell."""
        ratios = [cell.laws[way].trials / cell.least for cell in self.cells if way in cell.laws]
        return geometric_mean(ratios) if ratios else None

    def wrong(self, way: str) -> float | None:
        """Return how often a way is wrong: in the worst cell if exact, else over the runs of all cells."""
        found = [cell.wrong[way] for cell in self.cells if way in cell.wrong]
        if not found:
            return None
        return fmean(found) if self.runs else max(found)
