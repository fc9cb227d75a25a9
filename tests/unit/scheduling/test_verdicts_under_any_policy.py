"""Whoever decides which run gets the next trial, each run sees its own trials and has its own verdict.

So a scheduler has no error rate: what is calibrated run by run holds under every policy, also under one that
knows all evidence so far and favours whoever is luckiest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytest_velo import estimate, rate
from pytest_velo.runner.run import Run
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.scheduling.earlier import Earlier
from pytest_velo.scheduling.policies import Policy, policy_of
from pytest_velo.scheduling.pool import Pool
from pytest_velo.settings import Scheduler, Settings
from pytest_velo.verdicts import Verdict

RATES = (0.5, 0.5, 0.5, 0.45, 0.55, 0.7, 0.2)


def luckiest(waiting: Sequence[Run]) -> Run:
    """Go on with whoever is nearest to "supported" by the trials so far."""
    return max(waiting, key=lambda run: (run.weigher.log_e() or (0.0, 0.0))[0])


def unluckiest(waiting: Sequence[Run]) -> Run:
    """Let all wait that look good."""
    return min(waiting, key=lambda run: (run.weigher.log_e() or (0.0, 0.0))[0])


def last_first(waiting: Sequence[Run]) -> Run:
    return waiting[-1]


def hypotheses(make_hypothesis: Callable[..., Any]) -> list[Any]:
    """Return claims at and around their edge; replies take the longer the better they are."""

    def body_of(p: float) -> Any:
        async def body(case: Any, arm: str, trial: Any) -> bool:
            one = trial.rng.random() < p
            for _ in range(3 if one else 0):
                await asyncio.sleep(0)
            return bool(one)

        return body

    found = [
        make_hypothesis(body_of(p), rate >= 0.5, max_trials=80, seed=seed) for seed, p in enumerate(RATES)
    ]
    found.append(make_hypothesis(body_of(0.5), rate.within(0.5, 0.95), max_trials=80, seed=20))
    found.append(make_hypothesis(body_of(0.3), estimate(rate, halfwidth=0.2), max_trials=80, seed=21))
    found.append(make_hypothesis(body_of(0.6), rate <= 0.6, max_trials=80, seed=22, limit=3))
    return found


def seen_of(runs: list[Run]) -> list[Any]:
    """Return what each run came to, and by which trials."""
    return [
        (run.verdict, run.stop, run.weigher.n, run.weigher.bounds(), [trial.values for trial in run.trials])
        for run in runs
    ]


def together(make_hypothesis: Callable[..., Any], policy_for: Callable[[list[Run]], Policy]) -> list[Any]:
    """Sample all of them in one pool and return what each came to."""

    async def go() -> list[Run]:
        runs: list[Run] = []
        pool = Pool(lambda waiting: policy(waiting), 6, lambda _: "lane")
        for hypothesis in hypotheses(make_hypothesis):
            sampler = Sampler(Settings(seed=hypothesis.seed), None)
            runs.append(Run(hypothesis, sampler, SampleLoop(), launcher=pool))
        policy = policy_for(runs)
        pool.start(runs)
        for run in runs:
            await asyncio.wait_for(pool.wait(run), timeout=60)
        return runs

    return seen_of(asyncio.run(go()))


def misled(runs: list[Run]) -> Policy:
    """Return the policy that learns from earlier runs, of which each saw the contrary of the truth."""
    lies = {
        run: Earlier(n_attempts=1, n_units=40, mean=0.95 if n % 2 else 0.05, weight=30.0)
        for n, run in enumerate(runs)
    }
    return policy_of(Scheduler.GAIN, lies)


def alone(make_hypothesis: Callable[..., Any]) -> list[Any]:
    """Sample each by itself."""
    runs = [
        Run(hypothesis, Sampler(Settings(seed=hypothesis.seed), None), SampleLoop())
        for hypothesis in hypotheses(make_hypothesis)
    ]
    for run in runs:
        asyncio.run(run.go())
    return seen_of(runs)


@pytest.mark.parametrize(
    "policy",
    [
        *(pytest.param(lambda _, which=which: policy_of(which), id=which.value) for which in Scheduler),
        pytest.param(misled, id="misled by earlier runs"),
        *(pytest.param(lambda _, of=of: of, id=of.__name__) for of in (luckiest, unluckiest, last_first)),
    ],
)
def test_every_verdict_is_that_of_the_run_by_itself(make_hypothesis, policy) -> None:
    expected = alone(make_hypothesis)
    assert {verdict for verdict, *_ in expected} >= {Verdict.SUPPORTED, Verdict.REFUTED, Verdict.MEASURED}
    assert together(make_hypothesis, policy) == expected
