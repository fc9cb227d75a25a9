"""A backend for the Hypothesis library that draws every primitive plainly. Imported on use only."""

from __future__ import annotations

import random

from pytest_velo.case_sets.backend import plain_float, plain_integer


def test_plain_integers_stay_within_their_bounds() -> None:
    assert plain_integer(random.Random(0), 3, 3) == 3
    assert plain_integer(random.Random(0), 10, None) >= 10


def test_plain_floats_stay_within_their_bounds() -> None:
    assert 0 <= plain_float(random.Random(0), 0.0, 1.0) <= 1
