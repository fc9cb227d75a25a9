"""The sample sizes that the benchmarks print: a test fails when one of them grows past its target."""

import importlib
import math
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark_module(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_rates_need_at_most_1_20_times_the_bound_over_the_grid(benchmark_module):
    claims = benchmark_module("claims")
    cells = claims.cells()
    assert len(cells) > 35
    for of in (cells, [cell for cell in cells if cell.decided > 0.9]):
        assert len(of) > 30
        assert claims.geometric_mean([cell.shipped / cell.bound for cell in of]) <= 1.20
        assert claims.geometric_mean([cell.to_the_end / cell.bound for cell in of]) <= 1.20


def test_the_usual_ways_come_out_wrong_and_the_shipped_one_does_not(benchmark_module):
    wrong = benchmark_module("claims").wrong_verdicts()
    assert wrong["shipped"] <= 0.05
    assert wrong["fixed n"] <= 0.05
    assert wrong["observed >= threshold"] > 0.46
    assert wrong["Wilson at every look"] > 0.25


def test_means_need_at_most_1_35_times_the_bound_in_every_case(benchmark_module):
    bounded_means = benchmark_module("bounded_means")
    shipped = [row[-1] for row in bounded_means.ratios(runs=250)]
    assert len(shipped) == 8
    assert max(shipped) <= 1.35
    assert math.exp(sum(map(math.log, shipped)) / 8) <= 1.25
