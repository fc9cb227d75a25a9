"""Sampling until a number is known well enough: until the anytime-valid interval is as tight as asked for."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.estimate import fewest_units, make_estimate


def test_an_estimate_of_zeros_ends_after_27() -> None:
    rule = make_estimate(rate, halfwidth=0.1, design=Design(alpha=0.05, beta=0.05, max_units=400))
    while not rule.feed(0, 0):
        pass
    assert rule.n == 27
    assert rule.interval().low == 0.0
    assert round(rule.interval().high, 2) == 0.2


def test_fewest_units_of_an_estimate() -> None:
    assert fewest_units(0.05, 0.05) == 36
