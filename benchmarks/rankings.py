"""How many calls it takes to find the best of many models, beside a design that is fixed beforehand.

Run with ``python benchmarks/rankings.py``. Outcomes are 0 or 1; the best is right 70% of the time, all others
less by a gap, or in even steps down to 20%. alpha is 0.05 everywhere.

- *ranking()*: as shipped, to its end (at most 20,000 rounds), the mean of 200 runs.
- *alike*: the same, where in 60% of the rounds an arm's outcome goes by how hard the case is.
- *fixed n*: every model gets the n with which a two-sided test of the best against each other, corrected for
  all pairs (Bonferroni; Tukey's test is within 2% of it), finds the best ahead of the second with power 0.9.
  It must know the gap beforehand.
"""

from __future__ import annotations

import math

import numpy as np
from measuring import machine, print_table
from scipy.special import ndtri

from pytest_velo.stats.contest.simulation import simulate

ALPHA, POWER, BEST, N_RUNS = 0.05, 0.9, 0.7, 200


def fixed_calls(rates: list[float]) -> float:
    """Return the calls of the fixed design, which gives each model as many."""
    first, second = sorted(rates, reverse=True)[:2]
    n_pairs = len(rates) * (len(rates) - 1) / 2
    z = float(ndtri(POWER)) - float(ndtri(ALPHA / 2 / n_pairs))
    variance = first * (1 - first) + second * (1 - second)
    return len(rates) * math.ceil(z**2 * variance / (first - second) ** 2)


def measured(rates: list[float], alike: float) -> tuple[float, float, float]:
    """Return the mean calls, the share of runs that were settled, and that in which the best was lost."""
    found = simulate(rates, alpha=ALPHA, max_rounds=20_000, n_runs=N_RUNS, seed=1, alike=alike)
    return float(found.n_trials.mean()), float(found.settled.mean()), float(found.left[:, 0].mean())


def main() -> None:
    """Print the table."""
    print(machine())
    rows = []
    for n_arms in (10, 30):
        shapes = {
            f"all others at {BEST - gap:.1f}": [BEST, *[BEST - gap] * (n_arms - 1)] for gap in (0.2, 0.3)
        }
        if n_arms == 10:
            shapes["even steps to 0.2"] = np.linspace(BEST, 0.2, n_arms).tolist()
        for shape, rates in shapes.items():
            calls, settled, lost = measured(rates, 0.0)
            alike, _, _ = measured(rates, 0.6)
            fixed = fixed_calls(rates)
            rows.append(
                [
                    str(n_arms),
                    shape,
                    f"{calls:,.0f}",
                    f"{alike:,.0f}",
                    f"{fixed:,.0f}",
                    f"{calls / fixed:.2f}",
                    f"{settled:.0%}",
                    f"{lost:.1%}",
                ]
            )
    head = ["models", "shape", "ranking()", "alike", "fixed n", "share", "settled", "best lost"]
    print_table("Calls to the best", head, rows)


if __name__ == "__main__":
    main()
