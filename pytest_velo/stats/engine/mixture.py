"""The engine for 0/1 outcomes: a test martingale that bets against a null about a mean, in plain floats.

Outcomes x lie in [0, 1]. Against the null "the mean is at most t" (side +1) twelve bettors stake ``1 + bet *
(x - t)`` per unit and their fortunes are averaged; against "the mean is at least t" (side -1) they stake the
other way. Under the null no bettor's expected fortune can grow, whatever came before, so the average is a
non-negative supermartingale E that starts at 1: a large E is evidence against the null at any stopping time
(Ville: P(E ever reaches c) <= 1/c). Nothing is assumed about the outcomes except their conditional mean.

The bets aim at alternatives t +/- d on a geometric grid, from near the null to the end of the scale; for 0/1
outcomes each is the likelihood ratio of its alternative to the null.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

from pytest_velo.errors import UsageError

Side = Literal[1, -1]

N_BETS = 12
LOG_N_BETS = math.log(N_BETS)
NEAREST = 0.03
"""Distance of the nearest alternative from the threshold, if the scale leaves room for it."""

ALL_IN = -1.0 + 1e-12
"""A bet that loses more than this share loses everything.

The boldest bet stakes the whole fortune, and its rounded loss lands on either side of -1, where log1p is -36
or undefined.
"""


@cache
def bets(threshold: float, side: Side) -> tuple[float, ...]:
    """Return the twelve bets, in units of fortune per unit of outcome, with the sign of `side`.

    The boldest comes last: the outcome most against it ruins it.

    Raises:
        UsageError: The threshold is not strictly between 0 and 1.
    """
    if not 0.0 < threshold < 1.0:
        raise UsageError(
            f"a rate can only be tested against a threshold inside (0, 1), got {threshold!r}",
            fix="thresholds, moved by their margin, must lie strictly between 0 and 1",
        )
    span = 1.0 - threshold if side > 0 else threshold
    nearest = min(NEAREST, span / 2)
    ratio = span / nearest
    distances = [nearest * ratio ** (j / (N_BETS - 1)) for j in range(N_BETS - 1)]
    scale = side / (threshold * (1.0 - threshold))
    return tuple(scale * distance for distance in [*distances, span])


def _log_gains(threshold: float, side: Side, outcome: float) -> tuple[float, ...]:
    """Return what one outcome adds to the logarithm of each bettor's fortune."""
    gains = (bet * (outcome - threshold) for bet in bets(threshold, side))
    return tuple(-math.inf if gain <= ALL_IN else math.log1p(gain) for gain in gains)


@cache
def _binary_gains(threshold: float, side: Side) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the log gains of a 1 and of a 0, the most common outcomes."""
    return _log_gains(threshold, side, 1.0), _log_gains(threshold, side, 0.0)


def _log_mean_exp(logs: list[float]) -> float:
    """Return the logarithm of the mean fortune; only the boldest bettor can be ruined."""
    top = max(logs)
    return top + math.log(sum([math.exp(value - top) for value in logs])) - LOG_N_BETS


class EProcess:
    """Evidence against a null about a mean, unit by unit.

    Side +1 tests "mean <= threshold", side -1 "mean >= threshold".

    Attributes:
        log_e: Natural log of the evidence now; 0 before the first unit.
        max_log_e: The largest value after any unit; -inf before the first.
    """

    __slots__ = ("_log_fortunes", "_one", "_zero", "log_e", "max_log_e", "side", "threshold")

    def __init__(self, threshold: float, side: Side) -> None:
        self.threshold = threshold
        self.side: Side = side
        self._one, self._zero = _binary_gains(threshold, side)
        self._log_fortunes = [0.0] * N_BETS
        self.log_e = 0.0
        self.max_log_e = -math.inf

    def update(self, outcome: float) -> None:
        """Take in one outcome in [0, 1]."""
        if outcome == 1.0:
            gains = self._one
        elif outcome == 0.0:
            gains = self._zero
        else:
            gains = _log_gains(self.threshold, self.side, outcome)
        self._log_fortunes = [a + b for a, b in zip(self._log_fortunes, gains, strict=True)]
        self.log_e = _log_mean_exp(self._log_fortunes)
        self.max_log_e = max(self.max_log_e, self.log_e)

    def ahead(self, ones: float, zeros: float) -> float:
        """Return what `log_e` would be after so many further ones and zeros, in any order.

        Fractions are allowed: they follow the expected path of a rate.
        """
        logs = self._log_fortunes
        if ones:
            logs = [a + ones * b for a, b in zip(logs, self._one, strict=True)]
        if zeros:
            logs = [a + zeros * b for a, b in zip(logs, self._zero, strict=True)]
        return _log_mean_exp(logs)


def log_e_counts(n: int, successes: int, threshold: float, side: Side) -> float:
    """Return the log evidence of n 0/1 outcomes, which depends on their counts alone."""
    return EProcess(threshold, side).ahead(successes, n - successes)
