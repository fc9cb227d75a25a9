"""From an item to a run that is ready to start, and from a finished run to its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pytest_velo.designing.books import Books, entered
from pytest_velo.designing.checking import Checking
from pytest_velo.designing.conclusion import concluded
from pytest_velo.designing.loading import load_what_the_loop_needs
from pytest_velo.errors import UsageError, WouldPayError
from pytest_velo.integration.baseline.guard import guard_of, unsampled_result
from pytest_velo.integration.collect.checks import checking_for
from pytest_velo.integration.collect.ladders import stand_on, steps_of
from pytest_velo.integration.collect.reach import check_drawn
from pytest_velo.integration.collect.stash import FACTS, SPEC, STEP
from pytest_velo.integration.run.assumptions import assumed_by, why_not
from pytest_velo.integration.run.findings import with_saved
from pytest_velo.integration.run.freedom import own_fixtures
from pytest_velo.integration.run.hypothesis import build
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.integration.run.purpose import Purpose, purpose_of, rescored_of
from pytest_velo.integration.run.waves import waves_of
from pytest_velo.integration.run.workers import trials_of
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.records import Assumed, HypothesisResult, Outcome
from pytest_velo.runner.result import result_of, with_brief_details
from pytest_velo.runner.run import Launcher, Run
from pytest_velo.sampling.stats import SamplingStats


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
        purpose: What it is sampled for.
        run: What is sampled.
        watch: Called after every trial.
        outcomes: What reads its outcomes.
        books: Where it is entered.
        checking: Its checks.
        result: None until the run has ended.
        assumed: What it assumes, with how that stood when it began.
        n_earlier: Earlier attempts from which the scheduler knows what to expect.
    """

    item: pytest.Function
    purpose: Purpose
    run: Run
    watch: Watch
    outcomes: HostOutcomes
    books: Books
    checking: Checking
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
        result = concluded(
            run,
            self.outcomes,
            self.purpose.books(self.books, run),
            strict=settings.strict,
            checking=self.checking,
            before=before,
            after=after,
        )
        result = self.purpose.told(self.item, run, result)
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
    rescored = rescored_of(item)
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
    checking = checking_for(item, settings)
    if rescored is None:
        checking.refuse(strict=session.settings.strict)  # before a claim is frozen
    purpose = purpose_of(item, session, hypothesis, guard, rescored)
    books, hypothesis = entered(session, purpose.hypothesis, is_look=purpose.is_look)
    n_known, watch = books.looks.n_known, watch or Watch()
    runner = None
    if rescored is None and STEP not in item.stash and hypothesis.frame.search is None:
        runner = trials_of(item, session, hypothesis, outcomes, n_known)  # workers know none of these
    drawer = purpose.drawer(session)
    run = Run(hypothesis, drawer, session.loop, watch, n_known=n_known, launcher=launcher, runner=runner)
    return Sampling(
        item=item,
        purpose=purpose,
        run=run,
        watch=watch,
        outcomes=outcomes,
        books=books,
        checking=checking,
        assumed=assumed,
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
