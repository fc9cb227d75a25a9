"""The true values at which a plan is shown, and those nearest to the threshold that it can tell."""

from __future__ import annotations

from pytest_velo.claims import difference, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.planning.truths import detectable_of, truths_of
from pytest_velo.stats.rules.rate import make_rate_rule


def test_truths_around_thresholds() -> None:
    assert truths_of(rate >= 0.3) == [0.1, 0.2, 0.25, 0.28, 0.3, 0.32, 0.35, 0.4, 0.5, 0.65]
    assert truths_of(rate <= 0.05, (0.01,)) == [0.0, 0.01, 0.03, 0.05, 0.07, 0.1, 0.15, 0.25, 0.4]
    assert truths_of(difference("a", "b").within(0.1)) == [
        -0.45,
        -0.3,
        -0.2,
        -0.15,
        -0.12,
        -0.1,
        0.0,
        0.1,
        0.12,
        0.15,
        0.2,
        0.3,
        0.45,
    ]


def test_detectable_rates_of_either_side() -> None:
    rule = make_rate_rule(rate >= 0.3, Design(alpha=0.05, beta=0.05, max_units=200))
    found = detectable_of(rate >= 0.3, lambda truths: operating_characteristics(rule, truths))
    assert [round(value, 2) for value in (*found.supported, *found.refuted)] == [0.4, 0.2]
