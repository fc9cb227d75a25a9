"""Which verdicts about means and differences a horizon leaves within reach, known at collection."""

from __future__ import annotations

import math

from pytest_velo.claims import Claim
from pytest_velo.stats.bounded import MeanProcess
from pytest_velo.stats.design import check_design
from pytest_velo.stats.nulls import Null, nulls_of
from pytest_velo.stats.paired import NO_DIFFERENCE
from pytest_velo.stats.reachability import Reach
from pytest_velo.stats.rules import MAX_CALIBRATED_UNITS
from pytest_velo.stats.sides import shortest_run


def mean_reachability(
    claim: Claim,
    *,
    alpha: float,
    beta: float,
    max_units: int,
    margin: float = 0.0,
    min_units: int = 1,
    binary: bool = False,
    extend: bool = False,
) -> Reach:
    """Tell which verdicts `make_mean_rule` or `make_difference_rule` with these parameters can come to.

    The way looked at is the shortest there is: nothing but the best outcome; for a supported `within` nothing
    but the middle of its range.

    Args:
        claim: What is claimed.
        alpha: P(wrong supported), at most; in (0, 1).
        beta: P(wrong refuted), at most; in (0, 1).
        max_units: The horizon.
        margin: How far off the claim must be to count as false, in the statistic's own units.
        min_units: No verdict comes before it.
        binary: Units are single pairs of 0/1 outcomes.
        extend: The horizon may be raised later.

    Raises:
        UsageError: A parameter is outside its range.

    Examples:
        >>> from pytest_velo.claims import difference
        >>> claim = difference("new", "old") >= -0.02
        >>> reach = mean_reachability(claim, alpha=0.05, beta=0.05, max_units=5, binary=True)
        >>> reach.can_support, reach.n_support
        (False, 6)
    """
    check_design(alpha=alpha, beta=beta, max_units=max_units, min_units=min_units)
    nulls = nulls_of(claim, margin)

    def fewest(null: Null, level: float) -> int:
        tossed = binary and not extend and max_units <= MAX_CALIBRATED_UNITS
        if tossed and abs(null.threshold - NO_DIFFERENCE) < 1e-12:
            return shortest_run(NO_DIFFERENCE, null.side, level)
        return constant_run(null, 1.0 if null.side > 0 else 0.0, level)

    if len(nulls.support) == 2:
        middle = math.fsum(null.threshold for null in nulls.support) / 2
        support = max(constant_run(null, middle, alpha) for null in nulls.support)
        refute = min(fewest(null, beta / 2) for null in nulls.refute)
    else:
        support, refute = fewest(nulls.support[0], alpha), fewest(nulls.refute[0], beta)
    n_support, n_refute = max(min_units, support), max(min_units, refute)
    return Reach(
        can_support=n_support <= max_units,
        can_refute=n_refute <= max_units,
        n_support=n_support,
        n_refute=n_refute,
    )


def constant_run(null: Null, outcome: float, level: float) -> int:
    """Return how many equal outcomes reject a null at Ville's threshold.

    Args:
        null: Its edge is short of the outcome, on the null's side.
        outcome: In [0, 1].
        level: In (0, 1).

    Examples:
        >>> constant_run(Null(0.5, 1), 1.0, 0.05)
        6
    """
    process, bar = MeanProcess(*null), math.log(1.0 / level)
    while process.log_e < bar:
        process.update(outcome)
    return process.n
