"""How many trials `estimate(rate, halfwidth=)` takes, beside a fixed n and beside the anytime-valid interval.

Run with ``python benchmarks/estimates.py``; it takes some minutes, `--quick` some seconds.
The fixed n is the least at which Wilson's interval has the half-width if the rate is guessed correctly. The
rule that ships is computed exactly (`FixedWidth.law`), at the design that the rule itself makes. The
anytime-valid interval is what the same rule uses where it may not calibrate to a horizon of few looks: its
mean over a few seeded runs, with the limits of single 0/1 trials, at the whole alpha.
"""

from __future__ import annotations

import argparse
import math
import random
from statistics import NormalDist, fmean, geometric_mean

from measuring import machine, print_table

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.estimate import EstimateRule, make_estimate

ALPHA = 0.05
RATES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
HALFWIDTHS = (0.1, 0.07, 0.05, 0.03, 0.02)
HORIZON = 3_000


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


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without the anytime-valid interval")
    parser.add_argument("--runs", type=int, default=3, help="of the anytime-valid interval (default 3)")
    options = parser.parse_args()
    print(machine())
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
