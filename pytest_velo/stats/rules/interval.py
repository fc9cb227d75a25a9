"""The interval that is reported: it never excludes what was observed, and stays valid.

A rule's interval is a running intersection: what the evidence ruled out after any unit stays ruled out. If
all units have the same mean, it misses that mean with probability `1 - level` at most, at any stopping time.
If the draws drift, no mean is common to all of them: the intersection may exclude the observed mean or be
empty, and then tells nothing.

In its place comes the set at the stop: the values that the evidence at the last unit does not rule out. It
contains the running intersection, and so does the smallest interval around it and the observed mean.
Whichever of them is reported, and however the data choose among them, the report misses the truth only where
the running intersection does. So the level holds, without any further correction.

That alone is no sign of drift: a lucky start does it too. `drifts` tells them apart, at a level of its own.

Source: Howard, Ramdas, McAuliffe & Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence
sequences", Annals of Statistics 49:2; a confidence sequence covers at any stopping time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from pytest_velo.stats import limits
from pytest_velo.verdicts import Interval

DRIFT = 0.002
"""How often draws that do not drift are said to, at most."""


class Reported(NamedTuple):
    """An interval to report, and whether the running intersection excluded what was observed."""

    interval: Interval | None
    excluded: bool


@runtime_checkable
class HasIntervalAtStop(Protocol):
    """A rule that can give its interval by the evidence at the last unit alone; a plugin's need not."""

    def interval_at_stop(self) -> Interval:
        """Return it, in the statistic's own units."""
        ...


def reported(
    running: Interval | None, estimate: float | None, at_stop: Callable[[], Interval] | None
) -> Reported:
    """Return the interval to report beside an estimate.

    Args:
        running: What a rule gives; None before any unit.
        estimate: The observed mean, in the same units; None without any valid unit.
        at_stop: Gives the interval by the evidence at the last unit alone; None if the rule cannot.
    """
    if running is None or estimate is None:
        return Reported(running, excluded=False)
    holds = running.low - _ROUNDING <= estimate <= running.high + _ROUNDING
    if holds and running.low < running.high:
        return Reported(running, excluded=False)
    at_last = running if at_stop is None else at_stop()
    if holds and at_last == running:  # a list of outcomes seen to its end has a single value left
        return Reported(running, excluded=False)
    low = min(at_last.low, running.low, estimate)
    high = max(at_last.high, running.high, estimate)
    return Reported(Interval(low=low, high=high, level=running.level), excluded=True)


def drifts(lows: Sequence[float], highs: Sequence[float]) -> bool:
    """Tell whether no mean can be common to all units, given the bounds of each, in the order fed.

    If one is, each of two one-sided limits at half of `DRIFT`, running along the path, passes it with that
    probability at most; so they cross with probability `DRIFT` at most. It takes some milliseconds.
    """
    bars = limits.constant(DRIFT / 2)
    return limits.mean_limit(lows, 1, bars) > limits.mean_limit(highs, -1, bars)


_ROUNDING = 1e-9
