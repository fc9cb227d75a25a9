"""What a design will do before anything is drawn: P(each verdict), mean sample size, detectable effects.

It is exact for single 0/1 trials (`operating_characteristics`) and for pairs of them against no difference
(`pair_laws`). Where the bets follow the data there is no closed form: `approximate_law` treats the log
evidence as a random walk with the drift of the best bet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pytest_velo.claims import Claim
from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.adaptive import best_walk
from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.barrier import Barrier
from pytest_velo.stats.engine.design import MAX_CALIBRATED_UNITS, NO_DIFFERENCE, Design
from pytest_velo.stats.engine.mixture import EProcess
from pytest_velo.stats.engine.nulls import Null, nulls_of
from pytest_velo.stats.exact.law import unfold
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold
from pytest_velo.stats.planning.operating import OperatingCharacteristics

OVERHEAD = 1.2
"""Units that the engine for means needs, relative to the bound for an omniscient bettor (benchmarks)."""

_STEPS = 400


class Search(NamedTuple):
    """How a truth is looked for: the law is asked for some at once, from 1, and again between two of them."""

    at_once: int
    rounds: int


IN_CLOSED_FORM = Search(at_once=15, rounds=3)
"""To 1/4096 of the way: a law of several points costs hardly more than of one."""

BY_SIMULATION = Search(at_once=1, rounds=8)
"""To 1/256 of the way: each point costs the same."""

Law = Callable[[Sequence[float]], list[OperatingCharacteristics]]
"""What a design does at each of the given truths."""


def smallest_detectable(
    law: Law, threshold: float, end: float, power: float = 0.8, search: Search = IN_CLOSED_FORM
) -> float | None:
    """Return the truth nearest to the threshold at which P(supported) reaches `power`; None if there is none.

    Args:
        law: What the design does; P(supported) must rise from the threshold to the end.
        threshold: The claim's threshold, in the statistic's own units.
        end: The end of the statistic's range on the claim's side.
        power: In (0, 1).
        search: How it is looked for.

    Returns:
        A truth, accurate to the search's share of the distance from threshold to end, rounded away from the
            threshold.
    """
    if law([end])[0].supported < power:
        return None
    near, far = threshold, end
    at_once, rounds = search
    for _ in range(rounds):
        points = [near + (far - near) * step / (at_once + 1) for step in range(1, at_once + 1)]
        found = [at.supported >= power for at in law(points)]
        first = found.index(True) if True in found else at_once
        points = [near, *points, far]
        near, far = points[first], points[first + 1]
    return far


def pair_laws(
    claim: Claim, shares: Sequence[tuple[float, float]], design: Design
) -> list[OperatingCharacteristics]:
    """Return the exact laws of the difference's rule on pairs of 0/1 outcomes, one for each of `shares`.

    Args:
        claim: `difference(a, b) >= 0` or `<= 0`, without a margin.
        shares: Each P(a pair has a = 1, b = 0) and P(a pair has a = 0, b = 1), with a sum in (0, 1].
        design: For single pairs, at most 5,000.

    Raises:
        UsageError: The claim is a different one, or a number is outside its range.
    """
    alpha, beta, max_units, min_units = design.alpha, design.beta, design.max_units, design.min_units
    nulls = nulls_of(claim)
    both = [*nulls.support, *nulls.refute]
    if len(both) != 2 or any(abs(null.threshold - NO_DIFFERENCE) > 1e-12 for null in both):
        raise UsageError(f"`{claim}` is not decided by discordant pairs alone", fix="approximate_law(...)")
    for p_up, p_down in shares:
        if not (p_up >= 0.0 and p_down >= 0.0 and 0.0 < p_up + p_down <= 1.0 + 1e-12):
            raise UsageError(
                f"shares of discordant pairs must sum to more than 0 and at most 1, got {p_up!r}"
                f" and {p_down!r}",
                fix="p_up + p_down <= 1",
            )
    if max_units > MAX_CALIBRATED_UNITS:
        raise UsageError(
            f"the exact law takes at most {MAX_CALIBRATED_UNITS} pairs, got {max_units}",
            fix=f"max_trials={MAX_CALIBRATED_UNITS}",
        )
    rates = [p_up / (p_up + p_down) for p_up, p_down in shares]
    supported, refuted = _by_toss(nulls.support[0], nulls.refute[0], alpha, beta, max_units, rates)
    return [
        OperatingCharacteristics(
            truth=claim.statistic.scale.from_unit((1.0 + p_up - p_down) / 2),
            **_in_pairs(supported[:, i], refuted[:, i], min(1.0, p_up + p_down), max_units, min_units),
        )
        for i, (p_up, p_down) in enumerate(shares)
    ]


def _in_pairs(
    supported: Floats, refuted: Floats, discordant: float, max_units: int, min_units: int
) -> dict[str, float]:
    """Convert the law of tosses to that of pairs, of which some share is discordant (a toss)."""
    from scipy.special import bdtrc  # weight: a fifth of a second, for pairs only

    tosses = np.arange(1, max_units + 1)

    def there_by(pairs: int) -> Floats:
        """P(the k-th discordant pair is among so many pairs), for every k."""
        return np.asarray(bdtrc(np.minimum(tosses - 1, pairs), pairs, discordant))

    def place_by(pairs: int) -> Floats:
        """The mean position of the k-th discordant pair, counted as 0 if it is not among so many pairs."""
        return np.asarray(tosses / discordant * bdtrc(np.minimum(tosses, pairs + 1), pairs + 1, discordant))

    there, early = there_by(max_units), there_by(min_units)
    place = min_units * early + place_by(max_units) - place_by(min_units) + max_units * (1.0 - there)
    decides = supported + refuted
    return {
        "supported": float(there @ supported),
        "refuted": float(there @ refuted),
        "mean_n": float(decides @ place) + max_units * (1.0 - float(decides.sum())),
    }


def _by_toss(
    support: Null, refute: Null, alpha: float, beta: float, max_n: int, rates: Sequence[float]
) -> tuple[Floats, Floats]:
    """Return P(supported at the k-th discordant pair), and of refuted, for each rate of +1 among them.

    Rows are k = 1..max_n, columns the rates.
    """

    def barrier(null: Null, level: float) -> Barrier:
        log_bar = calibrated_log_threshold(NO_DIFFERENCE, null.side, level, max_n)
        return Barrier(null.side, EProcess(NO_DIFFERENCE, null.side).ahead, log_bar)

    column = np.array(rates)[:, None]
    laws = unfold(
        [barrier(support, alpha)], [barrier(refute, beta)], steps=max_n, first_look=1, chance=lambda _: column
    )
    so_far = [(law.supported, law.refuted) for law in laws]
    supported, refuted = (
        np.diff(np.array(column), axis=0, prepend=0.0) for column in zip(*so_far, strict=True)
    )
    return supported, refuted


def approximate_law(claim: Claim, truth: float, deviation: float, design: Design) -> OperatingCharacteristics:
    """Estimate what the rule for means does with scores of this mean and standard deviation.

    P(a wrong verdict) is given by its bound. Elsewhere probabilities are accurate to about 0.1 and mean sizes
    to about a fifth (tests/calibration). `truth` and `deviation` are in the statistic's own units.
    """
    alpha, beta, max_units, min_units = design.alpha, design.beta, design.max_units, design.min_units
    nulls = nulls_of(claim, design.margin)
    unit = claim.statistic.scale.to_unit(truth)
    variance = (deviation / claim.statistic.scale.span) ** 2

    def crossing(null: Null, level: float) -> list[float]:
        edge = null.threshold if null.side > 0 else 1.0 - null.threshold
        distance = (unit if null.side > 0 else 1.0 - unit) - edge
        return _crossings(edge, distance, variance, level, max_units)

    halves = [crossing(null, alpha) for null in nulls.support]
    support = [max(0.0, sum(together) - len(halves) + 1) for together in zip(*halves, strict=True)]
    ways = [crossing(null, beta / len(nulls.refute)) for null in nulls.refute]
    refute = [max(either) for either in zip(*ways, strict=True)]
    undecided = [max(0.0, 1.0 - s - r) for s, r in zip(support, refute, strict=True)]
    step = max_units / _STEPS
    mean = float(min_units)
    for end, (before, after) in enumerate(pairwise([1.0, *undecided]), start=1):
        mean += (before + after) / 2 * min(step, max(0.0, end * step - min_units))
    return OperatingCharacteristics(
        truth=truth,
        supported=support[-1] if support[-1] else min(alpha, 1.0 - refute[-1]),
        refuted=refute[-1] if refute[-1] else min(beta, 1.0 - support[-1]),
        mean_n=min(float(max_units), mean),
    )


def _crossings(edge: float, distance: float, variance: float, level: float, max_n: int) -> list[float]:
    """Return P(a test of side +1 has rejected) at each of `_STEPS` moments up to the horizon."""
    if distance <= 0.0:
        return [0.0] * _STEPS
    drift, noise = best_walk(edge, distance, variance)
    bar = OVERHEAD * math.log(1.0 / level)
    return [_passage(drift, noise, bar, max_n * (step + 1) / _STEPS) for step in range(_STEPS)]


def _passage(drift: float, noise: float, bar: float, n: float) -> float:
    """Return P(a Gaussian walk with this drift and noise per unit passes the bar within n units)."""
    spread = noise * math.sqrt(n)
    if spread < 1e-9 * bar:
        return float(drift * n >= bar)
    direct = 0.5 * math.erfc((bar - drift * n) / spread / math.sqrt(2.0))
    tilt = 2.0 * drift * bar / noise**2
    back = 0.5 * math.erfc((bar + drift * n) / spread / math.sqrt(2.0))
    return min(1.0, direct + (math.exp(tilt) * back if tilt < 300.0 else 0.0))
