"""How many trials a claim about a rate needs, and how often it comes out wrong, beside the usual ways.

Run with ``python benchmarks/claims.py``. All numbers are exact (dynamic programming), for `rate >= threshold`
with alpha = beta = 0.05 and max_trials 1,000, over thresholds and effects from clear to hardly detectable:

- *shipped*: the calibrated rule, looked at after every trial.
- *fixed n*: the smallest exact binomial test with power 0.9 at that very effect, which must be guessed first.
- *observed >= threshold*: "passed" if the share of 200 trials reaches the threshold.
- *Wilson at every look*: stop when a 90% Wilson interval excludes the threshold, from the tenth trial on.

Trials are given over log(1/alpha) / KL, which no rule that errs with probability alpha and always decides can
beat on average. "Wrong" is the largest probability of a wrong "supported" where the claim is false by a hair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from measuring import machine, print_table
from scipy.special import ndtri
from scipy.stats import binom

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.rules.rate import RateRule, make_rate_rule

ALPHA = 0.05
MAX_TRIALS = 1_000
SHARE_OF = 200
FIRST_WILSON_LOOK = 10
MOST_FIXED = 100_000
CHUNK = 1_000
THRESHOLDS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
EFFECTS = (-0.3, -0.2, -0.1, -0.05, 0.05, 0.1, 0.2, 0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One threshold and one truth.

    Attributes:
        bound: log(1/alpha) / KL, in trials.
        shipped: Mean trials of the shipped rule.
        decided: P(the right verdict) of the shipped rule.
        fixed: Trials of the fixed test; None when it needs over 100,000.
        wilson: Mean trials with a Wilson interval at every look.
    """

    threshold: float
    truth: float
    bound: float
    shipped: float
    decided: float
    fixed: int | None
    wilson: float


def bound(truth: float, threshold: float) -> float:
    """Return log(1/alpha) over the divergence of the truth from the threshold, in trials."""
    pairs = ((truth, threshold), (1.0 - truth, 1.0 - threshold))
    return math.log(1.0 / ALPHA) / sum(p * math.log(p / q) for p, q in pairs if p > 0.0)


def wilson_law(truth: float, threshold: float) -> tuple[float, float]:
    """Return P("supported") and the mean trials of stopping when the interval excludes the threshold."""
    z = float(ndtri(1.0 - ALPHA))
    mass = np.zeros(MAX_TRIALS + 2)
    mass[0], supported, mean = 1.0, 0.0, 0.0
    for n in range(1, MAX_TRIALS + 1):
        mean += float(mass.sum())
        risen = mass[:-1] * truth
        mass[:-1] -= risen
        mass[1:] += risen
        if n < FIRST_WILSON_LOOK:
            continue
        share = np.arange(n + 1) / n
        distance = (share - threshold) / math.sqrt(threshold * (1.0 - threshold) / n)
        high, low = distance > z, distance < -z  # Wilson's interval inverts the score test
        supported += float(mass[: n + 1][high].sum())
        mass[: n + 1][high | low] = 0.0
    return supported, mean


def fixed_design(truth: float, threshold: float) -> tuple[int, float] | None:
    """Return the trials of the smallest exact test with power 0.9, and its P(wrong rejection)."""
    edge, true = (threshold, truth) if truth > threshold else (1.0 - threshold, 1.0 - truth)
    for first in range(1, MOST_FIXED, CHUNK):
        n = np.arange(first, first + CHUNK)
        last = binom.isf(ALPHA, n, edge)  # it rejects beyond this count
        enough = np.flatnonzero(binom.sf(last, n, true) >= 0.9)
        if enough.size:
            at = enough[0]
            return int(n[at]), float(binom.sf(last[at], n[at], edge))
    return None


def rule_for(threshold: float) -> RateRule:
    """Return the shipped rule."""
    return make_rate_rule(rate >= threshold, Design(alpha=ALPHA, beta=ALPHA, max_units=MAX_TRIALS))


def cells() -> list[Cell]:
    """Compute the whole grid; some seconds."""
    found = []
    for threshold in THRESHOLDS:
        truths = [threshold + effect for effect in EFFECTS if 0.005 < threshold + effect < 0.995]
        for truth, law in zip(truths, operating_characteristics(rule_for(threshold), truths), strict=True):
            fixed = fixed_design(truth, threshold)
            cell = Cell(
                threshold=threshold,
                truth=truth,
                bound=bound(truth, threshold),
                shipped=law.mean_n,
                decided=law.supported if truth > threshold else law.refuted,
                fixed=fixed and fixed[0],
                wilson=wilson_law(truth, threshold)[1],
            )
            found.append(cell)
    return found


def wrong_verdicts() -> dict[str, float]:
    """Return the largest P(wrong "supported") over the thresholds, of each rule."""
    passed = [float(binom.sf(math.ceil(SHARE_OF * t - 1e-9) - 1, SHARE_OF, t)) for t in THRESHOLDS]
    fixed = [design[1] for t in THRESHOLDS if (design := fixed_design(t + (1 - t) / 2, t))]
    return {
        "shipped": max(operating_characteristics(rule_for(t), [t])[0].supported for t in THRESHOLDS),
        "fixed n": max(fixed),
        "observed >= threshold": max(passed),
        "Wilson at every look": max(wilson_law(t, t)[0] for t in THRESHOLDS),
    }


def geometric_mean(ratios: list[float]) -> float:
    """Return the geometric mean."""
    return math.exp(fmean(map(math.log, ratios)))


def main() -> None:
    """Print both tables."""
    grid, wrong = cells(), wrong_verdicts()
    rows = [
        [
            f"rate >= {cell.threshold:g}",
            f"{cell.truth:g}",
            f"{cell.bound:.0f}",
            f"{cell.shipped / cell.bound:.2f}",
            f"{cell.decided:.3f}",
            "" if cell.fixed is None else f"{cell.fixed / cell.bound:.2f}",
            f"{cell.wilson / cell.bound:.2f}",
        ]
        for cell in grid
    ]
    print_table(
        f"Mean trials over the bound, exactly, max_trials {MAX_TRIALS:,}\n{machine('scipy')}",
        ["claim", "truth", "bound", "shipped", "P(right)", "fixed n", "Wilson at every look"],
        rows,
    )
    ratios = {
        "shipped": geometric_mean([cell.shipped / cell.bound for cell in grid]),
        "fixed n": geometric_mean([cell.fixed / cell.bound for cell in grid if cell.fixed]),
        "observed >= threshold": geometric_mean([SHARE_OF / cell.bound for cell in grid]),
        "Wilson at every look": geometric_mean([cell.wilson / cell.bound for cell in grid]),
    }
    print_table(
        "Geometric mean over the grid, and the worst probability of a wrong verdict",
        ["rule", "trials / bound", "wrong"],
        [[name, f"{ratios[name]:.2f}", f"{100 * wrong[name]:.1f}%"] for name in ratios],
    )


if __name__ == "__main__":
    main()
