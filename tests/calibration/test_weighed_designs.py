"""Wrong verdicts at the null's edge where a unit is more than a trial, or cases come again, as shipped.

20,000 runs with fixed seeds, held to the exact binomial bound of so many runs. The truth lies where the
claim is true, and false but for a hair.
"""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest

from pytest_velo.case_sets import load, pick_order
from pytest_velo.claims import difference, rate
from pytest_velo.runner.weigher import weigh
from pytest_velo.verdicts import Verdict

SUPPORTED, REFUTED = Verdict.SUPPORTED, Verdict.REFUTED


def check(calibration, found, *, least):
    """Both errors are within their levels; and the simulation is near enough to the edge to see errors."""
    assert found[SUPPORTED] <= calibration.most(calibration.alpha), found
    assert found[REFUTED] <= calibration.most(calibration.beta), found
    assert max(found[SUPPORTED], found[REFUTED]) >= least, found


def two_kinds_of_groups(calibration, n, units, rng):
    """Templates of one to four questions; half of them nearly always work, half nearly never."""
    for _ in range(n):
        sizes, rates = rng.integers(1, 5, units), rng.choice([0.04, 0.96], units)
        ones = rng.random((units, 4)) < rates[:, None]
        yield [
            [calibration.trial(_=float(one)) for one in group[:size]]
            for group, size in zip(ones.tolist(), sizes.tolist(), strict=True)
        ]


def singly(runs):
    """Take every trial for a unit of its own."""
    return ([[trial] for unit in run for trial in unit] for run in runs)


def test_groups(calibration):
    rng = np.random.default_rng(7)
    hypothesis = calibration.hypothesis(rate >= 0.5, 14, turns_per_unit=4)
    found = calibration.shares(hypothesis, lambda n: two_kinds_of_groups(calibration, n, 14, rng))
    check(calibration, found, least=0.02)


def test_their_members_taken_as_independent_fail_the_same_test(calibration):
    rng = np.random.default_rng(8)
    found = calibration.shares(
        calibration.hypothesis(rate >= 0.5, 40),
        lambda n: singly(two_kinds_of_groups(calibration, n, 16, rng)),
    )
    assert found[SUPPORTED] > 3 * calibration.most(calibration.alpha)


def several_draws(calibration, n, units, rng):
    """Three draws of each case; cases are nearly always right, nearly always wrong, or in between."""
    rates = rng.choice([0.03, 0.5, 0.97], (n, units, 1))
    for run in (rng.random((n, units, 3)) < rates).astype(float).tolist():
        yield [[calibration.trial(_=one) for one in case] for case in run]


def test_several_draws_of_a_case(calibration):
    rng = np.random.default_rng(9)
    hypothesis = calibration.hypothesis(rate <= 0.5, 15, turns_per_unit=3)
    found = calibration.shares(hypothesis, lambda n: several_draws(calibration, n, 15, rng))
    check(calibration, found, least=0.02)


def test_their_draws_taken_as_independent_fail_the_same_test(calibration):
    rng = np.random.default_rng(10)
    found = calibration.shares(
        calibration.hypothesis(rate <= 0.5, 36),
        lambda n: singly(several_draws(calibration, n, 12, rng)),
    )
    assert found[SUPPORTED] > 2 * calibration.most(calibration.alpha)


def test_several_draws_of_a_case_in_both_parts_of_a_claim(calibration):
    """A case has a rate for each part, which go together; both parts are at their edge."""
    rng = np.random.default_rng(12)

    def runs(n):
        a = rng.choice([0.03, 0.5, 0.97], (n, 15, 1))
        b = np.where(rng.random(a.shape) < 0.7, a, 0.5)
        draws = zip(
            *((rng.random((n, 15, 3)) < rates).astype(float).tolist() for rates in (a, b)), strict=True
        )
        for run in draws:
            yield [
                [calibration.trial(a=one, b=other) for one, other in zip(*case, strict=True)]
                for case in zip(*run, strict=True)
            ]

    claim = (rate("a") >= 0.5) & (rate("b") <= 0.5)
    found = calibration.shares(calibration.hypothesis(claim, 15, turns_per_unit=3), runs)
    check(calibration, found, least=0.01)


def test_several_draws_of_a_case_by_each_arm(calibration):
    """Two draws of each case by either arm; `a` is better by just the .2 that is claimed."""
    rng, trial = np.random.default_rng(13), calibration.trial

    def runs(n):
        ease = rng.choice([0.05, 0.4, 0.75], (n, 15, 1))
        a, b = ((rng.random((n, 15, 2)) < rates).astype(float).tolist() for rates in (ease + 0.2, ease))
        for run in zip(a, b, strict=True):
            yield [
                [
                    arm
                    for one, other in zip(*case, strict=True)
                    for arm in (trial("b", _=other), trial("a", _=one))
                ]
                for case in zip(*run, strict=True)
            ]

    hypothesis = calibration.hypothesis(difference("a", "b") >= 0.2, 15, arms=("b", "a"), turns_per_unit=2)
    check(calibration, calibration.shares(hypothesis, runs), least=0.003)


EIGHT = {f"case {place}": 0.02 if place < 5 else 0.98 for place in range(8)}
"""A list of cases with the rate of each; "over these cases" is about the mean of them, .38."""


def picked(calibration, n, units, rng, draws_per_case):
    """The shipped order of cases, a seed for each run."""
    cases = load(list(EIGHT), base=Path())
    for seed in range(n):
        plan = pick_order(cases, "cases", seed=seed, draws_per_case=draws_per_case)
        chances = rng.random(units * draws_per_case).tolist()
        trials = zip(takewhile(lambda planned: planned.unit < units, plan), chances, strict=False)
        yield [
            (planned, calibration.trial(_=float(chance < EIGHT[planned.case]))) for planned, chance in trials
        ]


@pytest.mark.parametrize(("draws_per_case", "units"), [(1, 24), (3, 10)])
def test_a_list_of_cases_picked_with_replacement(calibration, draws_per_case, units):
    """Each run makes its own order of cases, as a run of that seed would."""
    rng, n_runs = np.random.default_rng(11), calibration.n_runs
    hypothesis = calibration.hypothesis(
        rate >= float(np.mean(list(EIGHT.values()))), units, turns_per_unit=draws_per_case
    )
    found = {SUPPORTED: 0, REFUTED: 0, None: 0}
    for run in picked(calibration, n_runs, units, rng, draws_per_case):
        weigher, verdict = weigh(hypothesis), None
        for planned, record in run:
            verdict = weigher.add(record, planned)
            if verdict is not None:
                break
        found[verdict] += 1
    shares = {verdict: n / n_runs for verdict, n in found.items()}
    calibration.tell(shares)
    assert shares[SUPPORTED] <= calibration.most(calibration.alpha)
    assert shares[REFUTED] <= calibration.most(calibration.beta)
    assert shares[SUPPORTED] + shares[REFUTED] >= 0.02
