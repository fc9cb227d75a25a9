"""The whole runner at the boundary: launching, waiting, invalid trials, prefixes, the sampler, the rule.

The truth sits exactly on the threshold, replies take random times that depend on the outcome, and trials
are invalid depending on the outcome. Every verdict is then wrong; their share must stay within the error.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from scipy.stats import binom

from pytest_velo import rate, scripted
from pytest_velo.errors import InvalidTrial
from pytest_velo.providers.registry import resolve
from pytest_velo.records import Invalid
from pytest_velo.sampling.model import AsyncModel
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.settings import Settings
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict

RUNS = 1_000
ALPHA = 0.05
# Seeded, so it cannot flake. A rule that errs with just alpha shows no more with 998 seeds of 1,000.
MOST = int(binom.ppf(0.998, RUNS, ALPHA))


def share_of_verdicts(
    sample, make_hypothesis, latency, body_of, *, n_runs: int = RUNS, **design
) -> Counter[Verdict]:
    """Sample `n_runs` hypotheses with seeds 0, 1, ... and count their verdicts."""

    async def all_runs() -> Counter[Verdict]:
        verdicts: Counter[Verdict] = Counter()
        for seed in range(n_runs):
            sampler = Sampler(Settings(seed=seed, concurrency=50), None)
            run = await sample(make_hypothesis(body_of(latency), seed=seed, limit=50, **design), sampler)
            assert run.error is None, run.error
            verdicts[run.verdict] += 1
            await sampler.aclose()
        return verdicts

    return asyncio.run(all_runs())


@pytest.mark.parametrize(
    ("claim", "spoiled", "invalid"),
    [
        (rate >= 0.5, 0, Invalid.BOUND),
        (rate <= 0.5, 1, Invalid.BOUND),
        (rate <= 0.5, 1, Invalid.AGAINST),
    ],
    ids=["at_least-bound", "at_most-bound", "at_most-against"],
)
def test_wrong_support_stays_within_alpha(sample, make_hypothesis, latency, claim, spoiled, invalid) -> None:
    """Outcomes against the claim turn invalid 30% of the time, and then come last."""

    def body_of(clock):
        async def body(case, arm, trial):
            outcome = trial.rng.random() < 0.5
            await clock.wait(trial.rng.expovariate(1 if outcome else 1 / 5))
            if outcome == spoiled and trial.rng.random() < 0.3:
                raise InvalidTrial("lost")
            return outcome

        return body

    # Invalid trials hide what speaks against the claim: a rule that dropped them would see 0.59.
    design = {"claim": claim, "invalid": invalid, "max_trials": 40}
    verdicts = share_of_verdicts(sample, make_hypothesis, latency, body_of, **design)
    assert verdicts[Verdict.SUPPORTED] <= MOST, verdicts


def test_dropping_invalid_trials_that_depend_on_the_outcome_would_fail(
    sample, make_hypothesis, latency
) -> None:
    """The same trials under `exclude`, which certifies another thing: the rate among valid replies."""

    def body_of(clock):
        async def body(case, arm, trial):
            outcome = trial.rng.random() < 0.5
            await clock.wait(trial.rng.expovariate(1))
            if not outcome and trial.rng.random() < 0.6:
                raise InvalidTrial("lost")
            return outcome

        return body

    design = {"claim": rate >= 0.5, "invalid": Invalid.EXCLUDE, "max_trials": 40}
    verdicts = share_of_verdicts(sample, make_hypothesis, latency, body_of, n_runs=400, **design)
    assert verdicts[Verdict.SUPPORTED] / 400 > 5 * MOST / RUNS, verdicts


def test_both_errors_hold_through_a_model_and_the_sampler(sample, make_hypothesis, latency) -> None:
    """Draws come from a model through slots, flights and the gate; slow replies are the zeros."""

    async def answer(request, rng: random.Random) -> str:
        text = "yes" if rng.random() < 0.3 else "no"
        await latency.wait(rng.expovariate(1 if text == "yes" else 1 / 10))
        return text

    model = AsyncModel(resolve(scripted("boundary", answer)))

    def body_of(_clock):
        async def body(case, arm, trial):
            return (await model("?")).text == "yes"

        return body

    verdicts = share_of_verdicts(
        sample, make_hypothesis, latency, body_of, claim=rate >= 0.3, max_trials=30, model="scripted/boundary"
    )
    assert verdicts[Verdict.SUPPORTED] <= MOST, verdicts
    assert verdicts[Verdict.REFUTED] <= MOST, verdicts
    assert verdicts[Verdict.SUPPORTED] > 0
    assert verdicts[Verdict.REFUTED] > 0


def test_taking_trials_as_they_arrive_would_fail(calibration) -> None:
    """Fast replies are no random subset: in order of arrival, trials like these mislead. 20,000 runs."""

    def in_order_of_arrival(seed: int) -> Verdict | None:
        rule = make_rate_rule(rate >= 0.5, Design(alpha=ALPHA, beta=ALPHA, max_units=40))
        rng = random.Random(seed)
        outcomes = [rng.random() < 0.5 for _ in range(40)]
        for outcome in sorted(outcomes, key=lambda one: rng.expovariate(1 if one else 1 / 10)):
            if rule.feed(float(outcome), float(outcome)) is not None:
                break
        return rule.verdict

    verdicts = Counter(map(in_order_of_arrival, range(calibration.n_runs)))
    calibration.tell({verdict: n / calibration.n_runs for verdict, n in verdicts.items()})
    assert verdicts[Verdict.SUPPORTED] / calibration.n_runs > 3 * calibration.most(ALPHA)
