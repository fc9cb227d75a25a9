"""What a run would take, without a call: bodies run on stored draws up to the first missing one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_velo.errors import NotDrawnError
from pytest_velo.integration.baseline.guard import guard_of
from pytest_velo.integration.collect.reach import check_drawn
from pytest_velo.integration.collect.stash import FACTS, SPEC
from pytest_velo.integration.config.rerun import rerun_line
from pytest_velo.integration.run.draws import on_its_draws
from pytest_velo.integration.run.hypothesis import build
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.integration.run.outlook import likely
from pytest_velo.integration.run.price import asks_a_model, last_seen, price_of
from pytest_velo.records import TrialRecord, add_costs
from pytest_velo.report.estimates import Estimate, estimate_text
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.run import Run
from pytest_velo.settings import Api
from pytest_velo.verdicts import StopReason

if TYPE_CHECKING:
    from pytest_velo.integration.session import VeloSession


def run_on_stored(item: pytest.Function, session: VeloSession) -> Run | Estimate:
    """Run a prepared item's bodies on stored draws; a body's exception is in the run's `error`.

    Scripted replies are computed again. Nothing is stored, logged or recorded. The session's mode must be
    estimate, so that no call can be made.

    Returns:
        The run, which ends at the first missing draw; an estimate where there is nothing to run.

    Raises:
        UsageError: The design, or the stored baseline, is at fault.
    """
    if not asks_a_model(item):
        return Estimate(ends="its body takes no model fixture", calls_per_trial=0.0, usd_per_trial=0.0)
    check_drawn(item, session.settings)
    outcomes = HostOutcomes(item.stash[FACTS], item.stash[SPEC].claim, item.path.parent)
    hypothesis = build(
        item,
        session.settings,
        outcomes,
        may_pay=False,
        in_order=session.in_order(),
        fixtures=item.funcargs,
    )
    guard = guard_of(item, session, hypothesis)
    if guard is not None:
        if guard.hypothesis is None:
            return Estimate(ends=guard.problem)
        hypothesis = guard.hypothesis
    if guard is None or guard.is_look:
        hypothesis = on_its_draws(item, session, hypothesis)
    n_known = 0 if session.stored is None else Looks(session.stored, hypothesis).n_known
    run = Run(hypothesis, session.sampler, session.loop, n_known=n_known)
    session.loop.run(run.go())
    return run


def estimate_of(item: pytest.Item, session: VeloSession, run: Run, *, planned: bool = True) -> Estimate:
    """Return what a run that ended, finished or at a missing draw, has left to draw.

    `planned` adds the likely number of trials, which loads the code that computes it.
    """
    trials = [*run.trials, *run.after]
    begun = [] if run.error_trial is None else [run.error_trial]
    n_draws = sum(call.reply.cached for trial in (*trials, *begun) for call in trial.calls)
    if run.error is None:
        return Estimate(ends=_ending(run, n_draws), n_trials=len(trials), n_draws=n_draws)
    calls, usd, is_worst = _each(item, session, run, trials)
    left = _most(run.hypothesis) - len(trials)
    n_likely, when = None, ""
    if planned:
        n_likely, when = likely(run, left, item.stash[SPEC].get("expect"))
    return Estimate(
        n_trials=len(trials),
        n_draws=n_draws,
        n_left=left,
        calls_per_trial=calls,
        usd_per_trial=usd,
        is_worst=is_worst,
        n_likely=n_likely,
        likely_when=when,
    )


def _most(hypothesis: Hypothesis) -> int:
    """Return how many trials there are at most; those of a search are planned as it goes, from nothing."""
    frame = hypothesis.frame
    return sum(1 for _ in frame.trials()) if frame.search is None else frame.max_trials


def skip_text(item: pytest.Item, session: VeloSession, run: Run) -> str:
    """Say why an item was not sampled, what it would take, and the command that samples it."""
    line = rerun_line(item, session.settings).replace("pytest", "pytest -m velo", 1)
    told = estimate_text(estimate_of(item, session, run, planned=False))
    return f"would make paid calls, which are not enabled ({told}); run: {line}"


def _ending(run: Run, n_draws: int) -> str:
    """Say why a run needs no call."""
    if run.refusal is not None:
        return run.refusal
    if not n_draws:
        return "its replies are scripted"
    decided = run.stop is StopReason.DECIDED
    return "its verdict is in the cache" if decided else "every draw is in the cache, and there is no verdict"


def _each(
    item: pytest.Item, session: VeloSession, run: Run, trials: list[TrialRecord]
) -> tuple[float | None, float | None, bool]:
    """Return calls and dollars per trial, and whether these are the worst case.

    The stored trials are the best source, where there are some of each arm, then the item's last run. An arm
    may be another model, so what one takes says nothing of the others.
    """
    arms = run.hypothesis.frame.arms
    by_arm = [[trial for trial in trials if trial.arm == arm] for arm in arms] if arms else [trials]
    if all(by_arm):
        calls: float | None = sum(map(_calls_each, by_arm)) / len(by_arm)
        spent = add_costs(map(_usd_each, by_arm))
        usd = None if spent is None else spent / len(by_arm)
    else:
        seen, price = last_seen(item, session), price_of(item, session)
        calls, usd = (None, price.usd) if seen is None else (seen.calls_per_trial, price.usd)
    if usd is not None or not isinstance(run.error, NotDrawnError) or run.error.worst_usd is None:
        return calls, usd, False
    return calls, run.error.worst_usd * (1.0 if calls is None else max(1.0, calls)), True


def _calls_each(trials: Sequence[TrialRecord]) -> float:
    """Return the calls of a trial that a provider answered."""
    real = [call for trial in trials for call in trial.calls if call.request.api != Api.SCRIPTED]
    return len(real) / len(trials)


def _usd_each(trials: Sequence[TrialRecord]) -> float | None:
    """Return the dollars of a trial; None if they are not known."""
    spent = add_costs(call.reply.cost_usd for trial in trials for call in trial.calls)
    return None if spent is None else spent / len(trials)
