"""Climbing the ladder of an item: one rung is sampled after another, until one is supported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import pytest

from pytest_velo.designing.climbed import beside_those_before, climbed
from pytest_velo.elicit.ladders import Step
from pytest_velo.integration.collect.ladders import notices_of_all, stand_on, steps_of
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.names import RESCORE_PLUGIN
from pytest_velo.integration.run.alone import sample
from pytest_velo.integration.run.sampling import Sampling, fill_in_turn, prepare
from pytest_velo.integration.session import VeloSession
from pytest_velo.records import HypothesisResult, LadderResult, Outcome, rung_id
from pytest_velo.verdicts import StopReason

if TYPE_CHECKING:
    from pytest_velo.integration.rescore import Rescoring

Keep = Callable[[HypothesisResult | None], object]


class Climb:
    """The rungs of an item that were sampled so far."""

    def __init__(self, item: pytest.Function, session: VeloSession) -> None:
        self._item = item
        self._session = session
        self._done: list[tuple[Step, HypothesisResult]] = []

    def go(self, keep: Keep) -> Sampling | HypothesisResult:
        """Climb until a rung is supported, or nothing more can be said; return the last one's sampling.

        `keep` takes the result of what was done should it be interrupted. What is not sampled, since an
        assumption of it does not hold, has its result at once.
        """
        sampling = None
        for step in self._steps:
            stand_on(self._item, step)
            fill_in_turn(self._item, self._session)
            prepared = prepare(self._item, self._session)
            if isinstance(prepared, HypothesisResult):
                return prepared
            sampling = prepared
            sample(sampling, self._session, keep=partial(self._interrupted, step, keep))
            assert sampling.result is not None  # it has ended
            self._done.append((step, sampling.result))
            if _ends(sampling):
                break
        assert sampling is not None  # a ladder has a rung that is tried
        return sampling

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        """The rungs to sample; where a recorded run is scored anew, the one that decided it."""
        steps = steps_of(self._item)
        rescoring = self._rescoring
        return steps if rescoring is None else rescoring.steps_of(self._item, steps)

    @property
    def _rescoring(self) -> Rescoring | None:
        plugin: Rescoring | None = self._item.config.pluginmanager.get_plugin(RESCORE_PLUGIN)
        return plugin

    @property
    def _before(self) -> LadderResult | None:
        """The ladder of the record that is scored anew; None for a run of its own."""
        rescoring = self._rescoring
        return None if rescoring is None else rescoring.of(self._item).source.result.ladder

    def _interrupted(self, step: Step, keep: Keep, result: HypothesisResult | None) -> None:
        assert result is not None  # an interrupted run has one
        self._done.append((step, result))
        keep(self.result)

    @property
    def result(self) -> HypothesisResult:
        """The result of the item, made of its rungs'; the trials of the others are kept under their names."""
        item, session = self._item, self._session
        spec = item.stash[SPEC]
        assert spec.ladder is not None  # it is climbed
        alpha, _ = spec.levels(session.settings_of(item))
        result = climbed(spec.ladder, self._steps, self._done, alpha=alpha)
        if (before := self._before) is not None:
            return beside_those_before(result, before)
        of_all = notices_of_all(item, session.settings_of(item))
        result = replace(result, notices=(*result.notices, *of_all))
        assert result.ladder is not None
        for step, rung in self._done:
            name = rung_id(item.nodeid, step.rung.name)
            if any(told.recorded_as == name for told in result.ladder.rungs):
                session.keep_rung(replace(rung, node_id=name))
        return result


def _ends(sampling: Sampling) -> bool:
    """Tell whether no further rung is tried: one is supported, or what ended this one ends them all."""
    result = sampling.result
    assert result is not None  # the run has ended
    if sampling.run.error is not None or result.outcome in (Outcome.SUPPORTED, Outcome.ERROR):
        return True
    return sampling.run.stop in (StopReason.BUDGET, StopReason.INTERRUPTED)
