"""The design of an item: its cases, how they are sampled, and whether a verdict is in reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import pytest

from pytest_velo.case_sets import CaseSet, Plan, Planned, is_strategy, load, pick_order, with_arms
from pytest_velo.claims import Claim
from pytest_velo.errors import UsageError
from pytest_velo.integration.collection import SPEC
from pytest_velo.integration.marks import Spec
from pytest_velo.runner.hypothesis import Invalid, Over
from pytest_velo.settings import Settings
from pytest_velo.stats.choosing import reach_for

CASES = pytest.StashKey[CaseSet]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How a hypothesis is sampled, as far as it is known without its fixtures.

    Attributes:
        plan: The trials in submission order, endless unless the cases end them.
        max_trials: Most units that were asked for.
        max_units: Most units there can be: `max_trials`, or fewer where the cases run out.
        unit_size: Largest number of trials in a unit.
        scope: What the claim is about, in words.
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
    design = design_of(spec, case_set(item, settings), settings)
    reach = reach_for(spec.claim, **design.rule(), single=design.plan.largest_unit == 1)
    if not reach.can_support:
        few = "" if design.max_units == design.max_trials else " (there are no more cases)"
        raise UsageError(
            f"`{spec.claim}` can never be supported within {design.max_units} trials{few}:"
            f" even if all of them spoke for it, {reach.n_support} are needed",
            fix=f"max_trials={reach.n_support} or more (with as many cases), or an easier claim",
        )
    expect = spec.get("expect")
    warning = None if expect is None else _low_power(spec.claim, design, expect)
    return None if warning is None else f"{item.nodeid}: {warning}"


def _low_power(claim: Claim, design: Design, expect: float) -> str | None:
    """Say so when a true rate of `expect` would seldom be found."""
    if design.unit_size > 1 or not claim.statistic.binary:
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


def design_of(spec: Spec, cases: CaseSet | None, settings: Settings) -> Design:
    """Return the design the marks and the cases make.

    Raises:
        UsageError: Keywords that contradict each other.
    """
    max_trials = spec.get("max_trials", settings.max_trials)
    draws = spec.get("draws_per_case", 1)
    over = spec.get("over")
    if cases is None and over is not None:
        raise UsageError("over= needs cases", fix="cases=[...] or cases='file.jsonl'")
    over = over.value if over is not None else cases.default_over if cases is not None else Over.CASES.value
    plan = pick_order(cases, over, seed=settings.seed, draws_per_case=draws)
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
        scope=_scope(cases, over) + (", paired on the case" if spec.arms and cases is not None else ""),
    )


def _scope(cases: CaseSet | None, over: str) -> str:
    if cases is None:
        return "this body as it stands"
    if over == Over.CASES:
        return f"over these {len(cases)} cases" if len(cases) > 1 else "over this one case"
    return "beyond these cases (unit: group)" if cases.groups is not None else "beyond these cases"
