"""How far each turn speaks against a claim: what is counted as against it, and what is shown first."""

from __future__ import annotations

from pytest_velo.claims import difference, mean, rate
from pytest_velo.runner.distance import n_against, pair_counts, telling, wrong_by
from pytest_velo.verdicts import PairCounts
from support.runs import sampled


def test_wrong_by_is_negative_on_the_side_of_the_claim() -> None:
    units = sampled(mean(0, 10) >= 6, [10, 3, None, 6]).units
    assert wrong_by(mean(0, 10) >= 6, units) == [-0.4, 0.3, None, 0.0]
    assert wrong_by(mean(0, 10) <= 6, units) == [0.4, -0.3, None, 0.0]


def test_n_against_counts_positive_distances() -> None:
    claim = mean(0, 10) >= 6
    units = sampled(claim, [5, 8, 6, None, 3]).units
    assert n_against(wrong_by(claim, units), units) == 2


def test_telling_trials_are_the_worst_first() -> None:
    claim = mean(0, 10) >= 6
    units = sampled(claim, [5, 9, None, 1]).units
    assert telling(wrong_by(claim, units), units) == (3, 0)


PAIRED = difference("a", "b") >= 0.1
OUTCOMES = [1, 1, 0, 1, 0, 0, 1, 0, None, 1, 0, 1]


def test_a_pair_whose_arms_are_alike_is_never_against_a_claim() -> None:
    units = sampled(PAIRED, OUTCOMES, arms=("a", "b")).units
    assert n_against(wrong_by(PAIRED, units), units) == 2
    assert pair_counts(units, binary=True) == PairCounts(
        first="a", second="b", n_first=1, n_second=2, n_equal=2, binary=True
    )
    assert pair_counts(sampled(rate >= 0.5, [1, 0]).units, binary=True) is None


def test_of_pairs_those_that_differ_come_first_and_whole() -> None:
    units = sampled(PAIRED, OUTCOMES, arms=("a", "b")).units
    assert telling(wrong_by(PAIRED, units), units) == (2, 3, 10, 11, 6, 7, 0, 1, 4, 5)


def test_no_pair_is_torn_at_the_most_that_are_named() -> None:
    claim = difference("a", "b") >= 0.9
    units = sampled(claim, [0, 1, 1] * 60, arms=("a", "b", "c"), min_units=60).units
    named = telling(wrong_by(claim, units), units)
    assert len(named) == 99
    assert {index // 3 for index in named} == set(range(33))
