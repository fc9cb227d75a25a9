"""The input of `cases=`, the set of cases it gives, and the seeded order of trials."""

from pytest_velo.case_sets.case import Case, fresh, is_shared_safely, target_of
from pytest_velo.case_sets.order import Plan, Planned, chosen_order, pick_order, plain_order, with_arms
from pytest_velo.case_sets.sets import DIGEST_LENGTH, Cases, CaseSet, case_stub, cases, is_strategy, load
from pytest_velo.case_sets.sources import open_source

__all__ = [
    "DIGEST_LENGTH",
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
    "open_source",
    "pick_order",
    "plain_order",
    "target_of",
    "with_arms",
]
