"""That trials depend on each other is said of independent ones at most 0.1% of the time, however a run stops.

The evidence is an e-process: its mean is at most 1 under the null, whatever the stopping rule. That is shown
exactly, by the best stopping rule that there is (found backwards over every sequence), for independent
outcomes of any rate and for outcomes drawn from a finite list. How often the whole check speaks is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from pytest_velo import difference, mean, rate
from pytest_velo.checks.dependence import ALPHA, dependence_in
from pytest_velo.checks.exchangeability import OrderEvidence
from pytest_velo.checks.ranks import RankEvidence
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


@cache
def record(unit: int, at: int, n_arms: int, arm: str, value: float | None) -> TrialRecord:
    """Return a trial; one without an outcome is invalid."""
    return TrialRecord(
        index=unit * n_arms + at,
        case_id=str(unit),
        repeat=0,
        seed=0,
        kind=OutcomeKind.INVALID if value is None else OutcomeKind.VALUE,
        values={} if value is None else {"": value},
        arm=arm,
        unit=unit,
        unit_size=n_arms,
    )


def records(values: np.ndarray, arms: Sequence[str] = ("",)) -> list[TrialRecord]:
    """Return trials with these outcomes: a row for each unit, a column for each arm; NaN is invalid."""
    return [
        record(unit, at, len(arms), arm, None if math.isnan(value) else value)
        for unit, row in enumerate(values.astype(float).tolist())
        for at, (arm, value) in enumerate(zip(arms, row, strict=True))
    ]


def speaks(outcomes: Callable[[np.random.Generator], np.ndarray], statistic: Statistic, **given) -> int:
    """Return in how many of 20,000 runs the whole check speaks."""
    rng = np.random.default_rng(20_261_130)
    arms = given.get("arms", ("",))
    found = sum(
        dependence_in(records(outcomes(rng), arms), [statistic], **given) is not None for _ in range(N)
    )
    print(f"speaks in {found} of {N:,} runs")
    return found


def seldom(wrong: int) -> bool:
    """Whether so many are within the exact bound for the level in 20,000 runs: 30."""
    return wrong <= binom.ppf(0.998, N, ALPHA)


def stopped_where_it_turns(ones: np.ndarray) -> np.ndarray:
    """Stop a run where its order looks most telling: at its longest row of equal outcomes."""
    changes = np.flatnonzero(np.diff(ones[:, 0])) + 1
    ends = np.concatenate([changes, [len(ones)]])
    lengths = np.diff(np.concatenate([[0], ends]))
    return ones[: max(8, int(ends[lengths.argmax()]))]


def anywhere(rng: np.random.Generator) -> np.ndarray:
    """Return 30 independent trials at any rate."""
    return (rng.random((30, 1)) < rng.random()).astype(float)


def a_list(rng: np.random.Generator) -> np.ndarray:
    """Return a list of 40 recorded outcomes in random order, each once."""
    return rng.permutation(np.arange(40) < rng.integers(1, 40)).astype(float)[:, None]


def scores(rng: np.random.Generator) -> np.ndarray:
    """Return 40 scores in random order, each once."""
    return rng.permutation(np.round(np.linspace(0, 10, 40) ** 1.3))[:, None]


def pairs(rng: np.random.Generator) -> np.ndarray:
    """Return two arms on cases that are nearly always or nearly never right, for both alike."""
    return (rng.random((24, 2)) < rng.beta(0.2, 0.2, size=(24, 1))).astype(float)


def invalid_if_wrong(rng: np.random.Generator) -> np.ndarray:
    """Return trials of which half of the zeros, and a tenth of the ones, are invalid."""
    ones = anywhere(rng)
    return np.where(rng.random(ones.shape) < np.where(ones > 0.0, 0.1, 0.5), np.nan, ones)


RUNS = {
    "single trials": (anywhere, (rate >= 0.5).statistic, {}),
    "single trials, invalid by their outcome": (invalid_if_wrong, (rate >= 0.5).statistic, {}),
    "a list": (a_list, (rate >= 0.5).statistic, {"exchangeable": True}),
    "a list, stopped at the longest row": (
        lambda rng: stopped_where_it_turns(a_list(rng)),
        (rate >= 0.5).statistic,
        {"exchangeable": True},
    ),
    "scores": (scores, (mean(0, 30) >= 5).statistic, {"exchangeable": True}),
    "pairs": (pairs, (difference("a", "b") >= 0).statistic, {"arms": ("a", "b")}),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_check_speaks_as_seldom_as_it_says_of_independent_trials(name: str) -> None:
    outcomes, statistic, given = RUNS[name]
    assert seldom(speaks(outcomes, statistic, **given))


@pytest.mark.parametrize("exchangeable", [False, True])
@pytest.mark.parametrize("of", ["ones", "scores"])
def test_the_check_speaks_at_one_in_a_thousand_and_not_before(of: str, exchangeable: bool) -> None:
    """Whatever the sequence: where its evidence first reaches 1,000 (2,000) at a look, the check speaks.

    Scores are cut at the median of the first ten, which are no evidence.
    """
    rng, near = np.random.default_rng(3), []
    first = [0.0, 10.0] * 5 if of == "scores" else []
    statistic = ((mean(0, 10) >= 5) if of == "scores" else (rate >= 0.5)).statistic
    for _ in range(400):
        stays = rng.choice([0.05, 0.2, 0.8, 0.95])
        ones = (np.cumsum(rng.random(60) > stays) % 2).astype(bool).tolist()
        values = [*first, *(9.0 * one + rng.random() if first else float(one) for one in ones)]
        found, largest, next_look = OrderEvidence(), -math.inf, 8
        for n, value in enumerate(values, start=1):
            if n > len(first):
                found.add(value > (5.0 if first else 0.5))
            if n in (next_look, len(values)):
                next_look += max(1, n // 4)
                largest = max(largest, found.log_e(exchangeable=exchangeable))
        spoke = dependence_in(records(np.array(values)[:, None]), [statistic], exchangeable=exchangeable)
        bar = math.log(2_000 if first else 1_000)  # of scores, half of the level is for their ranks
        assert (spoke is not None and not spoke.by_ranks) == (largest >= bar)
        near.append(abs(largest - bar))
    assert sum(distance < 0.4 for distance in near) >= 3  # another bar would be noticed


@pytest.mark.parametrize("stays", [0.9, 0.1])
def test_trials_that_follow_each_other_are_found(stays: float) -> None:
    def chain(rng: np.random.Generator) -> np.ndarray:
        return (np.cumsum(rng.random((100, 1)) > stays, axis=0) + rng.integers(2)) % 2

    rng, statistic = np.random.default_rng(20_261_130), (rate >= 0.5).statistic
    assert sum(dependence_in(records(chain(rng)), [statistic]) is not None for _ in range(300)) >= 285


def ever(scores: np.ndarray, evidence: type[RankEvidence]) -> float:
    """Return the share of runs, a row each, in which the evidence of ranks ever reaches 20."""
    found = 0
    for run, row in enumerate(scores.tolist()):
        ranks = evidence(str(run))
        for score in row:
            ranks.add(score)
        found += ranks.most >= 20
    return found / len(scores)


TEN_THOUSAND = 10_000
KINDS = {
    "no two alike": lambda rng: rng.random((TEN_THOUSAND, 30)),
    "three grades": lambda rng: rng.integers(0, 3, (TEN_THOUSAND, 30)),
    "all alike": lambda rng: np.ones((TEN_THOUSAND, 30)),
    "a list in random order": lambda rng: rng.permuted(
        np.tile(np.arange(30) ** 3 // 50, (TEN_THOUSAND, 1)), axis=1
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_ranks_ever_reach_20_in_one_run_in_twenty_at_most(kind: str) -> None:
    """By Ville, at 5% so that it can be counted; whatever a run stops by, it is no more often."""
    share = ever(KINDS[kind](np.random.default_rng(20_261_130)), RankEvidence)
    print(f"ranks, {kind}: {share:.2%}")
    assert 0.01 < share <= binom.isf(0.002, TEN_THOUSAND, 0.05) / TEN_THOUSAND


class TiesAsHigher(RankEvidence):
    """What ranks a score that was there before above all of its like."""

    def add(self, score: float) -> None:
        super().add(score + 1e-9 * self.n)


def test_scores_that_are_equal_need_a_lot() -> None:
    scores = np.random.default_rng(3).integers(0, 3, (500, 30))
    assert ever(scores, TiesAsHigher) > 0.1
