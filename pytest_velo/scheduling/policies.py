"""The order in which waiting runs get the next trial: one function for each scheduler."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, assert_never
from weakref import WeakKeyDictionary

from pytest_velo.runner.run import Run
from pytest_velo.scheduling.earlier import Earlier
from pytest_velo.scheduling.gain import expected_gain
from pytest_velo.settings import Scheduler

Policy = Callable[[Sequence[Run]], Run]
"""Chooses the run that gets the next trial, from at least one that wants it, in the order of the tests."""


NOTHING_EARLIER: Mapping[Run, Earlier] = MappingProxyType({})


def policy_of(scheduler: Scheduler, earlier: Mapping[Run, Earlier] = NOTHING_EARLIER) -> Policy:
    """Return a fresh policy for a scheduler: it may learn from the runs it sees.

    `earlier` has what earlier runs saw, of those runs that have any; it may grow while runs are started.
    """
    match scheduler:
        case Scheduler.GAIN:
            return ByGain(earlier)
        case Scheduler.GAIN_AFRESH:
            return ByGain()
        case Scheduler.ROUND_ROBIN:
            return lambda waiting: min(waiting, key=lambda run: run.n_launched)
        case Scheduler.IN_ORDER:
            return lambda waiting: waiting[0]
    assert_never(scheduler)


_RECENT = 20  # trials whose mean cost stands for the next one's
_UNTIMED = 8.0  # trials that the typical run's time counts as: few tell more of luck than of length


class ByGain:
    """Chooses the run whose next trial is expected to gain the most toward a verdict for its cost.

    What is known about a run is recomputed only when its prefix has grown. Trials in flight count as spent:
    each makes the next one worth a little less.
    """

    def __init__(self, earlier: Mapping[Run, Earlier] = NOTHING_EARLIER) -> None:
        self._earlier = earlier
        self._known: WeakKeyDictionary[Run, _Known] = WeakKeyDictionary()

    def __call__(self, waiting: Sequence[Run]) -> Run:
        """Choose; among equals the first in the order of the tests."""
        known = [self._of(run) for run in waiting]
        worth = [one.gain / (1.0 + run.n_in_flight / 8.0) for one, run in zip(known, waiting, strict=True)]
        ratios = [gain / cost for gain, cost in zip(worth, _costs_of(known), strict=True)]
        return waiting[ratios.index(max(ratios))]

    def _of(self, run: Run) -> _Known:
        known = self._known.get(run)
        if known is None or known.n != len(run.trials):
            earlier = self._earlier.get(run)
            known = self._known[run] = _Known(
                n=len(run.trials),
                gain=expected_gain(run, earlier),
                cost_usd=_mean_cost_usd(run, earlier),
                trial_s=run.mean_trial_s,
            )
        return known


class _Known(NamedTuple):
    """What is known about a run at a given length of its prefix."""

    n: int
    gain: float
    cost_usd: float | None
    trial_s: float | None


def _costs_of(runs: Sequence[_Known]) -> list[float]:
    """Return the cost of a trial of each run: in dollars if every run has paid for one, else in seconds.

    A run that has not paid yet is taken to be as cheap as the cheapest other, so that it gets tried. Seconds
    are those of its trials, drawn to the typical run's while it has few: how long a call takes varies so much
    that the mean of a few would send the next trials after luck.
    """
    dollars = [run.cost_usd for run in runs]
    priced = [cost for cost in dollars if cost]
    if priced and all(cost is None or cost > 0.0 for cost in dollars):
        return [min(priced) if cost is None else cost for cost in dollars]
    logs = [math.log(run.trial_s) if run.trial_s else None for run in runs]
    timed = [log for log in logs if log is not None]
    typical = sum(timed) / len(timed) if timed else 0.0
    return [
        math.exp(typical if log is None else typical + (log - typical) * run.n / (run.n + _UNTIMED))
        for log, run in zip(logs, runs, strict=True)
    ]


def _mean_cost_usd(run: Run, earlier: Earlier | None) -> float | None:
    """Return the mean dollars of a run's last trials, cached calls at 0; None if unknown.

    Before its first trial it is what one took when the test last ran.
    """
    if not run.trials:
        return None if earlier is None else earlier.cost_usd
    costs = [trial.cost_usd for trial in run.trials[-_RECENT:]]
    known = [cost for cost in costs if cost is not None]
    return sum(known) / len(known) if known and len(known) == len(costs) else None
