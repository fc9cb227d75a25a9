"""Evidence from a finite list of 0/1 outcomes seen in random order, without replacement."""

from __future__ import annotations

from pytest_velo.stats.engine.census import alternatives, log_e_census


def test_alternatives() -> None:
    assert alternatives(29, 1, 100) == (32, 33, 34, 35, 36, 38, 40, 42, 45, 49, 54, 60, 67, 76, 86, 100)


def test_log_e_census() -> None:
    assert round(log_e_census(30, 30, 79, alternatives(79, 1, 200), 200), 6) == 1.077013
