"""How many units an estimate will take: exactly, or counted along a few simulated runs of its rule."""

from __future__ import annotations

from pytest_velo.claims import estimate, mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.simulation import N_RUNS, measured_at, two_points


def test_measured_at_zero() -> None:
    design = Design(alpha=0.05, beta=0.05, max_units=400)
    found = measured_at(estimate(rate, halfwidth=0.1), design, 0.0, 0.0)
    assert (found.n, found.n_runs) == (27.0, 0)


def test_what_has_no_law_is_the_mean_of_some_runs() -> None:
    design = Design(alpha=0.05, beta=0.05, max_units=30)
    assert measured_at(estimate(mean(0, 1), halfwidth=0.2), design, 0.5, 0.1).n_runs == N_RUNS


def test_two_points_with_a_mean_and_a_deviation() -> None:
    assert [round(value, 3) for value in two_points(0.25, 3**0.5 / 4)] == [0.0, 1.0, 0.25]
    assert two_points(0.5, 0.25) == (0.25, 0.75, 0.5)
