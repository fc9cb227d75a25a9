"""One hypothesis being sampled: prefixes, units, errors, what is in flight, looks."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pytest_velo import estimate, mean, rate
from pytest_velo.errors import BodyError, BudgetError, InvalidTrial, OutageError, UsageError
from pytest_velo.records import Invalid, Outcome, OutcomeKind
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.result import result_of
from pytest_velo.runner.run import Run
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.sampling.scope import current
from pytest_velo.settings import Settings
from pytest_velo.stats.exact import history_error
from pytest_velo.verdicts import StopReason, Verdict
from support.hypotheses import Named, changed


def run_one(sample, hypothesis):
    return asyncio.run(sample(hypothesis))


def test_it_stops_as_soon_as_the_claim_is_certain(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        return True

    run = run_one(sample, make_hypothesis(body, rate >= 0.5, max_trials=200))
    result = result_of(run)
    assert (run.verdict, run.stop) == (Verdict.SUPPORTED, StopReason.DECIDED)
    assert result.outcome is Outcome.SUPPORTED
    assert result.decision.evidence.n == len(result.trials) < 15
    assert result.decision.n_saved == 200 - len(result.trials)
    assert result.decision.certified == "rate > 0.5"


def test_few_trials_are_started_that_the_verdict_does_not_need(make_hypothesis, sample) -> None:
    started = []

    async def body(case, arm, trial):
        started.append(trial.index)
        await asyncio.sleep(0)
        return True

    run = run_one(sample, make_hypothesis(body, rate >= 0.5, max_trials=200, limit=50))
    assert started == list(range(len(started)))
    assert run.n_beyond == len(started) - len(run.trials) <= 3


def test_a_second_look_begins_nothing_beyond_the_first_before_it_is_all_in(make_hypothesis, sample) -> None:
    started = []

    async def body(case, arm, trial):
        started.append(trial.index)
        await asyncio.sleep(0)
        return trial.index % 8 > 0

    hypothesis = make_hypothesis(body, rate >= 0.5, max_trials=200)
    first = run_one(sample, hypothesis)
    n_first = len(first.trials)
    started.clear()
    second = asyncio.run(sample(hypothesis, n_known=n_first))
    assert (second.verdict, started) == (first.verdict, list(range(n_first)))
    assert asyncio.run(sample(hypothesis, n_known=n_first - 5)).trials == first.trials


def test_prefixes_are_taken_in_submission_order(make_hypothesis, sample) -> None:
    """The first trial arrives last; nothing is decided without it."""

    def body_of(release: asyncio.Event):
        async def body(case, arm, trial):
            if trial.index == 0:
                await release.wait()
                return False
            if trial.index == 5:
                release.set()
            return True

        return body

    async def go():
        return await sample(make_hypothesis(body_of(asyncio.Event()), rate >= 0.5, max_trials=50))

    run = asyncio.run(go())
    assert [trial.index for trial in run.trials] == list(range(len(run.trials)))
    assert run.trials[0].kind is OutcomeKind.ZERO


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_the_result_does_not_depend_on_what_is_in_flight(make_hypothesis, sample, latency, limit) -> None:
    async def body(case, arm, trial):
        await latency.wait(trial.rng.expovariate(1))
        return trial.rng.random() < 0.7

    run = run_one(sample, make_hypothesis(body, rate >= 0.5, max_trials=200, limit=limit))
    alone = run_one(sample, make_hypothesis(body, rate >= 0.5, max_trials=200, limit=1))
    assert run.trials == alone.trials
    assert run.verdict is alone.verdict


def test_an_error_counts_when_the_prefix_reaches_it(make_hypothesis, sample) -> None:
    """A verdict of the trials before it stands, whatever was in flight beyond."""

    async def body(case, arm, trial):
        if trial.index == 30:
            raise ValueError("beyond the verdict")
        return True

    run = run_one(sample, make_hypothesis(body, rate >= 0.5, max_trials=200, limit=200))
    assert (run.verdict, run.error) == (Verdict.SUPPORTED, None)


def test_an_error_ends_the_hypothesis_with_its_trial(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        if trial.index == 2:
            trial.note("here")
            raise ValueError("bad")
        return True

    result = result_of(run := run_one(sample, make_hypothesis(body)))
    assert isinstance(run.error, ValueError)
    assert (result.outcome, result.problem) == (Outcome.ERROR, "ValueError: bad")
    assert result.trials[-1].notes == ("here",)


def test_infrastructure_trouble_is_an_error_and_never_an_outcome(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        raise OutageError("the provider is down")

    result = result_of(run_one(sample, make_hypothesis(body)))
    assert result.outcome is Outcome.ERROR
    assert result.decision.evidence.n == 0


def test_an_empty_budget_leaves_the_claim_undecided(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        if trial.index >= 3:
            raise BudgetError("the budget is spent")
        return True

    run = run_one(sample, make_hypothesis(body))
    result = result_of(run)
    assert (result.outcome, run.stop) == (Outcome.INCONCLUSIVE, StopReason.BUDGET)
    assert len(result.trials) == 3
    assert any("budget" in notice for notice in result.notices)


@pytest.mark.parametrize(
    ("invalid", "verdict"),
    [
        (Invalid.BOUND, Verdict.INCONCLUSIVE),
        (Invalid.EXCLUDE, Verdict.SUPPORTED),
        (Invalid.AGAINST, Verdict.REFUTED),
    ],
)
def test_invalid_trials_count_as_the_mark_says(make_hypothesis, sample, invalid, verdict) -> None:
    """Three of four trials are invalid, the valid ones are all for the claim."""

    async def body(case, arm, trial):
        if trial.index % 4:
            raise InvalidTrial("cut")
        return True

    run = run_one(sample, make_hypothesis(body, rate >= 0.6, invalid=invalid, max_trials=100))
    assert run.verdict is verdict
    assert run.units.n_invalid > 0
    among = " among valid replies" if invalid is Invalid.EXCLUDE else ""
    assert result_of(run).decision.certified.endswith(among)


def test_against_is_one_for_a_claim_of_at_most(make_hypothesis, sample) -> None:
    """An invalid outcome is never silently a 0: for `<=` a 0 would speak for the claim."""

    async def body(case, arm, trial):
        raise InvalidTrial("cut")

    hypothesis = make_hypothesis(body, rate <= 0.4, invalid=Invalid.AGAINST)
    assert run_one(sample, hypothesis).verdict is Verdict.REFUTED


def test_an_invalid_trial_stays_invalid_when_the_body_swallows_the_signal(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        current("test").invalidate("the reply was cut")
        return True

    run = run_one(sample, make_hypothesis(body, max_trials=20))
    assert {trial.kind for trial in run.trials} == {OutcomeKind.INVALID}


def test_a_hopeless_hypothesis_stops_early(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        return trial.index % 2 == 0

    run = run_one(sample, make_hypothesis(body, rate >= 0.5, max_trials=100))
    assert (run.verdict, run.stop) == (Verdict.INCONCLUSIVE, StopReason.FUTILITY)


def test_plain_bodies_run_in_threads_and_give_the_same(make_hypothesis, sample) -> None:
    from pytest_velo.runner.run import Run
    from pytest_velo.sampling.sampler import Sampler
    from pytest_velo.settings import Settings

    def plain(case, arm, trial):
        return trial.rng.random() < 0.7

    async def coroutine(case, arm, trial):
        return plain(case, arm, trial)

    loop = SampleLoop()
    try:
        run = Run(make_hypothesis(plain, is_async=False), Sampler(Settings(), None), loop)
        loop.run(run.go())
    finally:
        loop.close()
    assert run.trials == run_one(sample, make_hypothesis(coroutine)).trials


def test_groups_enter_as_their_mean(make_hypothesis, sample) -> None:
    """Ten cases of one template are one unit, not ten."""
    from pathlib import Path

    from pytest_velo.case_sets import cases, load, pick_order

    rows = [{"template": str(i // 10), "n": i} for i in range(100)]
    plan = pick_order(load(cases(rows, group="template"), base=Path()), "population", seed=0)

    async def body(case, arm, trial):
        return int(case.template) % 10 != 0

    hypothesis = make_hypothesis(
        body,
        rate >= 0.5,
        trials=lambda: iter(plan),
        max_units=plan.n_units,
        max_trials=200,
        turns_per_unit=plan.largest_unit,
    )
    run = run_one(sample, hypothesis)
    assert run.weigher.n * 10 == len(run.trials)
    assert result_of(run).decision.evidence.rule == "ville"
    assert result_of(run).decision.evidence.wilson is None


def look(store, sample, hypothesis):
    """Run a hypothesis as the session does: ask the log, run, note the look."""
    looks = Looks(store, hypothesis)
    run = run_one(sample, hypothesis)
    return looks.note(run, result_of(run))


def test_a_raised_max_trials_says_the_exact_error_of_the_history(make_hypothesis, sample, store) -> None:
    async def body(case, arm, trial):
        return trial.index % 2 == 0

    first = make_hypothesis(body, max_trials=200)
    assert look(store, sample, first).notices == ()
    assert look(store, sample, first).notices == ()  # the same look twice is one look
    (notice,) = look(store, sample, changed(first, max_trials=400, max_units=400)).notices
    assert notice.startswith("looks at max_trials=200 and 400: the chance of a wrong verdict is up to 5.")
    with pytest.raises(UsageError, match="max_trials was raised after a look"):
        Looks(store, changed(first, max_trials=800, max_units=800)).check(strict=True)
    Looks(store, first).check(strict=True)


def test_a_raised_max_trials_says_the_error_of_the_worse_end_of_within(
    make_hypothesis, sample, store
) -> None:
    async def body(case, arm, trial):
        return trial.index % 2 == 0

    first = make_hypothesis(body, rate.within(0.3, 0.5), max_trials=100)
    assert look(store, sample, first).notices == ()
    (notice,) = look(store, sample, changed(first, max_trials=200, max_units=200)).notices
    worst = max(history_error(end, side, 0.05, (100, 200)) for end, side in ((0.3, 1), (0.5, -1)))
    assert 0.05 < worst < 0.1
    assert notice == (
        f"looks at max_trials=100 and 200: the chance of a wrong verdict is up to {worst:.1%}, not 5.0%"
        "; --velo-profile=confirm draws anew"
    )
    with pytest.raises(UsageError, match="max_trials was raised after a look"):
        Looks(store, changed(first, max_trials=400, max_units=400)).check(strict=True)


def test_a_raised_max_trials_is_a_further_look_where_one_part_is_calibrated(
    make_hypothesis, sample, store
) -> None:
    async def body(case, arm, trial):
        return {"right": trial.index % 2 == 0, "score": 0.5}

    both = (rate("right") >= 0.5) & (mean(0, 1, "score") >= 0.5)
    first = make_hypothesis(body, both, max_trials=100, outcomes=Named())
    result = look(store, sample, first)
    assert result.notices == ()
    assert result.decision.evidence.rule == "mixed"
    (notice,) = look(store, sample, changed(first, max_trials=200, max_units=200)).notices
    assert notice.startswith(
        "looks at max_trials=100 and 200: the chance of a wrong verdict is up to 10.0%, not"
    )


def test_extending_from_the_first_look_costs_nothing(make_hypothesis, sample, store) -> None:
    async def body(case, arm, trial):
        return trial.index % 2 == 0

    first = make_hypothesis(body, extend=True, max_trials=100)
    look(store, sample, first)
    raised = changed(first, max_trials=200, max_units=200)
    Looks(store, raised).check(strict=True)
    assert look(store, sample, raised).notices == ()


def test_a_look_remembers_its_trials_for_the_next_under_the_same_seed(make_hypothesis, sample, store) -> None:
    async def body(case, arm, trial):
        return True

    hypothesis = make_hypothesis(body, rate >= 0.5, max_trials=200)
    assert Looks(store, hypothesis).n_known == 0
    run = run_one(sample, hypothesis)
    Looks(store, hypothesis).note(run, result_of(run))
    assert Looks(store, hypothesis).n_known == len(run.trials) > 0
    assert Looks(store, replace(hypothesis, seed=1)).n_known == 0


def test_another_seed_is_exploratory(make_hypothesis, sample, store) -> None:
    async def body(case, arm, trial):
        return True

    look(store, sample, make_hypothesis(body))
    (notice,) = look(store, sample, make_hypothesis(body, seed=1)).notices
    assert notice.startswith("exploratory: this hypothesis was looked at under other seeds before (0)")


@pytest.mark.parametrize(("invalid", "share"), [(Invalid.EXCLUDE, "10%"), (Invalid.BOUND, "3%")])
def test_what_an_estimate_keeps_for_a_run_that_ends_elsewhere(
    make_hypothesis, sample, invalid, share
) -> None:
    async def body(case, arm, trial):
        return trial.index % 3 == 0

    asked = estimate(rate, halfwidth=0.1)
    run = run_one(sample, make_hypothesis(body, asked, invalid=invalid, max_trials=60, max_units=200))
    assert f"at {share} of alpha" in run.weigher.interval_of


def test_an_unawaited_call_is_an_error(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        current("test").issue()
        return True

    assert isinstance(run_one(sample, make_hypothesis(body)).error, BodyError)


def test_a_watcher_that_breaks_ends_the_run_instead_of_hanging_it(make_hypothesis) -> None:
    async def body(case, arm, trial):
        return True

    def watch(run: Run) -> None:
        raise OSError("the terminal is gone")

    async def go() -> Run:
        run = Run(make_hypothesis(body, limit=1), Sampler(Settings(), None), SampleLoop(), watch)
        await asyncio.wait_for(run.go(), timeout=60)
        return run

    run = asyncio.run(go())
    assert isinstance(run.error, OSError)
    assert result_of(run).outcome is Outcome.ERROR
