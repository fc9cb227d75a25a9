r"""How many trials `rate.within(low, high)` needs, beside the fewest that any test of two edges could need.

Run with ``python benchmarks/within.py``; some minutes. Everything is exact (dynamic programming over trials
and ones), at alpha = beta = 0.05, for true rates p inside the range.

**The bound.** A claim with two ends is false at `low` and at `high`, so a rule may be supported with
probability alpha at most at either of them. Let T be the trial at which a rule is supported, and L_q(T) the
likelihood ratio of the edge q to the true rate p of what it saw. Then P_q(supported) = E_p[L_q(T); supported]
for both edges, and for all weights a, b >= 0

    E_p[T]  >=  min over all rules of E_p[T + a L_low(T) + b L_high(T)]  -  (a + b) alpha

if the rule is always supported at p. The minimum is a problem of optimal stopping, which backward induction
solves; any weights give a bound, and the best ones are searched for. By duality that is the mean of the best
rule there is, so nothing larger is a bound. It is called *the two-edge bound* here.

It is never below *Wald's bound*, log(1/alpha) / min(KL(p, low), KL(p, high)): with one weight 0 and Jensen's
inequality the same argument gives that. Near an end the two agree. In the middle they do not, because both
edges are equally far then: what counts against the one counts for the other, so one of them is rejected late.
No rule whatever comes near Wald's bound there.

**The same chance.** These bounds are for rules that are always supported at p. A run that may end without a
verdict takes fewer trials where it often does. So its trials are also given over the fewest of any rule that
is supported at p just as often, within the same `max_trials`: the same induction, with a reward for
"supported", and where stopping without a verdict costs nothing. That ratio is at least 1.

- *shipped*: a run as it is by default, which gives up where a verdict has become unlikely.
- *to the end*: the same rule, which never gives up.
- *Ville*: to the end with thresholds 1/alpha for both ends, as `extend=True` has them.
- *fixed n*: the smallest exact equivalence test (TOST: both one-sided binomial tests reject) with power 0.9
  at that very rate, which must be guessed first.

**As a part of a claim.** In `(rate("a").within(a, b)) & ...` each end has its exact threshold as well. How
many trials it takes until both ends are rejected is simulated (1,000 seeded runs, nothing else ends them),
beside the bets of a bounded mean at Ville's threshold, which tested such a part before and test scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import geometric_mean

import numpy as np
from measuring import machine, print_table
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import binom

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.limits.mean import log_evidence
from pytest_velo.stats.one_sided.rate_forecast import RateTest
from pytest_velo.stats.planning.operating import law_with_futility, operating_characteristics
from pytest_velo.stats.rules.joint import make_joint_rule
from pytest_velo.stats.rules.rate import make_rate_rule

Floats = NDArray[np.float64]

ALPHA = 0.05
POWER = 0.9
MAX_TRIALS = (1_000, 2_000)
MOST_FIXED = 20_000
SURE = 0.9
GRID: tuple[tuple[float, float, float], ...] = (
    (0.4, 0.6, 0.45),
    (0.4, 0.6, 0.5),
    (0.3, 0.7, 0.35),
    (0.3, 0.7, 0.4),
    (0.3, 0.7, 0.5),
    (0.05, 0.2, 0.08),
    (0.05, 0.2, 0.1),
    (0.05, 0.2, 0.12),
    (0.05, 0.2, 0.15),
    (0.8, 0.95, 0.85),
    (0.8, 0.95, 0.88),
    (0.8, 0.95, 0.9),
)
"""Both ends, and a true rate between them."""

_LONGEST = 6
"""Bounds without a horizon are computed up to so many times Wald's, where stopping becomes free."""


def wald(truth: float, low: float, high: float) -> float:
    """Return log(1/alpha) over the divergence of the truth from the nearer end, in trials."""
    return math.log(1.0 / ALPHA) / min(divergence(truth, low), divergence(truth, high))


def divergence(p: float, q: float) -> float:
    """Return KL(p, q) of two rates."""
    return sum(a * math.log(a / b) for a, b in ((p, q), (1.0 - p, 1.0 - q)) if a > 0.0)


def stopping(
    truth: float, ends: tuple[float, float], horizon: int, weights: Floats
) -> tuple[float, tuple[float, float, float]]:
    """Solve the problem of optimal stopping by backward induction over (trials, ones).

    Args:
        truth: The true rate.
        ends: Of the claim.
        horizon: No trial comes after it.
        weights: The costs of "supported" at the lower and at the upper end, and the reward at the truth.

    Returns:
        The least E[trials + costs - reward], where stopping without a verdict costs nothing at the horizon
        (and with a reward, anywhere); and P(supported) at both ends and at the truth, by which it changes
        with the weights.
    """
    cost_low, cost_high, reward = weights
    steps = [(math.log(end / truth), math.log((1.0 - end) / (1.0 - truth))) for end in ends]
    ones = np.arange(horizon + 1.0)
    value = np.full(horizon + 1, float(horizon))
    slopes = np.zeros((3, horizon + 1))
    for n in range(horizon, -1, -1):
        if n < horizon:
            value = truth * value[1:] + (1.0 - truth) * value[:-1]
            slopes = truth * slopes[:, 1:] + (1.0 - truth) * slopes[:, :-1]
        counts = ones[: n + 1]
        ratios = [np.exp(np.minimum(counts * one + (n - counts) * zero, 300.0)) for one, zero in steps]
        supported = n + cost_low * ratios[0] + cost_high * ratios[1] - reward
        if reward:
            gives_up = value > n
            value = np.where(gives_up, float(n), value)
            slopes[:, gives_up] = 0.0
        stops = supported < value
        value = np.where(stops, supported, value)
        slopes = np.where(stops, np.stack([*ratios, np.full(n + 1, -1.0)]), slopes)
    low, high, at_truth = slopes[:, 0]
    return float(value[0]), (float(low), float(high), float(-at_truth))


def two_edge_bound(truth: float, low: float, high: float) -> float:
    """Return the fewest mean trials of any rule that is always supported at the truth; see above."""
    horizon = int(_LONGEST * wald(truth, low, high)) + 50
    found = _best(truth, (low, high), horizon, chance=None)
    return max(found, wald(truth, low, high))


def bound_at(truth: float, low: float, high: float, horizon: int, chance: float) -> float:
    """Return the fewest mean trials of any rule that is supported that often, within the horizon."""
    return _best(truth, (low, high), horizon, chance=chance)


def _best(truth: float, ends: tuple[float, float], horizon: int, chance: float | None) -> float:
    """Return the largest bound over the weights; each of them gives one, however well they were searched."""
    scales = np.array([0.5 / ALPHA * math.log(1.0 / ALPHA) / divergence(truth, end) for end in ends])
    start = np.append(np.minimum(scales, scales.min() * 30.0), [] if chance is None else scales.min())

    def negative(logs: Floats) -> tuple[float, Floats]:
        weights = np.zeros(3)
        weights[: len(logs)] = np.exp(logs)
        value, (at_low, at_high, at_truth) = stopping(truth, ends, horizon, weights)
        bound = value - ALPHA * (weights[0] + weights[1]) + (chance or 0.0) * weights[2]
        slopes = np.array([at_low - ALPHA, at_high - ALPHA, (chance or 0.0) - at_truth])
        return -bound, -(slopes * weights)[: len(logs)]

    found = minimize(negative, np.log(start), jac=True, method="L-BFGS-B", options={"maxiter": 40})
    return -float(found.fun)


def fixed_n(truth: float, low: float, high: float) -> int | None:
    """Return the trials of the smallest exact equivalence test with power 0.9 at the truth."""
    for first in range(1, MOST_FIXED, 1_000):
        n = np.arange(first, first + 1_000)
        least = binom.isf(ALPHA, n, low) + 1.0  # the fewest ones that reject the lower end
        most = binom.ppf(ALPHA, n, high)
        most = np.where(binom.cdf(most, n, high) <= ALPHA, most, most - 1.0)
        enough = np.flatnonzero(binom.cdf(most, n, truth) - binom.cdf(least - 1.0, n, truth) >= POWER)
        if enough.size:
            return int(n[enough[0]])
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One range, one truth, one horizon; mean trials.

    Attributes:
        wald, bound: The two bounds for rules that are always supported.
        shipped, to_the_end, ville: Of the rules above.
        supported: P(supported) of the shipped run.
        patient: P(supported) of the rule to the end.
        fixed: Of the equivalence test; None beyond 20,000.
    """

    low: float
    high: float
    truth: float
    max_trials: int
    wald: float
    bound: float
    shipped: float
    supported: float
    to_the_end: float
    patient: float
    ville: float
    fixed: int | None


def cells(grid: Sequence[tuple[float, float, float]] = GRID) -> list[Cell]:
    """Compute the grid, or some of it."""
    found = []
    for low, high, truth in grid:
        claim, bound = rate.within(low, high), two_edge_bound(truth, low, high)
        for horizon in MAX_TRIALS:
            design = Design(alpha=ALPHA, beta=ALPHA, max_units=horizon)
            rule = make_rate_rule(claim, design)
            [shipped] = law_with_futility(rule, usual_futility(horizon))([truth])
            [patient] = operating_characteristics(rule, [truth])
            extended = Design(alpha=ALPHA, beta=ALPHA, max_units=horizon, extend=True)
            [ville] = operating_characteristics(make_rate_rule(claim, extended), [truth])
            found.append(
                Cell(
                    low=low,
                    high=high,
                    truth=truth,
                    max_trials=horizon,
                    wald=wald(truth, low, high),
                    bound=bound,
                    shipped=shipped.mean_n,
                    supported=shipped.supported,
                    to_the_end=patient.mean_n,
                    patient=patient.supported,
                    ville=ville.mean_n,
                    fixed=fixed_n(truth, low, high),
                )
            )
    return found


def trials_of_a_part(
    truth: float, low: float, high: float, horizon: int, runs: int = 1_000
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the trials after which both ends are rejected in each run, more than the horizon for never.

    First by the tests of a part that ships, then by those of a bounded mean at Ville's threshold.
    """
    claim = rate("a").within(low, high) & (rate("b") >= 0.5)
    part = make_joint_rule(claim, Design(alpha=ALPHA, beta=ALPHA, max_units=horizon)).parts[0]
    paths = (np.random.default_rng(1).random((runs, horizon)) < truth).astype(float)
    n, ones = np.arange(1, horizon + 1), paths.cumsum(axis=1).astype(int)
    shipped, ville = np.zeros((2, runs), dtype=np.int64)
    for test in part.support:
        assert isinstance(test, RateTest)
        at_bar = np.zeros((horizon + 1, horizon + 1), dtype=bool)
        for trials in range(1, horizon + 1):
            log_e = [log_e_counts(trials, s, test.threshold, test.side) for s in range(trials + 1)]
            at_bar[trials, : trials + 1] = np.array(log_e) >= test.log_threshold
        bets = [log_evidence(some, [test.threshold], test.side) for some in np.array_split(paths, 8)]
        for found, rejected in ((shipped, at_bar[n, ones]), (ville, np.vstack(bets) >= -math.log(ALPHA))):
            first = np.where(rejected.any(axis=1), rejected.argmax(axis=1) + 1, horizon + 1)
            np.maximum(found, first, out=found)
    return shipped, ville


def main() -> None:
    """Print a table for each horizon, and one of parts of claims."""
    found = cells()
    print(machine("numpy", "scipy"))
    for horizon in MAX_TRIALS:
        print_horizon(horizon, [cell for cell in found if cell.max_trials == horizon])
    print_parts()


def print_horizon(horizon: int, own: list[Cell]) -> None:
    """Print the mean trials of each claim, and what they are over the bounds and the other rules."""
    least = {cell: bound_at(cell.truth, cell.low, cell.high, horizon, cell.supported) for cell in own}
    rows = [
        [
            f"within({cell.low:g}, {cell.high:g})",
            f"{cell.truth:g}",
            f"{cell.wald:.0f}",
            f"{cell.bound:.0f}",
            f"{cell.shipped:.0f}",
            f"{cell.supported:.3f}",
            *("" if of is None else f"{of:.2f}" for of in ratios_of(cell, least[cell])),
        ]
        for cell in own
    ]
    for name, of in (("all", own), (f"P >= {SURE:g}", [cell for cell in own if cell.supported >= SURE])):
        columns = zip(*(ratios_of(cell, least[cell]) for cell in of), strict=True)
        means = [geometric_mean(ratio for ratio in column if ratio is not None) for column in columns]
        rows.append([f"geometric mean, {name}", *[""] * 5, *(f"{mean:.2f}" for mean in means)])
    print_table(
        f"Mean trials, max_trials {horizon:,}; from `shipped / bound` on as ratios",
        [
            "claim",
            "truth",
            "Wald",
            "bound",
            "shipped",
            "P(supported)",
            "shipped / bound",
            "/ the same chance",
            "to the end",
            "Ville",
            "fixed n",
        ],
        rows,
    )


def ratios_of(cell: Cell, least: float) -> tuple[float | None, ...]:
    """Return the mean trials of the rules in proportion to the bound; None where no fixed n was found.

    Args:
        cell: The claim and what was found of it.
        least: The fewest mean trials of a rule that is supported as often as the one that ships.
    """
    return (
        cell.shipped / cell.bound,
        cell.shipped / least,
        cell.to_the_end / cell.bound,
        cell.ville / cell.bound,
        cell.fixed and cell.fixed / cell.bound,
    )


def print_parts() -> None:
    """Print the mean trials of such a claim as a part of another one."""
    rows, saved = [], []
    for low, high, truth in GRID:
        both = trials_of_a_part(truth, low, high, MAX_TRIALS[0])
        means = [float(np.minimum(trials, MAX_TRIALS[0]).mean()) for trials in both]
        saved.append(means[0] / means[1])
        rows.append(
            [
                f"within({low:g}, {high:g})",
                f"{truth:g}",
                *(
                    f"{mean:.0f} ({(trials <= MAX_TRIALS[0]).mean():.0%})"
                    for mean, trials in zip(means, both, strict=True)
                ),
                f"{saved[-1]:.2f}",
            ]
        )
    rows.append(["geometric mean", "", "", "", f"{geometric_mean(saved):.2f}"])
    print_table(
        f"As a part of a claim: mean trials (rejected within {MAX_TRIALS[0]:,}), simulated",
        ["claim", "truth", "shipped", "Ville", "shipped / Ville"],
        rows,
    )


if __name__ == "__main__":
    main()
