"""How many trials a test with a fixed n would need: what sequential sampling is compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_velo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_TRIALS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedDesign:
    """An exact one-sided binomial test.

    Attributes:
        n: Trials, all of them drawn.
        size: Its exact P(wrong rejection), at most the alpha asked for.
        power: Its exact P(rejection) at the truth asked for.
    """

    n: int
    size: float
    power: float


def exact_design(threshold: float, truth: float, alpha: float, power: float) -> FixedDesign:
    """Return the smallest fixed-n test of "rate <= threshold" (">=" if the truth is below) with this power.

    Args:
        threshold: The null's edge, in (0, 1).
        truth: The true rate, in [0, 1], not the threshold.
        alpha: P(wrong rejection), at most; in (0, 1).
        power: P(rejection) at the truth, at least; in (0, 1).

    Raises:
        UsageError: A number is outside its range, or over 100,000 trials would be needed.
    """
    inside = 0.0 < threshold < 1.0 and 0.0 <= truth <= 1.0 and 0.0 < alpha < 1.0 and 0.0 < power < 1.0
    if not inside or truth == threshold:
        raise UsageError(
            f"no sample size for a rate of {truth:g} against {threshold:g}",
            fix="a truth beyond the threshold",
        )
    edge, rate = (threshold, truth) if truth > threshold else (1.0 - threshold, 1.0 - truth)
    import numpy as np

    start, chunk = 1, 512
    while start <= MOST_TRIALS:
        n = np.arange(start, start + chunk)
        sizes, powers = _laws(n, edge, rate, alpha)
        enough = np.flatnonzero(powers >= power)
        if enough.size:
            first = enough[0]
            return FixedDesign(n=int(n[first]), size=float(sizes[first]), power=float(powers[first]))
        start, chunk = start + chunk, min(65_536, 2 * chunk)
    raise UsageError(
        f"a rate of {truth:g} is too close to {threshold:g}: a fixed test needs over {MOST_TRIALS:,} trials",
        fix="expect a larger effect",
    )


def _laws(
    n: npt.NDArray[np.int64], edge: float, rate: float, alpha: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return size and power of the exact tests that reject on many ones."""
    from scipy.stats import binom

    needed = binom.isf(alpha, n, edge) + 1  # the fewest ones with a tail of at most alpha
    return binom.sf(needed - 1, n, edge), binom.sf(needed - 1, n, rate)


def n_two_sample(rate_a: float, rate_b: float, alpha: float, power: float) -> tuple[float, float]:
    """Return trials an arm for a two-sided comparison of unpaired rates, by two approximations.

    Args:
        rate_a: The true rate of one arm, in (0, 1).
        rate_b: That of the other, a different one.
        alpha: P(wrong rejection); in (0, 1).
        power: P(rejection); in (0, 1).

    Returns:
        By the arcsine transform (Cohen's h), and by the unpooled normal formula (Miller 2024).
    """
    z = _z(alpha, power)
    effect = 2.0 * (math.asin(math.sqrt(rate_a)) - math.asin(math.sqrt(rate_b)))
    variances = rate_a * (1.0 - rate_a) + rate_b * (1.0 - rate_b)
    return 2.0 * (z / effect) ** 2, z * z * variances / (rate_a - rate_b) ** 2


def n_paired(deviation: float, difference: float, alpha: float, power: float) -> tuple[float, float]:
    """Return pairs for a two-sided test of a mean difference, by the normal formula and for the t test.

    Args:
        deviation: The standard deviation of the differences, above 0.
        difference: Their true mean, not 0.
        alpha: P(wrong rejection); in (0, 1).
        power: P(rejection); in (0, 1).
    """
    from scipy.optimize import brentq
    from scipy.stats import nct
    from scipy.stats import t as student

    effect = abs(difference) / deviation
    normal = (_z(alpha, power) / effect) ** 2

    def missing(n: float) -> float:
        bar, shift = student.isf(alpha / 2, n - 1), effect * math.sqrt(n)
        return float(nct.sf(bar, n - 1, shift) + nct.cdf(-bar, n - 1, shift)) - power

    return normal, float(brentq(missing, 2.0, 4.0 * normal + 20.0, xtol=1e-9))


def _z(alpha: float, power: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(1.0 - alpha / 2) + ndtri(power))
