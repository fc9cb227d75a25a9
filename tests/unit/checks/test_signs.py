"""The e-value of a coin that comes up heads too often."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from pytest_velo.checks.signs import log_evidence


def exact(heads: int, tails: int) -> Fraction:
    n = heads + tails
    most = sum(math.comb(n + 1, j) for j in range(heads + 1))
    return Fraction(most, (n + 1) * math.comb(n, heads))


@pytest.mark.parametrize("n", [0, 1, 2, 7, 40, 301])
def test_it_is_the_integral_to_the_last_digits(n: int) -> None:
    for heads in range(0, n + 1, max(1, n // 13)):
        log_exact = math.log(exact(heads, n - heads))
        assert log_evidence(heads, n - heads) == pytest.approx(log_exact, abs=1e-9)


def test_it_is_a_martingale_of_a_fair_coin() -> None:
    for heads, tails in ((0, 0), (3, 1), (1, 6), (12, 12)):
        after = (exact(heads + 1, tails) + exact(heads, tails + 1)) / 2
        assert after == exact(heads, tails)


def test_more_heads_are_never_less_evidence_and_more_tails_never_more() -> None:
    for heads in range(12):
        for tails in range(12):
            assert exact(heads + 1, tails) >= exact(heads, tails) >= exact(heads, tails + 1)


def test_twenty_thousand_tosses_are_no_overflow() -> None:
    assert log_evidence(20_000, 0) == pytest.approx(20_001 * math.log(2) - math.log(20_001))
    assert log_evidence(0, 20_000) < -9
    assert log_evidence(10_000, 10_000) < 0


def test_the_evidence_of_heads_alone() -> None:
    found = [round(math.exp(log_evidence(heads, 0)), 3) for heads in (0, 1, 2, 10)]
    assert found == [1.0, 1.5, 2.333, 186.091]
