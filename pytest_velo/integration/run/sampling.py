"""From an item to a run that is ready to start, and from a finished run to its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_velo.designing.checking import Checking
from pytest_velo.designing.conclusion import concluded
from pytest_velo.designing.loading import load_what_the_loop_needs
from pytest_velo.errors import UsageError, WouldPayError
from pytest_velo.integration.baseline.guard import Guard, guard_of, unsampled_result
from pytest_velo.integration.collect.checks import checking_for
from pytest_velo.integration.collect.ladders import stand_on, steps_of
from pytest_velo.integration.collect.reach import check_drawn
from pytest_velo.integration.collect.stash import FACTS, SPEC, STEP
from pytest_velo.integration.names import REPEAT_PLUGIN, RESCORE_PLUGIN
from pytest_velo.integration.run.assumptions import assumed_by, why_not
from pytest_velo.integration.run.draws import confirming_of
from pytest_velo.integration.run.findings import with_saved
from pytest_velo.integration.run.freedom import own_fixtures
from pytest_velo.integration.run.hypothesis import build
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.integration.run.waves import waves_of
from pytest_velo.integration.run.workers import trials_of
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.records import Assumed, HypothesisResult, Outcome
from pytest_velo.runner.attempts import Attempts, begun
from pytest_velo.runner.confirming import Confirming
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.result import result_of, with_brief_details
from pytest_velo.runner.run import Launcher, Run
from pytest_velo.sampling.stats import SamplingStats

if TYPE_CHECKING:
    from pytest_velo.integration.repeating.repeated import Repeating
    from pytest_velo.integration.rescore import Rescored, Rescoring
    from pytest_velo.sampling.drawing import Drawer


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
        attempts: Those at its belief.
        watch: Called after every trial.
        result: None until the run has ended.
        assumed: What it assumes, with how that stood when it began.
        n_earlier: Earlier attempts from which the scheduler knows what to expect.
    """

    item: pytest.Function
    run: Run
    watch: Watch
    outcomes: HostOutcomes
    looks: Looks
    attempts: Attempts
    checking: Checking
    guard: Guard | None
    rescored: Rescored | None
    confirming: Confirming | None
    repeating: Repeating | None
    result: HypothesisResult | None = field(default=None)
    assumed: tuple[Assumed, ...] = ()
    n_earlier: int = 0

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
            checking=self.checking,
            before=before,
            after=after,
            attempts=self.attempts if is_look else None,
        )
        if self.guard is not None:
            result = self.guard.finish(run, result)
        if self.rescored is not None:
            result = self.rescored.told(result, run)
        if self.confirming is not None:
            result = self.confirming.told(result)
        if self.repeating is not None:
            result = self.repeating.told(self.item, result)
        result = replace(with_saved(result, run), assumes=self.assumed, n_earlier=self.n_earlier)
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
        UsageError: The design, the baseline, a history of looks that strict does not allow, or what a check
            found in the cases, likewise.
    """
    rescored = _rescored(item)
    settings = session.settings_of(item)
    assumed = assumed_by(item, session, _evaluated) if rescored is None else ()
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
    if problem := why_not(assumed):
        return replace(unsampled_result(hypothesis, problem), assumes=assumed, rerun=hypothesis.rerun)
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
    checking = checking_for(item, settings)
    if rescored is None:
        checking.refuse(strict=session.settings.strict)  # before a claim is frozen
    confirms = repeating is None and rescored is None and (guard is None or guard.is_look)
    confirmed = confirming_of(item, session, hypothesis) if confirms else None
    if confirmed is not None:
        hypothesis = confirmed.hypothesis
    looks = Looks(session.store, hypothesis)
    looks.check(strict=session.settings.strict)
    attempts, hypothesis = _attempts(session, hypothesis, is_look=guard is None or guard.is_look)
    watch = watch or Watch()
    runner = None
    if (
        rescored is None and STEP not in item.stash and hypothesis.frame.search is None
    ):  # workers know neither
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
        attempts=attempts,
        checking=checking,
        guard=guard,
        rescored=rescored,
        assumed=assumed,
        confirming=confirmed,
    )


def _attempts(session: VeloSession, hypothesis: Hypothesis, *, is_look: bool) -> tuple[Attempts, Hypothesis]:
    """Enter what is predicted, and let the number of the attempt set its alpha where it has to."""
    settings = session.settings
    return begun(
        session.attempts, hypothesis, profile=settings.profile, replays=settings.replays, is_look=is_look
    )


def _evaluated(item: pytest.Function, session: VeloSession) -> HypothesisResult | None:
    """Sample an item for one that assumes it, before its turn: when it is its turn, its draws are there.

    Its result is not kept, and it is no look of its own.
    """
    found: list[HypothesisResult] = []
    for step in steps_of(item) or (None,):
        if step is not None:
            stand_on(item, step)
        result = _evaluated_as_it_stands(item, session)
        if result is None or result.outcome is Outcome.SUPPORTED:
            return result
        found.append(result)
    # A ladder is refuted where all of its rungs are.
    return next((result for result in found if result.outcome is not Outcome.REFUTED), found[-1])


def _evaluated_as_it_stands(item: pytest.Function, session: VeloSession) -> HypothesisResult | None:
    try:
        prepared = prepare(item, session, fixtures=own_fixtures(item))
    except UsageError:
        return None  # it is raised again at its turn
    if isinstance(prepared, HypothesisResult):
        return prepared
    session.loop.run(prepared.run.go())
    if isinstance(prepared.run.error, WouldPayError):
        return None
    return replace(result_of(prepared.run), trials=())


def fill_in_turn(item: pytest.Function, session: VeloSession) -> None:
    """With `--velo-batch`, get the draws of an item that is sampled by itself, and is set up."""
    if session.settings.batches_paid_draws and not held_back(item, session):
        waves_of(session).fill([(item, item.funcargs)])


def held_back(item: pytest.Function, session: VeloSession) -> str:
    """Say why an item is not sampled because of what it assumes; empty if nothing stands against it."""
    return why_not(assumed_by(item, session, _evaluated))


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
