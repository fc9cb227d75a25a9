"""One-sided tests of a rate, fed unit by unit: what the sequential rules are made of."""

from __future__ import annotations

from pytest_velo.stats.one_sided.rate import OneSided, p_values, shortest_run


def test_p_values_after_six_ones() -> None:
    tests = [OneSided(0.5, side, 0.05, max_n=6, min_n=1, calibrated=True) for side in (1, -1)]
    for test in tests * 6:
        test.feed(1, 1)
    # six ones of six
    assert [round(p, 6) for p in p_values(tests)] == [0.015625, 1.0]
    assert 0.5**6 == 0.015625


def test_shortest_run_against_a_low_rate() -> None:
    assert shortest_run(0.02, -1, 0.05) == 149
