"""From an item to a run that is ready to start, and from a finished run to its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_velo.designing.conclusion import concluded
from pytest_velo.designing.loading import load_what_the_loop_needs
from pytest_velo.integration.baseline.guard import Guard, guard_of, unsampled_result
from pytest_velo.integration.collect.reach import check_drawn
from pytest_velo.integration.collect.stash import FACTS, SPEC
from pytest_velo.integration.names import REPEAT_PLUGIN, RESCORE_PLUGIN
from pytest_velo.integration.run.draws import confirming_of
from pytest_velo.integration.run.hypothesis import build
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.integration.run.waves import waves_of
from pytest_velo.integration.run.workers import trials_of
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.records import HypothesisResult
from pytest_velo.runner.confirming import Confirming
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.result import with_brief_details
from pytest_velo.runner.run import Launcher, Run
from pytest_velo.sampling.stats import SamplingStats

if TYPE_CHECKING:
    from pytest_velo.integration.repeating.repeated import Repeating
    from pytest_velo.integration.rescore import Rescored, Rescoring
    from pytest_velo.sampling.trial import Drawer


class Watch:
    """Called when a run's prefix grows; forwards to the current listener."""

    def __init__(self) -> None:
        self.progress: Callable[[Run], None] | None = None

    def __call__(self, run: Run) -> None:
        """Forward."""
        if self.progress is not None:
            self.progress(run)


@dataclass(slots=True, kw_only=True)
class Sampling:
    """One item's hypothesis on its way to a result.

    Attributes:
        item: The test.
        run: What is sampled.
        watch: Called after every trial.
        result: None until the run has ended.
    """

    item: pytest.Function
    run: Run
    watch: Watch
    outcomes: HostOutcomes
    looks: Looks
    guard: Guard | None
    rescored: Rescored | None
    confirming: Confirming | None
    repeating: Repeating | None
    result: HypothesisResult | None = field(default=None)

    def conclude(self, before: SamplingStats | None = None, after: SamplingStats | None = None) -> None:
        """Make the result of a run that ended for any reason; a second call does nothing.

        `before` and `after` are the sampler's totals, for a run that had the sampler to itself.
        """
        if self.result is not None:
            return
        run = self.run
        run.give_up()  # after Ctrl-C, if a body blocks the loop
        settings = self.item.config.stash[SESSION].settings
        looks = self.looks if self.rescored is None else self.rescored.looks(run.hypothesis, run)
        is_look = self.guard is None or self.guard.is_look
        result = concluded(
            run,
            self.outcomes,
            looks if is_look else None,
            strict=settings.strict,
            before=before,
            after=after,
        )
        if self.guard is not None:
            result = self.guard.finish(run, result)
        if self.rescored is not None:
            result = self.rescored.told(result, run)
        if self.confirming is not None:
            result = self.confirming.told(result)
        if self.repeating is not None:
            result = self.repeating.told(self.item, result)
        self.result = with_brief_details(result, settings.show)


def prepare(
    item: pytest.Function,
    session: VeloSession,
    *,
    fixtures: Mapping[str, Any] | None = None,
    launcher: Launcher | None = None,
    watch: Watch | None = None,
) -> Sampling | HypothesisResult:
    """Make an item's run, not yet started; or its result if nothing is to be sampled.

    `fixtures` are the values of its arguments, by default those pytest has set up. `launcher` decides when
    trials start, by default at once; `watch` is told after every trial, by default one of its own.

    Raises:
        UsageError: The design, the baseline, or a history of looks that strict does not allow.
    """
    rescored = _rescored(item)
    settings = session.settings_of(item)
    load_what_the_loop_needs(item.stash[SPEC], settings)
    check_drawn(item, settings)
    outcomes = HostOutcomes(item.stash[FACTS], item.stash[SPEC].claim, item.path.parent)
    hypothesis = build(
        item,
        settings,
        outcomes,
        may_pay=session.may_pay(item.nodeid),
        in_order=session.in_order(),
        fixtures=item.funcargs if fixtures is None else fixtures,
    )
    guard = guard_of(item, session, hypothesis)
    if guard is not None:
        if guard.hypothesis is None:
            result = unsampled_result(hypothesis, guard.problem)
            return result if rescored is None else rescored.told(result)
        hypothesis = guard.hypothesis
    if rescored is not None:
        hypothesis = rescored.hypothesis(hypothesis)
    repeating = repeating_of(item)
    if repeating is not None and rescored is None:
        hypothesis = repeating.hypothesis(item, hypothesis)
    confirms = repeating is None and rescored is None and (guard is None or guard.is_look)
    confirmed = confirming_of(item, session, hypothesis) if confirms else None
    if confirmed is not None:
        hypothesis = confirmed.hypothesis
    looks = Looks(session.store, hypothesis)
    looks.check(strict=session.settings.strict)
    watch = watch or Watch()
    runner = None
    if rescored is None:
        runner = trials_of(item, session, hypothesis, outcomes, looks.n_known)
    drawer = _drawer(session) if rescored is None else rescored.drawer()
    run = Run(
        hypothesis,
        drawer,
        session.loop,
        watch,
        n_known=looks.n_known,
        launcher=launcher,
        runner=runner,
    )
    return Sampling(
        item=item,
        repeating=repeating,
        run=run,
        watch=watch,
        outcomes=outcomes,
        looks=looks,
        guard=guard,
        rescored=rescored,
        confirming=confirmed,
    )


def fill_in_turn(item: pytest.Function, session: VeloSession) -> None:
    """With `--velo-batch`, get the draws of an item that is sampled by itself, and is set up."""
    if session.settings.batches_paid_draws:
        waves_of(session).fill([(item, item.funcargs)])


def _drawer(session: VeloSession) -> Drawer:
    """Return the source of an item's draws."""
    if session.settings.batches_paid_draws:
        return waves_of(session).drawer(session.sampler)
    return session.sampler


def _rescored(item: pytest.Item) -> Rescored | None:
    """Return how the item is rescored; None outside of a rescoring."""
    plugin: Rescoring | None = item.config.pluginmanager.get_plugin(RESCORE_PLUGIN)
    return None if plugin is None else plugin.of(item)


def repeating_of(item: pytest.Item) -> Repeating | None:
    """Return what repeats a recorded run; None outside of a repeat."""
    plugin: Repeating | None = item.config.pluginmanager.get_plugin(REPEAT_PLUGIN)
    return plugin
