"""Runs that are sampled together: what breaks one neither hangs nor hides."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice

import pytest

from pytest_velo.case_sets import Planned, pick_order
from pytest_velo.runner.run import AtOnce, Launcher, Run
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.scheduling.policies import policy_of
from pytest_velo.scheduling.pool import Pool
from pytest_velo.settings import Scheduler, Settings


async def body(case, arm, trial):
    await asyncio.sleep(0)
    return trial.index % 2 == 0


def plan_that_breaks_after(n: int) -> Iterator[Planned]:
    trials = pick_order(None, "cases", seed=0)
    yield from (trials[index] for index in range(n))
    raise ValueError("the plan broke")


@pytest.mark.parametrize("scheduler", Scheduler)
@pytest.mark.parametrize("n", [0, 7])
def test_a_plan_that_breaks_is_the_error_of_its_run_alone(make_hypothesis, scheduler, n) -> None:
    async def go() -> None:
        pool = Pool(policy_of(scheduler), 20, lambda _: "lane")
        drawer, threads = Sampler(Settings(), None), SampleLoop()
        broken = make_hypothesis(body, trials=lambda: plan_that_breaks_after(n))
        runs = [Run(one, drawer, threads, launcher=pool) for one in (broken, make_hypothesis(body))]
        pool.start(runs)
        for run in runs:
            await asyncio.wait_for(pool.wait(run), timeout=60)
        assert isinstance(runs[0].error, ValueError)
        assert runs[1].error is None
        assert runs[1].trials

    asyncio.run(go())


@pytest.mark.parametrize("scheduler", Scheduler)
def test_a_plan_that_is_used_up_takes_no_place_in_the_lane(make_hypothesis, scheduler) -> None:
    """It wants another trial, for one that was invalid, and there is none: the next run has the place."""

    async def go() -> None:
        pool = Pool(policy_of(scheduler), 1, lambda _: "lane")
        drawer, threads = Sampler(Settings(), None), SampleLoop()
        used_up = make_hypothesis(body, trials=lambda: islice(pick_order(None, "cases", seed=0), 3))
        runs = [Run(one, drawer, threads, launcher=pool) for one in (used_up, make_hypothesis(body))]
        pool.start(runs)
        for run in runs:
            await asyncio.wait_for(pool.wait(run), timeout=60)
        assert len(runs[0].trials) == 3
        assert len(runs[1].trials) > 3

    asyncio.run(go())


def test_alone_a_plan_that_breaks_is_the_error_of_its_run(make_hypothesis) -> None:
    async def go() -> Run:
        launcher: Launcher = AtOnce()
        hypothesis = make_hypothesis(body, trials=lambda: plan_that_breaks_after(3))
        run = Run(hypothesis, Sampler(Settings(), None), SampleLoop(), launcher=launcher)
        await asyncio.wait_for(run.go(), timeout=60)
        return run

    assert isinstance(asyncio.run(go()).error, ValueError)


def test_a_policy_that_breaks_ends_every_run_with_its_error(make_hypothesis) -> None:
    def breaks(waiting):
        raise LookupError("the policy broke")

    async def go() -> None:
        pool = Pool(breaks, 20, lambda _: "lane")
        drawer, threads = Sampler(Settings(), None), SampleLoop()
        runs = [Run(make_hypothesis(body), drawer, threads, launcher=pool) for _ in range(2)]
        pool.start(runs)
        for run in runs:
            with pytest.raises(LookupError, match="the policy broke"):
                await asyncio.wait_for(pool.wait(run), timeout=60)

    asyncio.run(go())


@pytest.mark.parametrize("scheduler", Scheduler)
def test_a_run_that_ends_among_stored_trials_lets_the_next_one_on(make_hypothesis, scheduler) -> None:
    """It fills the lane with what costs nothing, and is decided before it has read all of it."""

    async def go() -> None:
        pool = Pool(policy_of(scheduler), 5, lambda _: "lane")
        drawer, threads = Sampler(Settings(), None), SampleLoop()

        async def always(case, arm, trial):
            await asyncio.sleep(0)
            return True

        known = Run(make_hypothesis(always, limit=5), drawer, threads, launcher=pool, n_known=200)
        other = Run(make_hypothesis(body, limit=5), drawer, threads, launcher=pool)
        pool.start([known, other])
        for run in (known, other):
            await asyncio.wait_for(pool.wait(run), timeout=60)
        assert len(known.trials) < 200
        assert other.trials

    asyncio.run(go())
