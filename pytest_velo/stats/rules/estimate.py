"""Sampling until the interval of a number is as tight as requested.

A rate of single trials has a design of its own (`exact.fixed_width`): it looks at few numbers of units, and
its interval misses the rate with a probability that is computed exactly. Everything else has an
anytime-valid interval. If a half-width is asked for, its bets aim at the unit at which it will be reached
(`engine.aim`, `limits.aimed`): that makes it tight there, and costs nothing of its validity.

**A rate has three of them.** The design's interval counts only where the design itself ended the sampling:
at the stop, or at the horizon. An invalid trial that could be a 0 or a 1 makes the path unknown. Then, before
the first look at which the design might have ended, limits are made that hold at all of a few looks at once
(`exact.repeated`), whichever way the invalid trials fell, and the sampling ends at the first of these looks
at which they are tight enough. A run may end elsewhere (budget, Ctrl-C), and somebody may look while it runs:
then the anytime-valid interval is reported, within the tightest of these limits after an invalid trial.

Where `min_units` kept the run going until the anytime-valid interval is tighter than what was asked for, what
the two have in common is reported.

Whoever chooses between the three, and however the data make them choose: the report misses only if the
design's interval misses at its stop, or the limits, which take its place from a unit on, at any look, or the
anytime-valid interval at any time. The first two together have a chance of `EXACTLY` * alpha at most, the
third has the rest. (Where invalid trials are left out, no such limits are needed: the design has `FEW_LOOKS`
of alpha, and the anytime-valid interval the rest.)

Each end of the anytime-valid interval is a limit at half of its share that holds at all times
simultaneously, so it also covers when its own width decides when to stop. Where earlier units ruled out
what all of them show, it is the larger interval of `rules.interval`.

Inverting a test costs milliseconds (tens of them if it is calibrated to the horizon), so it is not done at
every unit. The width is about proportional to deviation / sqrt(n). The factor is guessed at first and then
taken from the last inversion, and the interval is computed when the predicted width is small enough or the
number of units has grown by 15%.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING

from pytest_velo.claims import Statistic
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.stats import exact, limits
from pytest_velo.stats.engine.aim import Aim
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.one_sided.rate import OneSided
from pytest_velo.stats.rules.composed import check_bounds
from pytest_velo.verdicts import Interval

if TYPE_CHECKING:
    from pytest_velo.stats.exact.fixed_width import FixedWidth
    from pytest_velo.stats.exact.repeated import RepeatedLimits, Seen
    from pytest_velo.stats.limits.aimed import AimedLimit

FEW_LOOKS = 0.9
"""The share of alpha that the design of few looks may miss."""

EXACTLY = 0.97
"""The share that it and the repeated limits, which go on after an invalid trial, may miss together."""

TIGHTER = 1.3
"""From how many times below the half-width the anytime-valid interval is looked at, too, at the stop."""

WIDER = 1.12
"""Initial guess of how much wider the limits after an invalid trial are than the design's."""

SLOWER_THAN_FIXED = 1.05
"""Initial guess, on the low side, of how much wider an anytime-valid interval is than a fixed-n one."""

LOOK_AGAIN_AFTER = 1.15
"""A path may tighten its interval sooner than predicted: recompute after the units grew by this factor."""


def make_estimate(
    statistic: Statistic, halfwidth: float | None, design: Design, *, may_be_open: bool = True
) -> EstimateRule:
    """Build the stopping rule for an estimate.

    Args:
        statistic: What is estimated; units are fed on the scale [0, 1].
        halfwidth: Stop at an interval of plus or minus this or less, in the statistic's own units; None to
            stop at the horizon only.
        design: Its alpha bounds P(the interval misses the truth); beta and margin are unused.
        may_be_open: A unit may come as bounds that differ. Where that cannot be, as invalid trials are left
            out, nothing is kept of alpha for limits that would then be needed.

    Raises:
        UsageError: The half-width is outside its range.
    """
    span = statistic.scale.span
    if halfwidth is not None and not 0.0 < halfwidth < span / 2:
        raise UsageError(
            f"the half-width of {statistic} must be between 0 and {span / 2:g}, got {halfwidth!r}",
            fix=f"halfwidth={span / 20:g}",
        )
    return EstimateRule(statistic, halfwidth, design, may_be_open=may_be_open)


def horizons_error(rules: Sequence[EstimateRule]) -> float:
    """Return the chance that an interval of any of these misses, at most, on the same units.

    They are of one half-width, and differ in their horizons alone. What is the same for all of them, the
    design of few looks and the limits after an invalid trial, misses once. The intervals that are valid at
    any moment are made for each horizon, and add up.
    """
    first, alpha = rules[0], rules[0].alpha
    design = first.few_looks
    if design is None or not all(
        rule.few_looks is not None and design.is_like(rule.few_looks) for rule in rules
    ):
        return len(rules) * alpha
    horizons = [rule.max_units for rule in rules]
    if first.may_be_open and not exact.go_on_alike(design, horizons):
        return len(rules) * alpha
    shared = EXACTLY if first.may_be_open else FEW_LOOKS
    return (shared + len(rules) * (1.0 - shared)) * alpha


class EstimateRule:
    """A number being measured: feed it units in submission order until the interval is tight enough.

    Build it with `make_estimate`.

    Attributes:
        n: Units fed.
        may_be_open: A unit may come as bounds that differ.
        measured: The interval is as tight as requested.
        excluded: At the last computation of the interval, earlier units ruled out what all of them show.
        kind: `calibrated` or `ville`: where the limits come from.
    """

    def __init__(
        self, statistic: Statistic, halfwidth: float | None, design: Design, *, may_be_open: bool = True
    ) -> None:
        calibrated = design.calibrates and statistic.binary and not statistic.arms
        self.statistic = statistic
        self.halfwidth = halfwidth
        self.may_be_open = may_be_open
        self.alpha = alpha = design.alpha
        self.max_units = max_units = design.max_units
        self.min_units = design.min_units
        self.n = 0
        self.measured = False
        self.excluded = False
        self.kind = "calibrated" if calibrated else "ville"
        self._goal = None if halfwidth is None else halfwidth / statistic.scale.span
        self._may_look_seldom = calibrated and self._goal is not None and design.census is None
        aims = self._goal is not None and not calibrated
        # What may be extended holds for every horizon, so nothing may aim at one.
        self._horizon = math.inf if design.extend else max_units
        self._aim = Aim(self._goal or 0.0, alpha, self._horizon) if aims else None
        self._aimed: tuple[AimedLimit, ...] = ()  # both limits, once the bets aim
        self._surely = True  # every unit so far is a 0 or a 1
        self._lows, self._highs = array("d"), array("d")
        self._sums = [0.0, 0.0, 0.0]  # low bounds, high bounds, squares of their middle
        self._next = max_units if self._goal is None else fewest_units(self._goal, alpha)
        self._latest: int | None = None
        self._ends: tuple[int, float, float] | None = None
        self._tightest: tuple[float, float] | None = None  # of the repeated ones
        self._by_limits = False  # they ended the sampling
        self._repeated: RepeatedLimits | None = None
        self._factor = SLOWER_THAN_FIXED * NormalDist().inv_cdf(1.0 - alpha / 2)

    @cached_property
    def few_looks(self) -> FixedWidth | None:
        """The design of few looks; None for what has none."""
        if self._goal is None or not self._may_look_seldom:
            return None
        asked = self._goal, FEW_LOOKS * self.alpha, self.max_units, self.min_units
        design = exact.fixed_width_design(*asked)
        if design is None or design.width(self.max_units, 0) > self._goal:
            return None  # nothing stops it within the horizon; the anytime-valid interval may
        return design

    @property
    def repeated(self) -> RepeatedLimits | None:
        """The limits that go on after an invalid trial, once they are made."""
        return self._repeated

    @property
    def is_ready(self) -> bool:
        """The next unit can be fed at once; else `get_ready` comes first, which takes about a second."""
        design = None if self._surely or self._repeated is not None else self.few_looks
        return design is None or self.measured or not exact.it_is_time(design, self._seen)

    def get_ready(self) -> None:
        """Make the limits that go on from here, if it is time, on any thread; else `feed` does.

        They are for the units that come after, so what is reported here is the same with and without them.
        Only at the horizon, after which nothing comes, they are for this one.
        """
        if not self.is_ready and (design := self.few_looks) is not None:
            spare = (EXACTLY - FEW_LOOKS) * self.alpha
            made = exact.repeated_limits(design, spare, self.max_units, self._seen)
            if self.n == self.max_units:
                self._look_again(made)
            self._repeated = made  # at last: from here on, another thread may feed the next unit

    @property
    def _seen(self) -> Seen:
        return exact.Seen(self.n, *self.counts())

    @property
    def _anytime_alpha(self) -> float:
        """What the anytime-valid interval may miss."""
        if self.few_looks is None:
            return self.alpha
        return (1.0 - (EXACTLY if self.may_be_open else FEW_LOOKS)) * self.alpha

    @property
    def by_design(self) -> bool:
        """Whether the design of few looks has ended the sampling, so that its interval is the one."""
        design = self.few_looks if self._surely else None
        return design is not None and self.n > 0 and design.stops(self.n, round(self._sums[0]))

    @property
    def interval_of(self) -> str:
        """Which interval is reported and why, in words."""
        if self.by_design and (design := self.few_looks) is not None:
            if self._much_tighter(design):
                return "of the design of few looks, exact, within the one that is valid at any moment"
            return "of the design of few looks, which ended the sampling: exact"
        if self.few_looks is not None:
            if self._tightest is not None:
                return (
                    "valid at all of a few looks, exactly, whatever the invalid trials would have been"
                    if self._by_limits
                    else "valid at any moment, and whatever the invalid trials would have been"
                )
            why = (
                "the sampling ended before its design of few looks"
                if self._surely
                else "a trial was invalid, so where its design of few looks ends is unknown"
            )
            return f"valid at any moment, at {self._anytime_alpha / self.alpha:.0%} of alpha: {why}"
        if self._aimed:
            return "valid at any moment; its bets aimed at the half-width, so it is tightest there"
        return "valid at any moment"

    def feed(self, low: float, high: float) -> bool:
        """Take in one unit by its bounds; return whether the interval is now as tight as requested.

        Raises:
            VeloError: It is measured or at its horizon already; or the bounds are invalid.
        """
        if self.measured or self.n >= self.max_units:
            raise VeloError(f"the estimate of `{self.statistic}` has ended", fix="add no more outcomes")
        check_bounds(low, high)
        self.get_ready()
        self.n += 1
        if self._aim is not None:
            self._take_aim(self._aim, low, high)
        self._lows.append(low)
        self._highs.append(high)
        middle = (low + high) / 2
        for place, value in enumerate((low, high, middle * middle)):
            self._sums[place] += value
        if low != high and self._surely:
            self._surely = False
            self._factor = SLOWER_THAN_FIXED * NormalDist().inv_cdf(1.0 - self._anytime_alpha / 2)
        if self._goal is None:
            self.measured = self.n >= self.max_units
        else:
            self._may_end(self._goal)
        return self.measured

    def interval(self) -> Interval:
        """Return the interval at level 1 - alpha, in the statistic's own units."""
        low, high = self._limits()
        native = self.statistic.scale.from_unit
        return Interval(low=native(low), high=native(high), level=1.0 - self.alpha)

    def expected_more(self) -> int:
        """Guess how many further units are needed; 0 once ended, never more than the units left."""
        left = self.max_units - self.n
        if self.measured or left == 0:
            return 0
        if self._goal is None:
            return left
        if self._surely and (design := self.few_looks) is not None:
            rate = (self._sums[0] + 1.0) / (self.n + 2.0)
            return max(self.min_more(), min(left, design.next_look(self.n, rate) - self.n))
        if not self._surely and self.few_looks is not None:
            return max(self.min_more(), min(left, self._look_in_sight(self.few_looks) - self.n))
        if self._aimed and self._aim is not None:
            return max(self.min_more(), min(left, self._aim.end - self.n))
        low, high = self.n, self.max_units
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._foreseen(middle) <= self._goal else (middle, high)
        return max(self.min_more(), min(left, high - self.n))

    def min_more(self) -> int:
        """Return a number of further units before which it is hardly ever measured, at most those left."""
        left = self.max_units - self.n
        if self._goal is None:
            return left
        if self._surely and (design := self.few_looks) is not None:
            first = next((look for look in design.looks if look > self.n), self.max_units)
        elif not self._surely and (look := self._look_ahead()) is not None:
            first = look
            if self._foreseen(first) <= self._goal:  # the anytime-valid interval may be there sooner
                first = min(first, max(self.min_units, self._next))
        else:
            first = max(self.min_units, fewest_units(self._goal, self.alpha))
        return 0 if self.measured else min(left, max(1, first - self.n))

    def _look_ahead(self) -> int | None:
        """Return the next look after an invalid trial, if there is one."""
        looks: Sequence[int] = ()
        if self._repeated is not None:
            looks = self._repeated.looks
        elif self.few_looks is not None:
            looks = self.few_looks.looks
        return next((look for look in looks if look > self.n), None)

    def _look_in_sight(self, design: FixedWidth) -> int:
        """Guess the look at which the limits will be tight enough, if invalid trials go on as they came."""
        invalid, rate = self._seen.n_unknown / self.n, self._seen.rate
        if self._repeated is not None:
            look = self._repeated.next_look(self.n, rate, invalid)
            return self.max_units if look is None else look
        ends = design.looks[-1]
        goal = design.halfwidth - invalid / 2
        if goal <= 0.0:
            return self.max_units
        return math.ceil(ends * (WIDER * design.width(ends, rate * ends) / goal) ** 2)

    def _foreseen(self, n: int) -> float:
        """Predict the half-width at n units, including the uncertainty from invalid ones."""
        low, high, squares = self._sums
        units = self.n + 2.0
        middle = ((low + high) / 2 + 1.0) / units
        variance = max(0.0, (squares + 1.0) / units - middle * middle)  # a 0 and a 1 stand before the data
        open_half = (high - low) / 2 / max(1, self.n)
        return open_half + self._factor * math.sqrt(variance / max(1, n))

    def _may_end(self, goal: float) -> None:
        """Tell whether the interval is tight enough, by whichever rule decides at this unit."""
        if self._surely and (design := self.few_looks) is not None:
            ones = round(self._sums[0])
            self.measured = design.stops(self.n, ones) and design.width(self.n, ones) <= goal
            return
        if self._repeated is not None:
            self._look_again(self._repeated)
            self.measured = self._by_limits
        if self.measured:
            return
        if self._aimed:
            low, high = self._limits()
            self.measured = self.n >= self.min_units and (high - low) / 2 <= goal
        elif self.n >= min(self.max_units, max(self._next, self.min_units)):
            due = self.n >= (self.max_units if self._latest is None else min(self._latest, self.max_units))
            if due or self._foreseen(self.n) <= goal:
                self._look(goal)

    def counts(self) -> tuple[int, int]:
        """Return how many ones single outcomes have at least, and at most, by what the invalid ones were."""
        return round(self._sums[0]), round(self._sums[1])

    def _look_again(self, repeated: RepeatedLimits) -> None:
        """At a look after an invalid trial, take its limits, and note whether they are tight enough."""
        if self.n in repeated.looks:
            low, high = repeated.ends(self.n, *self.counts())
            before = self._tightest
            if before is None or high - low < before[1] - before[0]:
                self._tightest = low, high
            self._by_limits = repeated.tight(self.n, *self.counts())

    def _look(self, goal: float) -> None:
        """Compute the interval; if it is still too wide, schedule the next computation."""
        low, high = self._limits()
        half = (high - low) / 2
        self.measured = half <= goal or self._by_limits
        self._factor *= half / self._foreseen(self.n)
        self._next = self.n + max(1, self.n // 100)
        self._latest = math.ceil(LOOK_AGAIN_AFTER * self.n)

    def _limits(self) -> tuple[float, float]:
        """Return both limits on the scale [0, 1], computed once for each n."""
        if self.n == 0:
            return 0.0, 1.0
        if self.n == self.max_units:
            self.get_ready()  # an invalid trial at the very last look
        if self.by_design and (design := self.few_looks) is not None:
            ends = design.ends(self.n, round(self._sums[0]))
            if not self._much_tighter(design):
                self.excluded = False  # it is around what was observed
                return ends
            return both(ends, self._at_any_moment())
        if self._by_limits and self._tightest is not None:
            self.excluded = False
            return self._tightest
        return self._at_any_moment()

    def _much_tighter(self, design: FixedWidth) -> bool:
        """Tell whether `min_units` kept it going until even the anytime-valid interval may be tighter.

        The design's own is never tighter than what is asked for.
        """
        return TIGHTER * design.width(self.n, round(self._sums[0])) <= design.halfwidth

    def _at_any_moment(self) -> tuple[float, float]:
        """Return the anytime-valid interval, within the tightest repeated limits."""
        if self._ends is None or self._ends[0] != self.n:
            limits_at = self._ville if self._aim is not None or self.kind == "ville" else self._calibrated
            ends = limits_at(at_stop=False)
            low, high = ends if self._tightest is None else both(ends, self._tightest)
            # As in `rules.interval`: a set that contains the running intersection, or what is left of it.
            least, most = (total / self.n for total in self._sums[:2])
            self.excluded = low > least or high < most
            if self.excluded:
                low, high = limits_at(at_stop=True)
                low, high = min(low, least), max(high, most)
            self._ends = self.n, low, high
        return self._ends[1:]

    def _calibrated(self, *, at_stop: bool) -> tuple[float, float]:
        tests = []
        for path, side in self._paths():
            test = OneSided(
                0.5, side, self._anytime_alpha / 2, max_n=self.max_units, min_n=1, calibrated=True
            )
            for outcome in path:
                test.feed(outcome, outcome)
            tests.append(test)
        low, high = limits.rate_limits(tests, at_stop=at_stop)
        return low, high

    def _ville(self, *, at_stop: bool) -> tuple[float, float]:
        if self._aimed:
            low, high = (limit.limit(at_stop=at_stop) for limit in self._aimed)
            return low, high
        bars = limits.constant(self._anytime_alpha / 2)
        found = [limits.mean_limit(path, side, bars, at_stop=at_stop) for path, side in self._paths()]
        if self._aim is not None and self._goal is not None:
            sides = (side for _, side in self._paths())
            found = [
                limits.rounded_out(end, side, self._goal) for end, side in zip(found, sides, strict=True)
            ]
        low, high = found
        return low, high

    def _take_aim(self, aim: Aim, low: float, high: float) -> None:
        """Let the bets aim at the end from the moment at which they may; `low`, `high` is the next unit."""
        if not self._aimed and aim.due and self._goal is not None:
            level = self._anytime_alpha / 2
            self._aimed = tuple(
                limits.AimedLimit(path, side, self._goal, level) for path, side in self._paths()
            )
        if self._aimed:
            means = aim.means()
            for limit, outcome in zip(self._aimed, (low, high), strict=True):
                limit.add(outcome, means)
        aim.add(low, high)

    def _paths(self) -> tuple[tuple[array[float], Side], tuple[array[float], Side]]:
        return (self._lows, 1), (self._highs, -1)


def both(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Return what two intervals have in common; where that is nothing, the smallest that holds both."""
    lows, highs = zip(one, other, strict=True)
    low, high = max(lows), min(highs)
    return (low, high) if low <= high else (min(lows), max(highs))


def fewest_units(halfwidth: float, alpha: float) -> int:
    """Return a number of units before which no interval is that tight, however the outcomes fall.

    The limit of all ones is no closer to 1 than the rate that gives them with probability alpha/2.
    `halfwidth` is on the scale [0, 1], below 1/2.
    """
    return max(1, math.ceil(math.log(alpha / 2) / math.log1p(-2.0 * halfwidth)))
