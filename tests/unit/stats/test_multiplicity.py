"""Many hypotheses at once: which verdicts stand when the error is to hold for all of them together."""

from __future__ import annotations

import math

from pytest_velo.stats.multiplicity import (
    Adjusted,
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    e_bh,
    e_bh_target,
    expected_false,
    holm,
)


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03], 0.05) == Adjusted(
        rejects=(True, False, False), p_values=(0.03, 0.06, 0.06)
    )


def test_bonferroni() -> None:
    assert bonferroni([0.01, 0.04], 0.05).rejects == (True, False)


def test_benjamini_hochberg() -> None:
    assert benjamini_hochberg([0.01, 0.02, 0.5], 0.05).rejects == (True, True, False)


def test_benjamini_yekutieli() -> None:
    assert benjamini_yekutieli([0.01, 0.02, 0.5], 0.05).rejects == (False, False, False)


def test_e_bh() -> None:
    assert e_bh([math.log(e) for e in (100, 45, 3)], 0.05) == (True, True, False)


def test_e_bh_target() -> None:
    assert round(math.exp(e_bh_target(10, 2, 0.05))) == 100


def test_expected_false() -> None:
    assert expected_false([0.05] * 30) == 1.5
