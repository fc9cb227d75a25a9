"""Where the evidence of 0/1 outcomes crosses a threshold: the fewest successes that do, look by look."""

from __future__ import annotations

import numpy as np

from pytest_velo.stats.exact.boundary import (
    Stretch,
    evidence_between,
    first_crossings,
    gains_at,
    log_gains,
    log_mean_exp,
)


def test_log_gains() -> None:
    assert log_gains(np.array([1.0, 0.0]), np.array([0.3, 0.5])).shape == (2, 12, 2)


def test_log_mean_exp() -> None:
    assert log_mean_exp(np.zeros((2, 12)), axis=1).tolist() == [0.0, 0.0]


def test_gains_at() -> None:
    gains = gains_at(np.array([0.5]))
    assert (gains.win > 0).all()
    assert (gains.lose < 0).all()


def test_first_crossings() -> None:
    assert first_crossings(gains_at(np.array([0.5])), Stretch(1, 7, np.log([8.0])))[:, 0].tolist() == [
        2,
        3,
        4,
        5,
        6,
        6,
        7,
    ]


def test_evidence_between_two_bars() -> None:
    assert evidence_between(gains_at(np.array([0.5])), 1, 4, 1.0, 1.5).round(3).tolist() == [1.042, 1.483]
