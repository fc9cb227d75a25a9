"""Many hypotheses at once: which verdicts stand when the error is to hold for all of them together."""

from __future__ import annotations

from pytest_velo.stats.multiplicity import Adjusted, attempt_share, expected_false, holm


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03], 0.05) == Adjusted(
        rejects=(True, False, False), p_values=(0.03, 0.06, 0.06)
    )


def test_expected_false() -> None:
    assert expected_false([0.05] * 30) == 1.5


def test_the_shares_of_attempts_fall_and_sum_to_one() -> None:
    assert [round(attempt_share(k), 3) for k in (1, 2, 3, 10)] == [0.608, 0.152, 0.068, 0.006]
    assert 0.999 < sum(attempt_share(k) for k in range(1, 10_000)) < 1
