"""Which verdicts are within reach of a horizon at all, computed at collection in plain floats.

A calibrated test can reject within N units iff the best possible run may: edge**N <= level, as for any test
whatsoever. If so, its threshold is at most the evidence of that run, which nothing else reaches, so no table
is needed. Ville's threshold requires a longer run, whose length is found with the engine itself. For the two
calibrated ends of `within` the answer is a lower bound: fewer units than any two such tests may take.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import NamedTuple

from pytest_velo.claims import Claim, Direction
from pytest_velo.stats.engine.adaptive import MeanProcess
from pytest_velo.stats.engine.barrier import Barrier
from pytest_velo.stats.engine.design import MAX_CALIBRATED_UNITS, NO_DIFFERENCE, Design
from pytest_velo.stats.engine.mixture import EProcess
from pytest_velo.stats.engine.nulls import Null, nulls_of
from pytest_velo.stats.one_sided.rate import EitherSide, shortest_run
from pytest_velo.stats.rules.centred import is_centred


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a rule can reach within its horizon if all units fall the same way.

    Attributes:
        can_support, can_refute: Whether that verdict is within reach of the given horizon.
        n_support, n_refute: The smallest horizon that has that verdict within reach. For a calibrated
            `within`, `n_support` may be a few units too low, and `can_support` true a few units too soon.
    """

    can_support: bool
    can_refute: bool
    n_support: int
    n_refute: int


def reach_for(claim: Claim, design: Design) -> Reach:
    """Tell which verdicts `rule_for` can reach; a complete census can reach all of them.

    Raises:
        UsageError: The margin reaches beyond the statistic's range.
    """
    centred = is_centred(claim, design)
    if design.single and claim.statistic.binary and not claim.statistic.arms and not centred:
        return rate_reach(claim, design)
    return mean_reach(claim, design)


def rate_reach(claim: Claim, design: Design) -> Reach:
    """Tell which verdicts the rule of a rate can reach.

    For `within` about means it treats each end separately, a bound that is never too pessimistic.
    """
    alpha, beta, max_units, min_units = design.alpha, design.beta, design.max_units, design.min_units
    nulls = nulls_of(claim, design.margin)
    if claim.direction is Direction.WITHIN:
        either = min(_shortest(barrier) for barrier in EitherSide(nulls.refute, beta, min_n=1).barriers())
        exact = _both_exact(nulls.support, alpha) if design.single and not design.extend else None
        needs = [_Need(_both(nulls.support, alpha, design.single), exact), _Need(either)]
    else:
        pairs = [(nulls.support[0], alpha), (nulls.refute[0], beta)]
        needs = [
            _one_sided(null, level, calibrated=design.single and not design.extend) for null, level in pairs
        ]
    support, refute = needs
    return Reach(
        can_support=support.within(max_units),
        can_refute=refute.within(max_units),
        n_support=max(min_units, support.least()),
        n_refute=max(min_units, refute.least()),
    )


class _Need(NamedTuple):
    """The horizon that one verdict needs at Ville's threshold and, if there is one, at a calibrated one."""

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
    """Return the barriers of a fresh test at Ville's threshold."""
    return Barrier(null.side, EProcess(*null).ahead, math.log(1.0 / level))


def _shortest(barrier: Barrier) -> int:
    """Return the length of the shortest path across: all ones, or all zeros."""
    units = barrier.units_to(1.0 if barrier.side > 0 else 0.0, sys.maxsize)
    assert units is not None  # such a path grows exponentially
    return units


def _both(nulls: tuple[Null, ...], level: float, binary: bool) -> int:
    """Return the fewest units that reject both nulls of `within`, each latched.

    On 0/1 units the shortest path rejects one null by a pure run and then the other by the opposite run.
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


def _both_exact(nulls: tuple[Null, ...], level: float) -> int:
    """Return a number of units before which no two tests of `level` both reject, each latched.

    A test that rejects on s successes among n also rejects on more of them, so P(S_n >= s) <= level at its
    null's edge. So the first of the two needs at least the successes of its shortest run. To the second one
    they are failures, and it cannot reject before P(no more failures than these) <= level.
    """
    ways = []
    for first, second in (nulls, nulls[::-1]):
        run = shortest_run(*first, level)
        if run > MAX_CALIBRATED_UNITS:
            continue
        failing = 1.0 - second.threshold if second.side > 0 else second.threshold
        short, enough = run, 2 * run
        while not _is_rare(run, enough, failing, level):
            short, enough = enough, 2 * enough
        while enough - short > 1:
            middle = (short + enough) // 2
            short, enough = (short, middle) if _is_rare(run, middle, failing, level) else (middle, enough)
        ways.append(enough)
    return min(ways, default=MAX_CALIBRATED_UNITS + 1)


def _is_rare(most: int, n: int, chance: float, level: float) -> bool:
    """Tell whether P(at most so many of n units) <= level, where each counts with this chance."""
    log_hit, log_miss = math.log(chance), math.log1p(-chance)
    total = math.lgamma(n + 1)
    logs = (
        total - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * log_hit + (n - k) * log_miss
        for k in range(most + 1)
    )
    return math.fsum(map(math.exp, logs)) <= level * (1.0 + 1e-9)


def mean_reach(claim: Claim, design: Design) -> Reach:
    """Tell which verdicts the rules of means and of differences can reach.

    It follows the shortest path there is: only the best outcome, or for a supported `within` only the middle
    of its range.
    """
    alpha, beta, max_units, min_units = design.alpha, design.beta, design.max_units, design.min_units
    nulls = nulls_of(claim, design.margin)
    # Where all outcomes are the same, a covariate says nothing, and the bets are those without it.
    tossed = design.calibrates and claim.statistic.binary and not is_centred(claim, design)

    def fewest(null: Null, level: float) -> int:
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
    """Return how many equal outcomes, beyond the null's edge, reject it at Ville's threshold."""
    process, bar = MeanProcess(*null), math.log(1.0 / level)
    while process.log_e < bar:
        process.update(outcome)
    return process.n
