"""Estimates of means whose bets aim at the end: how often the truth is ever rejected.

20,000 runs with fixed seeds of the evidence that ships, against the truth itself, at all units up to 130: an
interval misses the truth at some moment only if one of its two tests rejects it. And whole rules, weighed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from pytest_velo.claims import estimate, mean
from pytest_velo.records import OutcomeKind
from pytest_velo.stats.engine.aim import Aim, Means
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.limits.aimed import grown, n_steps
from pytest_velo.stats.limits.mean import log_evidence
from pytest_velo.stats.rules.estimate import make_estimate

ALPHA = 0.1
UNITS = 130
HALFWIDTH = 0.08

SHAPES = {
    "0 or 1": ([0.0, 1.0], [0.7, 0.3]),
    "rare and large": ([0.02, 1.0], [0.85, 0.15]),
    "invalid where it hurts": ([0.0, 1.0], [0.7, 0.3]),
}
"""Values and their shares."""


def bounds_of(shape: str, n_runs: int):
    """Return the least and the most that each unit of so many runs may be.

    Whoever makes them invalid knows the truth: while a run's mean is above it, a fifth of the zeros is.
    """
    values, shares = SHAPES[shape]
    rng = np.random.default_rng(11)
    paths = rng.choice(values, (n_runs, UNITS), p=shares)
    if shape != "invalid where it hurts":
        return paths, paths
    above = (paths.cumsum(axis=1) - paths) / np.maximum(1, np.arange(UNITS)) > float(np.dot(values, shares))
    return paths, np.where(above & (rng.random(paths.shape) < 0.2), 1.0, paths)


def first_rejection(paths, highs, truth: float, level: float):
    """Return for each path the place of the unit at which a test of the truth rejects it, or its length."""
    aims = [Aim(HALFWIDTH, ALPHA, UNITS) for _ in paths]
    bar = math.log(1 / level)
    hedged = [log_evidence(paths, [truth], 1), log_evidence(highs, [truth], -1)]
    log_e = np.zeros((2, len(paths)))
    first = np.full(len(paths), paths.shape[1])
    n_aimed = 0
    for unit in range(paths.shape[1]):
        due = np.array([aim.due for aim in aims])
        n_aimed += int(due.sum())
        told = [aim.means() if aim.due else Means(1.0, 0.25, 0.5) for aim in aims]
        means = Means(*np.array(told).T)
        for place, side in enumerate((1, -1)):
            own = truth if side > 0 else 1 - truth
            outcome = paths[:, unit] if side > 0 else 1 - highs[:, unit]
            nulls = np.full(len(paths), own)
            aimed = grown(log_e[place], bar, outcome, nulls, means)
            log_e[place] = np.where(due, aimed, hedged[place][:, unit])
            first = np.where(log_e[place] >= bar, np.minimum(first, unit), first)
        for aim, low, high in zip(aims, paths[:, unit].tolist(), highs[:, unit].tolist(), strict=True):
            aim.add(low, high)
    assert n_aimed > 0.2 * paths.size  # it is not about the bets that hedge
    return first


@cache
def rejections(shape: str, n_runs: int):
    """Return so many runs of a shape with their truth, and where each rejects it."""
    truth = float(np.dot(*SHAPES[shape]))
    lows, highs = bounds_of(shape, n_runs)
    return lows, highs, truth, first_rejection(lows, highs, truth, ALPHA / 2)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mean_is_never_rejected_too_often(calibration, shape):
    *_, first = rejections(shape, calibration.n_runs)
    share = float((first < UNITS).mean())
    calibration.tell({"ever missed": share})
    assert 0.01 < share <= calibration.most(ALPHA)


def test_a_bar_for_twice_the_level_fails_the_same_test(calibration):
    values, shares = SHAPES["0 or 1"]
    paths = np.random.default_rng(12).choice(values, (2_000, UNITS), p=shares)
    share = float((first_rejection(paths, paths, float(np.dot(values, shares)), ALPHA) < UNITS).mean())
    calibration.tell({"ever missed": share})
    assert share > calibration.most(ALPHA)


@pytest.mark.parametrize("shape", ["0 or 1", "invalid where it hurts"])
def test_the_intervals_of_whole_runs_miss_only_what_the_tests_of_the_truth_reject(calibration, shape):
    """Through units and rule: of 20,000 runs those may miss whose own tests of the truth reject it.

    The truth is one of the nulls that limits are made of, so that an interval misses it only with its own
    test. 40 runs are weighed to where that first rejects, some to right before it, and 15 others.
    """
    lows, highs, truth, first = rejections(shape, calibration.n_runs)
    assert abs(truth * n_steps(HALFWIDTH) - round(truth * n_steps(HALFWIDTH))) < 1e-9
    hypothesis = calibration.hypothesis(estimate(mean(0, 1), halfwidth=HALFWIDTH), UNITS, alpha=ALPHA)

    invalid = replace(calibration.trial(_=0.0), kind=OutcomeKind.INVALID, values={})

    def misses(run: int, n: int) -> bool:
        bounds = zip(lows[run, :n].tolist(), highs[run, :n].tolist(), strict=True)
        units = ([calibration.trial(_=low) if low == high else invalid] for low, high in bounds)
        ends = calibration.weighed(hypothesis, units)[0].bounds()[2]
        return not ends.low <= truth <= ends.high

    share = float((first < UNITS).mean())
    rejected, others = np.flatnonzero(first < UNITS)[:40], np.flatnonzero(first == UNITS)[:15]
    found = sum(misses(run, int(first[run]) + 1) for run in rejected.tolist())
    calibration.tell({"may miss": share, "of these do": found / len(rejected)})
    assert share <= calibration.most(ALPHA)
    assert found > len(rejected) / 2
    assert not any(misses(run, int(first[run])) for run in rejected[:15].tolist())
    assert not any(misses(run, UNITS) for run in others.tolist())


def test_the_interval_that_is_reported(calibration):
    """100 whole runs of a two-point law: its ends are about the tests above, and no others."""
    truth = 0.2003
    rng = np.random.default_rng(13)
    missed, taken = 0, []
    for _ in range(100):
        rule = make_estimate(mean(0, 1), HALFWIDTH, Design(alpha=ALPHA, beta=ALPHA, max_units=400))
        for outcome in (rng.random(400) < truth).astype(float).tolist():
            if rule.feed(outcome, outcome):
                break
        ends = rule.interval()
        missed += not ends.low <= truth <= ends.high
        taken.append(rule.n)
        if rule.measured:
            assert ends.high - ends.low <= 2 * HALFWIDTH + 1e-9
        for end in (ends.low, ends.high):
            assert abs(end * n_steps(HALFWIDTH) - round(end * n_steps(HALFWIDTH))) < 1e-6
    calibration.tell({"missed": missed / 100})
    assert len(set(taken)) > 20
    assert missed <= 100 * ALPHA + 3 * math.sqrt(100 * ALPHA * (1 - ALPHA))
