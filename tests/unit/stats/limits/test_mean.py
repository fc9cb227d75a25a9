"""Confidence limits for bounded means: the engine of `bounded` on a whole path, for many nulls at once."""

from __future__ import annotations

import math

import numpy as np

from pytest_velo.stats.limits.mean import constant, log_evidence, max_log_evidence, mean_limit


def test_max_log_evidence() -> None:
    assert max_log_evidence([1.0, 0.5, 1.0], [0.2, 0.5], 1).round(2).tolist() == [3.14, 0.98]


def test_log_evidence() -> None:
    evidence = np.exp(log_evidence([1.0, 0.5, 1.0], [0.2, 0.5], 1))
    # 0.5 is no evidence against "mean <= 0.5"
    assert evidence.round(1).tolist() == [[3.0, 5.9, 23.2], [1.6, 1.6, 2.7]]


def test_mean_limit() -> None:
    def level(nulls):
        return np.full_like(nulls, math.log(20))

    assert round(mean_limit([0.7, 0.8, 0.75, 0.7] * 10, 1, level), 2) == 0.67


def test_constant_level_is_that_of_ville() -> None:
    assert np.exp(constant(0.05)(np.array([0.2, 0.5]))).round(9).tolist() == [20.0, 20.0]
