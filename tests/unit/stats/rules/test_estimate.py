"""Sampling until a number is known well enough: until the anytime-valid interval is as tight as asked for."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from pytest_velo.claims import mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.exact.fixed_width import FixedWidth, fixed_width_design
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


def test_stopping_at_the_width_of_wilson_misses_too_often_and_ours_does_not() -> None:
    """Exactly, each at its worst rate. Wilson's interval is the same design with the constant z."""
    z = NormalDist().inv_cdf(0.975)
    rates = np.linspace(0.01, 0.5, 200)
    ours = fixed_width_design(0.1, 0.05, 400)
    wilson = FixedWidth(0.1, z, z * z / 2, 400, 1)
    assert max(wilson.law(p).missed for p in rates) > 0.05
    assert max(ours.law(p).missed for p in rates) <= 0.05


def test_which_interval_is_reported() -> None:
    design = Design(alpha=0.05, beta=0.05, max_units=200)
    rule = make_estimate(rate, halfwidth=0.1, design=design)
    rule.feed(0, 0)
    assert "ended before its design" in rule.interval_of
    while not rule.feed(0, 0):
        pass
    assert rule.interval_of.startswith("of the design of few looks")
    rule = make_estimate(rate, halfwidth=0.1, design=design)
    rule.feed(0, 1)
    assert "a trial was invalid" in rule.interval_of
    assert "3% of alpha" in rule.interval_of
    assert make_estimate(mean(0, 1), halfwidth=0.1, design=design).interval_of == "valid at any moment"


@pytest.mark.parametrize("halfwidth", [0.1, 0.04], ids=["short", "long"])
def test_where_invalid_trials_are_left_out_nothing_is_kept_for_what_they_leave_open(halfwidth) -> None:
    """A run that used up its trials, a few of them invalid, had an interval at 3% of alpha."""
    design = Design(alpha=0.05, beta=0.05, max_units=700)
    ends = []
    for may_be_open in (False, True):
        rule = make_estimate(rate, halfwidth=halfwidth, design=design, may_be_open=may_be_open)
        for n in range(60):
            rule.feed(*([float(n % 3 == 0)] * 2))
        ends.append(rule.interval())
        if not may_be_open:
            assert "at 10% of alpha: the sampling ended before its design" in rule.interval_of
    assert ends[0].high - ends[0].low < 0.97 * (ends[1].high - ends[1].low)
