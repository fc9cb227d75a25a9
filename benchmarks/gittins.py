"""The 30 hypotheses of the benchmarks of schedulers, and their Gittins index.

The index is the best chance of a verdict per trial, over all ways to stop (Gittins 1979, "Bandit processes
and dynamic allocation indices"): with one trial at a time, no scheduler that learns from the same trials gets
verdicts at a better rate.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

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


class Tally(NamedTuple):
    """Trials, and ones among them."""

    n: int
    ones: int


NOTHING = Tally(0, 0)

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
    return _solved(threshold, _rates_of(threshold, prior)).worth


@cache
def index_if_told(threshold: float, truth: float) -> Floats:
    """Return the Gittins index at (trials, ones) of a hypothesis whose true rate is known."""
    return _solved(threshold, np.array([truth])).worth


def index_after(threshold: float, prior: str, before: Tally) -> Floats:
    """Return the Gittins index at (trials, ones) where every trial of a hypothesis's earlier runs is known.

    Those trials, and ones among them, are `before`; `prior` is what was known before them.
    """
    return _solved_after(threshold, prior, before).worth


@cache
def gains_if_told(threshold: float, truth: float) -> Floats:
    """Return what a hypothesis whose true rate is known gains at best, for `least_trials`."""
    return _solved(threshold, np.array([truth])).gains


def gains_after(threshold: float, before: Tally = NOTHING) -> Floats:
    """Return what a hypothesis of the population gains at best after such earlier runs."""
    return _solved_after(threshold, "truths", before).gains


def least_trials(n_verdicts: int, gains: Sequence[Floats]) -> float:
    """Return mean trials until so many verdicts that no scheduler can undercut, one at a time or many.

    Let V(c) be the most that a hypothesis can gain if a trial costs c verdicts: the chance of a verdict minus
    c times the trials, under the best way to stop. What others show tells nothing of it, so whatever order a
    scheduler takes trials in, its gain from each hypothesis is at most V(c), and its gain from all of them is
    `n_verdicts` minus c times its trials. So it spends (n_verdicts - sum of V(c)) / c at least, for each c.
    (Lagrangian relaxation, as in Whittle 1988, "Restless bandits".)

    Args:
        n_verdicts: Verdicts, at least 1; so few that they always come.
        gains: Of each hypothesis, V at each price; of hypotheses that are independent of each other given
            what the scheduler knows.
    """
    return float(((n_verdicts - np.sum(gains, axis=0)) / _PRICES).max())


def least_told(n_verdicts: int, pairs: Sequence[tuple[float, float]]) -> float:
    """Return `least_trials` of who is told every true rate: of any scheduler of these hypotheses."""
    return least_trials(n_verdicts, [gains_if_told(*pair) for pair in pairs])


def least_after(n_verdicts: int, pairs: Sequence[tuple[float, float]], before: Sequence[Tally]) -> float:
    """Return `least_trials` of who knows the population and every trial of earlier runs.

    It holds where each true rate is drawn from the population by itself: if each occurs once, as in
    `scheduling.py` by default, what is seen of one hypothesis tells a little of the others.
    """
    known = zip(pairs, before, strict=True)
    return least_trials(n_verdicts, [gains_after(threshold, seen) for (threshold, _), seen in known])


def drawn_pairs(chance: random.Random, *, each_once: bool) -> list[tuple[float, float]]:
    """Return 30 thresholds with true rates, shuffled: each rate of a threshold once, or each drawn."""
    pairs = [
        (threshold, truth if each_once else chance.choice(truths_of(threshold)))
        for threshold in THRESHOLDS
        for truth in truths_of(threshold)
    ]
    chance.shuffle(pairs)
    return pairs


def _rates_of(threshold: float, prior: str) -> Floats:
    return (np.arange(200) + 0.5) / 200 if prior == "flat" else np.array(truths_of(threshold))


class _Solved(NamedTuple):
    """The index at (trials, ones), and the gain before the first trial at each price."""

    worth: Floats
    gains: Floats


@lru_cache(maxsize=128)
def _solved_after(threshold: float, prior: str, before: Tally) -> _Solved:
    return _solved(threshold, _rates_of(threshold, prior), before)


def _solved(threshold: float, rates: Floats, before: Tally = NOTHING) -> _Solved:
    ends = verdicts_of(threshold)
    index = np.full((MAX_TRIALS + 1, MAX_TRIALS + 2), _PRICES[0] / 2)
    value = np.zeros((len(_PRICES), MAX_TRIALS + 2))
    for n in range(MAX_TRIALS - 1, -1, -1):
        after = value.copy()
        after[:, [ones for ones in range(n + 2) if (n + 1, ones) in ends]] = 1.0
        chance = _chance_of_one(rates, n, before)
        go_on = chance * after[:, 1 : n + 2] + (1.0 - chance) * after[:, : n + 1] - _PRICES[:, None]
        value = np.zeros_like(value)
        value[:, : n + 1] = np.maximum(go_on, 0.0)
        n_worth = (go_on > 0.0).sum(axis=0)
        index[n, : n + 1] = np.where(n_worth > 0, _PRICES[np.maximum(n_worth - 1, 0)], _PRICES[0] / 2)
    return _Solved(index, value[:, 0])


def _chance_of_one(rates: Floats, n: int, before: Tally) -> Floats:
    """Return P(the next outcome is 1) after 0..n ones in n trials, if all rates were as likely at first."""
    ones = np.arange(n + 1)[:, None] + before.ones
    logs = ones * np.log(rates) + (n + before.n - ones) * np.log1p(-rates)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights @ rates / weights.sum(axis=1))
