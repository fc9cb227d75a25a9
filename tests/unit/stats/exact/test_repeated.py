"""Limits that hold at all of a few looks at once: what they promise by their form."""

from __future__ import annotations

import pytest

from pytest_velo.stats.exact.fixed_width import fixed_width_design
from pytest_velo.stats.exact.repeated import repeated_limits


@pytest.fixture(scope="module")
def limits():
    return repeated_limits(fixed_width_design(0.2, 0.09, 60), 0.097, 60)


def test_they_rise_with_the_ones(limits):
    """So that unknown outcomes only ever widen the interval."""
    for look in limits.looks:
        lows = [limits.ends(look, ones, ones)[0] for ones in range(look + 1)]
        assert lows == sorted(lows)
        assert (lows[0], lows[-1] < 1.0) == (0.0, True)


def test_ones_and_zeros_are_alike(limits):
    for look in limits.looks:
        low, high = limits.ends(look, 3, 7)
        assert limits.ends(look, look - 7, look - 3) == pytest.approx((1 - high, 1 - low))


def test_an_unknown_outcome_is_a_zero_below_and_a_one_above(limits):
    look = limits.looks[-1]
    both = limits.ends(look, 28, 32)
    assert both == (limits.ends(look, 28, 28)[0], limits.ends(look, 32, 32)[1])
    assert both[0] < 28 / look < 32 / look < both[1]


def test_the_last_look_is_at_a_horizon_that_comes_early(limits):
    assert limits.looks[-1] == 60
    assert limits.ends(60, 30, 30)[0] > 0.25


def test_tight_is_as_wide_as_asked_for(limits):
    look = limits.looks[-1]
    assert limits.tight(look, 8, 9)
    assert not limits.tight(look, 20, 40)
    assert limits.next_look(1, 0.1, 0.02) in limits.looks
    assert limits.next_look(1, 0.5, 0.9) is None
