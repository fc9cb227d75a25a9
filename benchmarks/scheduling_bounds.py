"""How much of round-robin's spend any scheduler could save on the hypotheses of `scheduling.py`.

One trial at a time, outcomes simulated, the shipped rule. Beside round-robin: the Gittins index (the best
chance of a verdict per trial, over all ways to stop; Gittins 1979), once with a flat prior and once with the
very population the true rates come from as its prior; and one that is told every true rate. What is sampled
with many calls in flight can only do worse than the same index with one.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from functools import cache

import numpy as np
from measuring import machine, print_table
from numpy.typing import NDArray
from scheduling import EFFECTS, MARKS, THRESHOLDS

from pytest_velo import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.rate import make_rate_rule

MAX_TRIALS = 200
PRICES = np.exp(np.linspace(np.log(5e-4), np.log(0.5), 160))  # verdicts a trial may cost, ascending

Floats = NDArray[np.float64]
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
        "told the true rates": lambda threshold, truth, n, ones: kl(truth, threshold),
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


def truths_of(threshold: float) -> list[float]:
    """Return the true rates of a threshold's hypotheses."""
    return [threshold + effect if threshold < 0.8 else threshold - effect for effect in EFFECTS]


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


@cache
def verdicts_of(threshold: float) -> frozenset[tuple[int, int]]:
    """Return where the shipped rule ends: trials, and ones among them."""
    ends = set()
    paths = {0: make_rate_rule(rate >= threshold, Design(alpha=0.05, beta=0.05, max_units=MAX_TRIALS))}
    for n in range(1, MAX_TRIALS + 1):
        longer = {}
        for ones, rule in paths.items():
            for outcome in (0, 1):
                state = ones + outcome
                if state in longer or (n, state) in ends:
                    continue
                fed = copy.deepcopy(rule)
                if fed.feed(outcome, outcome) is None:
                    longer[state] = fed
                else:
                    ends.add((n, state))
        paths = longer
    return frozenset(ends)


@cache
def index_of(threshold: float, prior: str) -> Floats:
    """Return the Gittins index at (trials, ones): the price of a trial at which going on is worth nothing."""
    ends = verdicts_of(threshold)
    index = np.full((MAX_TRIALS + 1, MAX_TRIALS + 2), PRICES[0] / 2)
    value = np.zeros((len(PRICES), MAX_TRIALS + 2))
    for n in range(MAX_TRIALS - 1, -1, -1):
        after = value.copy()
        after[:, [ones for ones in range(n + 2) if (n + 1, ones) in ends]] = 1.0
        chance = chance_of_one(threshold, prior, n)
        go_on = chance * after[:, 1 : n + 2] + (1.0 - chance) * after[:, : n + 1] - PRICES[:, None]
        value = np.zeros_like(value)
        value[:, : n + 1] = np.maximum(go_on, 0.0)
        n_worth = (go_on > 0.0).sum(axis=0)
        index[n, : n + 1] = np.where(n_worth > 0, PRICES[np.maximum(n_worth - 1, 0)], PRICES[0] / 2)
    return index


def chance_of_one(threshold: float, prior: str, n: int) -> Floats:
    """Return P(the next outcome is 1) after 0..n ones in n trials, under a prior."""
    rates = (np.arange(200) + 0.5) / 200 if prior == "flat" else np.array(truths_of(threshold))
    ones = np.arange(n + 1)[:, None]
    logs = ones * np.log(rates) + (n - ones) * np.log1p(-rates)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights @ rates / weights.sum(axis=1))


def kl(p: float, q: float) -> float:
    """Return the Kullback-Leibler divergence of two coins, in nats, both in (0, 1)."""
    return float(p * np.log(p / q) + (1.0 - p) * np.log((1.0 - p) / (1.0 - q)))


if __name__ == "__main__":
    main()
