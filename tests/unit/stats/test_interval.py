"""The interval that is reported beside an estimate, and the test for drift."""

from __future__ import annotations

import random

from pytest_velo.stats.rules.interval import drifts, reported
from pytest_velo.verdicts import Interval

RUNNING = Interval(low=0.79, high=0.89, level=0.9)
AT_STOP = Interval(low=0.5, high=0.89, level=0.9)


def test_a_running_interval_around_the_estimate_is_reported() -> None:
    assert reported(RUNNING, 0.8, None) == (RUNNING, False)
    assert reported(None, None, None) == (None, False)
    assert reported(RUNNING, None, None) == (RUNNING, False)


def test_one_that_excludes_the_estimate_gives_way_to_that_of_the_stop() -> None:
    assert reported(RUNNING, 0.72, lambda: AT_STOP) == (AT_STOP, True)


def test_what_the_stop_excludes_too_is_joined_to_it() -> None:
    wide = Interval(low=0.4, high=0.89, level=0.9)
    assert reported(RUNNING, 0.4, lambda: AT_STOP) == (wide, True)
    assert reported(RUNNING, 0.4, None) == (wide, True)  # a rule of a plugin


def test_an_interval_without_a_width_was_empty_unless_the_stop_says_the_same() -> None:
    point = Interval(low=0.8, high=0.8, level=0.9)
    assert reported(point, 0.8, lambda: AT_STOP).interval == AT_STOP
    assert reported(point, 0.8, lambda: point) == (point, False)


def test_drift_is_told_from_luck() -> None:
    late = [0.0] * 150 + [1.0] * 250
    assert drifts(late, late)
    lucky = [1.0] * 14 + [1.0, 0.0] * 8
    assert not drifts(lucky, lucky)
    assert not drifts([0.0] * 100, [1.0] * 100)  # all invalid: anything may be common to them


def test_draws_of_one_law_hardly_ever_drift() -> None:
    rng = random.Random(3)
    paths = [[float(rng.random() < 0.4) for _ in range(80)] for _ in range(60)]
    assert not any(drifts(path, path) for path in paths)  # P(any) <= 60 * 0.002
