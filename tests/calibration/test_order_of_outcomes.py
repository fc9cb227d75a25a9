"""That trials depend on each other is said of independent ones at most 0.1% of the time, however a run stops.

The evidence is an e-process: its mean is at most 1 under the null, whatever the stopping rule. That is shown
exactly, by the best stopping rule that there is (found backwards over every sequence), for independent
outcomes of any rate and for outcomes drawn from a finite list. How often the whole check speaks is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest

from pytest_velo import difference, mean, rate
from pytest_velo.checks.dependence import ALPHA, dependence_in
from pytest_velo.checks.exchangeability import OrderEvidence
from pytest_velo.claims import Statistic
from pytest_velo.records import OutcomeKind, TrialRecord

DEPTH = 12
FIRST_STOPS = (1, 4, 8, DEPTH)
N = 20_000

Outcomes = tuple[bool, ...]
Evidence = Callable[[Outcomes], float]


def evidence_table(exchangeable: bool) -> dict[Outcomes, float]:
    """Return the e-value of every sequence of up to `DEPTH` outcomes."""
    table: dict[Outcomes, float] = {}
    for n in range(DEPTH + 1):
        for outcomes in product((False, True), repeat=n):
            found = OrderEvidence()
            for outcome in outcomes:
                found.add(outcome)
            table[outcomes] = math.exp(found.log_e(exchangeable=exchangeable))
    return table


@pytest.fixture(scope="module")
def independent() -> dict[Outcomes, float]:
    return evidence_table(exchangeable=False)


@pytest.fixture(scope="module")
def exchangeable() -> dict[Outcomes, float]:
    return evidence_table(exchangeable=True)


def best_mean(table: dict[Outcomes, float], chance: Callable[[int, int], float], first_stop: int) -> float:
    """Return the largest mean e-value that any stopping rule attains that goes on up to `first_stop`.

    `chance` is that of a one after so many outcomes with so many ones.
    """
    values = {outcomes: table[outcomes] for outcomes in product((False, True), repeat=DEPTH)}
    for n in range(DEPTH - 1, -1, -1):
        for outcomes in product((False, True), repeat=n):
            one = min(1.0, max(0.0, chance(n, sum(outcomes))))
            going_on = one * values[*outcomes, True] + (1.0 - one) * values[*outcomes, False]
            values[outcomes] = max(going_on, table[outcomes]) if n >= first_stop else going_on
    return values[()]


@pytest.mark.parametrize("p", [0.5, 0.3, 0.1, 0.02])
def test_independent_outcomes_of_any_rate(
    independent: dict[Outcomes, float], exchangeable: dict[Outcomes, float], p: float
) -> None:
    for first_stop in FIRST_STOPS:
        assert best_mean(independent, lambda n, ones: p, first_stop) <= 1.0
        assert best_mean(exchangeable, lambda n, ones: p, first_stop) <= 1.0


@pytest.mark.parametrize("size", [DEPTH, 20])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_outcomes_from_a_list_each_drawn_once(
    exchangeable: dict[Outcomes, float], size: int, share: float
) -> None:
    ones_there = max(1, round(share * size))
    for first_stop in FIRST_STOPS:
        found = best_mean(exchangeable, lambda n, ones: (ones_there - ones) / (size - n), first_stop)
        assert found <= 1.0


def test_a_mean_in_place_of_the_bound_would_be_noticed(exchangeable: dict[Outcomes, float]) -> None:
    """Divided by the probability at a rate that is uniform, instead of by the largest, it is none."""
    table = {outcomes: value * (len(outcomes) + 1) for outcomes, value in exchangeable.items()}
    assert best_mean(table, lambda n, ones: 0.02, 4) > 1.0


def records(values: np.ndarray, arms: Sequence[str] = ("",)) -> list[TrialRecord]:
    """Return trials with these outcomes: a row for each unit, a column for each arm."""
    return [
        TrialRecord(
            index=unit * len(arms) + at,
            case_id=str(unit),
            repeat=0,
            seed=0,
            kind=OutcomeKind.VALUE,
            values={"": float(value)},
            arm=arm,
            unit=unit,
            unit_size=len(arms),
        )
        for unit, row in enumerate(values)
        for at, (arm, value) in enumerate(zip(arms, row, strict=True))
    ]


def speaks(
    n: int, outcomes: Callable[[np.random.Generator], np.ndarray], statistic: Statistic, **given
) -> int:
    rng = np.random.default_rng(20_261_130)
    arms = given.get("arms", ("",))
    return sum(
        dependence_in(records(outcomes(rng), arms), [statistic], **given) is not None for _ in range(n)
    )


def test_the_check_speaks_as_seldom_as_it_says_of_independent_trials() -> None:
    """Runs of 60 trials; the rate is anywhere."""
    wrong = speaks(N, lambda rng: (rng.random((60, 1)) < rng.random()).astype(int), (rate >= 0.5).statistic)
    assert binomtest(wrong, N, ALPHA, alternative="greater").pvalue > 1e-6


def test_of_scores_in_random_order_too() -> None:
    def scores(rng: np.random.Generator) -> np.ndarray:
        return rng.permutation(np.round(np.linspace(0, 10, 40) ** 1.3))[:, None]

    wrong = speaks(4_000, scores, (mean(0, 30) >= 5).statistic, exchangeable=True)
    assert binomtest(wrong, 4_000, ALPHA, alternative="greater").pvalue > 1e-6


def test_of_two_arms_on_cases_of_any_difficulty_too() -> None:
    def pairs(rng: np.random.Generator) -> np.ndarray:
        hard = rng.beta(0.5, 0.5, size=(40, 1))
        return (rng.random((40, 2)) < hard).astype(int)

    wrong = speaks(4_000, pairs, (difference("a", "b") >= 0).statistic, arms=("a", "b"))
    assert binomtest(wrong, 4_000, ALPHA, alternative="greater").pvalue > 1e-6


@pytest.mark.parametrize("stays", [0.9, 0.1])
def test_trials_that_follow_each_other_are_found(stays: float) -> None:
    def chain(rng: np.random.Generator) -> np.ndarray:
        return (np.cumsum(rng.random((100, 1)) > stays, axis=0) + rng.integers(2)) % 2

    assert speaks(300, chain, (rate >= 0.5).statistic) >= 285
