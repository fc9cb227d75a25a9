"""Trials to a verdict over a short list: drawn with replacement, in blocks, or learned case by case.

    python benchmarks/blocks.py            # simulated lists
    python benchmarks/blocks.py --real     # rates of real questions (blocks_rates.json says whose)

A claim is `rate >= t` over all cases of a list, whose true mean lies above t. Compared are:

- today's design: each trial picks a case with replacement, judged by the rule that is calibrated to its
  horizon;
- blocks: each block goes through all cases in random order, without replacement. With z around t on average
  over the list, E prod (1 + bet * (x - z)) = prod (1 + bet * (p - z)) <= (1 + bet * (mean p - t))**N, by the
  inequality of the arithmetic and the geometric mean, so the product over a whole block is evidence. Within a
  block it is not: what is left to come is known to be better or worse than t. A verdict may come early only
  where it would hold if all that is left came out 0. `even` has z = t, `learned` the numbers of the cases
  that earlier blocks tell;
- `covariate=learned()`: today's draws, and each case's number from the trials before (the shipped path).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from compared.following import learned_units

from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.centred import CentredProcess, learned_centring
from pytest_velo.stats.engine.learning import Learner
from pytest_velo.stats.engine.mixture import EProcess, bets
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold

ALPHA, HORIZON, N_RUNS = 0.05, 1_000, 400
BAR = math.log(1.0 / ALPHA)
RATES = Path(__file__).with_name("blocks_rates.json")


def picked(rng: np.random.Generator, rates: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return cases picked with replacement, and their outcomes."""
    picks = rng.integers(0, len(rates), HORIZON)
    return picks, (rng.random(HORIZON) < rates[picks]).astype(float)


def today(rng: np.random.Generator, rates: Floats, threshold: float) -> int:
    """Return the trials that the calibrated rule takes."""
    bar, process = calibrated_log_threshold(threshold, 1, ALPHA, HORIZON), EProcess(threshold, 1)
    for n, outcome in enumerate(picked(rng, rates)[1], 1):
        process.update(float(outcome))
        if process.log_e >= bar:
            return n
    return HORIZON


def learned(rng: np.random.Generator, rates: Floats, threshold: float) -> int:
    """Return the trials that it takes to learn the cases and settle the claim."""
    process = CentredProcess(threshold, 1, learned_centring([1.0 / len(rates)] * len(rates)))
    picks, outcomes = picked(rng, rates)
    for n, unit in enumerate(learned_units(picks.tolist(), outcomes.tolist(), len(rates)), 1):
        process.update(unit.value, unit.centre, unit.ends)
        if process.log_e >= BAR:
            return n
    return HORIZON


Draw = Callable[[np.random.Generator], Floats]
"""Makes an outcome in [0, 1] of each case of a list."""


def in_blocks(rng: np.random.Generator, draw: Draw, threshold: float, *, learns: bool) -> int:
    """Return the trials that go by in blocks, to the end of one or to where nothing left can change it."""
    n_cases, learner = len(draw(np.random.default_rng(0))), Learner()
    sizes = np.array(bets(threshold, 1))
    fortunes = np.full(len(sizes), -math.log(len(sizes)))
    for block in range(HORIZON // n_cases):
        outcomes = draw(rng)
        centres = [learner.foresee(str(case)).own if learns else 0.0 for case in range(n_cases)]
        z = np.clip(threshold + np.array(centres), 0.0, 1.0)
        z = threshold + (z - z.mean())  # clipping moved the mean
        staked = np.minimum(sizes, (1.0 - 1e-9) / max(z.max(), threshold))[:, None]
        order = rng.permutation(n_cases)
        came = np.log1p(staked * (outcomes - z))[:, order].cumsum(axis=1)
        left = np.log1p(-staked * z)[:, order]
        worst = left.sum(axis=1, keepdims=True) - left.cumsum(axis=1)
        certain = np.logaddexp.reduce(fortunes[:, None] + came + worst, axis=0) >= BAR
        if certain.any():
            return block * n_cases + int(certain.argmax()) + 1
        fortunes = fortunes + came[:, -1]
        for case, outcome in enumerate(outcomes):
            learner.learn(str(case), 1.0 / n_cases, float(outcome))
    return HORIZON


def tosses(rates: Floats) -> Draw:
    """Make 0/1 outcomes at these rates."""
    return lambda rng: (rng.random(len(rates)) < rates).astype(float)


def compared(rates: Floats, threshold: float) -> tuple[float, list[float]]:
    """Return the mean trials of today's design, and the others' in proportion to it."""
    rng, draw = np.random.default_rng(1), tosses(rates)
    base = np.mean([today(rng, rates, threshold) for _ in range(3 * N_RUNS)])
    others = [
        [in_blocks(rng, draw, threshold, learns=False) for _ in range(N_RUNS)],
        [in_blocks(rng, draw, threshold, learns=True) for _ in range(N_RUNS)],
        [learned(rng, rates, threshold) for _ in range(N_RUNS)],
    ]
    return float(base), [float(np.mean(n_trials) / base) for n_trials in others]


def a_list(n_cases: int, between: float, mean: float) -> Floats:
    """Return rates of which this share of the variance of the outcomes is between the cases."""
    if between == 0.0:
        return np.full(n_cases, mean)
    high, low = mean + math.sqrt(between) * (1.0 - mean), mean - math.sqrt(between) * mean
    n_high = round(mean * n_cases)  # cases of two kinds, whose rates are as far apart as that share says
    return np.array([high] * n_high + [low] * (n_cases - n_high))


def share_between(rates: Floats) -> float:
    """Return the share of the outcomes' variance that is between the cases."""
    mean = rates.mean()
    return float(rates.var() / (mean * (1.0 - mean)))


def told(lists: Iterable[tuple[str, Floats]], distances: tuple[float, ...]) -> None:
    """Print a row for each list and distance."""
    print("| list | cases | between | rate | against | trials | blocks: even | blocks: learned | learned |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, rates in lists:
        for distance in distances:
            threshold = float(rates.mean()) - distance
            if not 0.02 < threshold < 0.98:
                continue
            base, others = compared(rates, threshold)
            print(
                f"| {name} | {len(rates)} | {share_between(rates):.2f} | {rates.mean():.2f}"
                f" | {threshold:.2f} | {base:.0f} | {' | '.join(f'{ratio:.2f}' for ratio in others)} |",
                flush=True,
            )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--real", action="store_true", help="recorded rates of real questions")
    if parser.parse_args().real:
        lists = json.loads(RATES.read_text(encoding="utf-8"))["lists"]
        for temperature in ("temperature 1", "temperature 0"):
            print(f"\n{temperature}")
            told(
                [
                    (name, np.array(rates[temperature][:n_cases], dtype=float))
                    for name, rates in lists.items()
                    for n_cases in (10, 20, 60)
                ],
                (0.1,),
            )
        return
    for between in (0.0, 0.2, 0.5, 0.8):
        told((("simulated", a_list(n, between, 0.7)) for n in (5, 10, 20, 50, 200)), (0.1, 0.2))


if __name__ == "__main__":
    main()
