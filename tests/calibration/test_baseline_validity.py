"""Claims about a baseline: the baseline is sampled, stored, read and compared by what ships, in every run.

20,000 runs with fixed seeds, held to the exact binomial bound of so many runs. The statistic has lost, or
gained, exactly the margin: there either verdict is at its most wrong. The errors are those of both samples
together: the baseline is drawn anew in every run.
"""

from __future__ import annotations

from collections import Counter
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


def kept(file):
    """Return the entry as it was made."""
    [entry] = file.entries.values()
    return entry


def verdict_of(calibration, guard, then, now, *, stored=through_bytes):
    """Store a baseline and compare with it."""
    before, after = ([calibration.trial(_=float(one)) for one in sample] for sample in (then, now))
    return guard.verdict(stored(guard.accepted(BaselineFile(), before)).current, after)


def shares(calibration, guard, drawn, moved, level=None, upper=None):
    """Return how often each verdict comes: every run stores a baseline of its own and compares with it.

    Args:
        guard: Samples and compares.
        drawn: Every trial of every run, then and now.
        moved: What a case has moved by, with the width of the scale, and how many draws make a case.
        level: Of both verdicts, if not the usual ones.
        upper: The other end of a claim that has two.
    """
    then, now = drawn
    change, width, draws = moved
    # The mean change of each case, on a scale of [0, 1]; the numbers of its units stand for themselves.
    steps = 2 * width * draws
    places = (now - then).reshape(len(then), -1, draws).sum(axis=2) + width * draws
    worth, edge = np.arange(steps + 1) / steps, (change + width) / (2 * width)
    levels = ((1, level or calibration.alpha), (-1, level or calibration.beta))

    def verdict(run):
        return verdict_of(calibration, guard, then[run].tolist(), now[run].tolist())

    up_or_down = 1 if guard.hypothesis.claim.low is not None else -1
    nulls = [calibration.null(worth, edge, up_or_down * side, level) for side, level in levels]
    if upper is not None:  # it is refuted by the average of the evidence against both ends
        nulls.append(calibration.null(worth, (upper + width) / (2 * width), 1, levels[1][1]))
    return calibration.shares_where(verdict, [null.nearly_rejected(places) for null in nulls])


def moved_by(change, *, alike, seed):
    """Rates that moved by `change` on every case; cases that are alike, or mostly easy or hard."""
    rng = np.random.default_rng(seed)

    def draw(n_runs, n_cases):
        ease = np.full((n_runs, n_cases), 0.5) if alike else rng.beta(0.4, 0.4, (n_runs, n_cases))
        low = ease * (1 - abs(change))
        then, now = (low + max(-change, 0), low + max(change, 0))
        return (rng.random(low.shape) < then).astype(int), (rng.random(low.shape) < now).astype(int)

    return draw


@pytest.mark.parametrize("alike", [True, False])
def test_a_rate_that_lost_just_the_margin(calibration, guarded, alike):
    """Whether a case's outcomes then and now go together or not: only the pairs are compared."""
    guard = guarded(rate >= baseline - MARGIN, N_CASES)
    drawn = moved_by(-MARGIN, alike=alike, seed=1)(calibration.n_runs, N_CASES)
    found = shares(calibration, guard, drawn, (-MARGIN, 1, 1))
    assert 0.003 < found[SUPPORTED] <= calibration.most(calibration.alpha)
    assert 0.003 < found[REFUTED] <= calibration.most(calibration.beta)


def test_a_rate_that_gained_just_the_margin(calibration, guarded):
    """The same of `<=`, for which all the worst is the other way round."""
    guard = guarded(rate <= baseline + MARGIN, N_CASES)
    drawn = moved_by(MARGIN, alike=False, seed=2)(calibration.n_runs, N_CASES)
    found = shares(calibration, guard, drawn, (MARGIN, 1, 1))
    assert 0.003 < found[SUPPORTED] <= calibration.most(calibration.alpha)
    assert 0.003 < found[REFUTED] <= calibration.most(calibration.beta)


def test_by_way_of_a_real_file(calibration, guarded, tmp_path):
    """200 runs: a file that is saved and loaded gives the verdicts that the sample itself gives."""
    path, guard = tmp_path / "velo-baseline.json", guarded(rate >= baseline - MARGIN, N_CASES)

    def saved(file):
        file.save(path)
        [entry] = BaselineFile.load(path).entries.values()
        return entry

    drawn = moved_by(-0.6, alike=False, seed=3)(200, N_CASES)
    found = [
        [verdict_of(calibration, guard, *both, stored=stored) for both in zip(*drawn, strict=True)]
        for stored in (saved, kept)
    ]
    assert found[0] == found[1]
    assert found[0].count(REFUTED) > 0.1 * 200


@pytest.mark.parametrize(
    "claim", [mean(0, 4) >= baseline - 1, mean(0, 4).within(baseline - 1, baseline + 3)], ids=str
)
def test_scores_that_lost_just_the_margin(calibration, guarded, claim):
    """Two draws of each case, whose mean counts, at levels of .2; scores vary with the case."""
    rng = np.random.default_rng(4)
    guard = guarded(claim, n_cases=12, draws_per_case=2, alpha=0.2, beta=0.2)

    case = np.repeat(rng.integers(0, 2, (calibration.n_runs, 12)), 2, axis=1)
    drawn = 1 + case + 2 * rng.integers(0, 2, case.shape), case + 2 * rng.integers(0, 2, case.shape)
    upper = 3 if guard.hypothesis.claim.high is not None else None
    found = shares(calibration, guard, drawn, (-1, 4, 2), 0.2, upper)
    assert found[SUPPORTED] <= calibration.most(0.2)
    assert found[REFUTED] <= calibration.most(0.2)
    assert max(found[SUPPORTED], found[REFUTED]) > 0.005


@pytest.mark.parametrize("flatters", [SUPPORTED, REFUTED])
def test_invalid_trials_that_flatter_a_verdict(calibration, guarded, flatters):
    """Half of the ones then and of the zeros now are invalid, or the contrary."""
    n_runs, rng = calibration.n_runs, np.random.default_rng(5)
    guard = guarded(rate >= baseline - MARGIN, N_CASES)
    ones = moved_by(-MARGIN, alike=False, seed=6)(n_runs, N_CASES)
    invalid = replace(calibration.trial(_=0.0), kind=OutcomeKind.INVALID, values={})
    letters, unknown = [calibration.trial(_=0.0), calibration.trial(_=1.0), invalid], 2
    hides = flatters is SUPPORTED, flatters is REFUTED
    chances = rng.random((n_runs, 2, N_CASES)).swapaxes(0, 1)
    then, now = (
        np.where((one == hidden) & (chance < 0.5), unknown, one)
        for one, hidden, chance in zip(ones, hides, chances, strict=True)
    )

    def verdict(run):
        before, after = ([letters[place] for place in sample[run].tolist()] for sample in (then, now))
        entry = through_bytes(guard.accepted(BaselineFile(), before))
        assert entry.current.n == N_CASES
        return guard.verdict(entry.current, after)

    # A null is tested by the change that speaks least against it.
    least, most = (0, 1, 0), (0, 1, 1)
    low, high = (
        [(now_ends[y] - then_ends[x] + 1) / 2 for x in range(3) for y in range(3)]
        for now_ends, then_ends in ((least, most), (most, least))
    )
    edge, places = (1 - MARGIN) / 2, 3 * then + now
    near = [
        calibration.null(low, edge, 1, calibration.alpha).nearly_rejected(places),
        calibration.null(high, edge, -1, calibration.beta).nearly_rejected(places),
    ]
    found = calibration.shares_where(verdict, near)
    assert found[SUPPORTED] <= calibration.most(calibration.alpha)
    assert found[REFUTED] <= calibration.most(calibration.beta)


def test_the_stored_rate_taken_for_the_truth_fails_the_same_test(calibration, guarded):
    """ "The old rate minus the margin" as a threshold for 50 new trials; equal old rates take one file."""
    n_runs = calibration.n_runs
    guard, draw = guarded(rate >= baseline - MARGIN, N_CASES), moved_by(-MARGIN, alike=True, seed=7)
    old, new = draw(n_runs, N_CASES)[0], draw(n_runs, 50)[1]
    found = Counter()
    for n_ones in range(N_CASES + 1):
        then = [calibration.trial(_=float(place < n_ones)) for place in range(N_CASES)]
        entry = through_bytes(guard.accepted(BaselineFile(), then))
        threshold = min(0.95, max(0.05, entry.current.mean - MARGIN))
        hypothesis = calibration.hypothesis(rate >= threshold, 50)
        found += calibration.counted(hypothesis, new[old.sum(axis=1) == n_ones].astype(float).tolist())
    assert calibration.told(found)[REFUTED] > 2 * calibration.most(calibration.beta)
