"""Limits of a rate that go on where an invalid trial hides whether a design of few looks has ended.

`exact.fixed_width` ends the sampling where its own width is small enough. Once an outcome is unknown, so is
whether it has ended, from the first look at which it may have. Right before that look, and without what comes
after, new limits are made. They hold at all of a few looks at once, whichever of them is the last: repeated
confidence limits. And they may miss as often as the design would still have missed, and no more.

The rates are cut into cells ]u, v]. For each cell there is one test, which at look n rejects "the rate is at
most v" if there are b(n) ones or more. The lower limit of s ones at look n is the upper edge of the last cell
that is rejected together with all cells below it. The upper limit is the same for zeros.

**Why the interval covers, whatever the unknown outcomes are.** Whether a trial is invalid may depend on its
own outcome and on everything before. Let S be the true ones, p the rate in ]u, v], and t the unit at which
the limits are made; that is a stopping time, and the design has not ended before it on the true path.

1. V(S) is the chance, at unit t, that the design's low end will be above p. As the sampling goes on, V is a
   martingale. So if the tests reject p, from t on, with a chance of V(S) + r at most, whatever S is by then,
   then the design, where it ends the sampling, and the limits, where they do, together put their low end
   above p with a chance of V at the beginning, plus r. The same holds for high ends. At the beginning both
   together are what the design misses. So design and limits miss with a chance of `alpha` + 2r at most.
2. S at t is not known, but between the known ones and these with all the unknown. The tests keep to V(S) + r
   for each S between. So who makes trials invalid may not foresee later outcomes, and nothing else is asked.
3. Tests reject more often the higher the rate is: their chance is computed at v, by induction over the looks.
   V is bounded from below for all rates of the cell at once. L(n, s), for s ones at look n, is 1 where the
   design ends with a low end of v or more, 0 where it ends otherwise, else the expectation at rate u of L at
   the next look; and then the least of these for s or more ones. So L rises with s, and by induction it is
   no more than V at any rate above u. (Where the design ends with a low end of v or more, it may go on with
   more ones. Only so many ones are followed, though, and L is taken to stay as it is beyond. So it is more
   than V by no more than the chance, at v, to get beyond at any look; that is subtracted.)
4. Later unknown outcomes can only widen the interval, as a limit rises with the ones: if it misses at a look,
   so do the limits of S. That holds for any of them, foreseen or not.

Numbers of ones that hardly come up are not followed: for the tests, what is above counts as rejected; for L,
what is below counts as 0. There is a test only where the interval would be about tight enough at the share of
invalid trials seen, and not too long after; at the horizon, if that is one, everywhere. The later, the wider
are the limits beside the design's, so that what may be missed goes where it is needed.

Sources: Müller and Schäfer (2001), "Adaptive group sequential designs for clinical trials", Biometrics 57:3
(the conditional error that a design leaves); Jennison and Turnbull (1989), "Interim analyses: the repeated
confidence interval approach", JRSS B 51:3. Loaded on use: it needs numpy and scipy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft

from pytest_velo.stats.engine.arrays import Counts, Floats
from pytest_velo.stats.exact.fixed_width import FixedWidth

_CELLS = 60
"""Cells to a half-width."""

_APART = 1.1
"""A look comes when the units have grown by this factor."""

_LONGEST = 5
"""The last look of a rate is at so many times the units with which the design would have ended."""

_FROM = 0.5
"""Limits are made at this share of the units with which the design would end.

The later, the better are the rate and the share of invalid trials known. But near its end, what the design
will miss depends on each unknown outcome.
"""

_WIDER = 1.08
"""How much wider than the design's the limits are about, where the first tests are."""

_LATER = 0.2
"""The power of the units with which they become wider from there."""

_USUAL_INVALID, _USUAL_UNITS = 0.5, 25.0
"""Invalid trials, and units, that are added to those seen, for the share that is expected."""

_NEAR = 3.3
"""Deviations above what was observed from which a rate is left untested: it could hardly be a lower limit."""

_SEEN = 7.0
"""Deviations of new ones that are followed."""

_FOLLOWED = 5.0
"""Deviations around the mean between which numbers of ones are followed."""

_MOST = 16.0
"""The largest factor on the width that is tried; a cell that needs more is never rejected."""

_FIRST, _STEEP, _STEP = 1.2, 4.5, 0.4
"""The first guess of the factor, how fast the log odds of a rejection fall with it, and the longest step."""

_PASSES, _ATTEMPTS = 8, 50
"""A factor that fits is good enough after so many; a cell for which none is found is never rejected."""

_CLOSE, _GRAIN = 0.06, 0.004
"""A factor is good if the log odds are this near to the goal, or the factor is this well known."""

_ROUNDING = 1e-9
_SHORT = 12
"""A kernel up to this length is applied term by term."""

_COMPUTING = Lock()
"""Runs that ask for the same limits at once, each on a thread of its own, share what one computes."""

_Rows = npt.NDArray[np.intp]


class Seen(NamedTuple):
    """What is known at a unit: units, ones at least, and ones at most, by what the unknown outcomes are."""

    n: int
    least: int
    most: int

    @property
    def n_unknown(self) -> int:
        """How many outcomes are unknown."""
        return self.most - self.least

    @property
    def rate(self) -> float:
        """The rate of the outcomes that are known, with a 0 and a 1 before them."""
        return (self.least + 1.0) / (self.n - self.n_unknown + 2.0)

    @property
    def zeros(self) -> Seen:
        """The same about zeros."""
        return Seen(self.n, self.n - self.most, self.n - self.least)


class RepeatedLimits:
    """Lower and upper limits of a rate, by look, known ones and unknown outcomes.

    Attributes:
        halfwidth: What is asked for, on the scale [0, 1].
        looks: Numbers of units at which there are limits, rising.
    """

    def __init__(self, design: FixedWidth, lows: dict[int, Floats], lows_of_zeros: dict[int, Floats]) -> None:
        self._design = design
        self.halfwidth = design.halfwidth
        self.looks = tuple(lows)
        self._lows = lows
        self._lows_of_zeros = lows_of_zeros

    def ends(self, look: int, least: int, most: int) -> tuple[float, float]:
        """Return the interval at a look at which the ones are between `least` and `most`.

        It is never narrower than what is asked for where that would take it away from 0 or 1. It is around
        what was observed, and no narrower than the design's where all outcomes are known: the limits may be
        where earlier units ruled out what all of them show, as after a drift, and may even cross.
        """
        span = min(1.0, 2.0 * self.halfwidth)
        limits = self._lows[look][least], 1.0 - self._lows_of_zeros[look][look - most]
        low, high = min(*limits, least / look), max(*limits, most / look)
        usual = min(span, 2.0 * self._design.width(look, (least + most) / 2))
        lacking = max(0.0, usual - (high - low))
        low, high = low - lacking / 2, high + lacking / 2
        return float(max(0.0, min(low, 1.0 - span))), float(min(1.0, max(high, span)))

    def tight(self, look: int, least: int, most: int) -> bool:
        """Tell whether the interval at a look is as tight as requested."""
        low, high = self.ends(look, least, most)
        return high - low <= 2.0 * self.halfwidth + _ROUNDING

    def next_look(self, n: int, rate: float, invalid: float) -> int | None:
        """Return the look after n that is tight at this rate and share of invalid trials, if any is."""
        for look in self.looks:
            if look > n:
                least = math.floor(look * (1.0 - invalid) * rate)
                if self.tight(look, least, min(look, least + math.ceil(look * invalid))):
                    return look
        return None


def it_is_time(design: FixedWidth, seen: Seen) -> bool:
    """Tell whether limits are to be made here: an outcome is unknown, and the design may end soon.

    It is asked after every unit, and goes by nothing that comes after it.
    """
    n, least, most = seen
    if least == most:
        return False
    # A width is least at an end of what the ones may be.
    may_have_ended = design.stops(n, least) or design.stops(n, most)
    may_end = design.stops(n + 1, least) or design.stops(n + 1, most + 1)
    return may_have_ended or may_end or n >= _FROM * design.next_look(n, seen.rate)


def go_on_alike(design: FixedWidth, horizons: Iterable[int]) -> bool:
    """Tell whether the limits of a design are the same for all of these horizons: all lie beyond them."""
    return all(horizon > _LONGEST * design.looks[-1] for horizon in horizons)


def repeated_limits(design: FixedWidth, spare: float, horizon: int, seen: Seen) -> RepeatedLimits:
    """Return limits that, together with a design of few looks, miss a rate hardly more often than that alone.

    Args:
        design: What ends the sampling as long as no trial is invalid. On the true path it has not ended
            before `seen`.
        spare: What both together may miss, beyond what the design does.
        horizon: The last look, at the latest.
        seen: What is known at the unit from which they go on, which was chosen without what comes after.
    """
    with _COMPUTING:
        return _limits_of(design, spare, horizon, seen)


@lru_cache(maxsize=16)
def _limits_of(design: FixedWidth, spare: float, horizon: int, seen: Seen) -> RepeatedLimits:
    lows, lows_of_zeros = (_Tests(design, spare, horizon, side).lows() for side in (seen, seen.zeros))
    return RepeatedLimits(design, lows, lows_of_zeros)


class _Chances(NamedTuple):
    """Chances at a look, by cell and number of ones: these are `first` and those after it."""

    n: int
    first: Counts
    chance: Floats

    @property
    def ones(self) -> Counts:
        return np.asarray(self.first[:, None] + np.arange(self.chance.shape[1]))


class _Tests:
    """The tests of all cells, side by side: arrays have a row for each."""

    def __init__(self, design: FixedWidth, spare: float, horizon: int, seen: Seen) -> None:
        self._design = design
        self._seen = seen
        self._halfwidth = h = design.halfwidth
        n_cells = 2 * math.ceil(_CELLS / 2 / h)
        self._edges = np.arange(n_cells + 1) / n_cells
        # An interval is 2h wide or ends at 0 or 1: a rate above 1 - 2h is never below it.
        rows = min(math.ceil((1.0 - 2.0 * h) * n_cells), math.ceil(self._highest() * n_cells))
        self._u, self._v = self._edges[:rows], np.minimum(self._edges[1 : rows + 1], 1.0 - 1e-12)
        last = design.looks[-1]
        self._end = min(horizon, _LONGEST * last)
        self._all_at_end = self._end == horizon
        self._logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1.0, max(self._end, last) + 1.0)))))
        invalid = (seen.n_unknown + _USUAL_INVALID) / (seen.n + _USUAL_UNITS)
        self._tight = max(0.0, h - invalid / 2) / _WIDER
        self._looks = self._few_looks()
        self._tested = {n: self._allowed(n) for n in self._looks}
        above = self._v <= 2.0 * h  # and a rate below 2h never above it
        self._budget = np.minimum(1.0, self._missed_yet() + np.where(above, spare, spare / 2)[:, None])

    def lows(self) -> dict[int, Floats]:
        """Return for each look the lower limit of each number of ones."""
        factor = self._factors()
        lows = {}
        bars = self._bars(np.where(np.isinf(factor), 1.0, factor), np.arange(len(self._v)))
        for n, bar in bars.items():
            always, never = factor == -np.inf, factor == np.inf
            nested = np.maximum.accumulate(np.where(always, 0, np.where(never, n + 1, bar)))
            lows[n] = self._edges[np.searchsorted(nested, np.arange(n + 1), side="right")]
        return lows

    def _highest(self) -> float:
        """Return a rate above which no cell is tested: the end of Wilson's interval, wide as it is."""
        n, ones, squared = max(1, self._seen.n), self._seen.most, _NEAR**2
        spread = _NEAR * math.sqrt(ones * (n - ones) / n + squared / 4)
        return (ones + squared / 2 + spread) / (n + squared)

    def _few_looks(self) -> list[int]:
        looks: list[int] = []
        for look in self._design.looks:
            if look >= self._seen.n and (not looks or look >= _APART * looks[-1]):
                looks.append(look)
        while not looks or looks[-1] < self._end:
            looks.append(min(self._end, math.ceil(_APART * looks[-1]) if looks else self._end))
        return looks

    def _missed_yet(self) -> Floats:
        """Return L by cell and number of ones from `least` to `most`, at the unit from which they go on."""
        design = self._design
        later: _Chances | None = None
        beyond = np.zeros((len(self._u), 1))
        for n in reversed([look for look in design.looks if look >= self._seen.n]):
            chances = self._window(n, self._u)
            beyond += self._beyond(chances)
            ones = np.minimum(chances.ones, n).astype(np.float64)
            width = design.widths(n, ones)
            low = design.intervals(n, ones, width).low
            chance = np.where(low >= self._v[:, None] + _ROUNDING, 1.0, 0.0)
            if later is not None:
                chance = np.where(width > self._halfwidth, self._before(chances, later, self._u), chance)
            chance[chances.ones > n] = 1.0  # no such paths; so that they take nothing from others
            later = chances._replace(chance=np.minimum.accumulate(chance[:, ::-1], axis=1)[:, ::-1])
        now = self._now(len(self._u))
        return now.chance if later is None else self._before(now, later, self._u) - beyond

    def _beyond(self, chances: _Chances) -> Floats:
        """Return at most the chance, at v, of more ones than are followed at a look.

        Further ones are less likely each time, by this ratio or less: a geometric series.
        """
        units, rate = chances.n - self._seen.n, self._v
        more = chances.first + chances.chance.shape[1] - self._seen.most
        odds = (units - more) / (more + 1.0) * rate / (1.0 - rate)
        sums = np.where(odds < 1.0, 1.0 / np.maximum(1.0 - odds, 1e-12), np.inf)
        tail = np.exp(self._log_chance(units, np.minimum(more, units), rate)) * sums
        return np.asarray(np.where(more > units, 0.0, np.minimum(1.0, tail)))[:, None]

    def rejected(self, factor: Floats, rows: _Rows) -> Floats:
        """Return the chance that the test of each of these cells rejects, by ones from `least` to `most`."""
        rate, bars = self._v[rows], self._bars(factor, rows)
        later: _Chances | None = None
        for n in reversed(self._looks):
            chances = self._window(n, rate)
            chance = chances.chance if later is None else self._before(chances, later, rate, at_most=True)
            later = chances._replace(chance=np.where(chances.ones >= bars[n][:, None], 1.0, chance))
        now = self._now(len(rows))
        return now.chance if later is None else self._before(now, later, rate, at_most=True)

    def _now(self, n_rows: int) -> _Chances:
        seen = self._seen
        return _Chances(seen.n, np.full(n_rows, seen.least), np.zeros((n_rows, seen.n_unknown + 1)))

    def _window(self, n: int, rate: Floats) -> _Chances:
        """Return the numbers of ones at a look that matter, without their chances."""
        units = n - self._seen.n
        deviation = np.sqrt(units * rate * (1.0 - rate))
        first = np.maximum(0.0, np.floor(units * rate - _FOLLOWED * deviation - 2.0)).astype(np.int64)
        last = np.minimum(units, np.ceil(units * rate + _FOLLOWED * deviation + 6.0)).astype(np.int64)
        size = int((last - first).max(initial=0)) + self._seen.n_unknown + 1
        return _Chances(n, first + self._seen.least, np.zeros((len(rate), size)))

    def _before(self, now: _Chances, later: _Chances, rate: Floats, *, at_most: bool = False) -> Floats:
        """Return what is expected of a later look, for the ones that are followed now.

        Chances rise with the ones. So those of more or fewer ones than are followed later are bounded by
        them: from below, or from above if it is to be `at_most`.
        """
        units = later.n - now.n
        size = now.chance.shape[1]
        least, kernel = self._kernel(units, rate)
        more = kernel.shape[1]
        place = (now.first + least - later.first)[:, None] + np.arange(size + more - 1)
        reached = np.take_along_axis(later.chance, np.clip(place, 0, later.chance.shape[1] - 1), axis=1)
        if at_most:
            reached[place >= later.chance.shape[1]] = 1.0
            left_out = np.maximum(0.0, 1.0 - kernel.sum(axis=1))[:, None] + _ROUNDING
        else:
            reached[place < 0] = 0.0
            left_out = np.array(-_ROUNDING)
        spread = _convolved(reached, kernel[:, ::-1])[:, more - 1 : more - 1 + size]
        return np.asarray(np.clip(spread + left_out, 0.0, 1.0))

    def _kernel(self, units: int, rate: Floats) -> tuple[Counts, Floats]:
        """Return the chances of numbers of new ones, and the least of these, by cell."""
        deviation = np.sqrt(units * rate * (1.0 - rate))
        least = np.maximum(0.0, np.floor(units * rate - _SEEN * deviation - 4.0)).astype(np.int64)
        most = np.minimum(units, np.ceil(units * rate + _SEEN * deviation + 6.0)).astype(np.int64)
        more = least[:, None] + np.arange(int((most - least).max(initial=0)) + 1)
        logs = self._log_chance(units, np.minimum(more, units), rate[:, None])
        return least, np.where(more <= units, np.exp(logs), 0.0)

    def _log_chance(self, units: int, ones: Counts, rate: Floats) -> Floats:
        """Return the log chance of so many ones among new units."""
        ways = self._logs[units] - self._logs[ones] - self._logs[units - ones]
        odds = ones * np.log(np.maximum(rate, 1e-300)) + (units - ones) * np.log1p(-rate)
        return np.asarray(ways + odds)

    def _factors(self) -> Floats:
        """Return for each cell the factor on the width: as small as its budget allows.

        -inf is for a cell that may always be rejected, inf for one that never is.
        """
        found = np.where((self._budget >= 1.0).all(axis=1), -np.inf, np.inf)
        rows = np.flatnonzero(found == np.inf)
        factor = np.full(len(found), _FIRST)
        # The last factors that were too small and that fitted, and how far their log odds are from the goal.
        small, fitting = np.zeros(len(found)), np.full(len(found), _MOST)
        over, under = np.full(len(found), np.nan), np.full(len(found), np.nan)
        for attempt in range(_ATTEMPTS):
            now, budget = factor[rows], self._budget[rows]
            chance = self.rejected(now, rows)
            fits = (chance <= budget).all(axis=1)
            off = (_log_odds(chance) - _log_odds(0.98 * budget)).max(axis=1)
            found[rows[fits]] = np.minimum(found[rows[fits]], now[fits])
            small[rows] = np.where(fits, small[rows], now)
            over[rows] = np.where(fits, over[rows], off)
            fitting[rows] = np.where(fits, now, fitting[rows])
            under[rows] = np.where(fits, off, under[rows])
            step = np.clip(off / _STEEP, -_STEP, _STEP) + np.where(fits, -_GRAIN, _GRAIN)
            between = np.clip(over[rows] / np.maximum(over[rows] - under[rows], 1e-9), 0.05, 0.95)
            inside = small[rows] + between * (fitting[rows] - small[rows])
            factor[rows] = np.where(np.isnan(inside), np.clip(now + step, 0.0, _MOST), inside)
            good = fits & ((off > -_CLOSE) | (now <= 0.0))
            known = (fitting[rows] - small[rows] <= _GRAIN) | (~fits & (now >= _MOST))
            rows = rows[~(good | known | ((attempt >= _PASSES) & np.isfinite(found[rows])))]
            if not len(rows):
                break
        return found

    def _bars(self, factor: Floats, rows: _Rows) -> dict[int, Counts]:
        """Return for each look the least ones with which each cell is rejected; n + 1 if there are none."""
        return {n: self._bar(n, factor, self._v[rows]) for n in self._looks}

    def _bar(self, n: int, factor: Floats, v: Floats) -> Counts:
        low, high = np.ceil(n * v).astype(np.int64) - 1, np.full(len(v), n + 1)
        while (high - low > 1).any():
            middle = np.minimum((low + high) // 2, n)
            ones = middle.astype(np.float64)
            rejects = self._design.centres(n, ones) - factor * self._wider(n, ones) >= v
            open_ = high - low > 1
            high = np.where(open_ & rejects, middle, high)
            low = np.where(open_ & ~rejects, middle, low)
        return np.asarray(self._tested[n][high])

    def _wider(self, n: int, ones: Floats) -> Floats:
        """Return the design's widths, as much wider as they are tighter than needed at the first tests."""
        width = self._design.widths(n, ones)
        return np.asarray(width * np.maximum(1.0, self._tight / width) ** (2.0 * _LATER))

    def _allowed(self, n: int) -> Counts:
        """Return for each number of ones the next one, itself included, for which there is a test."""
        ones = np.arange(n + 1.0)
        if n == self._end and self._all_at_end:
            return np.arange(n + 2)
        widths = self._design.widths(n, ones)
        in_time = widths * math.sqrt(_LONGEST) >= self._halfwidth
        places = np.append(np.where((widths <= self._tight) & in_time, ones, n + 1.0), n + 1.0)
        return np.minimum.accumulate(places[::-1])[::-1].astype(np.int64)


def _log_odds(chance: Floats) -> Floats:
    inside = np.clip(chance, 1e-12, 1.0 - 1e-12)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _convolved(paths: Floats, kernel: Floats) -> Floats:
    """Return what paths become by further units, row by row."""
    size, more = paths.shape[1], kernel.shape[1]
    if min(size, more) <= _SHORT:
        short, long = (paths, kernel) if size < more else (kernel, paths)
        spread = np.zeros((len(paths), size + more - 1))
        for place in range(short.shape[1]):
            spread[:, place : place + long.shape[1]] += short[:, place : place + 1] * long
        return spread
    length = next_fast_len(size + more - 1, real=True)
    product = rfft(paths, length) * rfft(kernel, length)
    return np.asarray(np.maximum(0.0, irfft(product, length)[:, : size + more - 1]))
