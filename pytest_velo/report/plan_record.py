"""What `velo plan` knows about a hypothesis before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pytest_velo.claims import Direction
from pytest_velo.records import Family, Stubbed
from pytest_velo.stats.planning.operating import OperatingCharacteristics
from pytest_velo.stats.planning.truths import Detectable

VERSION = 1
"""Version of the JSON format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPrice:
    """The price of a trial.

    Attributes:
        calls: Model calls; None if unknown.
        usd: Dollars; None if unknown.
        known_from: The source of these numbers, in words.
    """

    calls: float | None
    usd: float | None
    known_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a design does at one true value; `note` names a special value."""

    law: OperatingCharacteristics
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a design does over a range of true values, under one assumption; see `Scenario`."""

    assuming: str
    exact: bool
    stops_early: bool
    rows: tuple[Row, ...]
    detectable: Detectable
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRow:
    """Units until an estimate is measured, at one true value and the one that mirrors it."""

    truth: float
    mirrored: float
    n: float
    halfwidth: float
    measured: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredTable:
    """Units until an estimate is measured, under one assumption: means of `n_runs` runs, exact if it is 0."""

    assuming: str
    n_runs: int
    rows: tuple[MeasuredRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostOfFutility:
    """What giving up early costs at one true value, exactly.

    Attributes:
        below: The chance of a verdict below which a run is given up.
        truth: The true value: the expected one, else that at which it costs most.
        expected: It is the expected one.
        decided, decided_without: The chance of a verdict with and without giving up.
        mean_n, mean_n_without: Mean units likewise.
    """

    below: float
    truth: float
    expected: bool
    decided: float
    decided_without: float
    mean_n: float
    mean_n_without: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPart:
    """The plan of one claim.

    Attributes:
        n_support, n_refute: Fewest units to that verdict; None when it is out of reach.
        about: The statistic, in a word: rate, mean or difference.
        futility: What giving up costs; None where that is not known exactly, or it never gives up.
    """

    claim: str
    direction: Direction
    about: str
    alpha: float
    beta: float
    n_support: int | None
    n_refute: int | None
    tables: tuple[Table, ...]
    futility: CostOfFutility | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRung:
    """The plan of one rung of a ladder.

    Attributes:
        alpha: Its share; None if it is skipped.
        n_calls: Calls of the model for one answer, at least.
        price: Of a trial; None if it is skipped.
        skip: Why it is skipped; empty if it is not.
    """

    name: str
    alpha: float | None
    n_calls: int
    price: TrialPrice | None
    skip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRow:
    """What a ranking takes if the best arm leads all others by as much.

    Attributes:
        lead: On the scale [0, 1]; the others are at 0.5.
        settled: The share of runs in which one arm is left by the horizon.
        n_rounds, n_trials: Their means; trials are those of all arms.
    """

    lead: float
    settled: float
    n_rounds: float
    n_trials: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisPlan:
    """The plan of one hypothesis.

    Attributes:
        unit: What is counted: trial, pair, case, group or outcome.
        unit_told: What a unit is; empty for a single trial.
        trials_per_unit: Number of trials in a unit; of groups, which differ in size, their mean.
        max_units: Maximum number of units available; `max_trials` were asked for.
        parts: The plans of its claims; several for a joint claim, none for an estimate.
        measured: The plans of an estimate.
        problem: Why it cannot be planned; empty if it can.
        spread_told: How much its units vary, and who says so; or what would have to be known.
        covariate_told: What is expected of its covariate; empty without one.
        power_told: What groups, or cases drawn several times, show: the power at what is expected and the
            number that is needed, else the smallest truth that is seen; empty for other units.
        family: Whose alpha and beta it shares, if others share them; None otherwise.
        stubs: What is made up, as far as marks and source say.
        assumes: The node ids of what it assumes, which is decided before it is sampled.
        remarks: What else a reader has to know.
        rungs: Of its ladder, in the order of the climb; the design and the price are those of the first one.
        ranked: The plan of a ranking.
    """

    node_id: str
    claim: str
    scope: str
    model: str | None
    unit: str
    unit_told: str
    trials_per_unit: float
    max_trials: int
    max_units: int
    min_trials: int
    alpha: float
    beta: float
    margin: float
    price: TrialPrice
    parts: tuple[PlannedPart, ...] = ()
    measured: tuple[MeasuredTable, ...] = ()
    problem: str = ""
    spread_told: str = ""
    covariate_told: str = ""
    power_told: str = ""
    remarks: tuple[str, ...] = ()
    stubs: tuple[Stubbed, ...] = ()
    assumes: tuple[str, ...] = ()
    rungs: tuple[PlannedRung, ...] = ()
    ranked: tuple[RankedRow, ...] = ()
    family: Family | None = None

    def calls(self, n_units: float) -> float | None:
        """Return the calls of so many units; None if unknown."""
        return None if self.price.calls is None else self.price.calls * self.trials_per_unit * n_units

    def usd(self, n_units: float) -> float | None:
        """Return the dollars of so many units; None if unknown."""
        return None if self.price.usd is None else self.price.usd * self.trials_per_unit * n_units


def plan_document(plans: Sequence[HypothesisPlan]) -> dict[str, Any]:
    """Return plans as plain values for JSON, under a format version: the fields of `HypothesisPlan`.

    What is unknown, or out of reach, is None.
    """
    return {"version": VERSION, "hypotheses": [asdict(plan) for plan in plans]}
