"""Which transcripts a page holds."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.records import OutcomeKind
from pytest_velo.report.page.sample import choose, shares
from support.reports import refuted, trial

ZEROS = (11, 12, 13)
RESULT = refuted(
    trials=tuple(trial(index, index not in ZEROS) for index in range(100)), telling=(13, 11, 12), seed=3
)


def test_small_hypotheses_leave_their_places_to_large_ones() -> None:
    assert shares({"a": 1000, "b": 3, "c": 1000}, 103) == {"a": 50, "b": 3, "c": 50}
    assert shares({"a": 3}, 1000) == {"a": 3}
    assert shares({}, 10) == {}


def test_all_trials_are_a_sample_of_themselves() -> None:
    chosen = choose(RESULT, 100)
    assert [one.trial.index for one in chosen] == [*range(100)]
    assert all(one.sampled for one in chosen)


def test_half_is_random_and_the_rest_is_what_changed_and_what_is_against() -> None:
    chosen = choose(RESULT, 10, changed={50})
    assert len(chosen) == 10
    assert sum(one.sampled for one in chosen) == 5
    assert {50, *ZEROS} <= {one.trial.index for one in chosen}
    assert [one.trial.index for one in chosen if one.against] == [*ZEROS]
    assert choose(RESULT, 10, changed={50}) == chosen
    assert choose(replace(RESULT, seed=4), 10, changed={50}) != chosen


def test_invalid_trials_are_among_them() -> None:
    trials = (*RESULT.trials[:-1], replace(RESULT.trials[-1], kind=OutcomeKind.INVALID))
    assert 99 in {one.trial.index for one in choose(replace(RESULT, trials=trials), 10)}


def test_pairs_stay_together() -> None:
    trials = tuple(
        trial(at, at % 4 > 0, arm="ab"[at % 2], case_id=f"q{at // 2}", repeat=0) for at in range(80)
    )
    chosen = choose(refuted(trials=trials, telling=(8, 9)), 11)
    assert len(chosen) == 10
    assert {8, 9} <= {one.trial.index for one in chosen}
    assert all(one.trial.index ^ 1 in {other.trial.index for other in chosen} for one in chosen)


def test_no_place_is_no_transcript() -> None:
    assert choose(RESULT, 0) == []
