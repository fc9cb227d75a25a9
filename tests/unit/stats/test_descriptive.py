"""Textbook statistics for a fixed sample: descriptive beside the verdicts, never what decides them."""

from __future__ import annotations

from pytest_velo.stats.descriptive import (
    binomial_p,
    clustered_error,
    mcnemar_p,
    newcombe,
    paired_error,
    standard_error,
    t_interval,
    unpaired_p,
)


def test_clustered_error() -> None:
    error = clustered_error([1, 1, 0, 0, 1, 1], ["a", "a", "b", "b", "c", "c"])
    assert round(error.naive, 3) == 0.211
    assert round(error.cr1, 3) == 0.333


def test_paired_error() -> None:
    assert round(paired_error([1, 1, 0, 1], [0, 1, 0, 0]), 4) == 0.2887


def test_standard_error() -> None:
    assert standard_error([0.0, 1.0]) == 0.5


def test_t_interval() -> None:
    interval = t_interval([0.2, 0.4, 0.6], 0.95)
    assert round(interval.low, 3) == -0.097
    assert round(interval.high, 3) == 0.897


def test_mcnemar_p() -> None:
    assert mcnemar_p(12, 0) == 0.00048828125


def test_binomial_p() -> None:
    assert [round(p, 4) for p in binomial_p(15, 50, 0.2)] == [0.0607, 0.9692, 0.1087]


def test_newcombe() -> None:
    interval = newcombe(30, 50, 20, 50, 0.95)
    assert round(interval.low, 4) == 0.0046
    assert round(interval.high, 4) == 0.3752


def test_unpaired_p() -> None:
    assert round(unpaired_p(30, 50, 20, 50)["fisher"], 4) == 0.0713
