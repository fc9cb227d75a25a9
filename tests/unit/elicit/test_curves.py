"""Success against the number of draws: measured without bias, predicted, and what one rate would give."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from pytest_velo.elicit import scaling
from pytest_velo.errors import UsageError

MIXED = {"easy": [1, 1, 1, 1], "hard": [0, 0, 0, 1], "never": [0, 0, 0, 0], "half": [1, 0, 1, 0]}


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_what_is_measured_is_the_mean_over_all_choices_of_so_many_draws(n):
    each = [[any(chosen) for chosen in combinations(outcomes, n)] for outcomes in MIXED.values()]
    counted = sum(sum(found) / len(found) for found in each) / len(each)
    assert scaling(MIXED).measured(n) == pytest.approx(counted)


def test_cases_that_differ_gain_less_than_one_rate_would():
    curve = scaling(MIXED)
    assert all(curve.measured(n) < curve.pooled(n) for n in (2, 3, 4))
    alike = scaling({str(n): [1, 0, 0, 1] for n in range(8)})
    assert alike.predicted(8) == pytest.approx(alike.pooled(8), abs=1e-2)


@pytest.mark.parametrize(("a", "b"), [(0.5, 1.5), (2.0, 2.0), (8.0, 2.0)])
def test_more_draws_than_were_made_are_predicted_where_rates_are_mixed_so(a, b):
    rng = random.Random(7)
    rates = [rng.betavariate(a, b) for _ in range(600)]
    curve = scaling({str(at): [rng.random() < p for _ in range(4)] for at, p in enumerate(rates)})
    truth = sum(1 - (1 - p) ** 32 for p in rates) / len(rates)
    assert curve.predicted(32) == pytest.approx(truth, abs=0.04)
    with pytest.raises(UsageError, match="cannot be measured") as caught:
        curve.measured(32)
    assert "predicted(32)" in caught.value.fix


def test_all_or_nothing_is_predicted_to_stay():
    assert scaling({"a": [1, 1], "b": [1, 1]}).predicted(9) == 1.0
    assert scaling({"a": [0, 0], "b": [0, 0]}).predicted(9) == 0.0


def test_the_table_goes_beyond_what_was_measured_and_says_so():
    rows = scaling(MIXED).table()
    assert [row.n for row in rows] == [1, 2, 4, 8]
    assert rows[-1].measured is None
    assert "4 cases with 4 draws or more" in str(scaling(MIXED))


@pytest.mark.parametrize("source", [{}, {"a": [0.5]}, 7])
def test_what_holds_no_draws_is_an_error(source):
    with pytest.raises(UsageError) as caught:
        scaling(source)
    assert caught.value.fix
