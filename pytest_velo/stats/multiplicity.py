"""Many hypotheses at once: which verdicts stand if the error rate must hold for all of them together.

Holm's procedure keeps P(any wrong rejection) at most alpha under any dependence, so it holds for hypotheses
that share draws; with anytime-valid p-values it holds at any stopping times. The number of hypotheses is
fixed beforehand: one that was never sampled counts with p = 1.

In plain Python: families are small, and this runs at the end of every session that asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_velo.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """The result of a procedure for p-values, in their order.

    Attributes:
        rejects: Which hypotheses are rejected at alpha.
        p_values: The adjusted p-values: the smallest alpha at which each would be rejected.
    """

    rejects: tuple[bool, ...]
    p_values: tuple[float, ...]


def holm(p_values: Sequence[float], alpha: float) -> Adjusted:
    """Reject by Holm's step-down procedure: P(any wrong rejection) <= alpha under any dependence.

    Pass one p-value for every hypothesis of the family.

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


def e_bh(log_e: Sequence[float], alpha: float) -> Adjusted:
    """Reject by e-BH: the expected share of wrong ones among the rejected is at most alpha.

    With m hypotheses, k of them are rejected for the largest k for which k e-values are at least m / (alpha
    k). Each null's e-value has an expectation of at most 1; whatever they have in common, and whenever each
    was stopped by its own data, that is enough: of the rejected, each null counts for at most 1 / k <= alpha
    e / m. The adjusted p-value of one is the least m / (k e) over the ranks from its own on.

    Pass one e-value, by its log, for every hypothesis of the family; 0 for one that has none. It must be the
    value where sampling stopped: the largest on the way is no e-value.

    Raises:
        UsageError: `alpha` is outside its range.

    Source: Wang and Ramdas (2022), "False discovery rate control with e-values", JRSS B 84:822.
    """
    _check_alpha(alpha)
    order = sorted(range(len(log_e)), key=lambda place: log_e[place])
    adjusted, lowest, m = [1.0] * len(log_e), math.inf, len(log_e)
    for fewer, place in enumerate(order):
        lowest = min(lowest, math.log(m / (m - fewer)) - log_e[place])
        adjusted[place] = math.exp(min(lowest, 0.0))
    return _at(adjusted, alpha)


def attempt_share(number: int) -> float:
    """Return the share of alpha that attempt `number`, from 1, at one belief gets: 6 / (pi k)^2.

    The shares of all attempts, however many, sum to 1. So P(any attempt wrongly supported) <= alpha by the
    union bound, under any dependence, as long as an attempt's number is fixed before its evidence is weighed
    and its draws are fresh. The first keeps 61% of alpha, and attempt k needs 2 log k more log evidence than
    the first, where shares of 1/2^k would take 0.7 k.

    Source: Boole's inequality; Euler's sum of 1/k^2. The same spending as in Foster and Stine (2008),
    J. R. Statist. Soc. B 70:429, for tests without an end.
    """
    if number < 1:
        raise UsageError(f"attempts are counted from 1, got {number!r}", fix="number=1")
    return 6.0 / (math.pi * number) ** 2


def expected_false(alphas: Sequence[float]) -> float:
    """Bound the expected number of wrong "supported" verdicts in a session, unadjusted."""
    return math.fsum(alphas)


def _at(adjusted: Sequence[float], alpha: float) -> Adjusted:
    return Adjusted(rejects=tuple(p <= alpha for p in adjusted), p_values=tuple(adjusted))


def _order(p_values: Sequence[float], alpha: float) -> list[int]:
    """Return the positions of the p-values, smallest first; raise a UsageError for an invalid one."""
    _check_alpha(alpha)
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise UsageError(f"p-values must lie in [0, 1], got {list(p_values)}", fix="one p-value a hypothesis")
    return sorted(range(len(p_values)), key=lambda place: p_values[place])


def _check_alpha(alpha: float) -> None:
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha must be between 0 and 1, got {alpha!r}", fix="alpha=0.05")
