"""Which rule serves which design, and what it can come to: the one place that chooses.

Single 0/1 trials have the exactly calibrated rule. Scores, pairs of arms, and means of a case's draws or of
a group have the rule of bounded means; a claim of no difference has that of the discordant pairs.
"""

from __future__ import annotations

import sys
from typing import Any

from pytest_velo.claims import Claim
from pytest_velo.stats.composed import ComposedRule, make_mean_rule
from pytest_velo.stats.paired import make_difference_rule
from pytest_velo.stats.reachability import Reach, reachability
from pytest_velo.stats.rules import SequentialRule, make_rule

Rule = SequentialRule | ComposedRule


def rule_for(
    claim: Claim,
    *,
    alpha: float,
    beta: float,
    max_units: int,
    turns_per_unit: int,
    margin: float = 0.0,
    min_units: int = 1,
    extend: bool = False,
) -> Rule:
    """Build the rule of one claim.

    Args:
        claim: What is claimed.
        alpha: P(wrong supported), at most; in (0, 1).
        beta: P(wrong refuted), at most; in (0, 1).
        max_units: The horizon: no unit is fed after it.
        turns_per_unit: Trials (or pairs of arms) whose mean is one unit, from 1.
        margin: How far off the claim must be to count as false, from 0, in the statistic's own units.
        min_units: No verdict comes before this many units; in 1..max_units.
        extend: The horizon may be raised later, so nothing may be calibrated to it.

    Raises:
        UsageError: A number is outside its range, or the margin reaches beyond the statistic's range.

    >>> from pytest_velo.claims import mean, rate
    >>> numbers = {"alpha": 0.05, "beta": 0.05, "max_units": 100}
    >>> rule_for(rate >= 0.5, **numbers, turns_per_unit=1).kind
    'calibrated'
    >>> rule_for(mean(0, 10) >= 5, **numbers, turns_per_unit=1).kind
    'ville'
    """
    numbers: dict[str, Any] = {"alpha": alpha, "beta": beta, "margin": margin}
    horizon: dict[str, Any] = {"max_units": max_units, "min_units": min_units}
    single = claim.statistic.binary and turns_per_unit == 1
    if claim.statistic.arms:
        return make_difference_rule(claim, **numbers, **horizon, binary=single, extend=extend)
    if not single:
        return make_mean_rule(claim, **numbers, **horizon)
    return make_rule(claim, **numbers, **horizon, extend=extend)


def reach_of(
    claim: Claim,
    *,
    alpha: float,
    beta: float,
    max_units: int,
    turns_per_unit: int,
    margin: float = 0.0,
    min_units: int = 1,
    extend: bool = False,
) -> Reach:
    """Tell which verdicts the rule of a design (see `rule_for`) can come to within its horizon.

    For scores and differences it is a bound that is never too pessimistic.
    """
    numbers: dict[str, Any] = {"alpha": alpha, "beta": beta, "margin": margin}
    horizon: dict[str, Any] = {"max_units": max_units, "min_units": min_units}
    rule = rule_for(claim, **numbers, **horizon, turns_per_unit=turns_per_unit, extend=extend)
    if isinstance(rule, SequentialRule):
        return reachability(claim, **numbers, **horizon, extend=extend)
    support, refute = rule.reach(sys.maxsize)
    return Reach(
        can_support=support <= max_units,
        can_refute=refute <= max_units,
        n_support=max(min_units, int(support)),
        n_refute=max(min_units, int(refute)),
    )
