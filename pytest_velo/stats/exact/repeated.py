"""Limits of a rate that hold at all of a few looks at once: for estimates with invalid trials.

`exact.fixed_width` ends the sampling where its own width is small enough. If some outcomes are unknown, so is
the look at which it would have ended, and whoever decides which trials are invalid may choose it. So what is
reported then must hold at every look, whichever of them is the last: repeated confidence limits.

The rates are cut into cells ]u, v]. For each cell there is one test, which at look n rejects "the rate is at
most v" if there are b(n) ones or more. The lower limit of s ones at look n is the upper edge of the last cell
that is rejected together with all cells below it. The upper limit is the same for zeros.

**Why the interval covers, whatever the unknown outcomes are and whatever they depend on.**

1. Let S be the true ones, of which a are known, and m the outcomes that are unknown. a <= S <= a + m, and
   a limit rises with the ones. So the lower limit of a is no larger than that of S, the upper limit of a + m
   no smaller: if the reported interval misses the rate at a look, so do the limits of S at that look. It is
   enough that these hold at all looks at once, and they know nothing of invalid trials.
2. A rate p in ]u, v] is missed from above at some look only if its cell's test rejects: S >= b(n) at a look.
3. What counts against the cell is that event, and that the design of few looks, run on S, stops with a low
   end above u. Where a path first does either, s/n is at least v (or the chance is taken at s/n): so its
   chance is greatest, among the rates of the cell, at v, and is computed there, by induction over the looks.
4. The b(n) of each cell are as small as leaves the sum of this and of the same for zeros at most alpha. So
   alpha is what the interval of the design, at its own stop, and these limits, at all looks, miss together.

Nothing is assumed about what makes trials invalid, and when: it may even foresee the outcomes.

A path that the design has ended (it is `ended` here, and not missed) goes on: a trial that is invalid may
keep the run going. Ones that are too few to matter are moved up to the lowest number that is followed, which
can only make a rejection more likely. There is a test only where a single unknown outcome could leave an
interval that is tight enough, and not too long after; at the horizon, if that is one, everywhere.

Source: Jennison and Turnbull (1989), "Interim analyses: the repeated confidence interval approach", JRSS B
51:3. Loaded on use: it needs numpy.
"""

from __future__ import annotations

import math
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pytest_velo.stats.engine.arrays import Counts, Flags, Floats
from pytest_velo.stats.exact.fixed_width import FixedWidth

_CELLS = 80
"""Cells to a half-width."""

_APART = 1.1
"""A look comes when the units have grown by this factor."""

_LONGEST = 5
"""The last look of a rate is at so many times the units with which the design would have ended."""

_FROM = 1.3
"""There is a test from where an interval that is wider by this factor would be tight enough."""

_BELOW, _ABOVE = 2.6, 5.5
"""Deviations around the mean between which numbers of ones are followed."""

_FIRST, _LEAST, _MOST = 1.25, 0.8, 3.0
"""The factor on the design's width: a guess and its bounds."""

_STEEP = 4.0
"""About how fast the log of a chance falls with half the square of the factor."""

_PASSES, _ATTEMPTS = 4, 60
_BUMP = 1.005
_JUST_BELOW = 0.97
_ROUNDING = 1e-9
_SHORT = 12
"""A kernel up to this length is applied term by term."""

_COMPUTING = Lock()
"""Runs that ask for the same limits at once, each on a thread of its own, share what one computes."""

_Rows = npt.NDArray[np.intp]


class RepeatedLimits:
    """Lower and upper limits of a rate, by look, known ones and unknown outcomes.

    Attributes:
        halfwidth: What is asked for, on the scale [0, 1].
        looks: Numbers of units at which there are limits, rising.
    """

    def __init__(self, halfwidth: float, lows: dict[int, Floats]) -> None:
        self.halfwidth = halfwidth
        self.looks = tuple(lows)
        self._lows = lows

    def ends(self, look: int, least: int, most: int) -> tuple[float, float]:
        """Return the interval at a look at which the ones are between `least` and `most`.

        It is never narrower than what is asked for where that would take it away from 0 or 1.
        """
        low, high = self.all_ends(look, np.array([least]), np.array([most]))
        return float(low[0]), float(high[0])

    def all_ends(self, look: int, least: Counts, most: Counts) -> tuple[Floats, Floats]:
        """Return what `ends` does, for many counts."""
        lows, span = self._lows[look], min(1.0, 2.0 * self.halfwidth)
        return np.minimum(lows[least], 1.0 - span), np.maximum(1.0 - lows[look - most], span)

    def tight(self, look: int, least: int, most: int) -> bool:
        """Tell whether the interval at a look is as tight as requested."""
        return bool(self.all_tight(look, np.array([least]), np.array([most]))[0])

    def all_tight(self, look: int, least: Counts, most: Counts) -> Flags:
        """Return what `tight` does, for many counts."""
        low, high = self.all_ends(look, least, most)
        return np.asarray(high - low <= 2.0 * self.halfwidth + _ROUNDING)

    def next_look(self, n: int, rate: float, invalid: float) -> int | None:
        """Return the look after n that is tight at this rate and share of invalid trials, if any is."""
        for look in self.looks:
            if look > n:
                least = math.floor(look * (1.0 - invalid) * rate)
                if self.tight(look, least, min(look, least + math.ceil(look * invalid))):
                    return look
        return None


def repeated_limits(design: FixedWidth, alpha: float, horizon: int) -> RepeatedLimits | None:
    """Return limits that, together with a design of few looks, miss a rate with probability alpha at most.

    Args:
        design: What ends the sampling as long as no trial is invalid; what it misses is less than alpha.
        alpha: What both may miss together.
        horizon: The last look, at the latest.

    Returns:
        The limits; None if none were found.
    """
    with _COMPUTING:
        return _limits_of(design, alpha, horizon)


@lru_cache(maxsize=64)
def _limits_of(design: FixedWidth, alpha: float, horizon: int) -> RepeatedLimits | None:
    return _Tests(design, alpha, horizon).limits()


class _Window(NamedTuple):
    """The numbers of ones that are followed at a look: `size` of them from `first`, by cell."""

    first: Counts
    size: int


class _Entering(NamedTuple):
    """Chances at a look of the design, by cell: of ones with which it ends and covers, or goes on.

    `above` is the chance of either with more ones than are followed.
    """

    ended: Floats
    alive: Floats
    above: Floats


class _Tests:
    """The tests of all cells, side by side: arrays have a row for each."""

    def __init__(self, design: FixedWidth, alpha: float, horizon: int) -> None:
        self.design = design
        self.halfwidth = design.halfwidth
        self._edges = edges = _edges(2 * math.ceil(_CELLS / 2 / self.halfwidth), design.outcomes().low)
        # An interval is 2h wide or ends at 0 or 1: a rate above 1 - 2h is never below it.
        rows = int((edges[:-1] < 1.0 - 2.0 * self.halfwidth).sum())
        self._u, self._v = edges[:-1], np.minimum(edges[1:], 1.0 - 1e-12)
        last = design.looks[-1]
        self._end = min(horizon, _LONGEST * last)
        self._all_at_end = self._end == horizon
        self.looks = self._looks(last)
        self._nodes = sorted({*self.looks, *design.looks})
        self._logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1.0, self._end + 1.0)))))
        missed = self._missed_by_design()
        left = alpha - _ROUNDING - missed - missed[::-1]
        above = edges[1:] <= 2.0 * self.halfwidth  # and one below 2h never above it
        self._budget = (left * np.where(above, 1.0, 0.5))[:rows]
        self._u, self._v = self._u[:rows], self._v[:rows]
        self._windows = {n: self._window(n) for n in self._nodes}
        self._entering = self._paths_that_end()

    def limits(self) -> RepeatedLimits | None:
        """Return the limits: each cell has a factor on the width, as small as its budget allows."""
        factor = np.full(len(self._v), _FIRST)
        found = np.full(len(self._v), np.inf)
        rows = np.arange(len(self._v))
        for attempt in range(_ATTEMPTS):
            error = self.error(factor[rows], rows)
            fits = error <= self._budget[rows]
            found[rows[fits]] = np.minimum(found[rows[fits]], factor[rows[fits]])
            if attempt >= _PASSES:
                rows, error = rows[~fits], error[~fits]
            if not len(rows):
                return RepeatedLimits(self.halfwidth, self._lows(found))
            goal = np.maximum(self._budget[rows] * _JUST_BELOW, 1e-7)
            step = np.log(np.maximum(error, 1e-12) / goal) / (_STEEP * factor[rows])
            more = np.clip(factor[rows] + step, _LEAST, _MOST)
            factor[rows] = np.maximum(more, factor[rows] * _BUMP) if attempt >= _PASSES else more
            rows = rows if attempt < _PASSES - 1 else np.flatnonzero(np.isinf(found))
            if not len(rows):
                return RepeatedLimits(self.halfwidth, self._lows(found))
        return None

    def error(self, factor: Floats, rows: _Rows) -> Floats:
        """Return for each cell the chance that its test rejects, beyond what the design misses."""
        bars = self._bars(factor, rows)
        error = np.zeros(len(rows))
        paths: Floats | None = None
        before = 0
        for n in self._nodes:
            first, size = self._windows[n]
            first = first[rows]
            moved = np.zeros((len(rows), size))
            if paths is not None:
                moved, above = self._moved(paths, rows, before, n)
                error += above
            ones = first[:, None] + np.arange(size)
            entering = self._entering.get(n)
            if entering is not None:
                moved += entering.ended[rows]
                error += entering.above[rows]
            if n in bars:
                rejects = ones >= bars[n][:, None]
                rejected = moved if entering is None else moved + entering.alive[rows]
                error += np.where(rejects, rejected, 0.0).sum(axis=1)
                moved = np.where(rejects, 0.0, moved)
            paths, before = moved, n
        return error

    def _looks(self, last: int) -> list[int]:
        looks: list[int] = []
        for look in self.design.looks:
            if not looks or look >= _APART * looks[-1] or look == last:
                looks.append(look)
        while looks[-1] < self._end:
            looks.append(min(self._end, math.ceil(_APART * looks[-1])))
        return looks

    def _missed_by_design(self) -> Floats:
        """Return for each cell the greatest chance that the design stops with a low end above its u."""
        stops = self.design.outcomes()
        missed = np.zeros(len(self._v))
        order = np.argsort(stops.low)
        lows, ones, n, ways = (field[order] for field in (stops.low, stops.ones, stops.n, stops.log_ways))
        for row, (u, v) in enumerate(zip(self._u.tolist(), self._v.tolist(), strict=True)):
            some = slice(int(np.searchsorted(lows, max(u - 1e-10, 1e-300))), None)
            p = np.clip(ones[some] / n[some], max(u, 1e-300), v)
            missed[row] = np.exp(ways[some] + ones[some] * np.log(p) + (n - ones)[some] * np.log1p(-p)).sum()
        return missed

    def _window(self, n: int) -> _Window:
        deviation = np.sqrt(n * self._v * (1.0 - self._v))
        first = np.maximum(0.0, np.floor(n * self._v - _BELOW * deviation - 2.0)).astype(np.int64)
        last = np.minimum(n, np.ceil(n * self._v + _ABOVE * deviation + 6.0)).astype(np.int64)
        return _Window(first, int((last - first).max()) + 1)

    def _paths_that_end(self) -> dict[int, _Entering]:
        """Return for each look of the design the chances that it stops there and covers, or goes on."""
        entering: dict[int, _Entering] = {}
        for look in self.design.walk():
            n, h = look.n, self.halfwidth
            half = np.minimum(0.5, np.maximum(h, look.width))
            low = np.clip(self.design.centres(n, look.ones), half, 1.0 - half) - half
            first, size = self._windows[n]
            lowest = int(look.ones[0])
            rate = self._v[:, None]
            logs = self._logs[n] - self._logs[look.ones.astype(np.int64)]
            logs = logs - self._logs[n - look.ones.astype(np.int64)]
            chance = look.share * np.exp(logs + look.ones * np.log(rate) + (n - look.ones) * np.log1p(-rate))
            missed = (low > self._u[:, None] - 1e-10) & (low > 0.0)
            ended = np.where(look.goes_on | missed, 0.0, chance)
            alive = np.where(look.goes_on, chance, 0.0)
            place = lowest + np.arange(len(look.ones)) - first[:, None]
            above = np.where(place >= size, ended + alive, 0.0).sum(axis=1)
            into = (np.clip(place, 0, size - 1) + size * np.arange(len(rate))[:, None]).ravel()
            inside = place < size
            ended, alive = (
                np.bincount(into, np.where(inside, part, 0.0).ravel(), size * len(rate)).astype(np.float64)
                for part in (ended, alive)
            )
            entering[n] = _Entering(ended.reshape(-1, size), alive.reshape(-1, size), above)
        return entering

    def _moved(self, paths: Floats, rows: _Rows, before: int, n: int) -> tuple[Floats, Floats]:
        """Return the paths at a later look, and the chance that they are above its window."""
        units, rate = n - before, self._v[rows]
        deviation = np.sqrt(units * rate * (1.0 - rate))
        least = np.maximum(0.0, np.floor(units * rate - 7.0 * deviation - 4.0)).astype(np.int64)
        most = np.minimum(units, np.ceil(units * rate + 7.0 * deviation + 6.0)).astype(np.int64)
        more = least[:, None] + np.arange(int((most - least).max()) + 1)
        inside = np.minimum(more, units)
        logs = self._logs[units] - self._logs[inside] - self._logs[units - inside]
        logs = logs + inside * np.log(rate)[:, None] + (units - inside) * np.log1p(-rate)[:, None]
        kernel = np.where(more <= units, np.exp(logs), 0.0)
        spread = _convolved(paths, kernel)
        left_out = np.maximum(0.0, 1.0 - kernel.sum(axis=1)) * paths.sum(axis=1)
        (old, _), (first, size) = self._windows[before], self._windows[n]
        shift = first[rows] - old[rows] - least  # place 0 of the new window, in what is spread
        total = spread.sum(axis=1)
        place = shift[:, None] + np.arange(size)
        found = np.take_along_axis(spread, np.clip(place, 0, spread.shape[1] - 1), axis=1)
        moved = np.where((place >= 0) & (place < spread.shape[1]), found, 0.0)
        below = np.where(np.arange(spread.shape[1]) < shift[:, None], spread, 0.0).sum(axis=1)
        above = np.maximum(0.0, total - moved.sum(axis=1) - below)
        moved[:, 0] += below
        return moved, above + left_out

    def _bars(self, factor: Floats, rows: _Rows) -> dict[int, Counts]:
        """Return for each look the least ones with which each cell is rejected; n + 1 if there are none."""
        return {n: self._bar(n, factor, self._v[rows]) for n in self.looks}

    def _bar(self, n: int, factor: Floats, v: Floats) -> Counts:
        allowed = self._allowed(n)
        low, high = np.ceil(n * v).astype(np.int64) - 1, np.full(len(v), n + 1)
        while (high - low > 1).any():
            middle = np.minimum((low + high) // 2, n)
            ones = middle.astype(float)
            rejects = self.design.centres(n, ones) - factor * self.design.widths(n, ones) >= v
            open_ = high - low > 1
            high = np.where(open_ & rejects, middle, high)
            low = np.where(open_ & ~rejects, middle, low)
        return np.asarray(allowed[high])

    def _allowed(self, n: int) -> Counts:
        """Return for each number of ones the next one, itself included, for which there is a test."""
        ones = np.arange(n + 1.0)
        if n == self._end and self._all_at_end:
            return np.arange(n + 2)
        widths = self.design.widths(n, ones)
        tight = _FROM * widths + 0.5 / n <= self.halfwidth
        in_time = widths * math.sqrt(_LONGEST) >= self.halfwidth
        places = np.append(np.where(tight & in_time, ones, n + 1.0), n + 1.0)
        return np.minimum.accumulate(places[::-1])[::-1].astype(np.int64)

    def _lows(self, factor: Floats) -> dict[int, Floats]:
        """Return for each look the lower limit of each number of ones."""
        lows = {}
        for n, bar in self._bars(factor, np.arange(len(self._v))).items():
            nested = np.maximum.accumulate(bar)
            lows[n] = self._edges[np.searchsorted(nested, np.arange(n + 1), side="right")]
        return lows


def _edges(n_cells: int, lows: Floats) -> Floats:
    """Return the edges of cells, moved to right above the ends of the design's intervals where they can be.

    What the design misses jumps there. They are the same for ones and zeros.
    """
    edges = np.arange(n_cells // 2 + 1) / n_cells
    ends = np.concatenate((lows + _ROUNDING, 1.0 - lows - _ROUNDING))
    ends = ends[(ends > 0.5 / n_cells) & (ends < 0.5 - 0.5 / n_cells)]
    edges[np.rint(ends * n_cells).astype(np.int64)] = ends
    return np.concatenate((edges, 1.0 - edges[-2::-1]))


def _convolved(paths: Floats, kernel: Floats) -> Floats:
    """Return what paths become by further units, row by row."""
    size, more = paths.shape[1], kernel.shape[1]
    if more <= _SHORT:
        spread = np.zeros((len(paths), size + more - 1))
        for place in range(more):
            spread[:, place : place + size] += kernel[:, place : place + 1] * paths
        return spread
    length = _smooth(size + more - 1)
    product = np.fft.rfft(paths, length) * np.fft.rfft(kernel, length)
    return np.maximum(0.0, np.fft.irfft(product, length)[:, : size + more - 1])


def _smooth(length: int) -> int:
    """Return a length from this one on for which a transform is fast."""
    power = 1 << (length - 1).bit_length()
    return next(best for best in (power * 5 // 8, power * 3 // 4, power) if best >= length)
