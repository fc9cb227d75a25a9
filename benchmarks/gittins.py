"""The 30 hypotheses of the benchmarks of schedulers, and their Gittins index.

The index is the best chance of a verdict per trial, over all ways to stop (Gittins 1979, "Bandit processes
and dynamic allocation indices"): with one trial at a time, no scheduler that learns from the same trials gets
verdicts at a better rate.
"""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pytest_velo import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.rate import make_rate_rule

THRESHOLDS = (0.3, 0.5, 0.8)
EFFECTS = tuple(0.3 * step / 9 for step in range(10))
MARKS = (10, 20)
MAX_TRIALS = 200

Floats = NDArray[np.float64]

_PRICES = np.exp(np.linspace(np.log(5e-4), np.log(0.5), 160))  # verdicts a trial may cost, ascending


def truths_of(threshold: float) -> list[float]:
    """Return the true rates of a threshold's hypotheses."""
    return [threshold + effect if threshold < 0.8 else threshold - effect for effect in EFFECTS]


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
    """Return the Gittins index at (trials, ones): the price of a trial at which going on is worth nothing.

    `prior` is "flat", or "truths" for the very population that the true rates come from.
    """
    rates = (np.arange(200) + 0.5) / 200 if prior == "flat" else np.array(truths_of(threshold))
    return _index(threshold, rates)


@cache
def index_if_told(threshold: float, truth: float) -> Floats:
    """Return the Gittins index at (trials, ones) of a hypothesis whose true rate is known."""
    return _index(threshold, np.array([truth]))


def _index(threshold: float, rates: Floats) -> Floats:
    ends = verdicts_of(threshold)
    index = np.full((MAX_TRIALS + 1, MAX_TRIALS + 2), _PRICES[0] / 2)
    value = np.zeros((len(_PRICES), MAX_TRIALS + 2))
    for n in range(MAX_TRIALS - 1, -1, -1):
        after = value.copy()
        after[:, [ones for ones in range(n + 2) if (n + 1, ones) in ends]] = 1.0
        chance = _chance_of_one(rates, n)
        go_on = chance * after[:, 1 : n + 2] + (1.0 - chance) * after[:, : n + 1] - _PRICES[:, None]
        value = np.zeros_like(value)
        value[:, : n + 1] = np.maximum(go_on, 0.0)
        n_worth = (go_on > 0.0).sum(axis=0)
        index[n, : n + 1] = np.where(n_worth > 0, _PRICES[np.maximum(n_worth - 1, 0)], _PRICES[0] / 2)
    return index


def _chance_of_one(rates: Floats, n: int) -> Floats:
    """Return P(the next outcome is 1) after 0..n ones in n trials, if all rates are equally likely."""
    ones = np.arange(n + 1)[:, None]
    logs = ones * np.log(rates) + (n - ones) * np.log1p(-rates)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights @ rates / weights.sum(axis=1))
