"""How many trials `estimate(rate, halfwidth=)` takes, beside a fixed n and beside the anytime-valid interval.

Run with ``python benchmarks/estimates.py``; it takes some minutes, `--quick` some seconds.
The fixed n is the least at which Wilson's interval has the half-width if the rate is guessed correctly. The
rule that ships is computed exactly (`FixedWidth.law`), at the design that the rule itself makes. The
anytime-valid interval is what the same rule uses where it may not calibrate to a horizon of few looks: its
mean over a few seeded runs, with the limits of single 0/1 trials, at the whole alpha.

Then means of scores (`--means` alone): the rule that ships beside the same rule whose bets hedge over all
distances all the way, on the same seeded paths, and beside the n of a normal interval at the known deviation.
And what invalid trials cost a rate (`--invalid` alone): in seeded runs of the rule that ships, beside the
least n at which Wilson's interval would be that tight if rate and share of invalid trials were guessed
correctly.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Sequence
from statistics import NormalDist, fmean, geometric_mean, stdev
from typing import Any

import numpy as np
from measuring import machine, print_table

from pytest_velo.claims import mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.estimate import EstimateRule, make_estimate

ALPHA = 0.05
RATES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
HALFWIDTHS = (0.1, 0.07, 0.05, 0.03, 0.02)
HORIZON = 3_000


Draw = Callable[[np.random.Generator, tuple[int, int]], Any]


class _Anytime(EstimateRule):
    """The rule without its design of few looks."""

    few_looks = None


def fixed_n(p: float, halfwidth: float, alpha: float) -> int:
    """Return the least n at which Wilson's interval around p is that tight."""
    z = NormalDist().inv_cdf(1.0 - alpha / 2)
    n = 1
    while z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) > halfwidth:
        n += 1
    return n


def anytime(p: float, halfwidth: float, runs: int) -> float:
    """Return the mean number of trials of the anytime-valid interval."""
    taken = []
    for seed in range(runs):
        rng = random.Random(seed)
        design = Design(alpha=ALPHA, beta=ALPHA, max_units=1_000)
        rule = _Anytime(rate, halfwidth, design)
        while rule.n < design.max_units:
            outcome = float(rng.random() < p)
            if rule.feed(outcome, outcome):
                break
        taken.append(rule.n)
    return fmean(taken)


class _Hedging(EstimateRule):
    """The rule whose bets never aim."""

    def _take_aim(self, *_: object) -> None:
        """Take none."""


def _points(values: list[float], shares: list[float]) -> tuple[float, float, Draw]:
    centre = float(np.dot(values, shares))
    deviation = math.sqrt(float(np.dot(np.square(values), shares)) - centre**2)
    return centre, deviation, lambda rng, size: rng.choice(values, size, p=shares)


def _beta(a: float, b: float) -> tuple[float, float, Draw]:
    deviation = math.sqrt(a * b / (a + b + 1)) / (a + b)
    return a / (a + b), deviation, lambda rng, size: rng.beta(a, b, size)


SHAPES = {
    "beta(2, 2)": _beta(2, 2),
    "beta(.5, .5)": _beta(0.5, 0.5),
    "sd 0.1": _beta(12, 12),
    "skewed: beta(.5, 4.5)": _beta(0.5, 4.5),
    "0 or 1, 0.3": _points([0, 1], [0.7, 0.3]),
    "0 or 1, 0.1": _points([0, 1], [0.9, 0.1]),
    "five grades": _points([0, 0.25, 0.5, 0.75, 1], [0.1, 0.2, 0.1, 0.2, 0.4]),
    "mostly the best": _points([0.8, 0.9, 1], [0.1, 0.1, 0.8]),
}


def taken(rule: EstimateRule, path: list[float]) -> int:
    """Feed a rule until it has its interval, or the path ends; return its units."""
    for outcome in path:
        if rule.feed(outcome, outcome):
            break
    return rule.n


def means(runs: int, halfwidths: Sequence[float]) -> None:
    """Print what means of scores take."""
    rows, saved, to_normal, before = [], [], [], []
    for name, (centre, deviation, draw) in SHAPES.items():
        for halfwidth in halfwidths:
            normal = math.ceil((NormalDist().inv_cdf(1 - ALPHA / 2) * deviation / halfwidth) ** 2)
            horizon = max(400, 6 * normal)
            paths = draw(np.random.default_rng(7), (runs, horizon)).tolist()
            design = Design(alpha=ALPHA, beta=ALPHA, max_units=horizon)
            asked = mean(0, 1), halfwidth, design
            rules = [make_estimate(*asked) for _ in paths]
            ours = fmean(taken(rule, path) for rule, path in zip(rules, paths, strict=True))
            hedged = fmean(taken(_Hedging(*asked), path) for path in paths)
            missed = fmean(not rule.interval().low <= centre <= rule.interval().high for rule in rules)
            saved.append(ours / hedged)
            if normal >= 50:
                to_normal.append(ours / normal)
                before.append(hedged / normal)
            cells = [name, f"{halfwidth:g}", normal, f"{ours:.0f}", f"{hedged:.0f}", f"{saved[-1]:.2f}"]
            rows.append([*cells, f"{ours / normal:.2f}", f"{missed:.0%}"])
    header = ["scores", "half-width", "normal n", "ours", "hedging", "ours/hedging", "ours/normal", "missed"]
    print_table(f"Scores to a half-width, {runs} runs each", header, rows)
    print(f"ours/hedging: geometric mean {geometric_mean(saved):.3f}, at most {max(saved):.3f}")
    print(
        f"to a normal n of 50 or more: ours {geometric_mean(to_normal):.2f}, hedging"
        f" {geometric_mean(before):.2f} (geometric means)"
    )


def fixed_n_if_invalid(p: float, halfwidth: float, share: float) -> int:
    """Return the least n at which Wilson's interval, widened by the share of invalid ones, is that tight."""
    return fixed_n(p, halfwidth - share / 2, ALPHA)


def invalid(runs: int) -> None:
    """Print what invalid trials cost a rate."""
    rows, ratios = [], []
    for halfwidth, horizon, shares in (
        (0.1, 600, (0.0, 0.005, 0.01, 0.02, 0.05)),
        (0.05, 2_000, (0.0, 0.005, 0.01, 0.02)),
        (0.03, 4_500, (0.0, 0.005, 0.01)),
    ):
        for p in (0.1, 0.3, 0.5):
            for share in shares:
                taken, error, measured = _simulated(p, halfwidth, share, horizon, runs)
                fixed = fixed_n_if_invalid(p, halfwidth, share)
                cells = [f"{halfwidth:g}", f"{p:g}", f"{share:.1%}", fixed, f"{taken:.0f} ± {error:.0f}"]
                rows.append([*cells, f"{taken / fixed:.2f}", f"{measured:.0%}"])
                if share:
                    ratios.append(taken / fixed)
    header = ["half-width", "rate", "invalid", "fixed n", "ours", "ratio", "measured"]
    print_table(f"Trials to a half-width, by the share of invalid trials, {runs} runs each", header, rows)
    print(f"with invalid trials: geometric mean {geometric_mean(ratios):.2f}; at most {max(ratios):.2f}")


def _means_if_invalid(runs: int) -> None:
    """Print what invalid trials cost a mean of scores to 0.05, beside a normal interval widened by them."""
    rows, halfwidth, horizon = [], 0.05, 3_000
    for name in ("beta(2, 2)", "five grades"):
        _, deviation, draw = SHAPES[name]
        for share in (0.0, 0.01, 0.02, 0.05):
            normal = math.ceil(
                (NormalDist().inv_cdf(1 - ALPHA / 2) * deviation / (halfwidth - share / 2)) ** 2
            )
            rng = np.random.default_rng(7)
            paths, lost = draw(rng, (runs, horizon)), rng.random((runs, horizon)) < share
            low, high = np.where(lost, 0.0, paths), np.where(lost, 1.0, paths)
            taken = []
            for bounds in zip(low.tolist(), high.tolist(), strict=True):
                rule = make_estimate(
                    mean(0, 1), halfwidth, Design(alpha=ALPHA, beta=ALPHA, max_units=horizon)
                )
                any(rule.feed(*unit) for unit in zip(*bounds, strict=True))
                taken.append(rule.n)
            rows.append([name, f"{share:.0%}", normal, f"{fmean(taken):.0f}", f"{fmean(taken) / normal:.2f}"])
    header = ["scores", "invalid", "normal n", "ours", "ratio"]
    print_table(f"Means of scores to 0.05, {runs} runs each", header, rows)


def _simulated(
    p: float, halfwidth: float, share: float, horizon: int, runs: int
) -> tuple[float, float, float]:
    """Return the mean number of trials, its standard error, and how many runs were measured."""
    taken, measured = [], 0
    for seed in range(runs):
        rng = random.Random(seed)
        rule = make_estimate(rate, halfwidth, Design(alpha=ALPHA, beta=ALPHA, max_units=horizon))
        while rule.n < horizon:
            outcome = float(rng.random() < p)
            bounds = (0.0, 1.0) if rng.random() < share else (outcome, outcome)
            if rule.feed(*bounds):
                break
        taken.append(rule.n)
        measured += rule.measured
    return fmean(taken), stdev(taken) / math.sqrt(runs), measured / runs


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="without the anytime-valid interval; means only to half-widths from 0.03",
    )
    parser.add_argument("--runs", type=int, default=3, help="of the anytime-valid interval (default 3)")
    parser.add_argument("--means", type=int, metavar="N", help="only means of scores, N runs each")
    parser.add_argument(
        "--invalid", type=int, metavar="N", help="only invalid trials, N runs each (2 or more)"
    )
    options = parser.parse_args()
    print(machine())
    if options.means:
        means(options.means, (0.1, 0.05, 0.03) if options.quick else (0.1, 0.05, 0.03, 0.02))
    if options.invalid is not None:
        invalid(options.invalid)
        _means_if_invalid(min(options.invalid, 6))
    if options.means or options.invalid is not None:
        return
    rows, ratios, errors, older = [], [], [], []
    for halfwidth in HALFWIDTHS:
        design = Design(alpha=ALPHA, beta=ALPHA, max_units=HORIZON)
        few = make_estimate(rate, halfwidth, design).few_looks
        assert few is not None
        for p in RATES:
            fixed, law = fixed_n(p, halfwidth, ALPHA), few.law(p)
            ratios.append(law.n / fixed)
            errors.append(law.missed)
            cells = [f"{halfwidth:g}", f"{p:g}", fixed, f"{law.n:.0f}", f"{ratios[-1]:.2f}"]
            cells.append(f"{law.missed:.1%}")
            if not options.quick and halfwidth in (0.1, 0.05) and p <= 0.5:
                older.append(anytime(p, halfwidth, options.runs) / fixed)
                cells.append(f"{older[-1]:.2f}")
            else:
                cells.append("")
            rows.append(cells)
    header = ["half-width", "rate", "fixed n", "ours", "ratio", "missed", "anytime-valid"]
    print_table("Trials to a half-width", header, rows)
    print(f"geometric mean {geometric_mean(ratios):.3f}; at most {max(ratios):.2f}; missed {max(errors):.2%}")
    if older:
        print(f"anytime-valid: geometric mean {geometric_mean(older):.3f}")


if __name__ == "__main__":
    main()
