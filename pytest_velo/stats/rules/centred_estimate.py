"""Sampling until the interval of a number is as tight as requested, on outcomes with centres.

Each end is a limit at half of alpha that holds at all times simultaneously (`limits.centred`), so the
interval also covers when its own width decides when to stop. As in `rules.estimate`, it is computed only when
a predicted width is small enough, or the units have grown by 15%.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from pytest_velo.claims import Statistic
from pytest_velo.errors import VeloError
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.one_sided.centred import CentredTest
from pytest_velo.stats.rules import composed
from pytest_velo.stats.rules.estimate import LOOK_AGAIN_AFTER, SLOWER_THAN_FIXED, fewest_units
from pytest_velo.verdicts import Interval

_MIDDLE = 0.5


class CentredEstimate:
    """A number being measured by outcomes with centres: feed it units until the interval is tight enough.

    Args:
        statistic: What is estimated; units are on the scale [0, 1].
        halfwidth: Stop at an interval of plus or minus this or less, in the statistic's own units; None to
            stop at the horizon only.
        design: Its alpha bounds P(the interval misses the truth), its centring is that of the units.

    Attributes:
        n: Units fed.
        measured: The interval is as tight as requested.
        excluded: At the last computation, earlier units ruled out what all of them show.
        kind: `ville`.
    """

    kind = "ville"
    interval_of = "valid at any moment, whatever the judge says"

    def __init__(self, statistic: Statistic, halfwidth: float | None, design: Design) -> None:
        assert design.centring is not None  # who made it looked
        self.statistic = statistic
        self.n = 0
        self.measured = False
        self.excluded = False
        self._design = design
        self._goal = None if halfwidth is None else halfwidth / statistic.scale.span
        level = design.alpha / 2
        self._tests = [
            CentredTest(_MIDDLE, 1, level, design.centring),
            CentredTest(_MIDDLE, -1, level, design.centring),
        ]
        self._next = 1
        self._factor = SLOWER_THAN_FIXED * NormalDist().inv_cdf(1.0 - level)
        self._ends: tuple[int, Interval] | None = None

    def feed(self, bounds: tuple[float, float], centre: float, ends: tuple[float, float]) -> bool:
        """Take in one unit; return whether the interval is now as tight as requested.

        Raises:
            VeloError: It is measured or at its horizon already; or the bounds are invalid.
        """
        if self.measured or self.n >= self._design.max_units:
            raise VeloError(f"the estimate of `{self.statistic}` has ended", fix="add no more outcomes")
        composed.check_bounds(*bounds)
        for test in self._tests:
            test.foresee(centre, ends)
            test.feed(*bounds)
        self.n += 1
        if self._goal is None:
            self.measured = self.n >= self._design.max_units
        elif self.n >= max(self._next, self._design.min_units, fewest_units(self._goal, self._design.alpha)):
            self._look(self._goal)
        return self.measured

    def interval(self) -> Interval:
        """Return the interval at level 1 - alpha, in the statistic's own units."""
        if self._ends is None or self._ends[0] != self.n:
            self._ends = self.n, self._computed()
        return self._ends[1]

    def _computed(self) -> Interval:
        native, seen = self.statistic.scale.from_unit, [test.mean for test in self._tests]
        least, most = native(min(seen)), native(max(seen))
        running = composed.interval_of(self._tests, native)
        self.excluded = running.low > most or running.high < least
        if not self.excluded:
            return running
        at_stop = composed.interval_of(self._tests, native, at_stop=True)
        return Interval(
            low=min(at_stop.low, running.low, least),
            high=max(at_stop.high, running.high, most),
            level=running.level,
        )

    def min_more(self) -> int:
        """Return a number of further units before which it cannot be measured, never more than are left."""
        left = self._design.max_units - self.n
        if self.measured:
            return 0
        if self._goal is None:
            return left
        first = max(self._design.min_units, fewest_units(self._goal, self._design.alpha))
        return min(left, max(1, first - self.n))

    def expected_more(self) -> int:
        """Guess how many further units are needed; 0 once ended, never more than the units left."""
        left = self._design.max_units - self.n
        if self.measured or left == 0:
            return 0
        if self._goal is None:
            return left
        needed = math.ceil((self._factor * self._deviation() / self._goal) ** 2)
        return max(self.min_more(), min(left, needed - self.n))

    def _deviation(self) -> float:
        """Return the standard deviation of what is left of the outcomes, on the scale [0, 1]."""
        return math.sqrt(self._tests[0].variance)

    def _look(self, goal: float) -> None:
        """Compute the interval; if it is still too wide, schedule the next computation."""
        ends = self.interval()
        half = (ends.high - ends.low) / 2 / self.statistic.scale.span
        self.measured = half <= goal
        deviation = self._deviation()
        if deviation > 0.0:
            self._factor = half * math.sqrt(self.n) / deviation
        foreseen = self.n * (half / goal) ** 2
        self._next = max(self.n + 1, min(math.ceil(LOOK_AGAIN_AFTER * self.n), math.ceil(foreseen)))
