"""The design of an item: its cases, and how they are sampled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import pytest

from pytest_velo.case_sets import CaseSet, Plan, Planned, load, pick_order, with_arms
from pytest_velo.claims import Estimation
from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.items import SPEC
from pytest_velo.integration.collect.marks import Spec
from pytest_velo.records import Family, UnitKind
from pytest_velo.runner.hypothesis import Invalid, Over
from pytest_velo.settings import Multiplicity, Settings

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
        unit: What is counted.
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
    unit: UnitKind
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
    """Return the item's cases, loaded once; None without `cases=`.

    Args:
        item: A test with its spec; a file of cases is looked for beside it.
        settings: Their seed draws from generators and strategies, up to their `max_trials`.

    Raises:
        UsageError: The cases cannot be read, or there are none.
    """
    spec = item.stash[SPEC]
    source = spec.get("cases")
    if source is None:
        return None
    if CASES not in item.stash:
        max_n = spec.get("max_trials", settings.max_trials)
        item.stash[CASES] = load(source, base=item.path.parent, seed=settings.seed, max_n=max_n)
    return item.stash[CASES]


def design_for(item: pytest.Item, settings: Settings) -> Design:
    """Return an item's design, at its share of the error rates of its family.

    Raises:
        UsageError: As `case_set` and `design_of`.
    """
    spec = item.stash[SPEC]
    design = design_of(spec, case_set(item, settings), settings)
    if settings.multiplicity is Multiplicity.NONE:
        return design
    from pytest_velo.integration.collect.families import family_of

    family = family_of(item, spec, alpha=design.alpha, beta=design.beta)
    if family is None:
        return design
    return replace(design, alpha=design.alpha / family.size, beta=design.beta / family.size, family=family)


def design_of(spec: Spec, cases: CaseSet | None, settings: Settings) -> Design:
    """Return the design the marks and the cases make.

    Args:
        spec: What the marks say.
        cases: None for a body that takes none.
        settings: Give what the marks leave out, and the seed of the order.

    Raises:
        UsageError: Keywords that contradict each other or the cases.
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
            fix=f"lower min_trials or {'raise max_trials' if max_units == max_trials else 'give more cases'}",
        )
    alpha, beta = spec.get("alpha", settings.alpha), spec.get("beta", 0.05)
    if alpha + beta >= 1 and not isinstance(spec.claim, Estimation):
        raise UsageError(
            f"alpha={alpha:g} and beta={beta:g} add up to 1 or more: no interval would be left",
            fix="lower one of them, e.g. alpha=0.05",
        )
    return Design(
        alpha=alpha,
        beta=beta,
        margin=spec.get("margin", 0.0),
        max_trials=max_trials,
        min_trials=min_trials,
        invalid=spec.get("invalid", Invalid.BOUND),
        extend=spec.get("extend", False),
        plan=plan,
        arms=spec.arms,
        max_units=max_units,
        scope=_scope(spec, cases, over),
        unit=_unit(spec, cases, plan.largest_unit),
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


def _unit(spec: Spec, cases: CaseSet | None, n_turns: int) -> UnitKind:
    """Return what is counted: of a group, and of several draws of a case, the mean."""
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
