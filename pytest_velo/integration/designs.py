"""The design of an item: its cases, how they are sampled, and whether a verdict is in reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import pytest

from pytest_velo.case_sets import CaseSet, Plan, Planned, is_strategy, load, pick_order, with_arms
from pytest_velo.claims import AnyClaim, Claim, Estimation
from pytest_velo.errors import UsageError
from pytest_velo.integration.collection import SPEC
from pytest_velo.integration.marks import Spec
from pytest_velo.records import Family
from pytest_velo.runner.hypothesis import Invalid, Over
from pytest_velo.settings import Multiplicity, Settings
from pytest_velo.stats.choosing import reach_for
from pytest_velo.stats.halfwidth import fewest_units

CASES = pytest.StashKey[CaseSet]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How a hypothesis is sampled, as far as it is known without its fixtures.

    Attributes:
        alpha, beta: The levels it is tested at: its own, or its share of those of its family.
        plan: The trials in submission order, endless unless the cases end them.
        max_trials: Most units that were asked for.
        max_units: Most units there can be: `max_trials`, or fewer where the cases run out.
        unit_size: Largest number of trials in a unit.
        scope: What the claim is about, in words.
        over: What the claim is about, by its keyword.
        census: How many recorded outcomes there are to be looked at once; None otherwise.
        family: The hypotheses its error rates hold together with; None when they are its own alone.
    """

    alpha: float
    beta: float
    margin: float
    max_trials: int
    min_trials: int
    invalid: Invalid
    extend: bool
    plan: Plan
    arms: tuple[str, ...]
    max_units: int
    scope: str
    over: Over
    census: int | None = None
    family: Family | None = None

    @property
    def unit_size(self) -> int:
        """Largest number of trials in a unit; 1 when every trial stands for itself."""
        return self.plan.largest_unit * max(1, len(self.arms))

    def rule(self) -> dict[str, Any]:
        """The keywords of every rule."""
        return {
            "alpha": self.alpha,
            "beta": self.beta,
            "margin": self.margin,
            "max_units": self.max_units,
            "min_units": self.min_trials,
            "extend": self.extend,
        }

    def trials(self) -> Iterator[Planned]:
        """Plan every trial of every arm, up to the last unit."""
        trials = takewhile(lambda planned: planned.unit < self.max_units, self.plan)
        return with_arms(trials, self.arms) if self.arms else trials


def case_set(item: pytest.Item, settings: Settings) -> CaseSet | None:
    """Return the item's cases, loaded once; None without `cases=`."""
    spec = item.stash[SPEC]
    source = spec.get("cases")
    if source is None:
        return None
    if CASES not in item.stash:
        max_n = spec.get("max_trials", settings.max_trials)
        item.stash[CASES] = load(source, base=item.path.parent, seed=settings.seed, max_n=max_n)
    return item.stash[CASES]


def check_design(item: pytest.Item, settings: Settings) -> str | None:
    """Check at collection what needs no fixtures: cases, design, and whether a verdict is in reach.

    Strategies are drawn, and then checked, when the item runs: importing and running the Hypothesis library
    takes time.

    Returns:
        A warning, when the power at `expect=` is low; None when all is well.

    Raises:
        UsageError: The cases, the design or an unreachable `supported`.
    """
    spec = item.stash[SPEC]
    if is_strategy(spec.get("cases")) and CASES not in item.stash:
        return None
    design = design_for(item, settings)
    _check_reach(spec.claim, design)
    expect = spec.get("expect")
    warning = None if expect is None else _low_power(spec.claim, design, expect)
    return None if warning is None else f"{item.nodeid}: {warning}"


def _check_reach(claim: AnyClaim, design: Design) -> None:
    """Refuse what no data at all could support, or measure, within the horizon."""
    few = "" if design.max_units == design.max_trials else " (there are no more cases)"
    n_needed = _least_needed(claim, design)
    if n_needed is None:
        return
    estimate = isinstance(claim, Estimation)
    easier = "a larger halfwidth" if estimate else "an easier claim"
    what, all_of_them = ("measured", "came out the same") if estimate else ("supported", "spoke for it")
    raise UsageError(
        f"`{claim}` can never be {what} within {design.max_units} trials{few}:"
        f" even if all of them {all_of_them}, {n_needed} are needed{_at_level(design.family)}",
        fix=f"max_trials={n_needed} or more (with as many cases), or {easier}",
    )


def _least_needed(claim: AnyClaim, design: Design) -> int | None:
    """Return the units without which there is no verdict, where that is more than there are; else None."""
    if isinstance(claim, Estimation):
        goal = (claim.halfwidth or 1.0) / claim.statistic.scale.span
        needed = fewest_units(goal, design.alpha) if goal < 0.5 else 1
        return needed if needed > design.max_units else None
    if design.census is not None or any(type(part) is not Claim for part in claim.parts):
        return None  # a whole list settles all; a rule of somebody's own is not known
    single = design.plan.largest_unit == 1
    reaches = [reach_for(part, **design.rule(), single=single) for part in claim.parts]
    short = [reach.n_support for reach in reaches if not reach.can_support]
    return max(short) if short else None


def _low_power(claim: AnyClaim, design: Design, expect: float) -> str | None:
    """Say so when a true rate of `expect` would seldom be found."""
    rates = design.plan.largest_unit == 1 and design.census is None
    if not (rates and type(claim) is Claim and claim.statistic.binary and not claim.statistic.arms):
        raise UsageError(
            "expect= needs single trials of 0 or 1", fix="leave it out: the power is not known exactly"
        )
    from pytest_velo.stats.operating import power
    from pytest_velo.stats.rules import make_rule

    chance = power(make_rule(claim, **design.rule()), expect)
    if chance >= 0.5:
        return None
    return f"if the rate is {expect:g} as expected, `{claim}` is supported in only {chance:.0%} of runs"


def check_drawn(item: pytest.Item, settings: Settings) -> None:
    """Draw the cases of a strategy and check the design that collection could not.

    Raises:
        UsageError: As `check_design`, before any call.
    """
    if is_strategy(item.stash[SPEC].get("cases")):
        case_set(item, settings)
        warning = check_design(item, settings)
        if warning is not None:
            item.warn(pytest.PytestWarning(warning))


def design_for(item: pytest.Item, settings: Settings) -> Design:
    """Return an item's design, at its share of the error rates of its family.

    Raises:
        UsageError: As `design_of`.
    """
    spec = item.stash[SPEC]
    design = design_of(spec, case_set(item, settings), settings)
    if settings.multiplicity is Multiplicity.NONE:
        return design
    from pytest_velo.integration.families import family_of

    family = family_of(item, spec, alpha=design.alpha, beta=design.beta)
    if family is None:
        return design
    return replace(design, alpha=design.alpha / family.size, beta=design.beta / family.size, family=family)


def _at_level(family: Family | None) -> str:
    if family is None or family.size == 1:
        return ""
    from pytest_velo.report.families import level_text

    return f" at {level_text('alpha', family.alpha, family)}"


def design_of(spec: Spec, cases: CaseSet | None, settings: Settings) -> Design:
    """Return the design the marks and the cases make.

    Raises:
        UsageError: Keywords that contradict each other.
    """
    max_trials = spec.get("max_trials", settings.max_trials)
    draws = spec.get("draws_per_case", 1)
    over = _over(spec, cases)
    plan = pick_order(cases, over, seed=settings.seed, draws_per_case=draws)
    census = _census(cases) if spec.get("once") else None
    max_units = max_trials if plan.n_units is None else min(max_trials, plan.n_units)
    min_trials = spec.get("min_trials", 1)
    if min_trials > max_units:
        raise UsageError(
            f"min_trials={min_trials}, but there are at most {max_units} trials",
            fix="lower min_trials or give more cases",
        )
    return Design(
        alpha=spec.get("alpha", settings.alpha),
        beta=spec.get("beta", 0.05),
        margin=spec.get("margin", 0.0),
        max_trials=max_trials,
        min_trials=min_trials,
        invalid=spec.get("invalid", Invalid.BOUND),
        extend=spec.get("extend", False),
        plan=plan,
        arms=spec.arms,
        max_units=max_units,
        scope=_scope(spec, cases, over),
        over=over,
        census=census,
    )


def _over(spec: Spec, cases: CaseSet | None) -> Over:
    """Return what the claim is about: what the mark says, else what fits the source of the cases."""
    over: Over | None = spec.get("over")
    if cases is None and over is not None:
        raise UsageError("over= needs cases", fix="cases=[...] or cases='file.jsonl'")
    if spec.get("once"):
        return Over.POPULATION  # each case once, in random order
    return over or (Over.CASES if cases is None else Over(cases.default_over))


def _census(cases: CaseSet | None) -> int:
    """Return how many recorded outcomes there are."""
    assert cases is not None  # the mark's check sees to it
    if cases.endless:
        raise UsageError("once=True needs a fixed set of cases", fix="say how many: cases(..., n=100)")
    if cases.groups is not None:
        raise UsageError("once=True counts cases, not groups of them", fix="drop group=")
    return len(cases)


def _scope(spec: Spec, cases: CaseSet | None, over: Over) -> str:
    if cases is None:
        return "this body as it stands"
    if spec.get("once"):
        return f"these {len(cases)} recorded outcomes"
    paired = ", paired on the case" if spec.arms or spec.against_baseline else ""
    if over is Over.CASES:
        return (f"over these {len(cases)} cases" if len(cases) > 1 else "over this one case") + paired
    return ("beyond these cases (unit: group)" if cases.groups is not None else "beyond these cases") + paired
