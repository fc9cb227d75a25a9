"""How much of round-robin's spend any scheduler could save on the hypotheses of `scheduling.py`.

One trial at a time, outcomes simulated, the shipped rule. Beside round-robin: the Gittins index (the best
chance of a verdict per trial, over all ways to stop; Gittins 1979), once with a flat prior and once with the
very population the true rates come from as its prior; both of them again, warm: after every trial of an
earlier run of each hypothesis; and one that is told every true rate. What is sampled with many calls in
flight can only do worse than the same index with one.

The index is the best for a steady stream of verdicts, not quite for the first ten. The last rows are bounds
that hold for any scheduler (`gittins.least_trials`): the least it spends in the mean if it is told every true
rate, and, where each true rate is drawn by itself, if it knows what the index knows.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from statistics import mean

import numpy as np
from gittins import (
    MARKS,
    MAX_TRIALS,
    Floats,
    Tally,
    drawn_pairs,
    index_after,
    index_if_told,
    index_of,
    least_after,
    least_told,
    verdicts_of,
)
from measuring import machine, print_table, ratio_of_means

Pair = tuple[float, float]
"""A threshold and a true rate."""


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40, help="sessions of each scheduler (default 40)")
    rounds = parser.parse_args().rounds
    print(machine())
    for title, drawn in (("each true rate once", False), ("each true rate drawn", True)):
        spent: dict[tuple[str, int], list[float]] = {}
        for seed in range(rounds):
            for (name, mark), trials in _spent(seed, drawn).items():
                spent.setdefault((name, mark), []).append(trials)
        names = dict.fromkeys(name for name, _ in spent)
        rows = [[name, *(_cell(spent, name, mark) for mark in MARKS)] for name in names]
        columns = ["scheduler", *(f"to {mark}" for mark in MARKS)]
        print_table(f"Trials spent (over round-robin's), mean of {rounds} sessions, {title}", columns, rows)


def _cell(spent: dict[tuple[str, int], list[float]], name: str, mark: int) -> str:
    if (name, mark) not in spent:
        return ""
    share, error = ratio_of_means(spent[name, mark], spent["round-robin", mark])
    return f"{mean(spent[name, mark]):,.0f} ({share:.3f} ± {error:.3f})"


def _spent(seed: int, drawn: bool) -> dict[tuple[str, int], float]:
    """Return what each scheduler spends in a session until each mark; what any must, until the first."""
    pairs = drawn_pairs(random.Random(seed), each_once=not drawn)
    thresholds = [threshold for threshold, _ in pairs]
    rng = np.random.default_rng(seed + 10_000)
    before = [earlier_run(rng, pair) for pair in pairs]
    by_turns = np.repeat(-np.arange(MAX_TRIALS + 1.0)[:, None], MAX_TRIALS + 2, axis=1)
    ways: dict[str, Sequence[Floats]] = {"round-robin": [by_turns] * len(pairs)}
    for name, prior in [*([] if drawn else [("flat prior", "flat")]), ("true population", "truths")]:
        ways[f"index, {name}"] = [index_of(threshold, prior) for threshold in thresholds]
        known = zip(thresholds, before, strict=True)
        ways[f"index, {name}, warm"] = [index_after(threshold, prior, seen) for threshold, seen in known]
    ways["index, told the true rates"] = [index_if_told(*pair) for pair in pairs]
    spent: dict[tuple[str, int], float] = {}
    for name, worth in ways.items():
        trials = session(np.random.default_rng(seed), pairs, worth)
        spent |= {(name, mark): n for mark, n in zip(MARKS, trials, strict=True)}
    if drawn:
        nothing = [Tally(0, 0)] * len(pairs)
        spent["any, true population", MARKS[0]] = least_after(MARKS[0], pairs, nothing)
        spent["any, true population, warm", MARKS[0]] = least_after(MARKS[0], pairs, before)
    spent["any, told the true rates", MARKS[0]] = least_told(MARKS[0], pairs)
    return spent


def earlier_run(rng: np.random.Generator, pair: Pair) -> Tally:
    """Sample a hypothesis alone until it ends."""
    threshold, truth = pair
    n = ones = 0
    while n < MAX_TRIALS and (n, ones) not in verdicts_of(threshold):
        n, ones = n + 1, ones + int(rng.random() < truth)
    return Tally(n, ones)


def session(rng: np.random.Generator, pairs: Sequence[Pair], worth_of: Sequence[Floats]) -> list[int]:
    """Sample hypotheses by what a trial is worth at (trials, ones); return trials spent at each mark."""
    states = [(0, 0)] * len(pairs)
    worth = {at: table[0, 0] for at, table in enumerate(worth_of)}
    spent: list[int] = []
    n_trials = n_verdicts = 0
    while worth and len(spent) < len(MARKS):
        at = max(worth, key=worth.__getitem__)
        threshold, truth = pairs[at]
        n, ones = states[at]
        n, ones = states[at] = n + 1, ones + int(rng.random() < truth)
        n_trials += 1
        worth[at] = worth_of[at][n, ones]
        if (n, ones) in verdicts_of(threshold):
            n_verdicts += 1
            if n_verdicts in MARKS:
                spent.append(n_trials)
        if n == MAX_TRIALS or (n, ones) in verdicts_of(threshold):
            del worth[at]
    return spent + [n_trials] * (len(MARKS) - len(spent))


if __name__ == "__main__":
    main()
