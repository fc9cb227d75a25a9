"""How much of round-robin's spend any scheduler could save on the hypotheses of `scheduling.py`.

One trial at a time, outcomes simulated, the shipped rule. Beside round-robin: the Gittins index (the best
chance of a verdict per trial, over all ways to stop; Gittins 1979), once with a flat prior and once with the
very population the true rates come from as its prior; and one that is told every true rate. What is sampled
with many calls in flight can only do worse than the same index with one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from gittins import MARKS, MAX_TRIALS, THRESHOLDS, index_if_told, index_of, truths_of, verdicts_of
from measuring import machine, print_table

Index = Callable[[float, float, int, int], float]
"""What the next trial is worth: of threshold, true rate, trials so far, ones among them."""


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=400, help="sessions of each scheduler (default 400)")
    rounds = parser.parse_args().rounds
    ways: dict[str, Index] = {
        "round-robin": lambda threshold, truth, n, ones: -n,
        "index, flat prior": lambda threshold, truth, n, ones: index_of(threshold, "flat")[n, ones],
        "index, true population": lambda threshold, truth, n, ones: index_of(threshold, "truths")[n, ones],
        "index, told the true rates": lambda threshold, truth, n, ones: index_if_told(threshold, truth)[
            n, ones
        ],
    }
    spent = {
        way: np.mean([session(np.random.default_rng(seed), index) for seed in range(rounds)], axis=0)
        for way, index in ways.items()
    }
    rows = []
    for way, trials in spent.items():
        ratios = trials / spent["round-robin"]
        rows.append([way, *(f"{x:,.0f} ({ratio:.2f})" for x, ratio in zip(trials, ratios, strict=True))])
    print(machine())
    print_table(
        f"Trials spent (over round-robin's), mean of {rounds} sessions",
        ["scheduler", *(f"to {mark}" for mark in MARKS)],
        rows,
    )


def session(rng: np.random.Generator, index: Index) -> list[int]:
    """Sample the 30 hypotheses by an index; return the trials spent at each mark."""
    pairs = [(threshold, truth) for threshold in THRESHOLDS for truth in truths_of(threshold)]
    rng.shuffle(pairs)
    states = dict.fromkeys(pairs, (0, 0))
    worth = {pair: index(*pair, 0, 0) for pair in pairs}
    spent: list[int] = []
    n_trials = n_verdicts = 0
    while worth and len(spent) < len(MARKS):
        pair = max(worth, key=worth.__getitem__)
        threshold, truth = pair
        n, ones = states[pair]
        n, ones = states[pair] = n + 1, ones + int(rng.random() < truth)
        n_trials += 1
        worth[pair] = index(threshold, truth, n, ones)
        if (n, ones) in verdicts_of(threshold):
            n_verdicts += 1
            if n_verdicts in MARKS:
                spent.append(n_trials)
        if n == MAX_TRIALS or (n, ones) in verdicts_of(threshold):
            del worth[pair]
    return spent + [n_trials] * (len(MARKS) - len(spent))


if __name__ == "__main__":
    main()
