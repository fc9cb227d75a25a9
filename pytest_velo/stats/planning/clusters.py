"""The power of a claim whose units are means of trials that may be alike: groups of cases, draws of a case.

How much the trials of a unit are alike is not known beforehand, so power is told at both ends of a range: all
trials of a unit come out the same (an intraclass correlation of 1), and they are independent (of 0). Pairs of
arms also differ more or less often; the first end takes the most, the second as often as independent arms.

The bets of the rule follow its units, so that their law has no closed form. It is simulated: the rule for
bounded means in numpy, many runs at once, with a fixed seed. One simulation with more units than there are
tells the power of every number of them, since Ville's thresholds do not depend on the horizon. What is told
is within 3 points of what the runner does (tests/calibration); that a run gives up early is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pytest_velo.claims import Claim, Direction
from pytest_velo.stats.engine.adaptive import EFFECTS, LEAST_SPREAD, PRIOR_SPREAD, PRIOR_UNITS, WEIGHTS
from pytest_velo.stats.engine.arrays import Counts, Flags, Floats
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import ALL_IN
from pytest_velo.stats.engine.nulls import Null, nulls_of
from pytest_velo.stats.planning.law import BY_SIMULATION, smallest_detectable
from pytest_velo.stats.planning.operating import OperatingCharacteristics

N_RUNS = 2_000
"""Simulated runs; the standard error of a power is at most 1.1 points."""

POWER = 0.8
"""The power that is looked for."""

MOST_UNITS = 1_000
"""Beyond this many units nothing is simulated, and no number of them looked for."""

MOST_SIMULATED = 100
"""Beyond this many units not every truth is simulated, which would take many seconds."""

SEED = 20_261_130


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How much the trials of a unit are assumed to be alike, and the two outcomes of a pair.

    Attributes:
        told: What is assumed, to follow `assuming that`.
        whole: All trials of a unit come out the same; else they are independent.
        differ: The share of pairs that differ, by the true difference; None without arms.
    """

    told: str
    whole: bool
    differ: Callable[[float], float] | None = None

    def law(self, truth: float, size: int) -> Floats:
        """Return the chances of the means of so many trials: 0, ..., 1 in equal steps.

        `truth` is a rate, or a difference of rates.
        """
        if self.differ is None:
            one = np.array([1.0 - truth, truth])
        else:
            share = max(self.differ(truth), abs(truth))
            one = np.array([(share - truth) / 2.0, 1.0 - share, (share + truth) / 2.0])
        return one if self.whole else _mean_of(one, size)


def _mean_of(one: Floats, size: int) -> Floats:
    """Return the law of the mean of independent trials, from that of one."""
    law = np.ones(1)
    while size:
        if size % 2:
            law = np.convolve(law, one)
        one, size = np.convolve(one, one), size // 2
    return law


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Units whose means a claim is tested on.

    Attributes:
        claim: About a rate, or a difference of two.
        design: Its design; the units there are at most are its `max_units`.
        unit: What a unit is: a group or a case.
        sizes: Trials of each unit, or pairs, in the order of the run; further units repeat them.
    """

    claim: Claim
    design: Design
    unit: str
    sizes: tuple[int, ...]


def likenesses(clusters: Clusters) -> tuple[Likeness, Likeness]:
    """Return what is assumed at both ends of the range: all alike first."""
    unit = clusters.unit
    inside = "cases of a group are" if unit == "group" else "draws of a case are"
    if not clusters.claim.statistic.arms:
        return (
            Likeness(told=f"every {unit} is all or nothing (ICC 1)", whole=True),
            Likeness(told=f"the {inside} independent (ICC 0)", whole=False),
        )
    return (
        Likeness(
            told=f"every {unit} is all or nothing (ICC 1) and its arms always differ",
            whole=True,
            differ=_always,
        ),
        Likeness(
            told=f"the {inside} independent (ICC 0) and so are its arms, with rates around 0.5",
            whole=False,
            differ=_independently,
        ),
    )


def _always(truth: float) -> float:
    return 1.0


def _independently(truth: float) -> float:
    return (1.0 + truth * truth) / 2.0


def power_at(clusters: Clusters, likeness: Likeness, truth: float) -> float:
    """Return P(supported) with the units there are."""
    return laws_at(clusters, likeness, (truth,))[0].supported


def laws_at(
    clusters: Clusters, likeness: Likeness, truths: Sequence[float]
) -> list[OperatingCharacteristics]:
    """Return what the design does at each truth, in the statistic's own units."""
    return [_law_at(clusters, likeness, truth) for truth in truths]


@lru_cache(maxsize=4096)
def _law_at(clusters: Clusters, likeness: Likeness, truth: float) -> OperatingCharacteristics:
    n = clusters.design.max_units
    supported, refuted = decided_at(clusters, likeness, truth, n)
    return OperatingCharacteristics(
        truth=truth,
        supported=float(np.mean(supported <= n)),
        refuted=float(np.mean(refuted <= n)),
        mean_n=float(np.mean(np.minimum(np.minimum(supported, refuted), n))),
    )


@lru_cache(maxsize=1024)
def units_needed(clusters: Clusters, likeness: Likeness, truth: float) -> int | None:
    """Return how many units have a power of `POWER` at a truth; None if more than `MOST_UNITS`."""
    supported, _ = decided_at(clusters, likeness, truth, MOST_UNITS, enough=POWER)
    needed = int(np.sort(supported)[math.ceil(POWER * len(supported)) - 1])
    return needed if needed <= MOST_UNITS else None


def smallest_seen(clusters: Clusters, likeness: Likeness) -> float | None:
    """Return the truth nearest to the threshold that has a power of `POWER`; None if there is none.

    The claim has one threshold.
    """
    claim = clusters.claim

    def law(truths: Sequence[float]) -> list[OperatingCharacteristics]:
        return laws_at(clusters, likeness, truths)

    return smallest_detectable(law, claim.threshold, end_of(claim), POWER, BY_SIMULATION)


def end_of(claim: Claim) -> float:
    """Return the end of the statistic's range on the side of a claim with one threshold."""
    scale = claim.statistic.scale
    return scale.high if claim.direction is Direction.AT_LEAST else scale.low


def decided_at(
    clusters: Clusters, likeness: Likeness, truth: float, n: int, *, enough: float = 1.0
) -> tuple[Counts, Counts]:
    """Simulate runs of `n` units; return the unit at which each was supported, and refuted, or n + 1.

    It ends once a share of `enough` is supported.
    """
    nulls, design = nulls_of(clusters.claim, clusters.design.margin), clusters.design
    support = [_Bettors(null) for null in nulls.support]
    refute = [_Bettors(null) for null in nulls.refute]
    to_support, to_refute = math.log(1.0 / design.alpha), math.log(1.0 / design.beta)
    supported, refuted = np.full(N_RUNS, n + 1), np.full(N_RUNS, n + 1)
    open_ = np.arange(N_RUNS)
    rejected = np.zeros((len(support), N_RUNS), dtype=bool)
    against = np.zeros(N_RUNS, dtype=bool)
    laws: dict[int, Floats] = {}
    rng = np.random.default_rng(SEED)
    for unit in range(1, n + 1):
        size = clusters.sizes[(unit - 1) % len(clusters.sizes)]
        if size not in laws:
            laws[size] = np.cumsum(likeness.law(truth, size))
        chances = laws[size]
        places = np.minimum(np.searchsorted(chances, rng.random(N_RUNS), side="right"), len(chances) - 1)
        means = places[open_] / (len(chances) - 1)
        for test, row in zip(support, rejected, strict=True):
            row |= test.update(means) >= to_support
        log_e = [test.update(means) for test in refute]
        against |= np.logaddexp.reduce(log_e, axis=0) - math.log(len(log_e)) >= to_refute
        if unit < design.min_units:
            continue
        both = rejected.all(axis=0)
        decided = both | against
        if decided.any():
            margin = np.min([test.log_e - to_support for test in support], axis=0)
            other = np.logaddexp.reduce([test.log_e for test in refute], axis=0) - math.log(len(refute))
            wins = both & (~against | (margin >= other - to_refute))
            supported[open_[wins]] = unit
            refuted[open_[decided & ~wins]] = unit
            left = ~decided
            open_, rejected, against = open_[left], rejected[:, left], against[left]
            for test in (*support, *refute):
                test.keep(left)
            if not len(open_) or np.mean(supported <= n) >= enough:
                break
    return supported, refuted


class _Bettors:
    """`engine.adaptive.MeanProcess` for many runs at once: a row for each run, a column for each bettor."""

    def __init__(self, null: Null) -> None:
        self.side = null.side
        self.edge = null.threshold if null.side > 0 else 1.0 - null.threshold
        self.log_e = np.zeros(N_RUNS)
        self._n = 0
        self._sum, self._squares = np.zeros(N_RUNS), np.zeros(N_RUNS)
        self._log_fortunes = np.tile(np.log(WEIGHTS), (N_RUNS, 1))

    def update(self, outcomes: Floats) -> Floats:
        """Take in one outcome of each run; return the log evidence."""
        away = (outcomes if self.side > 0 else 1.0 - outcomes) - self.edge
        gains = self._bets() * away[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            self._log_fortunes += np.where(gains <= ALL_IN, -math.inf, np.log1p(gains))
        top = self._log_fortunes.max(axis=1)
        self.log_e = top + np.log(np.exp(self._log_fortunes - top[:, None]).sum(axis=1))
        self._n += 1
        self._sum += away
        self._squares += away * away
        return self.log_e

    def keep(self, left: Flags) -> None:
        """Go on with some of the runs."""
        self.log_e, self._sum, self._squares = self.log_e[left], self._sum[left], self._squares[left]
        self._log_fortunes = self._log_fortunes[left]

    def _bets(self) -> Floats:
        edge, most = self.edge, self.edge * (1.0 - self.edge)
        units = self._n + PRIOR_UNITS
        mean = self._sum / units
        variance = np.maximum(0.0, (PRIOR_UNITS * PRIOR_SPREAD * most + self._squares) / units - mean * mean)
        spread = np.minimum(1.0, np.maximum(LEAST_SPREAD, variance / most))
        deviation = np.sqrt(spread * most)
        effects = np.array(EFFECTS)
        aims = deviation[:, None] * effects / (1.0 + effects * (deviation / (1.0 - edge))[:, None])
        bets = aims / ((spread * most)[:, None] + ((1.0 - spread) * edge)[:, None] * aims)
        return np.column_stack([bets, np.full(len(bets), 1.0 / edge)])
