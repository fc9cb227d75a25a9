"""Where the evidence of 0/1 outcomes crosses a threshold: the fewest successes that do so, look by look.

Everything is in side +1 terms, for a batch of members at once: each has a null (its log gains) and a
threshold. Loaded on use: it needs numpy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pytest_velo.stats.engine.mixture import ALL_IN, LOG_N_BETS, N_BETS, bets

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

RUINED = -1e30
"""Stands for log 0: zero times this is zero, whereas zero times -inf is NaN."""

_LOOKS = 64  # whose guesses are checked at once
_CHECKS = 4  # rounds of guesses before each look is found from the one before
_ROUGH = 32  # looks before the line of equal evidence is smooth enough to guess from
_APART = 16  # units between two points of that line
_NEWTON = 6


class Stretch(NamedTuple):
    """Looks at n = first..last that share one log threshold per member of a batch."""

    first: int
    last: int
    log_c: Floats


class Gains(NamedTuple):
    """Log gains of a success and of a failure: arrays of shape (batch, bets), side +1."""

    win: Floats
    lose: Floats


def log_gains(outcomes: Floats, thresholds: Floats) -> Floats:
    """Return the log gains (side +1) of each outcome at each threshold, shape (thresholds, bets, outcomes).

    A ruined bettor's gain is `RUINED`.
    """
    stakes = np.array([bets(float(t), 1) for t in thresholds])
    gains = stakes[:, :, None] * (outcomes - thresholds[:, None])[:, None, :]
    ruined = gains <= ALL_IN
    return np.where(ruined, RUINED, np.log1p(np.where(ruined, 0.0, gains)))


def log_mean_exp(logs: Floats, axis: int) -> Floats:
    """Return the log of the mean fortune over the axis of the bets."""
    top = logs.max(axis=axis, keepdims=True)
    total = np.exp(logs - top).sum(axis=axis)
    return np.asarray(np.log(total) + top.squeeze(axis) - LOG_N_BETS)


def gains_at(thresholds: Floats) -> Gains:
    """Return the log gains of a success and of a failure at each threshold."""
    both = log_gains(np.array([1.0, 0.0]), thresholds)
    return Gains(win=both[:, :, 0], lose=both[:, :, 1])


def first_crossings(gains: Gains, stretch: Stretch) -> Counts:
    """Return the fewest successes that cross, shape (looks, members); n + 1 where none do.

    This edge never falls with n and rises by at most one, because a failure lowers the evidence and a success
    raises it. So the line of equal evidence gives a guess, and evaluating the evidence there either proves it
    or shows in which direction it is wrong.
    """
    first, last, log_c = stretch
    edges = np.empty((last - first + 1, len(log_c)), dtype=np.int64)
    edges[0] = _fewest(first, gains, log_c)
    rough = min(last, max(first, _ROUGH))
    edges[1 : rough - first + 1] = _one_by_one(gains, log_c, edges[0], first + 1, rough)
    if rough < last:
        with np.errstate(all="ignore"):  # a guess may be anything
            guesses = _guesses(gains, log_c, rough, last)
            for n in range(rough, last, _LOOKS):
                end = min(n + _LOOKS, last)
                guess = guesses[n + 1 - rough : end + 1 - rough]
                edges[n + 1 - first : end + 1 - first] = _checked(
                    gains, log_c, edges[n - first], n + 1, guess
                )
    return edges


def evidence_between(gains: Gains, first: int, last: int, low: float, high: float) -> Floats:
    """Return, rising, the values in [low, high) that the log evidence can take at n = first..last.

    Values whose paths cross another edge first may be left out.
    """
    enough, short = (first_crossings(gains, Stretch(first, last, np.array([c])))[:, 0] for c in (low, high))
    looks = [
        (n, count)
        for n, a, b in zip(range(first, last + 1), enough, short, strict=True)
        for count in range(a, b)
    ]
    if not looks:
        return np.empty(0)
    n, successes = np.array(looks)[:, :1], np.array(looks)[:, 1:]
    possible = successes <= n
    logs = successes * gains.win + (n - successes) * gains.lose
    return np.sort(log_mean_exp(logs, axis=1)[possible[:, 0]])


def _fewest(n: int, gains: Gains, log_c: Floats) -> Counts:
    """Return the fewest successes out of n that cross, n + 1 where none do."""
    short, enough = np.full(len(log_c), -1), np.full(len(log_c), n + 1)
    while (enough - short > 1).any():  # the evidence rises with every success
        middle = np.maximum((short + enough) // 2, 0)
        count = middle[:, None]
        logs = count * gains.win + (n - count) * gains.lose
        crosses = (middle > n) | (log_mean_exp(logs, axis=1) >= log_c)
        short, enough = np.where(crosses, short, middle), np.where(crosses, middle, enough)
    return enough


def _one_by_one(gains: Gains, log_c: Floats, edge: Counts, first: int, last: int) -> Counts:
    """Return the edges at n = first..last, each from the one before."""
    edges = np.empty((last - first + 1, len(log_c)), dtype=np.int64)
    for look, n in enumerate(range(first, last + 1)):
        count = edge[:, None]
        fortunes = np.exp(count * gains.win + (n - count) * gains.lose - log_c[:, None])
        edge = edge + (fortunes.sum(axis=1) < N_BETS)
        edges[look] = edge
    return edges


def _checked(gains: Gains, log_c: Floats, edge: Counts, first: int, guess: Counts) -> Counts:
    """Return the edges from n = `first` on, verifying the guesses; `edge` is the one before."""
    n = np.arange(first, first + len(guess))[:, None]
    win, lose = gains.win.T[:, None, :], gains.lose.T[:, None, :]
    bar = log_c + LOG_N_BETS
    edges = np.clip(guess, edge, edge + len(guess))
    for _ in range(_CHECKS):
        before = np.concatenate((edge[None, :], edges[:-1]))
        risen = before + (np.exp(before * win + (n - before) * lose - bar).sum(axis=0) < 1.0)
        if np.array_equal(risen, edges):
            return edges
        edges = np.maximum.accumulate(risen, axis=0)
    return _one_by_one(gains, log_c, edge, first, first + len(guess) - 1)


def _guesses(gains: Gains, log_c: Floats, first: int, last: int) -> Counts:
    """Guess the edges at n = first..last by cubics between points of the line of equal evidence."""
    points = np.arange(first, last + _APART + 1.0, _APART)
    line, slope = _line(gains, log_c + LOG_N_BETS, points)
    share = (np.arange(_APART) / _APART)[None, :, None]
    start, end = line[:-1, None, :], line[1:, None, :]
    leaving, arriving = _APART * slope[:-1, None, :], _APART * slope[1:, None, :]
    bend = 3 * (end - start) - 2 * leaving - arriving
    twist = 2 * (start - end) + leaving + arriving
    curve = start + share * (leaving + share * (bend + share * twist))
    return np.ceil(curve.reshape(-1, len(log_c))[: last - first + 1]).astype(np.int64)


def _line(gains: Gains, bar: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Return how many (fractional) successes bring the fortunes to the bar at each n, and the slope there.

    Newton's method, starting from the line of the bettor closest to the null; it converges because the log
    evidence is convex in the successes.
    """
    n, win, lose = points[:, None], gains.win, gains.lose
    nearest = lose[:, 0] / (lose[:, 0] - win[:, 0])
    line = nearest * n + np.sqrt(2.0 * np.maximum(bar, 0.0) * n * nearest * (1.0 - nearest))
    for _ in range(_NEWTON):
        line = np.minimum(line, n - 1e-3)
        fortunes = np.exp(line[:, :, None] * win + (n - line)[:, :, None] * lose)
        total, rise = fortunes.sum(axis=2), (fortunes * (win - lose)).sum(axis=2)
        line = line - (np.log(total) - bar) * total / rise
    return line, -(fortunes * lose).sum(axis=2) / rise
