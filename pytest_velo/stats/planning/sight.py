"""How many units a verdict would take if what was observed is the truth: a guess from the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_velo.stats.engine.adaptive import best_walk
from pytest_velo.stats.engine.nulls import Null, Nulls

FARTHEST = 100
"""Beyond this many times the units there are, an extrapolation says nothing."""

LEAST_LOG_E = -math.log(12)
"""Evidence that fell further grows as if it stood here: a mixture of 12 bets loses no more to its best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the units of one statistic show, on the scale [0, 1].

    Attributes:
        n: Units, >= 1.
        low, high: Their mean if every invalid outcome were the lowest, and the highest.
        variance: Of the units.
        log_e_support, log_e_refute: The evidence now.
    """

    n: int
    low: float
    high: float
    variance: float
    log_e_support: float
    log_e_refute: float


def units_in_sight(nulls: Nulls, seen: Observed, *, alpha: float, beta: float) -> float:
    """Guess the units in all until a claim is supported or refuted; inf if no number is in sight.

    The evidence grows by its drift at the observed mean (Kelly, 1956, "A new interpretation of information
    rate"), from where it stands to log(1 / level).
    """
    to_support = max(_units(null, seen, seen.log_e_support, alpha) for null in nulls.support)
    each = beta / len(nulls.refute)
    to_refute = min(_units(null, seen, seen.log_e_refute, each) for null in nulls.refute)
    return min(to_support, to_refute)


def units_in_sight_of_all(parts: Sequence[tuple[Nulls, Observed]], *, alpha: float, beta: float) -> float:
    """Guess as `units_in_sight` for a joint claim: all parts are supported, or one of them is refuted."""
    to_support = max(
        max(_units(null, seen, seen.log_e_support, alpha) for null in nulls.support) for nulls, seen in parts
    )
    to_refute = min(
        min(
            _units(null, seen, seen.log_e_refute, beta / len(parts) / len(nulls.refute))
            for null in nulls.refute
        )
        for nulls, seen in parts
    )
    return min(to_support, to_refute)


def _units(null: Null, seen: Observed, log_e: float, level: float) -> float:
    """Guess the units in all until one null is rejected at the observed mean."""
    if null.side > 0:
        edge, distance = null.threshold, seen.low - null.threshold
    else:
        edge, distance = 1.0 - null.threshold, null.threshold - seen.high
    drift = best_walk(edge, distance, seen.variance).drift if distance > 0.0 else 0.0
    if drift <= 0.0:
        return math.inf
    further = max(1.0, (math.log(1.0 / level) - max(log_e, LEAST_LOG_E)) / drift)
    return seen.n + further if seen.n + further <= FARTHEST * seen.n else math.inf
