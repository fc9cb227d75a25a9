"""What a claim's design is planned under: the exact law where there is one, else what has to be assumed."""

from __future__ import annotations

from pytest_velo.claims import difference, mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.scenarios import deviations_of, scenarios_of


def test_scenarios_of_a_rate_and_of_a_difference() -> None:
    design, futility = Design(alpha=0.05, beta=0.05, max_units=200), usual_futility(200)
    assert [(s.assuming, s.exact) for s in scenarios_of(rate >= 0.3, design, futility)] == [("", True)]
    assert [s.exact for s in scenarios_of(difference("a", "b") >= 0, design, futility)] == [True, True]


def test_deviations_of_a_mean() -> None:
    design = Design(alpha=0.05, beta=0.05, max_units=200)
    assert [deviation(5.0) for deviation in deviations_of(mean(0, 10), design).values()] == [5.0, 2.5]
