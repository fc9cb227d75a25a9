"""The chance that the evidence of 0/1 outcomes crosses a threshold, by exact dynamic programming."""

from __future__ import annotations

import numpy as np

from pytest_velo.stats.exact.boundary import Stretch, gains_at
from pytest_velo.stats.exact.crossing import cross


def test_cross_six_successes_at_once() -> None:
    six_wins = Stretch(1, 6, np.log([8.0]))
    # six successes at once
    assert cross(np.array([0.5]), gains_at(np.array([0.5])), [six_wins]).tolist() == [0.015625]
