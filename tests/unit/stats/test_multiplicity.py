"""Many hypotheses at once: which verdicts stand when the error is to hold for all of them together."""

from __future__ import annotations

from pytest_velo.stats.multiplicity import Adjusted, expected_false, holm


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03], 0.05) == Adjusted(
        rejects=(True, False, False), p_values=(0.03, 0.06, 0.06)
    )


def test_expected_false() -> None:
    assert expected_false([0.05] * 30) == 1.5
