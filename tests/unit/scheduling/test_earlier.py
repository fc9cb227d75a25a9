"""What earlier runs saw of a hypothesis: which of them count, and as how many trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_velo.cache.attempts import Entry, Found, Tried
from pytest_velo.claims import estimate, mean, rate
from pytest_velo.runner.run import Run
from pytest_velo.scheduling.earlier import MOST, Earlier, earlier_of
from pytest_velo.scheduling.gain import expected_gain
from pytest_velo.scheduling.policies import policy_of
from pytest_velo.settings import Scheduler
from support.runs import hypothesis, sampled

if TYPE_CHECKING:
    from pytest_velo.claims import AnyClaim
    from pytest_velo.runner.hypothesis import Hypothesis


def not_begun(claim: AnyClaim) -> Run:
    """Return a run of at most 200 trials that has none yet."""
    nobody: Any = None  # no model is asked, and no body blocks
    return Run(hypothesis(claim, [1] * 200), nobody, nobody)


def attempt_at(
    tried: Hypothesis, *, n: int, observed: float | None, measure: str = "rate", **fields: object
) -> list[Entry]:
    """Return the entries of an attempt at a hypothesis, and of what it found."""
    names = {"test": "test_it", "sentence": ""}
    known = {
        "claim": str(tried.claim),
        "claim_hash": tried.claim_hash,
        "prompt": "",
        "body": tried.body_digest,
        "draws": f"{n} {observed}",
        "model": tried.model or "",
        "rung": tried.rung,
        "stream": tried.stream,
        "seed": tried.seed + 1,
    }
    attempt = Tried(**names, number=1, **{**known, **fields})
    found = Found(
        **names,
        attempt=attempt.id,
        n=n,
        max_trials=200,
        measure=measure,
        towards=1,
        estimate=observed,
        low=None,
        high=None,
        verdict="supported",
    )
    return [attempt, found]


def test_a_belief_without_a_history_tells_nothing() -> None:
    now = hypothesis(rate >= 0.5, [1] * 20)
    assert earlier_of([], now) is None
    assert earlier_of(attempt_at(now, n=0, observed=None), now) is None


def test_a_long_run_counts_as_a_few_trials_and_the_newest_first() -> None:
    now = hypothesis(rate >= 0.5, [1] * 20)
    older, newer = attempt_at(now, n=200, observed=0.1), attempt_at(now, n=5, observed=1.0)
    alone = earlier_of(older, now, cost_usd=0.5)
    assert alone == Earlier(n_attempts=1, weight=MOST, mean=0.1, n_units=200, cost_usd=0.5)
    both = earlier_of([*older, *newer], now)
    assert both is not None
    assert (both.n_attempts, both.weight, both.n_units) == (2, MOST, 5)
    assert both.mean == pytest.approx((5 * 1.0 + (MOST - 5) * 0.1) / MOST)
    full = earlier_of([*newer, *older], now)
    assert full is not None
    assert full.n_attempts == 1


@pytest.mark.parametrize(
    ("changed", "share"),
    [({}, 1.0), ({"claim_hash": "other"}, 0.5), ({"body": "other"}, 0.5), ({"model": "x/other"}, 0.25)],
    ids=["nothing", "claim", "body", "model"],
)
def test_what_changed_since_makes_an_attempt_count_less(changed: dict[str, str], share: float) -> None:
    now = hypothesis(rate >= 0.5, [1] * 20)
    earlier = earlier_of(attempt_at(now, n=8, observed=0.5, **changed), now)
    assert earlier is not None
    assert earlier.weight == 8 * share


def test_draws_that_the_run_reads_itself_do_not_count_twice() -> None:
    now = hypothesis(rate >= 0.5, [1] * 20)
    same = attempt_at(now, n=8, observed=0.5, seed=now.seed)
    assert earlier_of(same, now, n_known=8) is None
    assert earlier_of(same, now, n_known=0) is not None, "the draws are gone, so fresh ones are made"
    assert earlier_of(attempt_at(now, n=8, observed=0.5), now, n_known=8) is not None, (
        "another seed's are others"
    )


def test_another_measure_or_rung_tells_nothing() -> None:
    now = hypothesis(rate >= 0.5, [1] * 20)
    assert earlier_of(attempt_at(now, n=8, observed=0.5, measure="mean(0, 10)"), now) is None
    assert earlier_of(attempt_at(now, n=8, observed=0.5, rung="few_shot"), now) is None


def test_an_observed_score_is_read_on_its_scale() -> None:
    now = hypothesis(mean(0, 10) >= 5, [5.0] * 20)
    earlier = earlier_of(attempt_at(now, n=8, observed=7.5, measure="mean(0, 10)"), now)
    assert earlier is not None
    assert earlier.mean == 0.75


def test_what_was_seen_far_from_the_threshold_promises_more_and_own_trials_outweigh_it() -> None:
    fresh = not_begun(rate >= 0.5)
    far, near = (Earlier(n_attempts=1, weight=MOST, mean=at, n_units=9) for at in (0.95, 0.5))
    assert expected_gain(fresh, far) > expected_gain(fresh) > expected_gain(fresh, near)
    many = sampled(rate >= 0.5, [1, 0] * 40)
    assert expected_gain(many) < expected_gain(many, far) < expected_gain(fresh, far) / 5


def test_what_does_not_fit_the_own_trials_is_soon_believed_no_more() -> None:
    misled = Earlier(n_attempts=1, weight=MOST, mean=0.05, n_units=40)
    few, more = (sampled(rate >= 0.5, [1, 0] * n) for n in (2, 10))
    off = [expected_gain(run, misled) / expected_gain(run) for run in (few, more)]
    assert off[0] > 2.0
    assert 0.9 < off[1] < 1.3


def test_an_estimate_is_as_near_its_end_as_the_newest_run_was() -> None:
    fresh = not_begun(estimate(rate, halfwidth=0.1))
    short, long = (Earlier(n_attempts=1, weight=MOST, mean=0.5, n_units=n) for n in (30, 180))
    assert expected_gain(fresh, short) > expected_gain(fresh, long)


def test_gain_begins_with_what_was_far_from_its_threshold_and_gain_afresh_does_not() -> None:
    first, second = not_begun(rate >= 0.5), not_begun(rate >= 0.5)
    earlier = {second: Earlier(n_attempts=1, weight=MOST, mean=1.0, n_units=7)}
    assert policy_of(Scheduler.GAIN, earlier)([first, second]) is second
    assert policy_of(Scheduler.GAIN_AFRESH, earlier)([first, second]) is first


def test_a_dear_trial_is_known_before_its_first_call() -> None:
    dear, cheap = not_begun(rate >= 0.5), not_begun(rate >= 0.5)
    earlier = {
        run: Earlier(n_attempts=1, weight=MOST, mean=0.9, n_units=9, cost_usd=cost)
        for run, cost in ((dear, 0.10), (cheap, 0.01))
    }
    assert policy_of(Scheduler.GAIN, earlier)([dear, cheap]) is cheap
