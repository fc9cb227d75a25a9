"""The rule for bounded means: scores, and means of cases or groups."""

from __future__ import annotations

from pytest_velo.claims import Claim
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.stats.one_sided.mean import MeanTest, refuting
from pytest_velo.stats.rules.composed import ComposedRule


def make_mean_rule(claim: Claim, design: Design) -> ComposedRule:
    """Build the rule for units that are not single 0/1 draws: scores, means of cases or groups, pairs.

    The horizon may be raised later: nothing is calibrated to it.

    Raises:
        UsageError: The margin reaches beyond the statistic's range.
    """
    nulls = nulls_of(claim, design.margin)
    return ComposedRule(
        claim,
        nulls,
        support=[MeanTest(*null, design.alpha) for null in nulls.support],
        refute=refuting(nulls.refute, design.beta),
        max_units=design.max_units,
        min_units=design.min_units,
    )
