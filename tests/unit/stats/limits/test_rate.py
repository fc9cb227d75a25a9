"""Confidence limits by inverting sequential tests over their nulls. Loaded on use: it needs numpy."""

from __future__ import annotations

from pytest_velo.stats.limits.rate import close_in, rate_limits
from pytest_velo.stats.one_sided.rate import OneSided


def test_limits_after_ten_successes() -> None:
    test = OneSided(0.5, 1, 0.05, max_n=20, min_n=1, calibrated=True)
    for _ in range(10):
        test.feed(1, 1)
    # for ten only, it would be this
    assert round(rate_limits([test])[0], 2) == 0.73
    assert round(0.05 ** (1 / 10), 2) == 0.74


def test_close_in_on_an_edge() -> None:
    [(last, first)] = close_in(lambda nulls: nulls < 0.337, [(0.0, 1.0)], points=9, rounds=2)
    assert round(last, 9) == 0.33
    assert round(first, 9) == 0.34
