"""Evidence on differences in [-1, 1], for whole arrays of nulls at once.

Against the null "the mean of d, given the past, is at most 0" ten bettors stake fixed shares of their
fortunes, ``1 + bet * d`` a round, and the fortunes are averaged. No bettor's expected fortune can grow under
the null, so the average is a test martingale (a supermartingale that starts at 1), and P(it ever reaches c)
<= 1/c (Ville). Nothing else is assumed about d: neither that outcomes are 0 or 1, nor that the arms of a
round are independent.

The bets of `engine.mixture` aim at distances from a threshold; here the threshold is always 0, and how much
the outcomes of a pair go together decides which bet pays: the best one is the mean of d over the mean of its
square, which is anything from a few hundredths to one.

Fixed bets rather than those of `engine.adaptive`: their fortunes depend on nothing but their own products, so
that all pairs of thirty arms take one call of numpy. Loaded on use.
"""

from __future__ import annotations

import math

import numpy as np

from pytest_velo.stats.engine.arrays import Floats

N_BETS = 10
BETS: Floats = np.geomspace(0.04, 0.95, N_BETS)
"""Shares of the fortune that are staked on each round."""

MOST = 600.0
"""Log evidence beyond which nothing more is decided; its exponential is still a float."""


def log_gains(differences: Floats) -> Floats:
    """Return the log of what each bettor gains by each difference: one more axis, the last."""
    return np.asarray(np.log1p(BETS * differences[..., None]))


def log_evidence(log_fortunes: Floats) -> Floats:
    """Return the log of the average fortune, over the last axis."""
    top = log_fortunes.max(axis=-1)
    return np.asarray(top + np.log(np.exp(log_fortunes - top[..., None]).mean(axis=-1)))


def fewest_rounds(bar: float) -> int:
    """Return the fewest rounds after which evidence can reach the log threshold `bar`: all won outright."""
    n = 1
    while float(log_evidence(n * np.log1p(BETS))) < bar:
        n += 1
    return n


def bar_of(level: float, *, shares: float = 1.0) -> float:
    """Return Ville's log threshold for one of `shares` equal parts of an error rate."""
    return math.log(shares / level)
