"""Which verdicts a horizon leaves within reach at all, known at collection in plain floats.

A calibrated test can reject within N units if and only if the best run of all may: edge**N <= level, as for
any test whatever. If so, its threshold is at most the evidence of that run, which nothing else reaches; so
no table is needed. Ville's threshold asks for a longer run, counted with the engine itself.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import NamedTuple

from pytest_velo.claims import Claim, Direction
from pytest_velo.stats.design import check_design
from pytest_velo.stats.eprocess import EProcess
from pytest_velo.stats.nulls import Null, nulls_of
from pytest_velo.stats.rules import MAX_CALIBRATED_UNITS
from pytest_velo.stats.sides import Barrier, EitherSide, shortest_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a rule can come to within its horizon, if every unit falls the same way.

    Attributes:
        can_support, can_refute: That verdict is within reach of the horizon asked for.
        n_support, n_refute: The smallest horizon that has that verdict within reach.
    """

    can_support: bool
    can_refute: bool
    n_support: int
    n_refute: int


def reachability(
    claim: Claim,
    *,
    alpha: float,
    beta: float,
    max_units: int,
    margin: float = 0.0,
    min_units: int = 1,
    binary: bool = True,
    extend: bool = False,
) -> Reach:
    """Tell which verdicts the rule with these parameters (see `make_rule`) can come to.

    For `within` about means it answers for each end by itself, a bound that is never too pessimistic.

    Args:
        claim: As for `make_rule`, and the others too.
        alpha: See there.
        beta: See there.
        max_units: See there.
        margin: See there.
        min_units: See there.
        binary: See there.
        extend: See there.

    Raises:
        UsageError: A parameter is outside its range.

    Examples:
        >>> from pytest_velo.claims import rate
        >>> reach = reachability(rate <= 0.02, alpha=0.05, beta=0.05, max_units=100)
        >>> reach.can_support, reach.n_support, reach.can_refute
        (False, 149, True)
    """
    check_design(alpha=alpha, beta=beta, max_units=max_units, min_units=min_units)
    nulls = nulls_of(claim, margin)
    if claim.direction is Direction.WITHIN:
        either = min(_shortest(barrier) for barrier in EitherSide(nulls.refute, beta, min_n=1).barriers())
        needs = [_Need(_both(nulls.support, alpha, binary)), _Need(either)]
    else:
        pairs = [(nulls.support[0], alpha), (nulls.refute[0], beta)]
        needs = [_one_sided(null, level, calibrated=binary and not extend) for null, level in pairs]
    support, refute = needs
    return Reach(
        can_support=support.within(max_units),
        can_refute=refute.within(max_units),
        n_support=max(min_units, support.least()),
        n_refute=max(min_units, refute.least()),
    )


class _Need(NamedTuple):
    """The horizon one verdict needs at Ville's threshold, and at a calibrated one where there is one."""

    ville: int
    calibrated: int | None = None

    def within(self, max_units: int) -> bool:
        if self.calibrated is not None and max_units <= MAX_CALIBRATED_UNITS:
            return self.calibrated <= max_units
        return self.ville <= max_units

    def least(self) -> int:
        if self.calibrated is not None and self.calibrated <= MAX_CALIBRATED_UNITS:
            return self.calibrated
        return self.ville


def _one_sided(null: Null, level: float, *, calibrated: bool) -> _Need:
    """Return what one test needs."""
    ville = _shortest(_ville(null, level))
    return _Need(ville, shortest_run(*null, level) if calibrated else None)


def _ville(null: Null, level: float) -> Barrier:
    """Return what a fresh test at Ville's threshold has before it."""
    return Barrier(null.side, EProcess(*null).ahead, math.log(1.0 / level))


def _shortest(barrier: Barrier) -> int:
    """Return the length of the shortest path across: nothing but ones, or nothing but zeros."""
    units = barrier.units_to(1.0 if barrier.side > 0 else 0.0, sys.maxsize)
    assert units is not None  # such a path grows exponentially
    return units


def _both(nulls: tuple[Null, ...], level: float, binary: bool) -> int:
    """Return the fewest units that reject both nulls of `within`, each latched.

    On 0/1 units the shortest way is to reject one by a pure run and then the other by the opposite run.
    """
    if not binary:
        return max(_shortest(_ville(null, level)) for null in nulls)
    ways = []
    for first, second in (nulls, nulls[::-1]):
        run = _shortest(_ville(first, level))
        process = EProcess(*second)
        for _ in range(run):
            process.update(1.0 if first.side > 0 else 0.0)
        ways.append(run + _shortest(Barrier(second.side, process.ahead, math.log(1.0 / level))))
    return min(ways)
