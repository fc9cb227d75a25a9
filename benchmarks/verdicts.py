"""Samples to a verdict and wrong verdicts, exactly: our rule against two habits.

* `observed >= threshold`: 50 trials, then the observed rate decides.
* Wilson at every look: from the tenth trial on, stop as soon as the 90 % Wilson interval (5 % on either
  side, as alpha and beta) excludes the threshold.

Everything here is computed by dynamic programming over (trials, ones); nothing is simulated.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from measuring import machine, print_table
from scipy.special import ndtri
from scipy.stats import binom

from pytest_velo import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import USUAL, usual_futility
from pytest_velo.stats.planning.operating import law_with_futility
from pytest_velo.stats.rules.rate import make_rate_rule

THRESHOLDS = (0.3, 0.5, 0.8)
EFFECTS = (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2)
ALPHA = 0.05


class Law(NamedTuple):
    """What a way of deciding does at one true rate: P(supported), P(refuted), mean number of trials."""

    supported: float
    refuted: float
    mean_n: float


Way = Callable[[float, float], Law]


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-trials", type=int, default=200, help="of the sequential ways (default 200)")
    parser.add_argument("--fixed-n", type=int, default=50, help="of the fixed way (default 50)")
    parser.add_argument("--first-look", type=int, default=10, help="of the Wilson way (default 10)")
    parser.add_argument("--horizon", type=int, default=1000, help="for samples to a verdict (default 1000)")
    options = parser.parse_args()
    ways: dict[str, Way] = {
        "pytest-velo": lambda threshold, truth: ours(threshold, truth, options.max_trials),
        f"observed ≥ t at n={options.fixed_n}": lambda t, truth: observed(t, truth, options.fixed_n),
        "Wilson at every look": lambda t, truth: wilson_looks(
            t, truth, options.max_trials, options.first_look
        ),
    }
    print(machine("numpy", "scipy"))
    _print_errors(ways)
    _print_effects(ways, options.max_trials)
    _print_efficiency(options.horizon)


def ours(threshold: float, truth: float, max_trials: int, below: float = USUAL) -> Law:
    """Return the law of a shipped run of `rate >= threshold`, which also gives up (`--velo-futility`)."""
    rule = make_rate_rule(rate >= threshold, Design(alpha=ALPHA, beta=ALPHA, max_units=max_trials))
    [law] = law_with_futility(rule, usual_futility(max_trials, below))([truth])
    return Law(law.supported, law.refuted, law.mean_n)


def observed(threshold: float, truth: float, n: int) -> Law:
    """Return the law of comparing the observed rate of `n` trials with the threshold."""
    fewest = math.ceil(threshold * n - 1e-9)
    supported = float(binom.sf(fewest - 1, n, truth))
    return Law(supported, 1.0 - supported, n)


def wilson_looks(threshold: float, truth: float, max_trials: int, first_look: int) -> Law:
    """Return the law of stopping when Wilson's interval excludes the threshold, after any trial."""
    z = float(ndtri(1.0 - ALPHA))
    going = np.zeros(max_trials + 2)
    going[0] = 1.0
    supported = refuted = mean_n = 0.0
    for n in range(1, max_trials + 1):
        mean_n += going.sum()
        going[1:] = going[1:] * (1 - truth) + going[:-1] * truth
        going[0] *= 1 - truth
        if n < first_look:
            continue
        share = np.arange(n + 1) / n
        # Wilson's interval holds t exactly where the score statistic is within z.
        score = (share - threshold) / math.sqrt(threshold * (1 - threshold) / n)
        for excluded, is_for in ((score > z, True), (score < -z, False)):
            mass = float(going[: n + 1][excluded].sum())
            supported, refuted = (supported + mass, refuted) if is_for else (supported, refuted + mass)
            going[: n + 1][excluded] = 0.0
    return Law(supported, refuted, mean_n)


def _print_errors(ways: dict[str, Way]) -> None:
    """At the threshold itself either verdict is at its most wrong: both probabilities are errors."""
    rows = []
    for name, way in ways.items():
        laws = [way(threshold, threshold) for threshold in THRESHOLDS]
        cells = [f"{law.supported:.1%} / {law.refuted:.1%}" for law in laws]
        worst = max(max(law.supported, law.refuted) for law in laws)
        rows.append([name, *cells, f"{worst:.1%}"])
    columns = ["way", *(f"true rate = t = {threshold:g}" for threshold in THRESHOLDS), "worst"]
    print_table("P(wrong supported) / P(wrong refuted) of `rate >= t`, at alpha = beta = 5%", columns, rows)


def _print_effects(ways: dict[str, Way], max_trials: int) -> None:
    rows = []
    for threshold in THRESHOLDS:
        for effect in EFFECTS:
            truth = round(threshold + effect, 9)
            if not 0 < truth < 1:
                continue
            cells = [f"{threshold:g}", f"{truth:g}"]
            for way in ways.values():
                law = way(threshold, truth)
                right, wrong = (law.supported, law.refuted)[:: 1 if effect > 0 else -1]
                cells.append(f"{right:.0%} / {wrong:.1%} / {law.mean_n:.0f}")
            rows.append(cells)
    title = f"P(right verdict) / P(wrong verdict) / mean trials; sequential ways up to {max_trials} trials"
    print_table(title, ["t", "true rate", *ways], rows)


def _print_efficiency(horizon: int) -> None:
    """Mean trials over log(1/alpha) / KL, which bounds tests of error alpha and power one, and no others.

    So it is the bound of the rule that never gives up. One that may end undecided can take fewer.
    """
    for name, below in (("that never gives up", 0.0), ("as it is by default", USUAL)):
        logs = []
        for threshold in THRESHOLDS:
            for effect in EFFECTS:
                truth = round(threshold + effect, 9)
                if not 0 < truth < 1:
                    continue
                bound = math.log(1 / ALPHA) / _kl(truth, threshold)
                logs.append(math.log(ours(threshold, truth, horizon, below).mean_n / bound))
        ratios = sorted(math.exp(value) for value in logs)
        print(
            f"\nmean trials / (log(1/alpha) / KL) at max_trials {horizon} of a run {name}: geometric mean"
            f" {math.exp(sum(logs) / len(logs)):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f}"
        )


def _kl(p: float, q: float) -> float:
    """Return KL(Bernoulli(p) || Bernoulli(q)) in nats."""
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


if __name__ == "__main__":
    main()
