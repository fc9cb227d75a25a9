"""The table of chances gives the number that the law of all that may still come gives."""

import random

import pytest

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.rules import rate as rates
from pytest_velo.stats.rules.rate import make_rate_rule

DESIGNS = [
    (rate >= 0.5, {}),
    (rate <= 0.2, {"margin": 0.05}),
    (rate >= 0.7, {"extend": True, "min_units": 35}),
    (rate.within(0.3, 0.7), {}),
    (rate.within(0.2, 0.6), {"margin": 0.05, "min_units": 50}),
]


@pytest.mark.slow
@pytest.mark.parametrize("share_invalid", [0.0, 0.05])
@pytest.mark.parametrize(("claim", "numbers"), DESIGNS)
def test_the_table_is_the_law(claim, numbers, share_invalid):
    rng = random.Random(f"{claim} {share_invalid}")
    horizon, compared = 240, 0
    for truth in (0.2, 0.3, 0.45, 0.6):
        rule = make_rate_rule(claim, Design(alpha=0.05, beta=0.05, max_units=horizon, **numbers))
        looks = usual_futility(horizon).looks(horizon, rule.min_units)
        while rule.verdict is None and rule.n < horizon:
            one = rng.random() < truth
            rule.feed(*((0, 1) if rng.random() < share_invalid else (one, one)))
            if rule.verdict is None and rule.n in looks:
                assert rule._usual_chance() is not None
                assert rule.predictive_probability() == pytest.approx(rule._chance(), rel=0, abs=1e-9)
                compared += 1
    assert compared >= 5


def test_a_latched_end_is_known_to_the_table():
    rule = make_rate_rule(rate.within(0.35, 0.85), Design(alpha=0.05, beta=0.05, max_units=200))
    for number in range(30):
        rule.feed(number % 2, number % 2)
    assert any(test.crossed for test in rule._support)
    assert not all(test.crossed for test in rule._support)
    assert rule.predictive_probability() == pytest.approx(rule._chance(), rel=0, abs=1e-9)


def test_runs_of_one_design_share_a_table():
    rates._chances.cache_clear()
    for ones in (8, 12):
        rule = make_rate_rule(rate >= 0.5, Design(alpha=0.05, beta=0.05, max_units=200))
        for number in range(20):
            one = number * ones % 20 < ones  # spread evenly
            rule.feed(one, one)
        assert 0.0 < rule.predictive_probability() < 1.0
    assert rates._chances.cache_info().misses == 1


def test_elsewhere_the_law_is_asked():
    rule = make_rate_rule(rate >= 0.5, Design(alpha=0.05, beta=0.05, max_units=200))
    for number in range(21):
        rule.feed(number % 2, number % 2)
    assert rule._usual_chance() is None
    assert rule.predictive_probability() == rule._chance()
