"""The chance that the evidence of 0/1 outcomes crosses a threshold, by exact dynamic programming.

Everything is in side +1 terms, for a batch of members at once: each has a true rate, a null (its log gains)
and a threshold. Thresholds, p-values and confidence limits ask for thousands of looks, so where each member
crosses is found first, for many looks at a time, and a look then costs a handful of array operations.
Loaded on use: it needs numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pytest_velo.stats.eprocess import ALL_IN, LOG_N_BETS, N_BETS, bets

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

RUINED = -1e30
"""Stands for log 0 here: zero times it is zero, where zero times -inf is not a number."""

_NEGLIGIBLE = 1e-22
_LOOKS = 64  # whose guesses are checked together
_CHECKS = 4  # of such guesses, before each look is found from the one before
_ROUGH = 32  # looks before the line of equal evidence is smooth enough to guess from
_APART = 16  # units between two points of that line
_NEWTON = 6


class Stretch(NamedTuple):
    """Looks at n = first..last with one log threshold for each member of a batch."""

    first: int
    last: int
    log_c: Floats


class Gains(NamedTuple):
    """Log gains of a success and of a failure: arrays of shape (batch, bets), side +1."""

    win: Floats
    lose: Floats


def log_gains(outcomes: Floats, thresholds: Floats) -> Floats:
    """Return the log gains (side +1) of each outcome at each threshold.

    Returns:
        An array of shape (thresholds, bets, outcomes); a ruined bettor's gain is `RUINED`.

    Examples:
        >>> log_gains(np.array([1.0, 0.0]), np.array([0.3, 0.5])).shape
        (2, 12, 2)
    """
    stakes = np.array([bets(float(t), 1) for t in thresholds])
    gains = stakes[:, :, None] * (outcomes - thresholds[:, None])[:, None, :]
    ruined = gains <= ALL_IN
    return np.where(ruined, RUINED, np.log1p(np.where(ruined, 0.0, gains)))


def log_mean_exp(logs: Floats, axis: int) -> Floats:
    """Return the log of the mean fortune over the axis of the bets.

    Examples:
        >>> log_mean_exp(np.zeros((2, 12)), axis=1).tolist()
        [0.0, 0.0]
    """
    top = logs.max(axis=axis, keepdims=True)
    total = np.exp(logs - top).sum(axis=axis)
    return np.asarray(np.log(total) + top.squeeze(axis) - LOG_N_BETS)


def gains_at(thresholds: Floats) -> Gains:
    """Return the log gains of a success and of a failure at each threshold.

    Examples:
        >>> gains = gains_at(np.array([0.5]))
        >>> bool((gains.win > 0).all()), bool((gains.lose < 0).all())
        (True, True)
    """
    both = log_gains(np.array([1.0, 0.0]), thresholds)
    return Gains(win=both[:, :, 0], lose=both[:, :, 1])


def cross(rate: Floats, gains: Gains, stretches: Sequence[Stretch]) -> Floats:
    """Return each member's probability that its evidence reaches its threshold at one of the looks.

    Args:
        rate: The true rates, in [0, 1].
        gains: Of the nulls.
        stretches: Looks without a gap between them, with the thresholds that hold there.

    Examples:
        >>> six_wins = Stretch(1, 6, np.log([8.0]))
        >>> cross(np.array([0.5]), gains_at(np.array([0.5])), [six_wins]).tolist()  # six successes at once
        [0.015625]
    """
    law = _Law(rate, stretches[0].first - 1, stretches[-1].last)
    crossed = np.zeros(len(rate))
    for stretch in stretches:
        edges = first_crossings(gains, stretch)
        crossed += law.look(edges[0])
        crossed = law.walk(edges, crossed)
    return np.minimum(crossed, 1.0)


class _Law:
    """The law of the successes where nothing has crossed yet: a row for each number, a column a member.

    Whole rows are worked on, which lie together in memory. Sums are taken so that a member's last digit does
    not depend on the others.
    """

    def __init__(self, rate: Floats, n: int, horizon: int) -> None:
        shape = (horizon + 3, len(rate))
        self._mass = np.zeros(shape)
        self._mass[: n + 1] = _law_of_counts(n, rate).T
        self._hit = np.repeat(rate[None, :], shape[0], axis=0)
        self._miss = 1.0 - self._hit
        self._risen = np.empty(shape)
        self._n = n
        self._low, self._highest = 0, horizon  # nothing lies outside

    def look(self, edge: Counts) -> Floats:
        """Take one more unit, and take out what lies at a member's edge or beyond; return it."""
        self._step(self._highest)
        beyond = np.arange(len(self._mass))[:, None] >= edge
        reached = np.where(beyond, self._mass, 0.0).T.copy().sum(axis=1)
        self._mass[beyond] = 0.0
        self._highest = int(edge.max())
        return np.asarray(reached)

    def walk(self, edges: Counts, before: Floats) -> Floats:
        """Take a unit for each look after the first of `edges`; return what has crossed by then.

        An edge rises by one at most, and then nothing can cross; where it stays, only what lies on it has.
        """
        mass, members = self._mass.reshape(-1), edges.shape[1]
        nowhere = len(self._mass) - 1  # a row that stays empty
        rows = np.where(edges[1:] == edges[:-1], edges[1:], nowhere)
        places = rows * members + np.arange(members)
        crossed = np.zeros((len(places) + 1, members))
        crossed[0] = before
        for look, highest in enumerate(edges[1:].max(axis=1).tolist()):
            self._step(highest)
            place = places[look]
            mass.take(place, out=crossed[look + 1])
            mass[place] = 0.0
            if look % 32 == 31 and highest > self._low:
                self._trim(highest)
            self._highest = highest
        return np.asarray(crossed.cumsum(axis=0)[-1])

    def _step(self, highest: int) -> None:
        """Take one more unit; nothing lies above `highest` then."""
        self._n += 1
        low, high = self._low, min(self._n, highest)
        risen = self._risen[low:high]
        np.multiply(self._mass[low:high], self._hit[low:high], out=risen)
        stayed, raised = self._mass[low : high + 1], self._mass[low + 1 : high + 1]
        np.multiply(stayed, self._miss[low : high + 1], out=stayed)
        np.add(raised, risen, out=raised)

    def _trim(self, highest: int) -> None:
        """Clear the far tail, which can neither come back nor be seen in a double."""
        seen = self._mass[self._low : highest].max(axis=1) >= _NEGLIGIBLE
        skipped = int(seen.argmax())
        self._mass[self._low : self._low + skipped] = 0.0
        self._low += skipped


def _law_of_counts(n: int, rate: Floats) -> Floats:
    """Return the binomial law of the successes among n for each rate in [0, 1], shape (rates, n + 1)."""
    successes = np.arange(n + 1.0)
    log_factorials = np.concatenate(([0.0], np.cumsum(np.log(successes[1:]))))
    log_ways = log_factorials[n] - log_factorials - log_factorials[::-1]
    with np.errstate(divide="ignore"):
        log_hit, log_miss = (np.maximum(np.log(share), RUINED)[:, None] for share in (rate, 1.0 - rate))
    return np.asarray(np.exp(log_ways + successes * log_hit + (n - successes) * log_miss))


def first_crossings(gains: Gains, stretch: Stretch) -> Counts:
    """Return for each look and member the fewest successes that cross, n + 1 where none do.

    It never falls with n and rises by at most one: a failure lowers the evidence and a success raises it. So
    the line of equal evidence gives a guess, and one look at the evidence there proves it or says where it is
    wrong.

    Returns:
        An array of shape (looks, members).

    Examples:
        >>> first_crossings(gains_at(np.array([0.5])), Stretch(1, 7, np.log([8.0])))[:, 0].tolist()
        [2, 3, 4, 5, 6, 6, 7]
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


def _fewest(n: int, gains: Gains, log_c: Floats) -> Counts:
    """Return the fewest successes of n that cross, n + 1 where none do."""
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
    """Return the edges from n = `first` on, from the `edge` before; the guess of them may be wrong."""
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
    """Return the edges at n = first..last by cubics between points of the line of equal evidence."""
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
    """Return how many successes, in fractions, bring the fortunes to the bar at each n, and the slope there.

    Newton's steps, from the line of the bettor next to the null: the log evidence is convex in the successes.
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
