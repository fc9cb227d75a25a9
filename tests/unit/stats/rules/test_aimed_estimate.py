"""Measuring a mean: bets that aim at the unit at which the interval is tight enough."""

from __future__ import annotations

import random

import pytest

from pytest_velo.claims import mean
from pytest_velo.stats.engine.aim import Aim
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.limits.aimed import rounded_out
from pytest_velo.stats.rules.estimate import EstimateRule, make_estimate

DESIGN = Design(alpha=0.05, beta=0.05, max_units=2_000)


def measured(outcomes, halfwidth: float = 0.05) -> EstimateRule:
    rule = make_estimate(mean(0, 1), halfwidth, DESIGN)
    for low, high in outcomes:
        if rule.feed(low, high):
            return rule
    return rule


def scores(seed: int, n: int = 2_000):
    rng = random.Random(seed)
    return [(score, score) for score in (rng.betavariate(0.5, 0.5) for _ in range(n))]


def test_a_mean_of_scores_takes_less_than_the_anytime_interval_would() -> None:
    """A normal interval at the known variance takes 193; the bets that hedge took 422 on average."""
    rules = [measured(scores(seed)) for seed in range(4)]
    assert all(rule.measured for rule in rules)
    assert sum(rule.n for rule in rules) / 4 < 340
    for rule in rules:
        ends = rule.interval()
        assert (ends.high - ends.low) / 2 <= 0.05 + 1e-9
        assert ends.low < 0.5 < ends.high


def test_constant_scores_need_no_aim() -> None:
    rule = measured([(1.0, 1.0)] * 100)
    assert rule.n == 40
    assert rule.interval().high == 1.0


def test_invalid_trials_widen_it_both_ways() -> None:
    """Every twentieth could have been anything: their middle is unknown by that share."""
    open_ones = [(0.0, 1.0) if n % 20 == 10 else unit for n, unit in enumerate(scores(1, 400))]
    rule, whole = measured(open_ones, 0.08), measured(scores(1, 400), 0.08)
    assert rule.measured
    assert rule.n > whole.n
    least = sum(low for low, _ in open_ones[: rule.n]) / rule.n
    most = sum(high for _, high in open_ones[: rule.n]) / rule.n
    assert rule.interval().low < least < most < rule.interval().high


def test_what_is_expected_is_about_what_is_taken() -> None:
    units = scores(2)
    rule = make_estimate(mean(0, 1), 0.05, DESIGN)
    for low, high in units[:100]:
        rule.feed(low, high)
    foreseen = rule.n + rule.expected_more()
    assert 0.6 < foreseen / measured(units).n < 1.7


@pytest.mark.parametrize(("side", "least", "most"), [(1, -0.0005, 0.0), (-1, 0.0, 0.0005)])
def test_limits_are_rounded_outward(side, least, most) -> None:
    for limit in (0.0, 0.123456, 0.5, 0.99999, 1.0):
        assert least - 1e-9 <= rounded_out(limit, side, 0.1) - limit <= most + 1e-9


def test_an_aim_is_taken_where_the_way_is_long() -> None:
    far, near = Aim(0.05, 0.05, 2_000), Aim(0.4, 0.05, 2_000)
    for low, high in scores(3, 50):
        far.add(low, high)
        near.add(low, high)
    assert far.due
    assert not near.due
    assert 50 < far.end < 700


def test_an_aim_never_lies_beyond_the_horizon_by_much() -> None:
    aim = Aim(0.01, 0.05, 100)
    for low, high in scores(4, 100):
        aim.add(low, high)
    assert 100 < aim.end <= 112
