"""Designs of few looks for a rate: what they do, and that the proof of their coverage can fail."""

from __future__ import annotations

from itertools import product

import pytest

from pytest_velo.stats.exact.fixed_width import MAX_LOOK, FixedWidth, fixed_width_design, never_misses_more


def every_path(design: FixedWidth, rate: float) -> tuple[float, float, float]:
    """Return expected units, P(missed) and P(tight) by going along all paths of zeros and ones."""
    units = missed = tight = 0.0
    for path in product((0, 1), repeat=design.looks[-1]):
        n = next(n for n in range(1, len(path) + 1) if design.stops(n, sum(path[:n])))
        low, high = design.ends(n, sum(path[:n]))
        chance = rate ** sum(path) * (1 - rate) ** (len(path) - sum(path))
        units += chance * n
        missed += chance * (not low <= rate <= high)
        tight += chance * (design.width(n, sum(path[:n])) <= design.halfwidth)
    return units, missed, tight


@pytest.mark.parametrize("rate", [0.07, 0.41])
@pytest.mark.parametrize("horizon", [9, 40])
def test_its_law_is_that_of_all_paths(rate, horizon):
    design = fixed_width_design(0.3, 0.1, horizon)
    law = design.law(rate)
    assert (law.n, law.missed, law.measured) == pytest.approx(every_path(design, rate))


def test_the_constant_of_wilson_is_found_wanting():
    shipped = fixed_width_design(0.1, 0.05, 400)
    wilson = FixedWidth(0.1, 1.96, 1.92, 400, 1)
    assert never_misses_more(shipped.outcomes(), 0.05)
    assert not never_misses_more(wilson.outcomes(), 0.05)


def test_zeros_and_ones_are_alike():
    design = fixed_width_design(0.1, 0.05, 400)
    low, high = design.ends(50, 3)
    assert design.ends(50, 47) == pytest.approx((1 - high, 1 - low))
    assert design.law(0.1) == pytest.approx(design.law(0.9))


def test_it_looks_no_sooner_than_asked_and_no_later_than_the_horizon():
    design = fixed_width_design(0.1, 0.05, 60, 40)
    assert (design.looks[0], design.looks[-1]) == (40, 60)
    assert fixed_width_design(0.01, 0.05, MAX_LOOK + 1) is None
