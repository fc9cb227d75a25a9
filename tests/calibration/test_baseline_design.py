"""The recommended baselines decide, and ten small losses are found: by what ships, from files."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from pytest_velo.baselines.file import BaselineFile
from pytest_velo.baselines.paired import drift
from pytest_velo.claims import baseline, rate
from pytest_velo.verdicts import Verdict

SUPPORTED, REFUTED = Verdict.SUPPORTED, Verdict.REFUTED
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

RECOMMENDED = [(0.8, 0.8, 0.1, 400), (0.95, 0.92, 0.1, 250), (0.8, 0.7, 0.15, 250)]
"""Rate, agreement of two samples of the same thing, margin, trials: rows of the table in the documents."""


def trials(calibration, ones):
    return [calibration.trial(_=float(one)) for one in ones.tolist()]


def case_rates(rng, rate, agreement, n):
    """Return rates of cases with this mean, and so far apart that two samples agree so often."""
    variance = rate * (1 - rate) - (1 - agreement) / 2
    kappa = rate * (1 - rate) / variance - 1
    return rng.beta(rate * kappa, (1 - rate) * kappa, n)


@pytest.mark.parametrize(("share", "agreement", "margin", "n"), RECOMMENDED)
def test_the_recommended_designs_decide_in_four_runs_of_five(
    calibration, guarded, tmp_path, share, agreement, margin, n
):
    """When nothing changed, and when twice the margin is lost: 200 runs each, each with a file of its own."""
    guard, rng, runs = guarded(rate >= baseline - margin, n, beta=0.05), np.random.default_rng(1), 200
    for loss, right in ((0.0, SUPPORTED), (2 * margin, REFUTED)):
        found = {SUPPORTED: 0, REFUTED: 0, None: 0}
        for run in range(runs):
            rates = case_rates(rng, share, agreement, n)
            path = tmp_path / f"{right}-{run}.json"
            guard.accepted(BaselineFile(), trials(calibration, rng.random(n) < rates)).save(path)
            [entry] = BaselineFile.load(path).entries.values()
            now = trials(calibration, rng.random(n) < rates * (1 - loss / share))
            found[guard.verdict(entry.current, now)] += 1
        assert found[right] / runs >= 0.8
        assert runs - found[right] - found[None] <= 0.05 * runs


@pytest.fixture
def table(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("baselines")


@pytest.mark.parametrize(("share", "agreement", "margin", "n"), RECOMMENDED)
def test_the_benchmark_recommends_no_more_than_that(table, monkeypatch, share, agreement, margin, n):
    """In a fifth of its runs."""
    monkeypatch.setattr(table, "RUNS", 500)
    trials, mean_trials = table.needed(share, agreement, margin)
    assert trials <= n
    assert mean_trials < trials


def test_ten_accepted_losses_of_two_points_are_found_by_the_drift(calibration, guarded, tmp_path):
    """Twenty histories. No comparison with the current baseline shows what the first one does."""
    n, steps, histories = 400, 10, 20
    guard, rng = guarded(rate >= baseline - 0.1, n), np.random.default_rng(2)
    refuted = found = covered = 0
    for history in range(histories):
        path = tmp_path / f"velo-baseline-{history}.json"
        rates = case_rates(rng, 0.85, 0.85, n)
        BaselineFile.update(
            path, guard.accepted(BaselineFile(), trials(calibration, rng.random(n) < rates)).entries.values()
        )
        for step in range(1, steps + 1):
            now = trials(calibration, rng.random(n) < rates * (1 - 0.02 * step / 0.85))
            [entry] = BaselineFile.load(path).entries.values()
            refuted += guard.verdict(entry.current, now) is REFUTED
            BaselineFile.update(path, guard.accepted(BaselineFile(), now).entries.values())
        [entry] = BaselineFile.load(path).entries.values()
        moved = drift(entry, rate, guard.sampled(now).turns, alpha=0.05)
        found += moved.certified == "rate < baseline"
        covered += moved.interval.low <= -0.2 <= moved.interval.high < 0
    assert refuted <= 0.02 * histories * steps
    assert found == histories
    assert covered >= histories - 3
