"""Many hypotheses at once: which verdicts stand when the error is to hold for all of them together.

Holm keeps P(any wrong rejection) at most alpha however the hypotheses depend on each other, so it holds where
they share draws; with anytime-valid p-values it holds at any stopping times. e-BH keeps the expected share of
wrong rejections at most alpha, under any dependence as well. The number of hypotheses is fixed beforehand:
one that was not looked at counts with p = 1 (e = 0).

Plain Python: families are small, and this runs at the end of every session that asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_velo.errors import UsageError

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """What a procedure makes of p-values, in their order.

    Attributes:
        rejects: Which hypotheses are rejected at alpha.
        p_values: The adjusted p-values: the smallest alpha at which each would be.
    """

    rejects: tuple[bool, ...]
    p_values: tuple[float, ...]


def holm(p_values: Sequence[float], alpha: float) -> Adjusted:
    """Reject by Holm's step-down procedure: P(any wrong rejection) <= alpha under any dependence.

    Args:
        p_values: Each in [0, 1]; one for every hypothesis of the family.
        alpha: In (0, 1).

    Raises:
        UsageError: `alpha` or a p-value is outside its range.

    Source: Holm (1979), Scandinavian Journal of Statistics 6:65.
    """
    order = _order(p_values, alpha)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = highest
    return _at(adjusted, alpha)


def bonferroni(p_values: Sequence[float], alpha: float) -> Adjusted:
    """Reject at alpha / m: P(any wrong rejection) <= alpha under any dependence; Holm rejects all it does.

    Args:
        p_values: Each in [0, 1].
        alpha: In (0, 1).

    Raises:
        UsageError: `alpha` or a p-value is outside its range.
    """
    _order(p_values, alpha)
    return _at([min(1.0, len(p_values) * p) for p in p_values], alpha)


def benjamini_hochberg(p_values: Sequence[float], alpha: float) -> Adjusted:
    """Reject so that the expected share of wrong rejections is <= alpha for independent p-values.

    Not for hypotheses that share draws in other ways than rising together: `benjamini_yekutieli` is.

    Args:
        p_values: Each in [0, 1].
        alpha: In (0, 1).

    Raises:
        UsageError: `alpha` or a p-value is outside its range.

    Source: Benjamini & Hochberg (1995), JRSS B 57:289.
    """
    return _step_up(p_values, alpha, 1.0)


def benjamini_yekutieli(p_values: Sequence[float], alpha: float) -> Adjusted:
    """Reject so that the expected share of wrong rejections is <= alpha under any dependence.

    Args:
        p_values: Each in [0, 1].
        alpha: In (0, 1).

    Raises:
        UsageError: `alpha` or a p-value is outside its range.

    Source: Benjamini & Yekutieli (2001), Annals of Statistics 29:1165.
    """
    return _step_up(p_values, alpha, sum(1.0 / k for k in range(1, len(p_values) + 1)))


def e_bh(log_e_values: Sequence[float], alpha: float) -> tuple[bool, ...]:
    """Reject by e-BH: the k largest e-values, k the largest number with all of them >= m / (alpha k).

    The expected share of wrong rejections is at most alpha under any dependence. It is meant to set the
    target of the sampling, never to filter verdicts afterwards.

    Args:
        log_e_values: Natural logs of the e-values, one for every hypothesis of the family.
        alpha: In (0, 1).

    Raises:
        UsageError: `alpha` is outside its range.

    Source: Wang & Ramdas (2022), JRSS B 84:822.
    """
    _check_alpha(alpha)
    m = len(log_e_values)
    order = sorted(range(m), key=lambda place: -log_e_values[place])
    reached = (k for k in range(1, m + 1) if log_e_values[order[k - 1]] >= e_bh_target(m, k, alpha))
    count = max(reached, default=0)
    chosen = set(order[:count])
    return tuple(place in chosen for place in range(m))


def e_bh_target(m: int, k: int, alpha: float) -> float:
    """Return the log evidence each of k hypotheses among m needs for e-BH to reject them: m / (alpha k).

    Args:
        m: Hypotheses in the family, from 1.
        k: In 1..m.
        alpha: In (0, 1).
    """
    return math.log(m / (alpha * k)) - _ROUNDING


def expected_false(alphas: Sequence[float]) -> float:
    """Return the most false "supported" to expect if every claim of a session were false, unadjusted.

    Args:
        alphas: P(wrong supported), at most, of each claim.
    """
    return math.fsum(alphas)


def _step_up(p_values: Sequence[float], alpha: float, factor: float) -> Adjusted:
    order = _order(p_values, alpha)
    m = len(order)
    adjusted, lowest = [0.0] * m, 1.0
    for rank in range(m, 0, -1):
        place = order[rank - 1]
        lowest = min(lowest, factor * m / rank * p_values[place])
        adjusted[place] = lowest
    return _at(adjusted, alpha)


def _at(adjusted: Sequence[float], alpha: float) -> Adjusted:
    return Adjusted(rejects=tuple(p <= alpha for p in adjusted), p_values=tuple(adjusted))


def _order(p_values: Sequence[float], alpha: float) -> list[int]:
    """Return the places of the p-values, smallest first; raise a UsageError for what is none."""
    _check_alpha(alpha)
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise UsageError(f"a p-value lies in [0, 1], got {list(p_values)}", fix="one p-value a hypothesis")
    return sorted(range(len(p_values)), key=lambda place: p_values[place])


def _check_alpha(alpha: float) -> None:
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha lies between 0 and 1, got {alpha!r}", fix="alpha=0.05")
