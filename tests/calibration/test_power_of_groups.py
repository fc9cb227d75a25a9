"""The power that is told of groups is that of the runner, giving up included, within 3 points."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, cast

import numpy as np
import pytest

from pytest_velo import difference, rate
from pytest_velo.case_sets import Planned
from pytest_velo.claims import Claim
from pytest_velo.records import OutcomeKind, TrialRecord, UnitKind
from pytest_velo.runner.run import Run
from pytest_velo.runner.trials import Finished
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.clusters import Clusters, likenesses, power_at, smallest_seen, units_needed
from pytest_velo.verdicts import Verdict
from support.hypotheses import hypothesis_of

N_RUNS = 2_000
SIZE = 4


def finished(outcomes: np.ndarray[Any, Any], arms: tuple[str, ...]) -> Iterator[Finished]:
    """Yield the trials of a run: `outcomes` has the shape (groups, cases, arms)."""
    index = count()
    for unit, group in enumerate(outcomes.tolist()):
        for at, turn in enumerate(group):
            for arm, outcome in zip(arms, turn, strict=True):
                i = next(index)
                planned = Planned(
                    index=i,
                    turn=unit * SIZE + at,
                    unit=unit,
                    case=None,
                    case_digest=f"{unit} {at}",
                    case_id=f"{unit} {at}",
                    repeat=0,
                    unit_size=SIZE * len(arms),
                    arm=arm,
                )
                kind = OutcomeKind.ONE if outcome else OutcomeKind.ZERO
                record = TrialRecord(
                    index=i, case_id="", repeat=0, seed=0, kind=kind, values={"": outcome}, arm=arm
                )
                yield Finished(planned=planned, record=record)


def power_of_runner(claim: Claim, n: int, outcomes: np.ndarray[Any, Any]) -> float:
    """Return how often runs with these outcomes are supported: the shape is (runs, groups, cases, arms)."""
    arms = claim.statistic.arms or ("",)
    nobody = cast(Any, None)
    hypothesis = hypothesis_of(
        claim=claim, max_trials=n, turns_per_unit=SIZE, arms=claim.statistic.arms, unit=UnitKind.GROUP
    )
    supported = 0
    for one in outcomes:
        run = Run(hypothesis, nobody, nobody)
        run.take(finished(one, arms))
        supported += run.verdict is Verdict.SUPPORTED
    return supported / len(outcomes)


def told(claim: Claim, n: int) -> Clusters:
    design = Design(alpha=0.05, beta=0.05, max_units=n, single=False)
    return Clusters(claim=claim, design=design, unit="group", sizes=(SIZE,) * n)


def outcomes_of(rng: np.random.Generator, n: int, truth: float, *, whole: bool) -> np.ndarray[Any, Any]:
    drawn = rng.random((N_RUNS, n, 1 if whole else SIZE, 1)) < truth
    return np.repeat(drawn, SIZE if whole else 1, axis=2).astype(float)


@pytest.mark.parametrize(
    ("n", "truth", "whole"), [(10, 0.9, True), (10, 0.75, False), (40, 0.72, True), (40, 0.61, False)]
)
def test_of_a_rate(n: int, truth: float, whole: bool) -> None:
    claim = rate >= 0.5
    units = told(claim, n)
    ends = {end.whole: end for end in likenesses(units)}
    found = power_of_runner(claim, n, outcomes_of(np.random.default_rng(3), n, truth, whole=whole))
    print(n, truth, whole, found, power_at(units, ends[whole], truth))
    assert found == pytest.approx(power_at(units, ends[whole], truth), abs=0.03)
    assert abs(found - power_at(units, ends[not whole], truth)) > 0.05  # the other end would be noticed


@pytest.mark.parametrize("whole", [True, False])
def test_of_a_difference(whole: bool) -> None:
    claim, n, truth = difference("a", "b") >= 0, 20, 0.5 if whole else 0.3
    units = told(claim, n)
    ends = {end.whole: end for end in likenesses(units)}
    rng = np.random.default_rng(4)
    if whole:  # one arm of a pair is right, and it is the same in the whole group
        first = rng.random((N_RUNS, n, 1, 1)) < (1 + truth) / 2
        outcomes = np.repeat(np.concatenate([first, ~first], axis=3), SIZE, axis=2)
    else:
        rates = np.array([(1 + truth) / 2, (1 - truth) / 2])
        outcomes = rng.random((N_RUNS, n, SIZE, 2)) < rates
    found = power_of_runner(claim, n, outcomes.astype(float))
    print(whole, found, power_at(units, ends[whole], truth))
    assert found == pytest.approx(power_at(units, ends[whole], truth), abs=0.03)


def test_the_number_that_is_needed_and_the_truth_that_is_seen_have_a_power_of_80_percent() -> None:
    claim = rate >= 0.5
    units = told(claim, 20)
    ends = {end.whole: end for end in likenesses(units)}
    n = units_needed(units, ends[False], 0.62)
    assert n is not None
    rng = np.random.default_rng(5)
    found = power_of_runner(claim, n, outcomes_of(rng, n, 0.62, whole=False))
    assert found == pytest.approx(0.8, abs=0.04)
    seen = smallest_seen(units, ends[True])
    assert seen is not None
    found = power_of_runner(claim, 20, outcomes_of(rng, 20, seen, whole=True))
    assert found == pytest.approx(0.8, abs=0.04)
