"""One-sided tests of a bounded mean, fed unit by unit."""

from __future__ import annotations

import math

from pytest_velo.stats.engine.adaptive import MeanProcess
from pytest_velo.stats.engine.nulls import Null
from pytest_velo.stats.one_sided.mean import fewest_units, refuting


def test_refuting_both_sides_takes_both_tests() -> None:
    test = refuting([Null(0.4, -1), Null(0.6, 1)], 0.05)
    for _ in range(12):
        test.feed(1.0, 1.0)
    assert test.crossed
    assert not refuting([Null(0.4, -1)], 0.05).crossed


def test_fewest_units_of_a_mean() -> None:
    assert fewest_units(MeanProcess(0.5, 1), math.log(20), 200) == 5
