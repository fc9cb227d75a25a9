"""The sample sizes that the benchmarks print: a test fails when one of them grows past its target."""

import importlib
import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from pytest_velo import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.operating import law_with_futility
from pytest_velo.stats.rules.rate import make_rate_rule

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark_module(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_rates_need_at_most_1_20_times_the_bound_over_the_grid(benchmark_module):
    """Whether it gives up or not; and the usual ways come out wrong where the shipped one does not."""
    kind = benchmark_module("compared.rates").rates()
    assert len(kind.cells) > 35
    sure = replace(kind, cells=[cell for cell in kind.cells if cell.laws["pytest-velo"].right > 0.9])
    assert len(sure.cells) > 30
    for of in (kind, sure):
        assert of.ratio("pytest-velo") <= of.ratio("never gives up") <= 1.20
    for way in ("pytest-velo", "never gives up", "fixed n"):
        assert kind.wrong(way) <= 0.05
    assert kind.wrong("observed") > 0.46
    assert kind.wrong("at every look") > 0.25


@pytest.mark.parametrize("kind", ["differences", "covariates", "learned", "rankings"])
def test_every_kind_that_is_simulated_keeps_its_error_and_saves_what_it_should(benchmark_module, kind):
    """The tables of `claims.py` and `verdicts.py`, with few runs: all of them together, within its luck."""
    [found] = benchmark_module("compared.catalogue").made([kind], 40)
    n_runs = 40 * len(found.cells)
    assert found.wrong("pytest-velo") <= binom.ppf(0.998, n_runs, 0.05) / n_runs
    assert found.wrong("at every look") > 0.25
    assert found.ratio("pytest-velo") < {"differences": 1.35}.get(kind, 1.0)
    if kind in {"covariates", "learned"}:
        assert found.ratio("pytest-velo") < found.ratio("without it")


def test_means_need_at_most_1_35_times_the_bound_in_every_case(benchmark_module):
    bounded_means = benchmark_module("bounded_means")
    shipped = [row[-1] for row in bounded_means.ratios(runs=250)]
    assert len(shipped) == 8
    assert max(shipped) <= 1.35
    assert math.exp(sum(map(math.log, shipped)) / 8) <= 1.25


TWO_ENDED = [(0.4, 0.6, 0.5), (0.3, 0.7, 0.5), (0.05, 0.2, 0.12), (0.8, 0.95, 0.9)]
"""Where a verdict is nearly sure within 1,000 trials; both ends, and the truth."""


def test_a_range_needs_at_most_1_35_times_the_two_edge_bound_where_a_verdict_is_nearly_sure(benchmark_module):
    cells = benchmark_module("within").cells(TWO_ENDED)
    assert len(cells) == 2 * len(TWO_ENDED)
    for cell in cells:
        print(cell)
        assert cell.wald <= cell.bound
        assert cell.supported > 0.99
        assert cell.bound < cell.shipped <= cell.to_the_end < cell.ville
        assert cell.to_the_end <= 1.35 * cell.bound
    assert max(cell.ville / cell.bound for cell in cells) > 1.35


def test_a_range_that_is_a_part_of_a_claim_takes_a_tenth_fewer_trials_than_by_ville(benchmark_module):
    part = benchmark_module("within").trials_of_a_part
    for truth, low, high in ((0.5, 0.3, 0.7), (0.12, 0.05, 0.2)):
        shipped, ville = part(truth, low, high, 300, runs=200)
        ratio = np.minimum(shipped, 300).mean() / np.minimum(ville, 300).mean()
        print(ratio)
        assert 0.7 < ratio <= 0.9
        assert (shipped <= 300).mean() >= (ville <= 300).mean()


def test_no_rule_that_is_supported_as_often_is_far_below_the_shipped_one(benchmark_module):
    """Near an end, where a run often gives up and so takes fewer trials than if it always decided."""
    within, [low, high, truth] = benchmark_module("within"), (0.3, 0.7, 0.35)
    rule = make_rate_rule(rate.within(low, high), Design(alpha=0.05, beta=0.05, max_units=1000))
    [run] = law_with_futility(rule, usual_futility(1000))([truth])
    least = within.bound_at(truth, low, high, 1000, run.supported)
    print(run, least)
    assert 0.7 < run.supported < 0.9
    assert run.mean_n < within.wald(truth, low, high)
    assert least < run.mean_n <= 1.5 * least


def law_of(rule, chance, n=0, ones=0):
    """Return P(supported) and the mean trials of a rule that is told what to do after each count."""
    told = rule[n, ones]
    if told != "goes on":
        return float(told == "supported"), float(n)
    more, same = law_of(rule, chance, n + 1, ones + 1), law_of(rule, chance, n + 1, ones)
    return tuple(chance * a + (1.0 - chance) * b for a, b in zip(more, same, strict=True))


@pytest.mark.parametrize("weights", [(1.0, 2.0, 0.0), (1.0, 5.0, 6.0), (3.0, 9.0, 9.0), (6.0, 2.0, 9.0)])
def test_the_two_edge_bound_goes_by_the_best_of_all_rules(benchmark_module, weights):
    """All rules of three trials: their errors, and their chance at the truth, by the law of each rate."""
    truth, ends, horizon = 0.4, (0.1, 0.8), 3
    states = [(n, ones) for n in range(horizon + 1) for ones in range(n + 1)]
    ways = ["supported", "goes on", *(["ends"] if weights[2] else [])]
    choices = [ways if n < horizon else ["supported", "ends"] for n, _ in states]
    values = []
    for chosen in itertools.product(*choices):
        rule = dict(zip(states, chosen, strict=True))
        right, mean = law_of(rule, truth)
        wrong = [law_of(rule, end)[0] for end in ends]
        values.append(
            (mean + weights[0] * wrong[0] + weights[1] * wrong[1] - weights[2] * right, wrong, right)
        )
    best, wrong, right = min(values)
    assert 0.0 < right < 1.0 or not weights[2]
    value, found = benchmark_module("within").stopping(truth, ends, horizon, weights)
    assert value == pytest.approx(best, abs=1e-12)
    assert found == pytest.approx((*wrong, right), abs=1e-12)
