"""The input of `cases=`, the set of cases it gives, and the seeded order of trials."""

from pytest_velo.case_sets.case import Case, fresh, is_shared_safely, target_of
from pytest_velo.case_sets.order import Plan, Planned, chosen_order, pick_order, plain_order, with_arms
from pytest_velo.case_sets.sets import Cases, CaseSet, case_stub, cases, is_strategy, load

__all__ = [
    "Case",
    "CaseSet",
    "Cases",
    "Plan",
    "Planned",
    "case_stub",
    "cases",
    "chosen_order",
    "fresh",
    "is_shared_safely",
    "is_strategy",
    "load",
    "pick_order",
    "plain_order",
    "target_of",
    "with_arms",
]
