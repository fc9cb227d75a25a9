"""The sampling frame of a hypothesis: its cases, their order, and its design."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile

from pytest_velo.case_sets import CaseSet, Plan, Planned, pick_order, with_arms
from pytest_velo.claims import EachCase, Estimation, Ranking
from pytest_velo.designing.covariates import covariate_of
from pytest_velo.designing.fit_ranking import check_ranked_cases
from pytest_velo.designing.spec import Spec
from pytest_velo.designing.truth import blocked, every_of, in_blocks
from pytest_velo.errors import UsageError
from pytest_velo.records import Family, Invalid, UnitKind
from pytest_velo.runner.frame import Frame, Over
from pytest_velo.searching.search import Search
from pytest_velo.settings import Settings
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.multiplicity import attempt_share


def in_order_of(frame: Frame, spec: Spec, cases: CaseSet | None, seed: int) -> Frame:
    """Return a frame whose trials come in the order of another seed."""
    plan = _plan(spec, cases, frame.over, seed)
    return replace(frame, trials=_trials(plan, frame.design, frame.arms, every_of(spec)))


def make_frame(
    spec: Spec,
    cases: CaseSet | None,
    settings: Settings,
    family: Family | None = None,
    attempt: int | None = None,
    model: str | None = None,
) -> Frame:
    """Return the frame that the marks, the cases and the settings' defaults make.

    `attempt` is the number that the attempt at the belief will likely have, if it sets alpha; `model` is the
    one that is judged, if it is known.

    Raises:
        UsageError: Keywords contradict each other or the cases.
    """
    if isinstance(spec.claim, EachCase):
        return _searching(spec, settings)
    over = _over(spec, cases)
    if isinstance(spec.claim, Ranking):
        check_ranked_cases(cases)
    plan = _plan(spec, cases, over, settings.seed)
    max_trials, every = _max_trials(spec, cases, plan, settings), every_of(spec)
    design = _design(spec, cases, over, plan, settings, family)
    if attempt is not None:
        design = replace(design, alpha=design.alpha * attempt_share(attempt))
    covariate = covariate_of(spec, cases, settings, over, model, design.max_units)
    if covariate is not None:
        design = replace(design, centring=covariate.centring, explained=covariate.explained)
    if every is not None:
        design, max_trials = in_blocks(design, every), max_trials // every
    return Frame(
        design=design,
        trials=_trials(plan, design, spec.arms, every),
        max_trials=max_trials,
        turns_per_unit=every or plan.largest_unit,
        arms=spec.arms,
        invalid=spec.get("invalid", Invalid.BOUND),
        unit=_unit(spec, cases, plan.largest_unit),
        over=over,
        scope=_scope(spec, cases, over),
        family=family,
        futility=spec.get("futility", settings.futility),
        attempts_alpha=None if attempt is None else spec.levels(settings)[0],
        covariate=covariate,
        labelled_every=every,
    )


def _searching(spec: Spec, settings: Settings) -> Frame:
    """Return the frame of a search, which chooses its cases while it goes on."""
    search: Search = spec.get("cases")
    max_trials = spec.get("max_trials", settings.max_trials)
    alpha, beta = spec.levels(settings)
    return Frame(
        design=Design(alpha=alpha, beta=beta, max_units=max_trials),
        trials=lambda: iter(()),
        max_trials=max_trials,
        invalid=spec.get("invalid", Invalid.BOUND),
        scope=f"of {search.told}",
        search=search,
    )


def _design(
    spec: Spec, cases: CaseSet | None, over: Over, plan: Plan, settings: Settings, family: Family | None
) -> Design:
    max_trials = _max_trials(spec, cases, plan, settings)
    max_units = max_trials if plan.n_units is None else min(max_trials, plan.n_units)
    min_trials = spec.get("min_trials", 1)
    if min_trials > max_units:
        raise UsageError(
            f"min_trials={min_trials}, but there are at most {max_units} trials",
            fix=f"lower min_trials or {'raise max_trials' if max_units == max_trials else 'give more cases'}",
        )
    alpha, beta = spec.levels(settings)
    if alpha + beta >= 1 and not isinstance(spec.claim, Estimation | Ranking):
        raise UsageError(
            f"alpha={alpha:g} and beta={beta:g} add up to 1 or more, which leaves no interval",
            fix="lower one of them, e.g. alpha=0.05",
        )
    n_members = 1 if family is None else family.size
    grouped = cases is not None and cases.groups is not None
    return Design(
        alpha=alpha / n_members,
        beta=beta / n_members,
        max_units=max_units,
        margin=spec.get("margin", 0.0),
        min_units=min_trials,
        single=plan.largest_unit == 1,
        extend=spec.get("extend", False) or (family is not None and family.procedure == "ebh"),
        draws=1 if grouped else _draws(spec, cases, over),
        census=_census(cases) if spec.get("once") else None,
    )


def _max_trials(spec: Spec, cases: CaseSet | None, plan: Plan, settings: Settings) -> int:
    """Return the most units: as the mark says, else the option; all of recorded ones, which cost nothing."""
    free = plan.n_units if cases is not None and cases.is_recorded else None
    most: int = spec.get("max_trials", free or settings.max_trials)
    return most


def _plan(spec: Spec, cases: CaseSet | None, over: Over, seed: int) -> Plan:
    return pick_order(cases, over, seed=seed, draws_per_case=_draws(spec, cases, over))


def _draws(spec: Spec, cases: CaseSet | None, over: Over) -> int:
    """Return the draws of a case in its unit: as the mark says, else all that its source holds.

    Where cases are picked with replacement, each pick takes one of them.
    """
    held = 1 if cases is None or over is Over.CASES else cases.n_draws
    draws: int = spec.get("draws_per_case", held)
    return draws


def _trials(
    plan: Plan, design: Design, arms: tuple[str, ...], every: int | None
) -> Callable[[], Iterator[Planned]]:
    def trials() -> Iterator[Planned]:
        planned_ones = plan if every is None else blocked(plan, every)
        within = takewhile(lambda planned: planned.unit < design.max_units, planned_ones)
        return with_arms(within, arms) if arms else within

    return trials


def _over(spec: Spec, cases: CaseSet | None) -> Over:
    """Return what the claim is about: as the mark says, else what suits the source of the cases."""
    over: Over | None = spec.get("over")
    if cases is None and over is not None:
        raise UsageError("over= needs cases", fix="cases=[...] or cases='file.jsonl'")
    if spec.get("once"):
        return Over.POPULATION  # each case once, in random order
    return over or (Over.CASES if cases is None else Over(cases.default_over))


def _census(cases: CaseSet | None) -> int:
    """Return how many recorded outcomes there are."""
    assert cases is not None  # the mark's check ensures it
    if cases.endless:
        raise UsageError("once=True needs a fixed set of cases", fix="say how many: cases(..., n=100)")
    if cases.groups is not None:
        raise UsageError("once=True counts cases, not groups of them", fix="drop group=")
    if cases.n_draws > 1:
        raise UsageError(
            f"once=True counts outcomes, and the log has {cases.n_draws} of each case",
            fix="from_log(..., each_epoch=True) makes every epoch a case of its own",
        )
    return len(cases)


def _unit(spec: Spec, cases: CaseSet | None, n_turns: int) -> UnitKind:
    """Return what is counted: for a group, or several draws of a case, their mean."""
    if isinstance(spec.claim, Ranking):
        return UnitKind.ROUND
    if every_of(spec) is not None:
        return UnitKind.LABEL
    if cases is not None and cases.groups is not None:
        return UnitKind.GROUP
    if n_turns > 1:
        return UnitKind.CASE
    if spec.arms or spec.against_baseline:
        return UnitKind.PAIR
    return UnitKind.OUTCOME if spec.get("once") else UnitKind.TRIAL


def _scope(spec: Spec, cases: CaseSet | None, over: Over) -> str:
    if cases is None:
        return "this body as it stands"
    if spec.get("once"):
        return f"these {len(cases)} recorded outcomes"
    paired = ", paired on the case" if spec.arms or spec.against_baseline else ""
    if over is Over.CASES:
        return (f"over these {len(cases)} cases" if len(cases) > 1 else "over this one case") + paired
    return ("beyond these cases (unit: group)" if cases.groups is not None else "beyond these cases") + paired
