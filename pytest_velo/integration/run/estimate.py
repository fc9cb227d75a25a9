"""What a run would take, without a call: bodies run on stored draws until the first one that is missing."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from pytest_velo.claims import Claim
from pytest_velo.errors import NotDrawnError
from pytest_velo.integration.baseline.guard import guard_of
from pytest_velo.integration.collect.reach import check_drawn
from pytest_velo.integration.config.rerun import rerun_line
from pytest_velo.integration.run.hypothesis import build
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.integration.run.price import asks_a_model, last_seen, price_of
from pytest_velo.integration.stash import FACTS, SPEC
from pytest_velo.records import OutcomeKind, TrialRecord, add_costs
from pytest_velo.report.estimates import Estimate, estimate_text
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.run import Run
from pytest_velo.settings import Api
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.verdicts import StopReason

if TYPE_CHECKING:
    from pytest_velo.integration.session import VeloSession
    from pytest_velo.stats.engine.design import Design


def run_on_stored(item: pytest.Function, session: VeloSession) -> Run | Estimate:
    """Run an item's bodies on stored draws; what a body raises is in the run's `error`.

    Scripted replies are computed anew. Nothing is stored, logged or recorded.

    Args:
        item: A prepared item whose fixtures are set up.
        session: The session; its mode is to be estimate, so that no call can be made.

    Returns:
        The run, which ends at the first draw that is missing; the estimate where there is nothing to run.

    Raises:
        UsageError: The design, or what was stored of a baseline.
    """
    if not asks_a_model(item):
        return Estimate(ends="its body asks for no model", calls_per_trial=0.0, usd_per_trial=0.0)
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
    n_known = 0 if session.stored is None else Looks(session.stored, hypothesis).n_known
    run = Run(hypothesis, session.sampler, session.loop, n_known=n_known)
    session.loop.run(run.go())
    return run


def estimate_of(item: pytest.Item, session: VeloSession, run: Run, *, planned: bool = True) -> Estimate:
    """Return what is left to draw of a run that ended, for want of a draw or because it was done.

    Args:
        item: A prepared item.
        session: The session, for what the item took when it last ran.
        run: Its run, as `run_on_stored` returns it.
        planned: Say how many trials are likely, too, which loads what computes it.
    """
    trials = [*run.trials, *run.after]
    begun = [] if run.error_trial is None else [run.error_trial]
    n_draws = sum(call.reply.cached for trial in (*trials, *begun) for call in trial.calls)
    if run.error is None:
        return Estimate(ends=_ending(run, n_draws), n_trials=len(trials), n_draws=n_draws)
    calls, usd, is_worst = _each(item, session, run, trials)
    left = sum(1 for _ in run.hypothesis.frame.trials()) - len(trials)
    likely, when = _likely(item, run, left) if planned else (None, "")
    return Estimate(
        n_trials=len(trials),
        n_draws=n_draws,
        n_left=left,
        calls_per_trial=calls,
        usd_per_trial=usd,
        is_worst=is_worst,
        n_likely=likely,
        likely_when=when,
    )


def skip_text(item: pytest.Item, session: VeloSession, run: Run) -> str:
    """Say why an item was not sampled, what it would take, and the line that samples it.

    Args:
        item: A prepared item.
        session: The session.
        run: Its run, which ended at a draw that costs money and that nobody asked for.
    """
    line = rerun_line(item, session.settings).replace("pytest", "pytest -m velo", 1)
    told = estimate_text(estimate_of(item, session, run, planned=False))
    return f"needs paid draws, and nobody asked for them ({told}); run: {line}"


def _ending(run: Run, n_draws: int) -> str:
    """Say why a run needs no call."""
    if run.refusal is not None:
        return run.refusal
    if not n_draws:
        return "its replies are scripted"
    decided = run.stop is StopReason.DECIDED
    return (
        "its verdict is in the cache" if decided else "all it would draw is in the cache, without a verdict"
    )


def _each(
    item: pytest.Item, session: VeloSession, run: Run, trials: list[TrialRecord]
) -> tuple[float | None, float | None, bool]:
    """Return calls and dollars of a trial, and whether these are the worst case.

    What the stored trials took is known best, then what the item took when it last ran.
    """
    if trials:
        real = [call for trial in trials for call in trial.calls if call.request.api != Api.SCRIPTED]
        calls: float | None = len(real) / len(trials)
        spent = add_costs(call.reply.cost_usd for trial in trials for call in trial.calls)
        usd = None if spent is None else spent / len(trials)
    else:
        seen, price = last_seen(item, session), price_of(item, session)
        calls, usd = (None, price.usd) if seen is None else (seen.calls_per_trial, price.usd)
    if usd is not None or not isinstance(run.error, NotDrawnError) or run.error.worst_usd is None:
        return calls, usd, False
    return calls, run.error.worst_usd * (1.0 if calls is None else max(1.0, calls)), True


def _likely(item: pytest.Item, run: Run, left: int) -> tuple[float | None, str]:
    """Return how many further trials it will take, and on average of what: a guess once some are stored."""
    hypothesis = run.hypothesis
    if hypothesis.to_the_end:
        return None, ""
    if run.weigher.n:
        mean = _going_by(run)
        if mean is not None:
            return min(float(left), mean), "going by the trials so far"
        return float(min(left, run.weigher.expected_more() * hypothesis.frame.unit_size)), ""
    claim = hypothesis.claim
    if type(claim) is not Claim or hypothesis.make_rule is not rule_for:
        return None, ""
    expect = item.stash[SPEC].get("expect")
    mean = _mean_units(claim, hypothesis.design, expect)
    when = f"if the rate is {expect:g}" if expect is not None else "at the true value that takes most"
    return min(float(left), mean * hypothesis.frame.unit_size), when


def _going_by(run: Run) -> float | None:
    """Return the mean of further trials by those of the run; None where they are not all plain 0 or 1."""
    hypothesis, claim = run.hypothesis, run.hypothesis.claim
    ones = sum(trial.kind is OutcomeKind.ONE for trial in run.trials)
    zeros = sum(trial.kind is OutcomeKind.ZERO for trial in run.trials)
    plain = hypothesis.single and hypothesis.design.census is None and hypothesis.make_rule is rule_for
    if type(claim) is not Claim or not plain or ones + zeros < len(run.trials):
        return None
    from pytest_velo.stats.planning.operating import mean_further
    from pytest_velo.stats.rules.rate import make_rate_rule

    rule = make_rate_rule(claim, hypothesis.design)
    for trial in run.trials:
        outcome = float(trial.kind is OutcomeKind.ONE)
        rule.feed(outcome, outcome)
    return mean_further(rule, ones)


@lru_cache(maxsize=256)
def _mean_units(claim: Claim, design: Design, expect: float | None) -> float:
    """Return the mean units at the rate that is expected, else the largest of those that a plan shows."""
    from pytest_velo.stats.engine.futility import usual_futility
    from pytest_velo.stats.planning.scenarios import scenarios_of
    from pytest_velo.stats.planning.truths import truths_of

    scenario = scenarios_of(claim, design, usual_futility(design.max_units))[0]
    truths = truths_of(claim) if expect is None else [expect]
    return max(law.mean_n for law in scenario.law(truths))
