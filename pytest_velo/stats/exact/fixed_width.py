"""Estimates of a rate to a given half-width, at few looks, with exact coverage.

At each look the sampling stops if c * sqrt(p (1 - p) / n) <= halfwidth, where p = (s + a) / (n + 2a) is the
rate of Wilson's interval (a = z^2/2: for 95%, two ones and two zeros before the data). The interval is then
p plus or minus the half-width, moved into [0, 1]. The last look is at the horizon, or where even a rate of
1/2 stops; whoever gets there without stopping has a wider interval, which is part of the design.

**The constant c is the smallest (to a grain) whose coverage is at least the level at every rate.** That the
width decides when to stop makes Wilson's own z miss too often; c pays for it.

- P(stop at (n, s)) = f(n, s) C(n, s) p^s (1-p)^(n-s), where f is the share of the orders of s ones among n
  that have not stopped before. f does not depend on p and is found by induction over n, by means of numbers
  between 0 and 1: nothing can overflow or cancel.
- On a cell [u, v] of rates, an interval misses *some* rate of it only if its low end is above u or its high
  end below v. The likelihood of each such stop is greatest on the cell where p is nearest to s/n. So the sum
  of these maxima bounds the chance to miss, at all rates of the cell at once, and cells that are too coarse
  to tell are cut. No grid of points is trusted.

Source: Frey (2010), "Fixed-width sequential confidence intervals for a proportion", The American
Statistician 64:3, with the centre of Wilson (1927). Loaded on use: it needs numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pytest_velo.stats.engine.arrays import Counts, Flags, Floats

_ROUNDING = 1e-10
"""Comparisons err on the safe side by it."""

MAX_LOOK = 3_000
"""A design whose last look is later takes seconds to compute, so there is none."""

_INSIDE = 1e-12
"""Far below `_ROUNDING`, by which the proof of coverage allows for it."""

_APART = 32
"""A look comes when the units have grown by one part in so many."""

_GRAIN = 0.003
_LEAST, _USUAL, _MOST = 0.9, 1.03, 1.4
"""The constant as a multiple of z."""

_TRIES = 40
_CELLS = 4
"""Cells of rates to a half-width, at first."""
_UNEVEN = 1.01
"""Keeps the edges of cells apart from the ends of intervals, which lie at round numbers."""

_CUT, _CUTS = 4, 5
_POINTS = 100
_NEGLIGIBLE = 1e-9


class Law(NamedTuple):
    """What a design does at one true rate, exactly.

    Attributes:
        n: Expected units.
        halfwidth: Expected half of the interval's width, on the scale [0, 1].
        measured: P(the interval is as tight as requested).
        missed: P(the interval misses the rate).
    """

    n: float
    halfwidth: float
    measured: float
    missed: float


class FixedWidth:
    """The stopping rule and the intervals of one estimate of a rate.

    Attributes:
        halfwidth: What is asked for, on the scale [0, 1].
        looks: Numbers of units at which it may stop, rising; at the last one it does.
    """

    def __init__(
        self, halfwidth: float, constant: float, weight: float, horizon: int, first_look: int
    ) -> None:
        self.halfwidth = halfwidth
        self._constant, self._weight = constant, weight
        self.looks = self._looks(horizon, first_look)
        self._at = frozenset(self.looks)
        self._last = self.looks[-1]

    def stops(self, n: int, ones: int) -> bool:
        """Tell whether it stops here; at a look that was reached it stops at the last one at any rate."""
        return n in self._at and (n == self._last or self.width(n, ones) <= self.halfwidth)

    def is_like(self, other: FixedWidth) -> bool:
        """Tell whether another design stops, and reports, as this one does."""
        mine, theirs = ((one.halfwidth, one._constant, one._weight, one.looks) for one in (self, other))
        return mine == theirs

    def width(self, n: float, ones: float) -> float:
        """Return half the width that decides, never less than what is asked for at a stop."""
        total = n + 2 * self._weight
        product = (ones + self._weight) * (n - ones + self._weight)
        return float(self._constant * math.sqrt(product / n) / total)

    def ends(self, n: int, ones: int) -> tuple[float, float]:
        """Return the interval of a stop."""
        half = min(0.5, max(self.halfwidth, self.width(n, ones)))
        middle = (ones + self._weight) / (n + 2 * self._weight)
        middle = min(max(middle, half), 1.0 - half)
        inside = half * (1.0 - _INSIDE)  # so that rounding never makes it wider than asked for
        low = middle - inside if middle - half > _INSIDE else 0.0
        high = middle + inside if middle + half < 1.0 - _INSIDE else 1.0
        return low, high

    def next_look(self, n: int, rate: float) -> int:
        """Return the look after n at which it stops if the rate among all units is this."""
        ahead = [look for look in self.looks if look > n]
        tight = (look for look in ahead if self.width(look, rate * look) <= self.halfwidth)
        return next(tight, ahead[-1] if ahead else n)

    def law(self, rate: float) -> Law:
        """Return what it does at a true rate, exactly."""
        stops = self.outcomes()
        chance = np.exp(_log_chances(stops, np.clip(rate, 1e-300, 1.0 - 1e-16)))
        missed = (stops.low > rate + _ROUNDING) | (stops.high < rate - _ROUNDING)
        tight = stops.half <= self.halfwidth
        chance /= chance.sum()  # 1 but for rounding
        return Law(
            n=float(chance @ stops.n),
            halfwidth=float(chance @ stops.half),
            measured=float(chance @ tight),
            missed=float(chance @ missed),
        )

    def widths(self, n: float, ones: Floats) -> Floats:
        """Return what `width` does, for many numbers of ones."""
        product = (ones + self._weight) * (n - ones + self._weight)
        return np.asarray(self._constant * np.sqrt(product / n) / (n + 2 * self._weight))

    def centres(self, n: npt.ArrayLike, ones: Floats) -> Floats:
        """Return the rates around which the intervals are, before these are moved into [0, 1]."""
        return np.asarray((ones + self._weight) / (np.asarray(n) + 2 * self._weight))

    def intervals(self, n: npt.ArrayLike, ones: Floats, width: Floats) -> Intervals:
        """Return what `ends` does but for its last rounding, for many stops and their `widths`."""
        half = np.minimum(0.5, np.maximum(self.halfwidth, width))
        middle = np.clip(self.centres(n, ones), half, 1.0 - half)
        return Intervals(np.maximum(0.0, middle - half), np.minimum(1.0, middle + half), half)

    def walk(self) -> Iterator[Look]:
        """Yield what happens at each look, whatever the rate."""
        horizon = self._last
        numbers = np.arange(horizon + 1.0)
        start = self.looks[0]
        share, first = np.ones(start + 1), 0  # of first, first + 1, ... ones
        for n in range(start, horizon + 1):
            if n > start:
                ones = numbers[first : first + len(share) + 1]
                more = np.empty(len(share) + 1)
                more[:-1] = share * ((n - ones[:-1]) / n)
                more[-1] = 0.0
                more[1:] += share * (ones[1:] / n)
                share = more
            if n not in self._at:
                continue
            ones = numbers[first : first + len(share)]
            width = self.widths(n, ones)
            goes_on = (width > self.halfwidth) & (n < horizon)
            yield Look(n, ones, share, width, goes_on)
            on = np.flatnonzero(goes_on)
            if not len(on):
                break
            share = np.where(goes_on, share, 0.0)[on[0] : on[-1] + 1]
            first += int(on[0])

    def outcomes(self) -> Outcomes:
        """Return all the ways to stop."""
        found = []
        for look in self.walk():
            ends = ~look.goes_on & (look.share > 0.0)
            at = np.full(ends.sum(), look.n)
            found.append(np.stack([at, look.ones[ends], look.share[ends], look.width[ends]]))
        n_, ones, share, width = np.concatenate(found, axis=1)
        intervals = self.intervals(n_, ones, width)
        return Outcomes(n_, ones, *intervals, np.log(share) + _log_ways(n_, ones))

    def _looks(self, horizon: int, first_look: int) -> Sequence[int]:
        """Return the looks: from where no ones at all would stop it to where half ones do."""
        last = self._earliest(horizon, first_look, lambda n: self.width(n, n / 2))
        n = self._earliest(last, first_look, lambda n: self.width(n, 0))
        looks = []
        while n < last:
            looks.append(n)
            n += max(1, n // _APART)
        return (*looks, last)

    def _earliest(self, most: int, least: int, width: Callable[[int], float]) -> int:
        """Return the fewest units at which the width is small enough, within least..most."""
        low, high = least - 1, most
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if width(middle) <= self.halfwidth else (middle, high)
        return high


class Intervals(NamedTuple):
    """Intervals of stops, and half of their width."""

    low: Floats
    high: Floats
    half: Floats


class Look(NamedTuple):
    """What happens at a look: by ones, the share of their orders that get there, and whether they go on."""

    n: int
    ones: Floats
    share: Floats
    width: Floats
    goes_on: Flags


class Outcomes(NamedTuple):
    """All ways to stop: units, ones, the interval, half its width, and the log number of orders."""

    n: Floats
    ones: Floats
    low: Floats
    high: Floats
    half: Floats
    log_ways: Floats


@lru_cache(maxsize=256)
def fixed_width_design(
    halfwidth: float, alpha: float, horizon: int, first_look: int = 1
) -> FixedWidth | None:
    """Return the cheapest design whose interval misses the rate with probability alpha at most.

    Args:
        halfwidth: On the scale [0, 1], below 1/2.
        alpha: Holds exactly, for every rate, whichever look stops it.
        horizon: The last look, at the latest.
        first_look: It does not stop before.

    Returns:
        The design; None if none was found, or if it is too long.
    """

    def made(factor: float) -> FixedWidth:
        return _made(halfwidth, alpha, horizon, first_look, factor)

    low, high = _LEAST, _MOST
    if last_look(halfwidth, alpha, horizon, first_look) > MAX_LOOK:
        return None
    while high - low > _GRAIN:  # by points, which is fast and promises nothing
        factor = low + (high - low) * (0.3 if high - low > 0.2 else 0.5)
        fits = _at_points(made(factor).outcomes()) <= alpha
        low, high = (low, factor) if fits else (factor, high)
    for more in range(_TRIES):
        design = made(high * (1.0 + more * _GRAIN))
        if never_misses_more(design.outcomes(), alpha):
            return design
    return None


def last_look(halfwidth: float, alpha: float, horizon: int, first_look: int = 1) -> int:
    """Return about how late the last look of a design is, without making it."""
    return _made(halfwidth, alpha, horizon, first_look, _USUAL).looks[-1]


def _made(halfwidth: float, alpha: float, horizon: int, first_look: int, factor: float) -> FixedWidth:
    z = NormalDist().inv_cdf(1.0 - alpha / 2)
    return FixedWidth(halfwidth, factor * z, z * z / 2, horizon, first_look)


def never_misses_more(stops: Outcomes, alpha: float) -> bool:
    """Tell whether a proof is found that no rate is missed with a probability above alpha.

    A design is the same for ones and zeros, so rates up to 1/2 are all. What hardly counts in a cell is
    bounded there once, and not looked at again in its parts.
    """
    n_cells = math.ceil(_CELLS * 0.5 / float(stops.half.min()))
    edges = 0.5 * np.linspace(0.0, 1.0, 1 + n_cells) ** _UNEVEN
    low, high, rest = edges[:-1], edges[1:], np.zeros(n_cells)
    cell, stop = _missing(stops, low[:, None], high[:, None]).nonzero()
    observed = stops.ones / stops.n
    for _ in range(_CUTS + 1):
        missing = _missing(_picked(stops, stop), low[cell], high[cell])
        cell, stop = cell[missing], stop[missing]
        worst = np.clip(observed[stop], low[cell], high[cell])
        chance = np.exp(_log_chances(_picked(stops, stop), worst))
        unsettled = rest + np.bincount(cell, chance, minlength=len(low)) > alpha - _ROUNDING
        if not unsettled.any():
            return True
        counts = chance > _NEGLIGIBLE
        rest = rest + np.bincount(cell[~counts], chance[~counts], minlength=len(low))
        kept = counts & unsettled[cell]
        renumbered = np.cumsum(unsettled) - 1
        cell = (_CUT * renumbered[cell[kept]][:, None] + np.arange(_CUT)).ravel()
        stop = np.repeat(stop[kept], _CUT)
        points = np.linspace(low[unsettled], high[unsettled], _CUT + 1, axis=1)
        low, high = points[:, :-1].ravel(), points[:, 1:].ravel()
        rest = np.repeat(rest[unsettled], _CUT)
    return False


def _missing(stops: Outcomes, low: Floats, high: Floats) -> Flags:
    """Tell which stops miss some rate between these."""
    return np.asarray(
        ((stops.low > low - _ROUNDING) & (stops.low > 0.0))
        | ((stops.high < high + _ROUNDING) & (stops.high < 1.0))
    )


def _at_points(stops: Outcomes) -> float:
    """Return the largest chance to miss at rates right below and above some ends of intervals."""
    ends = np.unique(np.concatenate((stops.low, stops.high)))
    ends = ends[(ends > _ROUNDING) & (ends <= 0.5)]
    ends = ends[:: max(1, len(ends) // _POINTS)]
    rates = np.concatenate((ends - 1e-9, ends + 1e-9))[:, None]
    chance = np.exp(_log_chances(stops, rates))
    return float((chance * ((stops.low > rates) | (stops.high < rates))).sum(axis=1).max(initial=0.0))


def _picked(stops: Outcomes, which: npt.NDArray[np.intp]) -> Outcomes:
    return Outcomes(*(field[which] for field in stops))


def _log_chances(stops: Outcomes, rate: npt.ArrayLike) -> Floats:
    """Return the log chance of each way to stop, at rates that broadcast with them."""
    p = np.clip(np.asarray(rate, dtype=float), 1e-300, 1.0 - 1e-16)
    return np.asarray(stops.log_ways + stops.ones * np.log(p) + (stops.n - stops.ones) * np.log1p(-p))


def _log_ways(n: Floats, ones: Floats) -> Floats:
    """Return the log of C(n, ones)."""
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1.0, n.max() + 1.0)))))
    whole: Counts = n.astype(np.int64)
    part: Counts = ones.astype(np.int64)
    return np.asarray(logs[whole] - logs[part] - logs[whole - part])
