"""Limits that hold at all of a few looks at once: what they promise by their form."""

from __future__ import annotations

import pytest

from pytest_velo.stats.exact.fixed_width import fixed_width_design
from pytest_velo.stats.exact.repeated import Seen, go_on_alike, it_is_time, repeated_limits


@pytest.fixture(scope="module")
def limits():
    return repeated_limits(fixed_width_design(0.2, 0.09, 60), 0.007, 60, Seen(8, 3, 4))


def test_they_rise_with_the_ones(limits):
    """So that unknown outcomes only ever widen the interval."""
    for look in limits.looks:
        lows = [limits.ends(look, ones, ones)[0] for ones in range(look + 1)]
        assert lows == sorted(lows)
        assert 0.0 <= lows[0] < 0.1
        assert lows[-1] < 1.0


def test_ones_and_zeros_are_alike(limits):
    others = repeated_limits(fixed_width_design(0.2, 0.09, 60), 0.007, 60, Seen(8, 4, 5))
    for look in limits.looks:
        low, high = limits.ends(look, 3, 7)
        assert others.ends(look, look - 7, look - 3) == pytest.approx((1 - high, 1 - low))


def test_they_keep_to_what_the_design_leaves():
    """What few ones by now make likely or unlikely, they take into account."""
    design = fixed_width_design(0.1, 0.045, 400)
    few, many = (repeated_limits(design, 0.0035, 400, Seen(40, ones, ones + 1)) for ones in (8, 20))
    assert few.looks == many.looks
    at = few.looks[-1]
    assert few.ends(at, at // 5, at // 5) != many.ends(at, at // 5, at // 5)


@pytest.mark.parametrize(
    ("seen", "due"),
    [
        (Seen(20, 10, 10), False),
        (Seen(20, 9, 10), False),
        (Seen(54, 26, 27), True),
        (Seen(54, 27, 27), False),
        (Seen(107, 53, 54), True),
        (Seen(26, 0, 1), True),
    ],
)
def test_it_is_time_halfway_to_the_end_of_the_design_and_before_it_may_end(seen, due):
    assert it_is_time(fixed_width_design(0.1, 0.045, 400), seen) is due


def test_an_unknown_outcome_is_a_zero_below_and_a_one_above(limits):
    look = limits.looks[-1]
    both = limits.ends(look, 28, 32)
    assert both == (limits.ends(look, 28, 28)[0], limits.ends(look, 32, 32)[1])
    assert both[0] < 28 / look < 32 / look < both[1]


@pytest.mark.parametrize(
    ("halfwidth", "horizon", "seen"), [(0.1, 200, Seen(90, 45, 46)), (0.1, 400, Seen(54, 52, 53))], ids=str
)
def test_after_a_drift_they_neither_cross_nor_leave_out_what_was_observed(halfwidth, horizon, seen):
    """The tests of earlier units may rule out what all of them show, on both sides at once."""
    design = fixed_width_design(halfwidth, 0.045, horizon)
    limits = repeated_limits(design, 0.0035, horizon, seen)
    for look in limits.looks:
        for least in range(look + 1):
            for most in {least, min(look, least + 1)}:
                low, high = limits.ends(look, least, most)
                assert 0.0 <= low <= least / look <= most / look <= high <= 1.0
                usual = min(halfwidth, design.width(look, (least + most) / 2))
                assert high - low >= 2 * usual - 1e-12


def test_the_last_look_is_at_a_horizon_that_comes_early(limits):
    assert limits.looks[-1] == 60
    assert limits.ends(60, 30, 30)[0] > 0.25


def test_horizons_beyond_them_do_not_matter():
    designs = {horizon: fixed_width_design(0.2, 0.09, horizon) for horizon in (60, 100, 400)}
    assert designs[60].is_like(designs[400])
    assert go_on_alike(designs[60], [100, 400])
    assert not go_on_alike(designs[60], [60, 400])
    near, far = (repeated_limits(designs[n], 0.007, n, Seen(8, 3, 4)) for n in (100, 400))
    assert near.looks == far.looks
    for look in near.looks:
        ends = [[limits.ends(look, ones, ones) for ones in range(look + 1)] for limits in (near, far)]
        assert ends[0] == ends[1]


def test_tight_is_as_wide_as_asked_for(limits):
    look = limits.looks[-1]
    assert limits.tight(look, 20, 21)
    assert not limits.tight(look, 20, 40)
    assert limits.next_look(1, 0.4, 0.02) in limits.looks
    assert limits.next_look(1, 0.5, 0.9) is None
