"""Two runs of a design, each stopped by its own verdict, written, loaded and compared: errors at the null.

20,000 pairs of runs with fixed seeds, held to the exact binomial bound of so many. A change either way is
tested at twice the level, so that each way has the level to itself. The short cuts fail the same tests.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import count, islice

import numpy as np
import pytest

from pytest_velo.claims import rate
from pytest_velo.records import Invalid, OutcomeKind, TrialRecord, UnitKind
from pytest_velo.report.earlier import compare_runs
from pytest_velo.stats.rules.composed import ComposedRule
from support.reports import recorded, refuted

IN_A_RECORD = 1_000
"""So many hypotheses share a record, which makes the simulation faster."""

ROSE, FELL = 1, -1


@cache
def trial(index, unit, size, outcome):
    """One trial of a record; None for an invalid one."""
    kind = {None: OutcomeKind.INVALID, 0.0: OutcomeKind.ZERO, 1.0: OutcomeKind.ONE}[outcome]
    return TrialRecord(
        index=index,
        case_id=str(index),
        repeat=0,
        seed=0,
        unit=unit,
        unit_size=size,
        kind=kind,
        values={} if outcome is None else {"": outcome},
    )


class Recorded:
    """Makes the records of runs, and compares them.

    Args:
        calibration: Weighs trials, and names the level.
        folder: Where the records are written.
        hypothesis: As it is run.
    """

    def __init__(self, calibration, folder, hypothesis):
        self.calibration = calibration
        self.hypothesis = hypothesis
        self._folders = (folder / str(number) for number in count())

    def result(self, name, units, *, singly):
        """Return a run's result, with the trials up to its verdict; `singly` makes each its own unit."""
        indices = count()
        made = [
            [trial(next(indices), unit, len(outcomes), outcome) for outcome in outcomes]
            for unit, outcomes in enumerate(units)
        ]
        weigher, _ = self.calibration.weighed(self.hypothesis, made)
        n_turns = len(weigher.units.turns)
        trials = [trial for unit in made for trial in unit][:n_turns]
        kind, most = self.hypothesis.frame.unit, self.hypothesis.design.max_units
        if singly:
            outcomes = [record.values.get("") for record in trials]
            trials = [trial(index, index, 1, outcome) for index, outcome in enumerate(outcomes)]
            kind, most = UnitKind.TRIAL, most * self.hypothesis.frame.unit_size
        return refuted(
            node_id=name,
            claim=str(self.hypothesis.claim),
            unit=kind,
            invalid=self.hypothesis.frame.invalid,
            max_trials=most,
            trials=tuple(trials),
        )

    def shares(self, runs, n_runs=None, *, singly=False):
        """Return how often a change is reported, each way, where `runs` yields the units before and now.

        Runs whose pairs never come near to showing a change are compared only in part, as for
        `Calibration.shares_near`: none of 200 may show one. Those taken singly are compared all.
        """
        n_runs = n_runs or self.calibration.n_runs
        runs = [*islice(runs, n_runs)]
        near = np.full(n_runs, True) if singly else self.nearly_changed(runs)
        found = self.moved(
            [run for run, is_near in zip(runs, near.tolist(), strict=True) if is_near], singly=singly
        )
        others = [run for run, is_near in zip(runs, near.tolist(), strict=True) if not is_near]
        unmoved = self.moved(others[:200])
        assert not unmoved.keys() & {ROSE, FELL}
        print(f"compared {near.mean():.3f}", end=" ")
        shares = {name: found[way] / n_runs for name, way in (("rose", ROSE), ("fell", FELL))}
        self.calibration.tell(shares)
        return shares

    def nearly_changed(self, runs):
        """Tell of each pair of runs whether its units are ever near to showing a change, either way."""
        change = np.array([[*map(change_of, now, before)] for before, now in runs])
        if self.hypothesis.frame.unit in (UnitKind.GROUP, UnitKind.CASE):
            places, worth = np.unique((change + 1) / 2, return_inverse=True)[::-1]
            places = places.reshape(change.shape)
            sides = (self.calibration.null(worth, 0.5, side, self.calibration.alpha) for side in (1, -1))
            return np.logical_or.reduce([null.nearly_rejected(places) for null in sides])
        # Of single outcomes only pairs that differ count, as tosses of a coin: first those, then none.
        tosses = np.take_along_axis(change, np.argsort(change == 0, axis=1, kind="stable"), axis=1)
        n_tossed = (change != 0).sum(axis=1)
        near = np.zeros(len(runs), dtype=bool)
        for side in (1, -1):
            null = self.calibration.null((0, 1), 0.5, side, self.calibration.alpha, calibrated=True)
            # What is behind the last toss is made to speak against a change.
            behind = np.arange(change.shape[1]) >= n_tossed[:, None]
            near |= null.nearly_rejected(np.where(behind, side < 0, tosses > 0).astype(int))
        return near

    def moved(self, runs, *, singly=False):
        """Count the changes that are reported, by their way, in records of many hypotheses."""
        found, runs = Counter(), iter(runs)
        while some := [*islice(runs, IN_A_RECORD)]:
            names = [f"test_{number:04}" for number in range(len(some))]
            folder = next(self._folders)
            both = [
                recorded(
                    folder,
                    *(
                        self.result(name, units, singly=singly)
                        for name, units in zip(names, these, strict=True)
                    ),
                )
                for these in zip(*some, strict=True)
            ]
            told = compare_runs(*both, "", alpha=2 * self.calibration.alpha, margin=None)
            found.update(hypothesis.parts[0].moved for hypothesis in told.hypotheses)
        return found


def change_of(now, before):
    """Return the change of a unit's mean; none where either is unknown."""
    if None in now or None in before:
        return 0.0
    return sum(now) / len(now) - sum(before) / len(before)


@pytest.fixture
def records(calibration, tmp_path, monkeypatch):
    """Make a `Recorded`. The interval, which takes most of a comparison's time, is no part of it."""
    monkeypatch.setattr(ComposedRule, "evidence_bounds", lambda rule: (1.0, 1.0, None))

    def make(kind, max_units, unit_size=1, **changes):
        hypothesis = calibration.hypothesis(
            rate >= 0.5, max_units, alpha=0.01, beta=0.01, turns_per_unit=unit_size, unit=kind, **changes
        )
        return Recorded(calibration, tmp_path, hypothesis)

    return make


def assert_errors_are_rare(calibration, shares, *, least):
    """Both errors are within the level; and the simulation is near enough to the edge to see errors."""
    assert max(shares.values()) <= calibration.most(calibration.alpha), shares
    assert max(shares.values()) >= least, shares


def groups(rng, n_units):
    """Templates of one to four questions, which nearly all rise or all fall: on average nothing changed."""
    while True:
        sizes, rises = rng.integers(1, 5, n_units).tolist(), rng.random((n_units, 1)) < 0.5
        ones = rng.random((2, n_units, 4)) < np.where(rises, [[[0.02]], [[0.98]]], [[[0.98]], [[0.02]]])
        yield tuple(
            [group[:size] for group, size in zip(run, sizes, strict=True)]
            for run in ones.astype(float).tolist()
        )


def test_groups(calibration, records):
    found = records(UnitKind.GROUP, 20, 4).shares(groups(np.random.default_rng(21), 20))
    assert_errors_are_rare(calibration, found, least=0.01)


def test_their_members_taken_as_independent_fail_the_same_test(calibration, records):
    runs = groups(np.random.default_rng(22), 16)
    found = records(UnitKind.GROUP, 16, 4).shares(runs, 200, singly=True)
    assert max(found.values()) > 2 * calibration.most(calibration.alpha, 200)


def several_draws(rng, n_units):
    """Three draws of each case; a third of the cases rises, a third falls, a third stays."""
    pairs = np.array([[0.02, 0.98], [0.98, 0.02], [0.5, 0.5]])
    while True:
        chances = pairs[rng.integers(0, 3, n_units)].T[:, :, None]
        yield tuple((rng.random((2, n_units, 3)) < chances).astype(float).tolist())


def test_several_draws_of_a_case(calibration, records):
    found = records(UnitKind.CASE, 20, 3).shares(several_draws(np.random.default_rng(23), 20))
    assert_errors_are_rare(calibration, found, least=0.002)


def test_their_draws_taken_as_independent_fail_the_same_test(calibration, records):
    runs = several_draws(np.random.default_rng(24), 16)
    found = records(UnitKind.CASE, 16, 3).shares(runs, 200, singly=True)
    assert max(found.values()) > 1.5 * calibration.most(calibration.alpha, 200)


def lists(rng, chances):
    """Each case of a list once, in random order, the same in both runs; chances of a 1 then and now."""
    while True:
        order = rng.permutation(chances.shape[1])
        drawn = rng.random(chances.shape) < chances[:, order]
        yield tuple([[one] for one in run] for run in drawn.astype(float).tolist())


UNLIKE = np.linspace(0.1, 0.9, 40)
SAME = np.array([UNLIKE, UNLIKE])
"""Forty cases with a chance each: nothing changed."""


def test_a_list_in_which_nothing_changed(calibration, records):
    recorded_list = records(UnitKind.OUTCOME, 40, census=40)
    found = recorded_list.shares(lists(np.random.default_rng(25), SAME))
    assert_errors_are_rare(calibration, found, least=0.01)


def test_a_list_in_which_no_case_is_better(calibration, records):
    """What it certifies of one way holds whatever went the other way: few fell, by much, and none rose."""
    fell = np.array([UNLIKE, np.where(np.arange(40) % 8 == 0, 0.0, UNLIKE)])
    found = records(UnitKind.OUTCOME, 40, census=40).shares(lists(np.random.default_rng(26), fell), 5_000)
    assert found["rose"] <= calibration.most(calibration.alpha, 5_000)
    assert found["fell"] > found["rose"]


def test_lists_that_are_counted_differ_although_nothing_changed(calibration):
    """Of the recorded outcomes themselves a census is certain: it shows no change of what made them."""
    runs = islice(lists(np.random.default_rng(27), SAME), 2_000)
    fell = sum(np.sum(now) < np.sum(before) for before, now in runs) / 2_000
    calibration.tell({"fell": fell})
    assert fell > 3 * calibration.most(calibration.alpha, 2_000)


def lost(rng, n_units):
    """Trials that came out 0 are lost half of the time, then and now."""
    while True:
        easy = rng.random(n_units) < 0.43
        ones = rng.random((2, n_units)) < np.where(easy, 0.7, 0.05)
        gone = ~ones & (rng.random((2, n_units)) < 0.5)
        yield tuple(
            [[None if is_lost else one] for one, is_lost in zip(*run, strict=True)]
            for run in zip(ones.astype(float).tolist(), gone.tolist(), strict=True)
        )


def test_excluded_trials(calibration, records):
    exclude = records(UnitKind.TRIAL, 60, invalid=Invalid.EXCLUDE)
    assert_errors_are_rare(calibration, exclude.shares(lost(np.random.default_rng(28), 60)), least=0.01)
