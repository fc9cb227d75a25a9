"""The chance that the evidence of 0/1 outcomes crosses a threshold, by exact dynamic programming.

Everything is in side +1 terms, for a batch of members at once: each has a true rate, a null (its log gains)
and a threshold. Thresholds, p-values and confidence limits need thousands of looks, so the edge at which each
member crosses is found first, for many looks at a time; a look then costs a handful of array operations.
Loaded on use: it needs numpy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytest_velo.stats.engine.arrays import Counts, Floats
from pytest_velo.stats.exact.boundary import RUINED, Gains, Stretch, first_crossings

_NEGLIGIBLE = 1e-22


def cross(rate: Floats, gains: Gains, stretches: Sequence[Stretch]) -> Floats:
    """Return each member's probability that its evidence reaches its threshold at one of the looks.

    `stretches` are looks without a gap between them, with the thresholds that hold there.
    """
    law = _Law(rate, stretches[0].first - 1, stretches[-1].last)
    crossed = np.zeros(len(rate))
    for stretch in stretches:
        edges = first_crossings(gains, stretch)
        crossed += law.look(edges[0])
        crossed = law.walk(edges, crossed)
    return np.minimum(crossed, 1.0)


class _Law:
    """The law of the successes before any crossing: one row per number of successes, one column per member.

    Work is done on whole rows, which are contiguous in memory. Sums are ordered so that a member's last digit
    does not depend on the other members.
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
        """Take one more unit; remove and return the mass at or beyond each member's edge."""
        self._step(self._highest)
        beyond = np.arange(len(self._mass))[:, None] >= edge
        reached = np.where(beyond, self._mass, 0.0).T.copy().sum(axis=1)
        self._mass[beyond] = 0.0
        self._highest = int(edge.max())
        return np.asarray(reached)

    def walk(self, edges: Counts, before: Floats) -> Floats:
        """Take a unit for each look after the first of `edges`; return the mass that has crossed by then.

        An edge rises by at most one. Where it rises nothing can cross; where it stays, only the mass on it
        has crossed.
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
        """Take one more unit; afterwards nothing lies above `highest`."""
        self._n += 1
        low, high = self._low, min(self._n, highest)
        risen = self._risen[low:high]
        np.multiply(self._mass[low:high], self._hit[low:high], out=risen)
        stayed, raised = self._mass[low : high + 1], self._mass[low + 1 : high + 1]
        np.multiply(stayed, self._miss[low : high + 1], out=stayed)
        np.add(raised, risen, out=raised)

    def _trim(self, highest: int) -> None:
        """Clear the far tail, which can neither come back nor be represented in a double."""
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
