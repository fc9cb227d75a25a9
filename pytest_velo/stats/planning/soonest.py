"""How soon a rule can reach each verdict at best, found by running the rule itself."""

from __future__ import annotations

import math

import numpy as np

from pytest_velo.claims import Claim, Direction
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.exact.law import unfold
from pytest_velo.stats.planning.reach import reach_for
from pytest_velo.stats.rules.centred import CentredRule
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.stats.rules.composed import ComposedRule
from pytest_velo.stats.rules.rate import RateRule
from pytest_velo.verdicts import Verdict


def soonest_verdicts(claim: Claim, design: Design) -> tuple[int | None, int | None]:
    """Return the fewest units to supported, and to refuted; None for a verdict that is out of reach.

    A threshold calibrated to a longer horizon is higher, so this may be more than `reach_for` says, which
    names the shortest horizon that has a verdict within reach at all. For `within` on a list of recorded
    outcomes it is a lower bound.

    Raises:
        UsageError: As `rule_for`.
    """
    if claim.direction is Direction.WITHIN:
        return _within(claim, design)
    best, worst = (1.0, 0.0) if claim.direction is Direction.AT_LEAST else (0.0, 1.0)
    return _fewest(claim, design, best, Verdict.SUPPORTED), _fewest(claim, design, worst, Verdict.REFUTED)


def _fewest(claim: Claim, design: Design, outcome: float, verdict: Verdict) -> int | None:
    """Return how many units decide if all of them are the best possible for a verdict."""
    rule = rule_for(claim, design)
    for n in range(1, design.max_units + 1):
        if isinstance(rule, CentredRule):
            rule.foresee(0.0)  # where all outcomes are the same, a covariate says nothing of them
        decided = rule.feed(outcome, outcome)
        if decided is not None:
            return n if decided is verdict else None
    return None


def _within(claim: Claim, design: Design) -> tuple[int | None, int | None]:
    """Answer for a claim with two ends."""
    rule = rule_for(claim, design)
    if design.census is not None:
        assert isinstance(rule, ComposedRule)  # a census is
        support, refute = (
            None if math.isinf(n) else max(design.min_units, int(n)) for n in rule.reach(design.max_units)
        )
        return support, refute
    if isinstance(rule, RateRule) and rule.kind == "calibrated":
        return _of_any_path(rule)
    reach = reach_for(claim, design)  # Ville's thresholds are the same for every horizon
    return reach.n_support if reach.can_support else None, reach.n_refute if reach.can_refute else None


def _of_any_path(rule: RateRule) -> tuple[int | None, int | None]:
    """Return the first unit at which each verdict has any probability, at a rate amid the claim's ends."""
    assert rule.claim.low is not None  # `within` has both
    assert rule.claim.high is not None
    middle = np.array([[(rule.claim.low + rule.claim.high) / 2]])
    support, refute = rule.barriers()
    laws = unfold(support, refute, steps=rule.max_units, first_look=rule.min_units, chance=lambda _: middle)
    n_support = n_refute = None
    for n, law in enumerate(laws, start=1):
        n_support = n if n_support is None and law.supported[0] else n_support
        n_refute = n if n_refute is None and law.refuted[0] else n_refute
        if n_support and n_refute:
            break
    return n_support, n_refute
