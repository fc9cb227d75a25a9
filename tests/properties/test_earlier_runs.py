"""What earlier runs saw says who is next, and nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_velo.claims import estimate, mean, rate
from pytest_velo.runner.run import Run
from pytest_velo.scheduling.earlier import MOST, Earlier
from pytest_velo.scheduling.gain import expected_gain
from pytest_velo.scheduling.policies import policy_of
from pytest_velo.scheduling.pool import Pool
from pytest_velo.settings import Scheduler
from support.runs import hypothesis, sampled

if TYPE_CHECKING:
    from collections.abc import Mapping

SEEN = st.builds(
    Earlier,
    n_attempts=st.just(1),
    weight=st.floats(0.1, MOST),
    mean=st.floats(0.0, 1.0),
    n_units=st.integers(1, 500),
    cost_usd=st.none() | st.floats(0.0, 1e3),
)
OUTCOMES = st.lists(st.sampled_from([0, 1]), min_size=20, max_size=20)
CLAIMS = (rate >= 0.5, rate.within(0.3, 0.7), mean(0, 1) >= 0.5, estimate(rate, halfwidth=0.2))


def ends(outcomes: list[list[int]], seen: Mapping[int, Earlier], n_in_flight: int) -> list[object]:
    """Sample hypotheses together; return how each ended, and on which trials."""
    nobody: Any = None  # no model is asked, and no body blocks

    async def go() -> list[Run]:
        earlier: dict[Run, Earlier] = {}
        pool = Pool(policy_of(Scheduler.GAIN, earlier), n_in_flight, lambda _: "lane")
        runs = [
            Run(hypothesis(claim, told), nobody, nobody, launcher=pool)
            for claim, told in zip(CLAIMS, outcomes, strict=True)
        ]
        earlier.update({runs[at]: each for at, each in seen.items()})
        pool.start(runs)
        for run in runs:
            await pool.wait(run)
        return runs

    return [
        (
            run.verdict,
            run.stop,
            run.weigher.log_e(),
            [(trial.index, dict(trial.values)) for trial in run.trials],
        )
        for run in asyncio.run(go())
    ]


@settings(max_examples=6)
@given(
    outcomes=st.tuples(*[OUTCOMES] * len(CLAIMS)),
    seen=st.dictionaries(st.integers(0, len(CLAIMS) - 1), SEEN),
    n_in_flight=st.integers(1, 6),
)
def test_verdicts_and_trials_do_not_depend_on_what_was_seen_before(outcomes, seen, n_in_flight) -> None:
    assert ends(outcomes, seen, n_in_flight) == ends(outcomes, {}, n_in_flight)


@settings(max_examples=12)
@given(outcomes=st.lists(st.sampled_from([0, 1]), min_size=1, max_size=4), seen=SEEN)
def test_every_gain_is_a_positive_number(outcomes, seen) -> None:
    for claim in CLAIMS:
        assert 0.0 < expected_gain(sampled(claim, outcomes), seen) < 10.0
