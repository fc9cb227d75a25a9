"""Textbook intervals for a proportion, valid for a fixed n only: reported as descriptive."""

from __future__ import annotations

from pytest_velo.stats.intervals import clopper_pearson, wilson


def test_wilson_interval() -> None:
    interval = wilson(7, 20, 0.95)
    assert round(interval.low, 4) == 0.1812
    assert round(interval.high, 4) == 0.5671


def test_clopper_pearson_interval_without_successes() -> None:
    assert clopper_pearson(0, 20, 0.95).low == 0.0
    assert round(clopper_pearson(0, 20, 0.95).high, 4) == 0.1684
