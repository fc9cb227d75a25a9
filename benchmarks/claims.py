"""How many trials a claim needs, and how often it comes out wrong, beside the usual ways.

Run with ``python benchmarks/claims.py``; a minute or two. The numbers about rates are exact (dynamic
programming), for `rate >= threshold` with alpha = beta = 0.05 and max_trials 1,000, over thresholds and
effects from clear to hardly detectable:

- *shipped*: a run as it is by default: the calibrated rule, looked at after every trial, which also gives up
  where a verdict has become unlikely (`--velo-futility`).
- *to the end*: the same rule, which never gives up (`--velo-futility=0`).
- *fixed n*: the smallest exact binomial test with power 0.9 at that very effect, which must be guessed first.
- *observed >= threshold*: "passed" if the share of 200 trials reaches the threshold.
- *Wilson at every look*: stop when a 90% Wilson interval excludes the threshold, from the tenth trial on.

Trials are given over log(1/alpha) / KL, which no rule that errs with probability alpha and always decides can
beat on average. One that gives up may well. "Wrong" is the largest probability of a wrong "supported" where
the claim is false by a hair.

Means and paired differences are simulated (seeded), through the rule that ships for the claim, with and
without giving up, over log(1/alpha) / KL_inf (`bounded_means.py`). Their fixed n is that of a one-sided test
of the mean with power 0.9 at the very effect and variance, which must be guessed first.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from bounded_means import CASES, Case, levels
from measuring import machine, print_table
from scipy.special import ndtri
from scipy.stats import binom

from pytest_velo.claims import Claim, difference, mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.operating import law_with_futility, operating_characteristics
from pytest_velo.stats.rules.choice import rule_for as rule_of_claim
from pytest_velo.stats.rules.rate import RateRule, make_rate_rule
from pytest_velo.verdicts import Verdict

ALPHA = 0.05
MAX_TRIALS = 1_000
RUNS = 300
ELSEWHERE = """
estimates beside Wilson's n: estimates.py · rankings beside a fixed n: rankings.py · covariates beside the
same claim without one: covariates.py · which hypothesis is next, beside round-robin and the Gittins index:
scheduling.py · rules of other plugins: rivals.py
"""
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
        shipped: Mean trials of a run as it is by default.
        decided: P(the right verdict) of it.
        to_the_end: Mean trials of the same rule if it never gives up.
        fixed: Trials of the fixed test; None when it needs over 100,000.
        wilson: Mean trials with a Wilson interval at every look.
    """

    threshold: float
    truth: float
    bound: float
    shipped: float
    decided: float
    to_the_end: float
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
        shipped = law_with_futility(rule_for(threshold), usual_futility(MAX_TRIALS))(truths)
        to_the_end = operating_characteristics(rule_for(threshold), truths)
        for truth, law, patient in zip(truths, shipped, to_the_end, strict=True):
            fixed = fixed_design(truth, threshold)
            cell = Cell(
                threshold=threshold,
                truth=truth,
                bound=bound(truth, threshold),
                shipped=law.mean_n,
                decided=law.supported if truth > threshold else law.refuted,
                to_the_end=patient.mean_n,
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
        "shipped": max(
            law_with_futility(rule_for(t), usual_futility(MAX_TRIALS))([t])[0].supported for t in THRESHOLDS
        ),
        "to the end": max(operating_characteristics(rule_for(t), [t])[0].supported for t in THRESHOLDS),
        "fixed n": max(fixed),
        "observed >= threshold": max(passed),
        "Wilson at every look": max(wilson_law(t, t)[0] for t in THRESHOLDS),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What a rule that is fed simulated units takes.

    Attributes:
        shipped, to_the_end: Mean units with giving up, and without.
        decided: P(the right verdict) with giving up.
    """

    shipped: float
    to_the_end: float
    decided: float


def pairs(a: float, b: float, both: float) -> dict[float, float]:
    """Return the law of (x - y + 1) / 2 for pairs of 0/1 outcomes, of which `both` come out 1 twice."""
    return {0.0: b - both, 0.5: 1.0 - a - b + 2 * both, 1.0: a - both}


DIFFERENCES: tuple[tuple[float, dict[float, float]], ...] = (
    (0.0, pairs(0.7, 0.6, 0.45)),
    (0.0, pairs(0.7, 0.5, 0.4)),
    (0.1, pairs(0.7, 0.4, 0.3)),
    (-0.1, pairs(0.6, 0.6, 0.5)),
    (-0.05, pairs(0.8, 0.75, 0.7)),
)
"""Differences that are claimed (at least), and the law of the pairs."""


def claims_about_means() -> list[tuple[Claim, Case]]:
    """Return claims about means and differences, each with the law of its units."""
    found: list[tuple[Claim, Case]] = [
        (mean(0, 1) >= case.threshold if case.side > 0 else mean(0, 1) <= case.threshold, case)
        for case in CASES
    ]
    for delta, law in DIFFERENCES:
        found.append((difference("a", "b") >= delta, levels("pairs", (1.0 + delta) / 2, law)))
    return found


def simulated(claim: Claim, case: Case) -> Simulated:
    """Feed the rule of a claim with seeded units, as a run does."""
    futility = usual_futility(MAX_TRIALS)
    looks = frozenset(futility.looks(MAX_TRIALS))
    shipped, to_the_end, decided = [], [], 0
    for seed in range(RUNS):
        rng = random.Random(f"{case.name} {seed}")
        rule = rule_of_claim(claim, Design(alpha=ALPHA, beta=ALPHA, max_units=MAX_TRIALS))
        verdict, gave_up = None, None
        while verdict is None and rule.n < MAX_TRIALS:
            unit = case.draw(rng)
            verdict = rule.feed(unit, unit)
            hopeless = verdict is None and gave_up is None and rule.n in looks
            if hopeless and rule.predictive_probability() < futility.below:
                gave_up = rule.n
        to_the_end.append(rule.n)
        shipped.append(rule.n if gave_up is None else gave_up)
        decided += gave_up is None and verdict is Verdict.SUPPORTED
    return Simulated(shipped=fmean(shipped), to_the_end=fmean(to_the_end), decided=decided / RUNS)


def fixed_mean(case: Case) -> float:
    """Return the units of the one-sided test of a mean with power 0.9 if its variance is known."""
    centre = sum(weight * value for value, weight in zip(case.values, case.weights, strict=True))
    squares = sum(weight * value**2 for value, weight in zip(case.values, case.weights, strict=True))
    z = float(ndtri(1.0 - ALPHA) + ndtri(0.9))
    return max(1, math.ceil(z**2 * (squares - centre**2) / (centre - case.threshold) ** 2))


def print_means() -> None:
    """Print the table of means and paired differences."""
    rows, ratios = [], []
    for claim, case in claims_about_means():
        found, bound_n, fixed = simulated(claim, case), case.bound(), fixed_mean(case)
        is_pairs = bool(claim.statistic.arms)
        ratios.append((is_pairs, found.shipped / bound_n, found.to_the_end / bound_n, fixed / bound_n))
        rows.append(
            [
                str(claim),
                case.name,
                f"{bound_n:.0f}",
                f"{found.shipped / bound_n:.2f}",
                f"{found.to_the_end / bound_n:.2f}",
                f"{found.decided:.3f}",
                f"{fixed / bound_n:.2f}",
            ]
        )
    for name, kind in (("means", False), ("differences", True)):
        ours = [each[1:] for each in ratios if each[0] is kind]
        shipped, patient, fixed_n = (geometric_mean([*column]) for column in zip(*ours, strict=True))
        rows.append(
            [f"{name}: geometric mean", "", "", f"{shipped:.2f}", f"{patient:.2f}", "", f"{fixed_n:.2f}"]
        )
    print_table(
        f"Means and paired differences: mean units over the bound, {RUNS} seeded runs each",
        ["claim", "units", "bound", "shipped", "to the end", "P(right)", "fixed n"],
        rows,
    )


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean."""
    return math.exp(fmean(map(math.log, ratios)))


def main() -> None:
    """Print the tables."""
    grid, wrong = cells(), wrong_verdicts()
    rows = [
        [
            f"rate >= {cell.threshold:g}",
            f"{cell.truth:g}",
            f"{cell.bound:.0f}",
            f"{cell.shipped / cell.bound:.2f}",
            f"{cell.to_the_end / cell.bound:.2f}",
            f"{cell.decided:.3f}",
            "" if cell.fixed is None else f"{cell.fixed / cell.bound:.2f}",
            f"{cell.wilson / cell.bound:.2f}",
        ]
        for cell in grid
    ]
    print_table(
        f"Mean trials over the bound, exactly, max_trials {MAX_TRIALS:,}\n{machine('scipy')}",
        ["claim", "truth", "bound", "shipped", "to the end", "P(right)", "fixed n", "Wilson at every look"],
        rows,
    )
    ratios = {
        "shipped": geometric_mean([cell.shipped / cell.bound for cell in grid]),
        "to the end": geometric_mean([cell.to_the_end / cell.bound for cell in grid]),
        "fixed n": geometric_mean([cell.fixed / cell.bound for cell in grid if cell.fixed]),
        "observed >= threshold": geometric_mean([SHARE_OF / cell.bound for cell in grid]),
        "Wilson at every look": geometric_mean([cell.wilson / cell.bound for cell in grid]),
    }
    print_table(
        "Geometric mean over the grid, and the worst probability of a wrong verdict",
        ["rule", "trials / bound", "wrong"],
        [[name, f"{ratios[name]:.2f}", f"{100 * wrong[name]:.1f}%"] for name in ratios],
    )
    print_means()
    print(ELSEWHERE)


if __name__ == "__main__":
    main()
