"""Confidence limits for a count by inverting the hypergeometric test. Loaded on use: it needs numpy."""

from __future__ import annotations

import numpy as np

from pytest_velo.stats.limits.census import count_limit


def test_count_limits_after_eight_of_ten() -> None:
    assert count_limit([1.0] * 8, 1, np.log(20), 10) == 9
    assert count_limit([1.0] * 8, -1, np.log(20), 10) == 10
