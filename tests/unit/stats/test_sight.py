"""How many units a verdict would take if what was observed is the truth."""

from __future__ import annotations

import math

import pytest

from pytest_velo.claims import difference, rate
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.stats.planning.sight import Observed, units_in_sight, units_in_sight_of_all


def seen(mean: float, n: int = 100, **fields: float) -> Observed:
    known = {
        "low": mean,
        "high": mean,
        "variance": mean * (1 - mean),
        "log_e_support": 0.0,
        "log_e_refute": 0.0,
    }
    return Observed(n=n, **{**known, **fields})


def units(claim, observed: Observed, margin: float = 0.0) -> float:
    return units_in_sight(nulls_of(claim, margin), observed, alpha=0.05, beta=0.05)


def test_the_evidence_grows_by_the_divergence_from_the_threshold() -> None:
    divergence = 0.6 * math.log(0.6 / 0.5) + 0.4 * math.log(0.4 / 0.5)
    assert units(rate >= 0.5, seen(0.6)) == pytest.approx(100 + math.log(20) / divergence)
    assert units(rate <= 0.5, seen(0.6)) == units(rate >= 0.5, seen(0.6))


def test_there_is_a_number_although_the_evidence_has_not_grown_yet() -> None:
    assert 600 < units(rate >= 0.5, seen(0.56, log_e_support=-1.0)) < 1000


def test_none_is_in_sight_at_the_threshold_or_where_invalid_trials_leave_both_sides_open() -> None:
    assert math.isinf(units(rate >= 0.5, seen(0.5)))
    assert math.isinf(units(rate >= 0.5, seen(0.501)))  # farther than anything can be seen from 100 trials
    assert math.isinf(units(rate >= 0.5, seen(0.6, low=0.45, high=0.75)))


def test_a_margin_brings_it_nearer_and_within_needs_both_ends() -> None:
    assert units(rate >= 0.5, seen(0.5), margin=0.1) < 400
    assert units(rate.within(0.2, 0.8), seen(0.7)) == pytest.approx(units(rate <= 0.8, seen(0.7)), rel=1e-9)


def test_pairs_that_hardly_differ_need_few() -> None:
    even = seen(0.5, variance=0.01)
    assert units(difference("a", "b") >= 0.2, even) < units(difference("a", "b") >= 0.2, seen(0.5))


def test_a_joint_claim_waits_for_its_slowest_part_or_the_first_that_fails() -> None:
    near, far = (nulls_of(rate >= 0.5), seen(0.6)), (nulls_of(rate >= 0.5), seen(0.9))
    slow = units_in_sight_of_all([near, far], alpha=0.05, beta=0.05)
    assert slow == units(rate >= 0.5, seen(0.6))
    against = (nulls_of(rate >= 0.5), seen(0.2))
    assert units_in_sight_of_all([near, against], alpha=0.05, beta=0.05) < slow
