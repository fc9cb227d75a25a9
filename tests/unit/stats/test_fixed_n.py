"""How many trials a test with a fixed n would need: what sequential sampling is compared with."""

from __future__ import annotations

from pytest_velo.stats.fixed_n import exact_design, n_paired, n_two_sample


def test_exact_design() -> None:
    assert exact_design(0.3, 0.4, 0.05, 0.9).n == 193


def test_n_two_sample() -> None:
    assert [round(n) for n in n_two_sample(0.35, 0.3, 0.05, 0.8)] == [1376, 1374]


def test_n_paired() -> None:
    assert [round(n) for n in n_paired(0.5, 0.05, 0.05, 0.8)] == [785, 787]
