"""From a collected item to its plan."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from itertools import takewhile

import pytest

from pytest_velo.claims import AnyClaim, Change, Claim, EachCase, Estimation, Joint, Mean, Ranking, Statistic
from pytest_velo.designing.foreseen import clusters_of, clusters_told
from pytest_velo.designing.power import is_foreseeable
from pytest_velo.designing.stubs import declared_stubs
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.integration.collect.assumptions import ASSUMES
from pytest_velo.integration.collect.checks import checking_for
from pytest_velo.integration.collect.fixture_names import ours_in
from pytest_velo.integration.collect.frame import frame_of
from pytest_velo.integration.collect.ladders import stand_on, steps_of
from pytest_velo.integration.collect.models import chosen_model, model_id
from pytest_velo.integration.collect.reach import check_drawn
from pytest_velo.integration.collect.stash import FUNCTION, SPEC
from pytest_velo.integration.compat import fixture_info
from pytest_velo.integration.run.hypothesis import item_rule_maker
from pytest_velo.integration.run.price import price_of
from pytest_velo.integration.run.spread import spread_of
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.parallel.mapping import mapped
from pytest_velo.records import UnitKind
from pytest_velo.report.covariates import expected_text
from pytest_velo.report.found import head_of, ranked
from pytest_velo.report.numbers import count
from pytest_velo.report.plan_record import (
    CostOfFutility,
    HypothesisPlan,
    MeasuredRow,
    MeasuredTable,
    PlannedPart,
    PlannedRung,
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
from pytest_velo.stats.planning.simulation import N_RUNS, SHARES, measured_at
from pytest_velo.stats.planning.soonest import soonest_verdicts
from pytest_velo.stats.planning.truths import detectable_of, truths_of
from pytest_velo.stats.rules.centred import expected_saving, is_centred
from pytest_velo.stats.rules.choice import rule_for

_WORTH_PROCESSES = 500
"""From so many units on, simulating an estimate takes longer than starting processes for it."""


def plan_item(
    item: pytest.Item, session: VeloSession, differ: float | None = None, *, jobs: int = 1
) -> HypothesisPlan:
    """Plan one prepared hypothesis; no call is made.

    `differ` is how often the arms of a pair differ, if the user knows it; else the last record may tell.
    `jobs` processes simulate long estimates.

    The plan's `problem` is set where the claim's rule comes from another plugin.

    Raises:
        UsageError: The design, or the strategy its cases are drawn from, is at fault.
    """
    try:
        check_drawn(item, session.settings)
        frame = frame_of(item, session.settings)
        design, claim = frame.design, item.stash[SPEC].claim
        problem = _unplannable(item.config, claim)
        spread, spread_told = spread_of(item, session, frame, differ)
        parts = (
            ()
            if problem or isinstance(claim, Estimation | Ranking | EachCase)
            else _parts(item, claim, frame, spread)
        )
        measured = _measured(claim, design, spread, jobs) if isinstance(claim, Estimation) else ()
    except UsageError as error:
        raise error.within(item.nodeid) from None
    unit, told = _unit(item, frame)
    return HypothesisPlan(
        node_id=item.nodeid,
        claim=str(claim),
        scope=frame.scope,
        model=model_id(item, session.settings),
        unit=unit,
        unit_told=told,
        spread_told="" if problem else spread_told,
        covariate_told=_covariate(claim, frame),
        power_told="" if problem else _power(claim, frame, item.stash[SPEC].get("expect")),
        trials_per_unit=_trials_per_unit(frame),
        max_trials=frame.max_trials,
        max_units=design.max_units,
        min_trials=design.min_units,
        alpha=design.alpha,
        beta=design.beta,
        margin=design.margin,
        price=price_of(item, session),
        parts=parts,
        measured=measured,
        problem=problem,
        remarks=(
            *_shared(frame),
            *_by_labels(claim, frame),
            *_remarks(claim, parts, ladder=item.stash[SPEC].ladder is not None),
            *_found(item, session),
        ),
        rungs=tuple(_rungs(item, session)),
        ranked=_ranked(claim, frame) if isinstance(claim, Ranking) else (),
        assumes=tuple(target.node_id for target in item.stash.get(ASSUMES, ())),
        stubs=declared_stubs(
            item.stash[SPEC],
            session.settings,
            ours_in(fixture_info(item)),
            chosen_model(item),
            item.stash[FUNCTION],
        ),
    )


def _rungs(item: pytest.Item, session: VeloSession) -> Iterator[PlannedRung]:
    """Plan the rungs of a ladder in the order of the climb, then name the skipped ones."""
    ladder, steps = item.stash[SPEC].ladder, steps_of(item)
    if ladder is None:
        return
    for step in steps:
        stand_on(item, step)
        yield PlannedRung(
            name=step.rung.name,
            alpha=frame_of(item, session.settings).design.alpha,
            n_calls=step.rung.n_calls,
            price=price_of(item, session),
        )
    stand_on(item, steps[0])
    for rung in ladder.rungs:
        if rung.skip:
            yield PlannedRung(name=rung.name, alpha=None, n_calls=rung.n_calls, price=None, skip=rung.skip)


def _covariate(claim: AnyClaim, frame: Frame) -> str:
    """Say what is expected of the covariate; empty without one."""
    known = frame.covariate
    if frame.labelled_every is not None:
        return (
            f"a correlation of {math.sqrt(frame.design.explained):.2f} with the labels is assumed of what it"
            " says of all trials; verdicts are valid whatever it is"
        )
    if known is None or not isinstance(claim, Claim):
        return ""
    return expected_text(
        known.name,
        math.sqrt(known.explained),
        expected_saving(claim, frame.design),
        declared=known.declared,
        used=is_centred(claim, frame.design),
        learned=known.centring.learns,
    )


def _power(claim: AnyClaim, frame: Frame, expect: float | None) -> str:
    """Say what units that are means can show; empty for others, and where there are too many."""
    if frame.design.single or not is_foreseeable(claim, frame):
        return ""
    assert isinstance(claim, Claim)
    return clusters_told(claim, frame, expect, always=True) or ""


def _shared(frame: Frame) -> Iterator[str]:
    """Say that alpha is what the next attempt at the belief gets."""
    if frame.attempts_alpha is not None:
        yield (
            f"alpha {frame.design.alpha:.2g} is this attempt's share of {frame.attempts_alpha:g}, which all"
            " attempts at the belief have together; a later one has less"
        )


def _by_labels(claim: AnyClaim, frame: Frame) -> Iterator[str]:
    """Say what the plan of an estimate by labels leaves out."""
    if frame.labelled_every is not None and isinstance(claim, Estimation):
        yield "planned as if labels were all there is: a judge that agrees with them makes it shorter"


def _unplannable(config: pytest.Config, claim: AnyClaim) -> str:
    """Say why a claim cannot be planned; empty when it can."""
    if isinstance(claim, EachCase):
        return "what a search finds, and how soon, depends on what there is to find"
    own = isinstance(claim, Claim) and item_rule_maker(config, claim) is not rule_for
    if own or not (type(claim) is Claim or isinstance(claim, Joint | Estimation | Ranking)):
        return f"`{claim}` is tested by another plugin's rule, which cannot be planned"
    return ""


def _parts(
    item: pytest.Item, claim: Claim | Joint, frame: Frame, spread: Spread | None
) -> tuple[PlannedPart, ...]:
    """Plan each part of a claim as if it were alone, with its share of beta."""
    design = replace(frame.design, beta=frame.design.beta / len(claim.parts))
    futility = usual_futility(design.max_units, frame.futility)
    few = is_foreseeable(claim, frame) and design.max_units <= MOST_SIMULATED
    units = clusters_of(claim.parts[0], frame) if few else None
    return tuple(_part(item, part, design, futility, spread, units) for part in claim.parts)


def _part(
    item: pytest.Item,
    claim: Claim,
    design: Design,
    futility: Futility,
    spread: Spread | None,
    units: Clusters | None,
) -> PlannedPart:
    expect = item.stash[SPEC].get("expect")
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
    pairs = zip(with_it.law(truths), without.law(truths), strict=True)
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
        for share, truth, at in zip(SHARES, truths, mapped(measured_at, calls, most), strict=True):
            mirrored = scale.from_unit(1.0 - share)
            row = MeasuredRow(
                truth=truth, mirrored=mirrored, n=at.n, halfwidth=at.halfwidth, measured=at.measured
            )
            rows.append(row)
        tables.append(MeasuredTable(assuming=assuming, n_runs=N_RUNS, rows=tuple(rows)))
    return tuple(tables)


_LEADS = (0.1, 0.2, 0.3, 0.4)
_N_CONTESTS = 100


def _ranked(claim: Ranking, frame: Frame) -> tuple[RankedRow, ...]:
    """Plan a ranking for the best one, as if all others were alike; another one is not simulated."""
    if claim.top > 1 or frame.design.margin:
        return ()
    rows = []
    for lead in _LEADS:
        rates = [0.5 + lead, *[0.5] * (len(frame.arms) - 1)]
        found = contest.simulate(
            rates, alpha=frame.design.alpha, max_rounds=frame.design.max_units, n_runs=_N_CONTESTS
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


def _members(item: pytest.Item, frame: Frame) -> str:
    """Say what a unit of several is made of, and of how many."""
    size = frame.turns_per_unit
    if frame.arms:
        return f"{count(size, 'pair')}, each of {len(frame.arms)} trials on the same case"
    if item.stash[SPEC].against_baseline:
        return f"{count(size, 'pair')}, each of a trial and the stored one on the same case"
    return count(size, "trial")


def _trials_per_unit(frame: Frame) -> float:
    """Return how many trials a unit has; of groups their mean, which makes all of them what they are."""
    if frame.unit is not UnitKind.GROUP:
        return frame.unit_size
    n_units = frame.design.max_units
    return sum(1 for _ in takewhile(lambda planned: planned.unit < n_units, frame.trials())) / n_units


def _unit(item: pytest.Item, frame: Frame) -> tuple[str, str]:
    """Return the kind of unit and its description."""
    size, what = frame.turns_per_unit, _members(item, frame)
    match frame.unit:
        case UnitKind.GROUP:
            told = f"a group: the mean of up to {what}"
        case UnitKind.CASE:
            told = f"a case: the mean of its {what}"
        case UnitKind.PAIR if frame.arms:
            told = f"a pair: a trial in each of {len(frame.arms)} arms, on the same case"
        case UnitKind.PAIR:
            told = "a pair: a trial now and the stored one, on the same case"
        case UnitKind.ROUND:
            told = f"a round: a trial of each of {len(frame.arms)} arms still in play, on one case"
        case UnitKind.OUTCOME:
            told = "one of the recorded outcomes, each counted once"
        case UnitKind.LABEL:
            told = f"a label: of one trial in {size}, all of which are judged"
        case UnitKind.TRIAL:
            told = ""
    return frame.unit.value, told


def _found(item: pytest.Item, session: VeloSession) -> Iterator[str]:
    """Yield what checks found in the cases, each once for all hypotheses of a plan."""
    assert isinstance(item, pytest.Function)  # every hypothesis is
    for found in ranked(checking_for(item, session.settings).before):
        yield f"{found.code} {head_of(found)}"


def _remarks(claim: AnyClaim, parts: Sequence[PlannedPart], *, ladder: bool = False) -> list[str]:
    remarks = ["all trials are assumed valid: invalid ones make verdicts later and rarer"]
    if ladder:
        remarks.append("of a ladder, reach and table are those of its first rung")
    if isinstance(claim, Ranking):
        remarks.append(
            f"of a ranking, {_N_CONTESTS} runs with seeded outcomes of 0 or 1 are played, in which all others"
            " are at 0.5 and arms share no luck: where all find the same cases hard, it takes less"
        )
    if isinstance(claim, Joint):
        remarks.append(
            "each part is planned as if it were alone, with its share of beta; the claim is supported when"
            " all parts are, and refuted when one is"
        )
    if isinstance(claim, Claim) and isinstance(claim.statistic, Change):
        remarks.append("there are never more pairs than the baseline has trials")
    tables = [table for part in parts for table in part.tables]
    if any(table.simulated for table in tables):
        remarks.append("simulated: probabilities are accurate to about 0.03")
    if any(not (table.exact or table.simulated) for table in tables):
        remarks.append("approximate: probabilities are accurate to about 0.1, means to about 20%")
    if any(not table.stops_early for part in parts for table in part.tables):
        remarks.append("true means are lower near the threshold: runs stop once a verdict is unlikely")
    return remarks


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSelection:
    """The plans of a selection.

    Attributes:
        plans: One for each hypothesis, in the order of collection.
        n_collected: Tests that were collected, hypotheses or not.
        problem: Pytest's output when it could not collect; empty otherwise.
    """

    plans: tuple[HypothesisPlan, ...]
    n_collected: int
    problem: str


def plan_selection(
    arguments: Sequence[str], differ: float | None = None, *, jobs: int = 1
) -> PlannedSelection:
    """Collect with pytest in this process and plan every hypothesis; no call is made, nothing is stored.

    `arguments` are pytest's: targets and options; `differ` and `jobs` are those of `plan_item`.

    Raises:
        VeloError: A store cannot be read.
    """
    planner = Planner(differ, jobs=jobs)
    said = io.StringIO()
    quiet = ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]  # this very package
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([*quiet, *arguments], plugins=[planner])
    if planner.error is not None:
        raise planner.error
    fine = code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    problem = "" if fine else said.getvalue().strip() or f"pytest ended with {code!r}"
    return PlannedSelection(plans=tuple(planner.plans), n_collected=planner.n_collected, problem=problem)


class Planner:
    """The plugin that plans the items instead of running them.

    Attributes:
        plans: One for each hypothesis, in file order, even when a plugin shuffles the items.
        n_collected: Tests that were selected, hypotheses or not.
        error: Why a hypothesis could not be planned.
    """

    def __init__(self, differ: float | None = None, *, jobs: int = 1) -> None:
        self._differ = differ
        self._jobs = jobs
        self.plans: list[HypothesisPlan] = []
        self.n_collected = 0
        self.error: VeloError | None = None
        self._places: dict[str, int] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Remember the file order."""
        self._places.setdefault(item.nodeid, len(self._places))

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Collect in this process, even if the ini file asks for workers."""
        config.option.collectonly = True
        for name, value in (("numprocesses", None), ("dist", "no"), ("tx", [])):  # pytest-xdist's
            if hasattr(config.option, name):
                setattr(config.option, name, value)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Plan instead of running."""
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            return None  # pytest says so
        self.n_collected = len(session.items)
        velo = session.config.stash[SESSION]
        try:
            ordered = sorted(session.items, key=lambda item: self._places.get(item.nodeid, 0))
            planned = (item for item in ordered if SPEC in item.stash)
            self.plans = [plan_item(item, velo, self._differ, jobs=self._jobs) for item in planned]
        except VeloError as error:
            self.error = error
        return True
