"""Claims about a baseline: the baseline is sampled, stored, read and compared by what ships, in every run.

20,000 runs with fixed seeds, held to the exact binomial bound of so many runs. The statistic has lost, or
gained, exactly the margin: there either verdict is at its most wrong. The errors are those of both samples
together: the baseline is drawn anew in every run.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_velo.baselines.codec import decode, encode
from pytest_velo.baselines.file import BaselineFile
from pytest_velo.claims import baseline, mean, rate
from pytest_velo.records import OutcomeKind
from pytest_velo.verdicts import Verdict

SUPPORTED, REFUTED = Verdict.SUPPORTED, Verdict.REFUTED
N_CASES = 16
MARGIN = 0.3


def through_bytes(file):
    """Write and read an entry."""
    [entry] = decode(encode(file.entries.values()))
    return entry


def shares(calibration, guard, draw, n_runs, *, stored=through_bytes):
    """Return how often each verdict comes: every run stores a baseline of its own and compares with it."""
    found = {SUPPORTED: 0, REFUTED: 0, None: 0}
    old, new = draw(n_runs, len(guard.planned))
    for then, now in zip(old.tolist(), new.tolist(), strict=True):
        before, after = ([calibration.trial(_=float(one)) for one in sample] for sample in (then, now))
        entry = stored(guard.accepted(BaselineFile(), before))
        found[guard.verdict(entry.current, after)] += 1
    by_verdict = {verdict: n / n_runs for verdict, n in found.items()}
    calibration.tell(by_verdict)
    return by_verdict


def moved_by(change, *, alike, seed):
    """Rates that moved by `change` on every case; cases that are alike, or mostly easy or hard."""
    rng = np.random.default_rng(seed)

    def draw(n_runs, n_cases):
        ease = np.full((n_runs, n_cases), 0.5) if alike else rng.beta(0.4, 0.4, (n_runs, n_cases))
        low = ease * (1 - abs(change))
        then, now = (low + max(-change, 0), low + max(change, 0))
        return rng.random(low.shape) < then, rng.random(low.shape) < now

    return draw


@pytest.mark.parametrize("alike", [True, False])
def test_a_rate_that_lost_just_the_margin(calibration, guarded, alike):
    """Whether a case's outcomes then and now go together or not: only the pairs are compared."""
    guard = guarded(rate >= baseline - MARGIN, N_CASES)
    found = shares(calibration, guard, moved_by(-MARGIN, alike=alike, seed=1), calibration.n_runs)
    assert 0.003 < found[SUPPORTED] <= calibration.most(calibration.alpha)
    assert 0.003 < found[REFUTED] <= calibration.most(calibration.beta)


def test_a_rate_that_gained_just_the_margin(calibration, guarded):
    """The same of `<=`, for which all the worst is the other way round."""
    guard = guarded(rate <= baseline + MARGIN, N_CASES)
    found = shares(calibration, guard, moved_by(MARGIN, alike=False, seed=2), calibration.n_runs)
    assert 0.003 < found[SUPPORTED] <= calibration.most(calibration.alpha)
    assert 0.003 < found[REFUTED] <= calibration.most(calibration.beta)


def test_by_way_of_a_real_file(calibration, guarded, tmp_path):
    """200 runs: a file that is saved and loaded gives the verdicts that the sample itself gives."""
    path, guard = tmp_path / "velo-baseline.json", guarded(rate >= baseline - MARGIN, N_CASES)

    def saved(file):
        file.save(path)
        [entry] = BaselineFile.load(path).entries.values()
        return entry

    def kept(file):
        [entry] = file.entries.values()
        return entry

    drawn = [
        shares(calibration, guard, moved_by(-0.6, alike=False, seed=3), 200, stored=stored)
        for stored in (saved, kept)
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0][REFUTED] > 0.1


@pytest.mark.parametrize(
    "claim", [mean(0, 4) >= baseline - 1, mean(0, 4).within(baseline - 1, baseline + 3)], ids=str
)
def test_scores_that_lost_just_the_margin(calibration, guarded, claim):
    """Two draws of each case, whose mean counts, at levels of .2; scores vary with the case."""
    rng = np.random.default_rng(4)
    guard = guarded(claim, n_cases=12, draws_per_case=2, alpha=0.2, beta=0.2)

    def draw(n_runs, n_trials):
        case = np.repeat(rng.integers(0, 2, (n_runs, n_trials // 2)), 2, axis=1)
        return 1 + case + 2 * rng.integers(0, 2, case.shape), case + 2 * rng.integers(0, 2, case.shape)

    found = shares(calibration, guard, draw, calibration.n_runs)
    assert found[SUPPORTED] <= calibration.most(0.2)
    assert found[REFUTED] <= calibration.most(0.2)
    assert max(found[SUPPORTED], found[REFUTED]) > 0.005


@pytest.mark.parametrize("flatters", [SUPPORTED, REFUTED])
def test_invalid_trials_that_flatter_a_verdict(calibration, guarded, flatters):
    """Half of the ones then and of the zeros now are invalid, or the contrary."""
    n_runs, rng = calibration.n_runs, np.random.default_rng(5)
    guard = guarded(rate >= baseline - MARGIN, N_CASES)
    drawn = moved_by(-MARGIN, alike=False, seed=6)
    invalid = replace(calibration.trial(_=0.0), kind=OutcomeKind.INVALID, values={})
    letters = [calibration.trial(_=0.0), calibration.trial(_=1.0), invalid]
    found = {SUPPORTED: 0, REFUTED: 0, None: 0}
    for then, now in zip(*drawn(n_runs, N_CASES), strict=True):
        before, after = (
            [letters[x] for x in np.where((ones == hides) & (rng.random(N_CASES) < 0.5), 2, ones).tolist()]
            for ones, hides in ((then, flatters is SUPPORTED), (now, flatters is REFUTED))
        )
        entry = through_bytes(guard.accepted(BaselineFile(), before))
        assert entry.current.n == N_CASES
        found[guard.verdict(entry.current, after)] += 1
    calibration.tell({verdict: n / n_runs for verdict, n in found.items()})
    assert found[SUPPORTED] / n_runs <= calibration.most(calibration.alpha)
    assert found[REFUTED] / n_runs <= calibration.most(calibration.beta)


def test_the_stored_rate_taken_for_the_truth_fails_the_same_test(calibration, guarded):
    """ "The old rate minus the margin" as a threshold for 50 new trials."""
    n_runs = calibration.n_runs
    guard, draw = guarded(rate >= baseline - MARGIN, N_CASES), moved_by(-MARGIN, alike=True, seed=7)
    refuted = 0
    old, new = draw(n_runs, N_CASES)[0], draw(n_runs, 50)[1]
    for then, now in zip(old.tolist(), new.tolist(), strict=True):
        entry = through_bytes(guard.accepted(BaselineFile(), [calibration.trial(_=float(x)) for x in then]))
        threshold = min(0.95, max(0.05, entry.current.mean - MARGIN))
        trials = [[calibration.trial(_=float(one))] for one in now]
        refuted += calibration.verdict(calibration.hypothesis(rate >= threshold, 50), trials) is REFUTED
    calibration.tell({REFUTED: refuted / n_runs})
    assert refuted / n_runs > 2 * calibration.most(calibration.beta)
