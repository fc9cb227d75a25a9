"""How many units a claim about a mean needs, beside what no test can beat.

Run with ``python benchmarks/bounded_means.py``.
No test that errs with probability alpha and always decides needs fewer than log(1/alpha) / KL_inf units on
average, where KL_inf is the best expected log growth of a bet against the null (Agrawal, Koolen & Juneja
2021). Each line gives the mean number of units to "supported" as a multiple of that, for the engine of 0/1
outcomes, for the same averaged with a bettor who learns the mean and the variance, and for the engine that
ships. The last column is the cost of an update.

The cases: scores that vary much, less and hardly (beta with kappa 2, 8, 30), rubric scores on three and six
levels, all but constant scores, and means of five draws over cases of different rates.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from measuring import machine, print_table
from scipy.optimize import minimize_scalar

from pytest_velo.stats.engine.adaptive import MeanProcess
from pytest_velo.stats.engine.mixture import EProcess, Side

ALPHA = 0.05
FINE = 4_000


class Process(Protocol):
    """What the contenders have in common."""

    log_e: float

    def update(self, outcome: float) -> None:
        """Take in one outcome."""
        ...


class GridAndLearner:
    """The engine of 0/1 outcomes averaged with a bettor who stakes (mean - t) / E[(x - t)^2] as seen."""

    def __init__(self, threshold: float, side: Side) -> None:
        self._grid = EProcess(threshold, side)
        self._edge = threshold if side > 0 else 1.0 - threshold
        self._up = side > 0
        self._log_learner = self._sum = self._squares = 0.0
        self._units = 1.0
        self.log_e = 0.0

    def update(self, outcome: float) -> None:
        """Take in one outcome."""
        self._grid.update(outcome)
        away = (outcome if self._up else 1.0 - outcome) - self._edge
        mean = self._sum / self._units
        square = (self._squares + self._edge * (1.0 - self._edge)) / self._units
        self._log_learner += math.log1p(min(0.9 / self._edge, max(0.0, mean / square)) * away)
        self._sum, self._squares, self._units = self._sum + away, self._squares + away**2, self._units + 1
        self.log_e = max(self._grid.log_e, self._log_learner) + math.log(
            (1.0 + math.exp(-abs(self._grid.log_e - self._log_learner))) / 2
        )


CONTENDERS: dict[str, Callable[[float, Side], Process]] = {
    "plain grid": EProcess,
    "grid + learner": GridAndLearner,
    "shipped": MeanProcess,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Scores from one distribution against one threshold.

    Attributes:
        draw: Makes one outcome in [0, 1].
        values, weights: The distribution, or a fine quantization of it.
    """

    name: str
    threshold: float
    side: Side
    draw: Callable[[random.Random], float]
    values: tuple[float, ...]
    weights: tuple[float, ...]

    def bound(self) -> float:
        """Return log(1/alpha) / KL_inf, in units."""
        t = self.threshold if self.side > 0 else 1.0 - self.threshold
        away = [(x if self.side > 0 else 1.0 - x) - t for x in self.values]

        def loss(bet: float) -> float:
            return -sum(w * math.log1p(bet * a) for w, a in zip(self.weights, away, strict=True))

        best = minimize_scalar(loss, bounds=(0.0, 1.0 / t - 1e-9), method="bounded", options={"xatol": 1e-9})
        return math.log(1.0 / ALPHA) / -float(best.fun)


def beta(mean: float, kappa: float, threshold: float) -> Case:
    """Scores with a beta distribution of this mean and concentration."""
    from scipy.stats import beta as law

    a, b = mean * kappa, (1.0 - mean) * kappa
    values = law.ppf([(i + 0.5) / FINE for i in range(FINE)], a, b)
    return Case(
        name=f"beta, mean {mean:g}, kappa {kappa:g}",
        threshold=threshold,
        side=1 if mean > threshold else -1,
        draw=lambda rng: rng.betavariate(a, b),
        values=tuple(float(x) for x in values),
        weights=(1.0 / FINE,) * FINE,
    )


def levels(name: str, threshold: float, law: dict[float, float]) -> Case:
    """Scores on a few levels with these probabilities."""
    values, weights = tuple(law), tuple(law.values())
    mean = sum(x * w for x, w in law.items())
    return Case(
        name=f"{name}, mean {mean:g}",
        threshold=threshold,
        side=1 if mean > threshold else -1,
        draw=lambda rng: rng.choices(values, weights)[0],
        values=values,
        weights=weights,
    )


def case_means(draws: int, rates: tuple[float, ...], threshold: float) -> Case:
    """Means of several 0/1 draws of a case, over cases of different rates."""
    law = {
        ones / draws: fmean(math.comb(draws, ones) * p**ones * (1 - p) ** (draws - ones) for p in rates)
        for ones in range(draws + 1)
    }
    return levels(f"means of {draws} draws", threshold, law)


CASES = (
    beta(0.6, 2, 0.5),
    beta(0.2, 8, 0.3),
    beta(0.75, 30, 0.7),
    levels("three levels", 0.5, {0.0: 0.2, 0.5: 0.3, 1.0: 0.5}),
    levels("six levels", 0.7, {0.5: 0.1, 0.6: 0.15, 0.7: 0.2, 0.8: 0.35, 0.9: 0.15, 1.0: 0.05}),
    levels("all but constant", 0.5, {0.55: 0.95, 0.5: 0.05}),
    case_means(5, (0.1, 0.2, 0.4, 0.6, 0.7), 0.3),
    case_means(5, (0.6,), 0.5),
)


def outcomes(case: Case, seed: int) -> Iterator[float]:
    """Draw scores for ever; the same for each contender."""
    rng = random.Random(f"{case.name} {seed}")
    while True:
        yield case.draw(rng)


def mean_units(make: Callable[[float, Side], Process], case: Case, runs: int) -> float:
    """Return the mean number of units until the evidence reaches 1/alpha."""
    bar, total = math.log(1.0 / ALPHA), 0
    for seed in range(runs):
        process = make(case.threshold, case.side)
        for n, outcome in enumerate(outcomes(case, seed), start=1):
            process.update(outcome)
            if process.log_e >= bar:
                total += n
                break
    return total / runs


def update_us(make: Callable[[float, Side], Process]) -> float:
    """Return the CPU time of an update, in microseconds: the best of five."""
    scores = [score for score, _ in zip(outcomes(CASES[0], 0), range(2_000), strict=False)]

    def once() -> float:
        process = make(0.5, 1)
        started = time.process_time()
        for score in scores:
            process.update(score)
        return (time.process_time() - started) / len(scores)

    return 1e6 * min(once() for _ in range(5))


def ratios(runs: int) -> list[list[float]]:
    """Return, for each case, each contender's mean units over the bound."""
    return [[mean_units(make, case, runs) / case.bound() for make in CONTENDERS.values()] for case in CASES]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1_000, help="simulated claims a case and contender")
    runs = parser.parse_args().runs
    found = ratios(runs)
    rows: list[list[object]] = [
        [
            case.name,
            f"{'>=' if case.side > 0 else '<='} {case.threshold:g}",
            f"{case.bound():.1f}",
            *(f"{value:.2f}" for value in row),
        ]
        for case, row in zip(CASES, found, strict=True)
    ]
    columns = list(zip(*found, strict=True))
    geometric = [f"{math.exp(fmean(map(math.log, column))):.2f}" for column in columns]
    rows.append(["geometric mean", "", "", *geometric])
    rows.append(["worst", "", "", *(f"{max(column):.2f}" for column in columns)])
    rows.append(["CPU an update", "", "", *(f"{update_us(make):.0f} µs" for make in CONTENDERS.values())])
    title = (
        f"Mean units to a verdict / information bound, alpha {ALPHA}, {runs} seeded runs\n{machine('scipy')}"
    )
    print_table(title, ["scores", "claim", "bound", *CONTENDERS], rows)


if __name__ == "__main__":
    main()
