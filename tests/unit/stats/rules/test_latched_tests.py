"""What tests that are latched say together: which verdict, which interval, which inequality."""

from __future__ import annotations

import pytest

from pytest_velo.claims import difference
from pytest_velo.errors import VeloError
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.stats.one_sided.mean import MeanTest
from pytest_velo.stats.rules.composed import certified_inequality, check_bounds, interval_of, verdict_of
from pytest_velo.verdicts import Verdict


def test_bounds_outside_of_the_unit_interval_are_refused() -> None:
    check_bounds(0.0, 1.0)
    with pytest.raises(VeloError) as caught:
        check_bounds(7.0, 7.0)
    assert caught.value.what == "an outcome must have bounds 0 <= low <= high <= 1, got 7.0 and 7.0"


def test_verdict_of_crossed_tests() -> None:
    support, refute = MeanTest(0.5, 1, 0.05), MeanTest(0.5, -1, 0.05)
    # all that may be staked is doubled six times
    for _ in range(6):
        support.feed(1.0, 1.0)
    assert verdict_of([support], refute) == Verdict.SUPPORTED
    assert verdict_of([refute], support) == Verdict.REFUTED


def test_interval_of_two_tests_on_another_scale() -> None:
    tests = [MeanTest(0.5, 1, 0.05), MeanTest(0.5, -1, 0.05)]
    for test in tests * 30:
        test.feed(0.8, 0.8)
    interval = interval_of(tests, lambda share: 10 * share)
    assert [round(value, 1) for value in (interval.low, interval.high, interval.level)] == [7.1, 8.2, 0.9]


def test_certified_inequality_with_a_margin() -> None:
    claim = difference("new", "old").within(0.1)
    assert (
        certified_inequality(claim, nulls_of(claim, 0.05), Verdict.SUPPORTED)
        == '-0.15 < difference("new", "old") < 0.15'
    )
