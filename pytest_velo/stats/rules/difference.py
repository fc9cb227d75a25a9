"""The rule for a difference of two arms, paired on the case.

A pair gives d = a - b, fed as (d + 1) / 2 on the scale [0, 1]; "the mean of d is at most delta" is the null
with threshold (1 + delta) / 2. No difference (delta = 0) on 0/1 outcomes is tested by the discordant pairs
alone, at a calibrated threshold; everything else is tested as a bounded mean.
"""

from __future__ import annotations

from pytest_velo.claims import Claim
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.nulls import Null, is_no_difference, nulls_of
from pytest_velo.stats.one_sided.discordant import DiscordantTest
from pytest_velo.stats.one_sided.mean import LimitTest, MeanTest, refuting
from pytest_velo.stats.rules.composed import ComposedRule


def make_difference_rule(claim: Claim, design: Design) -> ComposedRule:
    """Build the rule for a difference of two arms; a unit is a pair, or a mean of pairs.

    Single pairs of 0/1 outcomes are fed as 0, 1/2 or 1.

    Raises:
        UsageError: The margin reaches beyond the statistic's range.
    """
    nulls = nulls_of(claim, design.margin)
    tosses = design.calibrates and claim.statistic.binary

    def test(null: Null, level: float) -> LimitTest:
        if tosses and is_no_difference(null):
            return DiscordantTest(null.side, level, max_n=design.max_units)
        return MeanTest(*null, level)

    one_sided = len(nulls.refute) == 1
    return ComposedRule(
        claim,
        nulls,
        support=[test(null, design.alpha) for null in nulls.support],
        refute=test(nulls.refute[0], design.beta) if one_sided else refuting(nulls.refute, design.beta),
        max_units=design.max_units,
        min_units=design.min_units,
    )
