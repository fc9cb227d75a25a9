"""Of 0/1 units the corners of the path's hull hold the largest evidence there is at any look."""

import random

import numpy as np
import pytest

from pytest_velo.stats.limits.rate import _Path
from pytest_velo.stats.one_sided.rate import OneSided

NULLS = np.linspace(0.01, 0.99, 50)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("truth", "n", "min_n"), [(0.5, 400, 1), (0.1, 150, 20), (1.0, 30, 1), (0.0, 12, 12)]
)
def test_no_look_holds_more_than_the_corners(side, truth, n, min_n):
    rng = random.Random(f"{side} {truth} {n}")
    test = OneSided(0.4, side, 1e-9, max_n=n, min_n=min_n, calibrated=False)
    for _ in range(n):
        one = rng.random() < truth
        test.feed(one, one)
    path = _Path(test)
    units, _ = path._corners
    at_the_corners = path.max_log_e(NULLS)
    path._corners = None  # every look that may hold it
    assert at_the_corners == pytest.approx(path.max_log_e(NULLS), rel=1e-12, abs=1e-12)
    assert len(units) <= 30


def test_means_have_no_counts():
    test = OneSided(0.4, 1, 1e-9, max_n=3, min_n=1, calibrated=False)
    for outcome in (0.25, 1.0, 0.5):
        test.feed(outcome, outcome)
    path = _Path(test)
    assert path._corners is None
    assert path.max_log_e(np.array([0.4]))[0] == pytest.approx(test.max_log_e)
