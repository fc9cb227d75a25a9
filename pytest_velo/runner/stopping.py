"""When a run stops although its evidence decides nothing yet, and more trials are there."""

from __future__ import annotations

from typing import NamedTuple

from pytest_velo.records import Invalid
from pytest_velo.runner.evidence import Weigher
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.verdicts import StopReason

_ALL_INVALID = 20  # so many in a row say that nothing else comes


class Stop(NamedTuple):
    """Why a run stops, and what the reader is to know of it."""

    reason: StopReason
    notice: str = ""


class Stopping:
    """Says after each trial whether to go on.

    Like every early stop, this leaves the error rates as they are: they hold at any stopping time. A run that
    samples everything goes on.
    """

    def __init__(self, hypothesis: Hypothesis) -> None:
        self._to_the_end = hypothesis.to_the_end
        self._counts_invalid = hypothesis.frame.invalid is Invalid.AGAINST
        self._futility = usual_futility(hypothesis.design.max_units, hypothesis.frame.futility)
        self._next_look = max(self._futility.first, hypothesis.design.min_units)

    def stop(self, weigher: Weigher) -> Stop | None:
        """Return why to stop now; None to go on."""
        if self._to_the_end:
            return None
        if _waits_for_people(weigher):
            return Stop(StopReason.UNLABELLED)
        if n := self._nothing_came_for(weigher):
            things = "pairs" if weigher.units.compares else "trials"
            why = f"the last {n} {things} are all invalid, so sampling stopped: fix the cause first"
            return Stop(StopReason.ALL_INVALID, why)
        return Stop(StopReason.FUTILITY) if self._futile(weigher) else None

    def _nothing_came_for(self, weigher: Weigher) -> int:
        """Return for how many trials (or pairs) all was invalid, if that is long, and half of the run."""
        labelled = weigher.labelled
        turns = (weigher.units if labelled is None else labelled.judged).turns
        enough = max(_ALL_INVALID, len(turns) // 2)
        last = turns[-enough:]
        if self._counts_invalid or len(last) < enough or any(turn.value is not None for turn in last):
            return 0
        return enough

    def _futile(self, weigher: Weigher) -> bool:
        """Whether a verdict has become unlikely; checked rarely, because it takes milliseconds."""
        if not self._futility.below or weigher.n < self._next_look:
            return False
        self._next_look = weigher.n + self._futility.every
        return weigher.predictive_probability() < self._futility.below


def _waits_for_people(weigher: Weigher) -> bool:
    """Whether enough trials are ready to be labelled, without which no evidence comes."""
    labelled = weigher.labelled
    return labelled is not None and labelled.is_enough
