"""From a collected item to its plan."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from pytest_velo.claims import AnyClaim, Claim, EachCase, Estimation, Joint, Ranking
from pytest_velo.designing.plan_told import covariate_told, power_told, remarks_on, unit_told
from pytest_velo.designing.planned import Planned, planned, trials_per_unit
from pytest_velo.designing.stubs import declared_stubs
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.integration.collect.assumptions import ASSUMES
from pytest_velo.integration.collect.checks import checking_for
from pytest_velo.integration.collect.families import family_of
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
from pytest_velo.records import Family
from pytest_velo.report.families import procedure_of
from pytest_velo.report.found import head_of, ranked
from pytest_velo.report.plan_record import HypothesisPlan, PlannedRung
from pytest_velo.runner.frame import Frame
from pytest_velo.stats.rules.choice import rule_for


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
    spec, settings = item.stash[SPEC], session.settings
    claim, expect = spec.claim, spec.get("expect")
    try:
        check_drawn(item, settings)
        frame = frame_of(item, settings)
        problem = _unplannable(item.config, claim, frame)
        spread, spread_told = spread_of(item, session, frame, differ)
        found = Planned() if problem else planned(claim, frame, spread, expect, jobs=jobs)
    except UsageError as error:
        raise error.within(item.nodeid) from None
    design, family = frame.design, family_of(item, spec, settings)
    return HypothesisPlan(
        node_id=item.nodeid,
        claim=str(claim),
        scope=frame.scope,
        model=model_id(item, settings),
        unit=frame.unit.value,
        unit_told=unit_told(frame, against_baseline=spec.against_baseline),
        spread_told="" if problem else spread_told,
        covariate_told=covariate_told(claim, frame),
        power_told="" if problem else power_told(claim, frame, expect),
        trials_per_unit=trials_per_unit(frame),
        max_trials=frame.max_trials,
        max_units=design.max_units,
        min_trials=design.min_units,
        alpha=design.alpha,
        beta=design.beta,
        margin=design.margin,
        price=price_of(item, session),
        parts=found.parts,
        measured=found.measured,
        ranked=found.ranked,
        family=family if family is not None and family.size > 1 else None,
        problem=problem,
        remarks=(
            *remarks_on(claim, frame, found.parts, ladder=spec.ladder is not None),
            *_shared_levels(family),
            *_found(item, session),
        ),
        rungs=tuple(_rungs(item, session)),
        assumes=tuple(target.node_id for target in item.stash.get(ASSUMES, ())),
        stubs=declared_stubs(
            spec, settings, ours_in(fixture_info(item)), chosen_model(item), item.stash[FUNCTION]
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


def _unplannable(config: pytest.Config, claim: AnyClaim, frame: Frame) -> str:
    """Say why a claim cannot be planned; empty when it can."""
    if isinstance(claim, Ranking) and (claim.top > 1 or frame.design.margin):
        asked = f"who the first {claim.top} are" if claim.top > 1 else "who is good enough, within a margin,"
        return f"how soon it is settled {asked} depends on how far apart all arms are: it is not simulated"
    if isinstance(claim, EachCase):
        return "what a search finds, and how soon, depends on what there is to find"
    own = isinstance(claim, Claim) and item_rule_maker(config, claim) is not rule_for
    if own or not (type(claim) is Claim or isinstance(claim, Joint | Estimation | Ranking)):
        return f"`{claim}` is tested by another plugin's rule, which cannot be planned"
    return ""


def _shared_levels(family: Family | None) -> Iterator[str]:
    """Say that a member of a family is planned by its own share alone."""
    if family is not None and family.size > 1:
        yield (
            "a member of a family is planned at its share of alpha and beta: what"
            f" {procedure_of(family)} adds at the end of the session, by the evidence of the others, comes on"
            " top"
        )


def _found(item: pytest.Item, session: VeloSession) -> Iterator[str]:
    """Yield what checks found in the cases, each once for all hypotheses of a plan."""
    assert isinstance(item, pytest.Function)  # every hypothesis is
    for found in ranked(checking_for(item, session.settings).before):
        yield f"{found.code} {head_of(found)}"


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
    said, refused = io.StringIO(), io.StringIO()
    quiet = ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]  # this very package
    with redirect_stdout(said), redirect_stderr(refused):
        code = pytest.main([*quiet, *arguments], plugins=[planner])
    if planner.error is not None:
        raise planner.error
    fine = code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    why = refused.getvalue().strip()
    if not (why and code is pytest.ExitCode.USAGE_ERROR):  # then pytest says no more than why it refused
        why = f"{said.getvalue().strip()}\n{why}".strip()
    problem = "" if fine else why or f"pytest ended with {code!r}"
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
