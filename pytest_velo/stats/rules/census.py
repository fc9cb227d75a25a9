"""The rule for a finite list of recorded outcomes, seen in random order, each once (``once=True``).

The evidence is that of `engine.census`. An outcome that was seen cannot come again, so support is certain
once the rest of the list cannot undo it, and at the end of the list every claim is decided unless invalid
outcomes leave it open. The certificate is about these recorded outcomes, not about what produced them.
"""

from __future__ import annotations

import math
from dataclasses import replace

from pytest_velo.claims import Claim
from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.nulls import Null, nulls_of
from pytest_velo.stats.one_sided.census import CensusTest, EitherCount
from pytest_velo.stats.rules.composed import ComposedRule

_ROUNDING = 1e-9


def make_census_rule(claim: Claim, design: Design) -> ComposedRule:
    """Build the rule for a claim about the share of ones among `design.census` recorded outcomes.

    The horizon may be raised later, up to the whole list.

    Raises:
        UsageError: The claim is not about a rate, or no verdict may come before the list's end.
    """
    size = design.census or 0
    if size < 1 or claim.statistic.arms or not claim.statistic.binary:
        raise UsageError(
            f"`{claim}` over {size} recorded outcomes cannot be counted", fix="claim a rate, leave once out"
        )
    if design.max_units > size:
        design = replace(design, max_units=size)
    support, against = census_tests(claim, design)
    return ComposedRule(
        claim,
        nulls_of(claim, design.margin),
        support=support,
        refute=against[0] if len(against) == 1 else EitherCount(against, design.beta),
        max_units=design.max_units,
        min_units=design.min_units,
        closed=True,
    )


def census_tests(claim: Claim, design: Design) -> tuple[list[CensusTest], list[CensusTest]]:
    """Return fresh tests for the claim, all of which must reject, and against it, one per end.

    Their nulls are counts of ones.

    Raises:
        UsageError: The margin is negative, or leaves no false claim to rule out.
    """
    assert design.census is not None  # it is a census
    size, nulls = design.census, nulls_of(claim, design.margin)
    against = [_against_claim(null, design.beta, size) for null in nulls.refute]
    return [_for_claim(null, design.alpha, size) for null in nulls.support], against


def _for_claim(null: Null, level: float, size: int) -> CensusTest:
    """Return the test of the count nearest to the claim that still falls short of it."""
    counts = size * null.threshold
    short = math.ceil(counts - _ROUNDING) - 1 if null.side > 0 else math.floor(counts + _ROUNDING) + 1
    return CensusTest(short, null.side, level, size=size)


def _against_claim(null: Null, level: float, size: int) -> CensusTest:
    """Return the test of the count that only just fulfils the claim."""
    counts = size * null.threshold
    enough = math.floor(counts + _ROUNDING) if null.side > 0 else math.ceil(counts - _ROUNDING)
    return CensusTest(enough, null.side, level, size=size)
