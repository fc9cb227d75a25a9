"""What the design of a claim will do, at each truth that a plan shows: without a call or pytest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

from pytest_velo.claims import AnyClaim, Change, Claim, EachCase, Estimation, Joint, Mean, Ranking, Statistic
from pytest_velo.designing.foreseen import clusters_of
from pytest_velo.designing.power import is_foreseeable
from pytest_velo.parallel.mapping import mapped
from pytest_velo.records import UnitKind
from pytest_velo.report.plan_record import (
    CostOfFutility,
    MeasuredRow,
    MeasuredTable,
    PlannedPart,
    RankedRow,
    Row,
    Table,
)
from pytest_velo.runner.frame import Frame
from pytest_velo.stats import contest
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import Futility, usual_futility
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.stats.planning import scenarios
from pytest_velo.stats.planning.clusters import MOST_SIMULATED, Clusters
from pytest_velo.stats.planning.operating import OperatingCharacteristics
from pytest_velo.stats.planning.scenarios import Spread
from pytest_velo.stats.planning.simulation import SHARES, measured_at
from pytest_velo.stats.planning.soonest import soonest_verdicts
from pytest_velo.stats.planning.truths import detectable_of, truths_of

N_CONTESTS = 100
"""Contests that are simulated for each row of a ranking's plan."""

_LEADS = (0.1, 0.2, 0.3, 0.4)
_WORTH_SAYING = 0.05
"""Units in the mean that giving up saves, or nothing is said of it: they are shown with one decimal."""
_WORTH_PROCESSES = 500
"""From so many units on, simulating an estimate takes longer than starting processes for it."""


class Planned(NamedTuple):
    """The plan of a claim, in the field of its kind; see `HypothesisPlan`."""

    parts: tuple[PlannedPart, ...] = ()
    measured: tuple[MeasuredTable, ...] = ()
    ranked: tuple[RankedRow, ...] = ()


def planned(
    claim: AnyClaim, frame: Frame, spread: Spread | None, expect: float | None, *, jobs: int = 1
) -> Planned:
    """Plan a claim that our own rules test; of a search, nothing can be said.

    Args:
        claim: The claim.
        frame: What is sampled, and the design.
        spread: How much its units vary; None if it is not known.
        expect: The truth that its author expects; None if nobody said.
        jobs: Processes that simulate long estimates.
    """
    match claim:
        case Estimation():
            return Planned(measured=_measured(claim, frame.design, spread, jobs))
        case Ranking():
            return Planned(ranked=_ranked(claim, frame))
        case EachCase():
            return Planned()
    return Planned(parts=_parts(claim, frame, spread, expect))


def _parts(
    claim: Claim | Joint, frame: Frame, spread: Spread | None, expect: float | None
) -> tuple[PlannedPart, ...]:
    """Plan each part of a claim as if it were alone, with its share of beta."""
    design = replace(frame.design, beta=frame.design.beta / len(claim.parts))
    futility = usual_futility(design.max_units, frame.futility)
    few = is_foreseeable(claim, frame) and design.max_units <= MOST_SIMULATED
    units = clusters_of(claim.parts[0], frame) if few else None
    return tuple(_part(part, design, futility, spread, units, expect) for part in claim.parts)


def _part(
    claim: Claim,
    design: Design,
    futility: Futility,
    spread: Spread | None,
    units: Clusters | None,
    expect: float | None,
) -> PlannedPart:
    truths = truths_of(claim, () if expect is None else (expect,))
    tables = []
    for scenario in scenarios.scenarios_of(claim, design, futility, spread, units):
        laws = {law.truth: law for law in scenario.law(truths)}
        table = Table(
            assuming=scenario.assuming,
            exact=scenario.exact,
            stops_early=scenario.stops_early,
            simulated=scenario.simulated,
            rows=tuple(_row(law, claim, design.margin, expect) for law in laws.values()),
            detectable=detectable_of(claim, scenario.law, search=scenario.search),
        )
        tables.append(table)
    n_support, n_refute = soonest_verdicts(claim, design)
    return PlannedPart(
        claim=str(claim),
        direction=claim.direction,
        about=_about(claim.statistic),
        alpha=design.alpha,
        beta=design.beta,
        n_support=n_support,
        n_refute=n_refute,
        tables=tuple(tables),
        futility=_cost_of(futility, claim, design, expect),
    )


def _cost_of(futility: Futility, claim: Claim, design: Design, expect: float | None) -> CostOfFutility | None:
    """Return what giving up costs in power, where that is exact; None where it is not known."""
    [with_it, *_] = scenarios.scenarios_of(claim, design, futility)
    [without, *_] = scenarios.scenarios_of(claim, design, replace(futility, below=0.0))
    if not (futility.below and with_it.exact and with_it.stops_early):
        return None
    truths = truths_of(claim) if expect is None else [expect]
    pairs = [*zip(with_it.law(truths), without.law(truths), strict=True)]
    if all(never.mean_n - given_up.mean_n < _WORTH_SAYING for given_up, never in pairs):
        return None  # no run ends sooner
    given_up, never = max(pairs, key=lambda pair: _decided(pair[1]) - _decided(pair[0]))
    return CostOfFutility(
        below=futility.below,
        truth=given_up.truth,
        expected=expect is not None,
        decided=_decided(given_up),
        decided_without=_decided(never),
        mean_n=given_up.mean_n,
        mean_n_without=never.mean_n,
    )


def _decided(law: OperatingCharacteristics) -> float:
    return law.supported + law.refuted


def _row(law: OperatingCharacteristics, claim: Claim, margin: float, expect: float | None) -> Row:
    """Mark the true values that are special."""
    scale = claim.statistic.scale
    edges = [scale.from_unit(null.threshold) for null in nulls_of(claim).support]
    notes = ["threshold"] if _is_one_of(law.truth, edges) else []
    moved = [scale.from_unit(null.threshold) for null in nulls_of(claim, margin).support]
    if margin and _is_one_of(law.truth, moved):
        notes.append("margin")
    if expect is not None and _is_one_of(law.truth, [expect]):
        notes.append("expected")
    return Row(law=law, note=", ".join(notes))


def _is_one_of(truth: float, values: Sequence[float]) -> bool:
    return any(math.isclose(truth, value, abs_tol=1e-9) for value in values)


def _measured(
    claim: Estimation, design: Design, spread: Spread | None, jobs: int
) -> tuple[MeasuredTable, ...]:
    """Plan an estimate: its simulations have fixed seeds, so that processes change nothing."""
    scale = claim.statistic.scale
    tables = []
    for assuming, deviation in scenarios.deviations_of(claim.statistic, design, spread).items():
        rows = []
        truths = [scale.from_unit(share) for share in SHARES]
        calls = [(claim, design, truth, deviation(truth)) for truth in truths]
        most = jobs if design.max_units >= _WORTH_PROCESSES else 1
        found = [*mapped(measured_at, calls, most)]
        for share, truth, at in zip(SHARES, truths, found, strict=True):
            mirrored = scale.from_unit(1.0 - share)
            row = MeasuredRow(
                truth=truth, mirrored=mirrored, n=at.n, halfwidth=at.halfwidth, measured=at.measured
            )
            rows.append(row)
        tables.append(
            MeasuredTable(assuming=assuming, n_runs=max(at.n_runs for at in found), rows=tuple(rows))
        )
    return tuple(tables)


def _ranked(claim: Ranking, frame: Frame) -> tuple[RankedRow, ...]:
    """Plan a ranking for the best one, as if all others were alike; another one is not simulated."""
    if claim.top > 1 or frame.design.margin:
        return ()
    rows = []
    for lead in _LEADS:
        rates = [0.5 + lead, *[0.5] * (len(frame.arms) - 1)]
        found = contest.simulate(
            rates, alpha=frame.design.alpha, max_rounds=frame.design.max_units, n_runs=N_CONTESTS
        )
        rows.append(
            RankedRow(
                lead=lead * claim.of.scale.span,
                settled=float(found.settled.mean()),
                n_rounds=float(found.n_rounds.mean()),
                n_trials=float(found.n_trials.mean()),
            )
        )
    return tuple(rows)


def _about(statistic: Statistic) -> str:
    if isinstance(statistic, Change):
        return "change"
    if statistic.arms:
        return "difference"
    return "mean" if isinstance(statistic, Mean) else "rate"


def trials_per_unit(frame: Frame) -> float:
    """Return how many trials a unit has; of groups their mean, which makes all of them what they are."""
    if frame.unit is not UnitKind.GROUP:
        return frame.unit_size
    n_units = frame.design.max_units
    return sum(1 for _ in takewhile(lambda planned: planned.unit < n_units, frame.trials())) / n_units
