"""Which outcomes changed between two scorings of the same trials."""

from __future__ import annotations

import pytest

from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.flips import flips_between


def trial(place: int, outcome: float | dict[str, float] | None, **fields) -> TrialRecord:
    """A trial with one outcome, several, or (None) an invalid one."""
    values = outcome if isinstance(outcome, dict) else {} if outcome is None else {"": outcome}
    kind = OutcomeKind.INVALID if outcome is None else OutcomeKind.VALUE
    return TrialRecord(
        **{"index": place, "case_id": "", "repeat": place, "seed": 0, "kind": kind, "values": values} | fields
    )


def trials(*outcomes) -> list[TrialRecord]:
    return [trial(index, outcome) for index, outcome in enumerate(outcomes)]


def test_nothing_changed_where_the_same_is_scored_the_same() -> None:
    same = trials(0.0, 1.0, None, 1.0)
    told = flips_between(same, same)
    assert (told.n, told.flips, told.n_alone, told.n_invalid, told.n_valid) == (4, (), 0, 0, 0)
    assert [(moves.n, moves.n_up, moves.n_down, moves.mean) for moves in told.moves] == [(3, 0, 0, 0.0)]


def test_flips_are_counted_each_way() -> None:
    told = flips_between(trials(1.0, 1.0, 0.0, 1.0), trials(0.0, 0.0, 1.0, 1.0))
    (moves,) = told.moves
    assert (moves.binary, moves.n, moves.n_up, moves.n_down, moves.mean) == (True, 4, 1, 2, -0.25)
    assert [flip.now.index for flip in told.flips] == [0, 1, 2]
    assert {flip.size for flip in told.flips} == {1.0}


def test_validity_is_no_outcome() -> None:
    told = flips_between(trials(1.0, None, None, 0.0), trials(None, 0.0, None, 0.0))
    assert (told.n_invalid, told.n_valid) == (1, 1)
    assert [(flip.now.index, dict(flip.moved)) for flip in told.flips] == [(0, {}), (1, {})]
    assert [(moves.n, moves.n_up, moves.n_down) for moves in told.moves] == [(1, 0, 0)]


def test_the_largest_changes_of_a_score_come_first() -> None:
    told = flips_between(trials(3.0, 9.0, 5.0, 7.0), trials(4.0, 1.0, 5.0, 3.0))
    assert [flip.now.index for flip in told.flips] == [1, 3, 0]
    assert [flip.size for flip in told.flips] == [1.0, 0.5, 0.125]
    (moves,) = told.moves
    assert (moves.binary, moves.n_up, moves.n_down, moves.mean) == (False, 1, 2, -11 / 4)


def test_outcomes_of_different_scales_are_sized_by_their_own_range() -> None:
    before = [trial(0, {"help": 0.0, "polite": 1.0}), trial(1, {"help": 100.0, "polite": 1.0})]
    now = [trial(0, {"help": 50.0, "polite": 1.0}), trial(1, {"help": 100.0, "polite": 0.0})]
    told = flips_between(before, now)
    assert [(flip.now.index, flip.size) for flip in told.flips] == [(1, 1.0), (0, 0.5)]
    assert [(moves.name, moves.binary) for moves in told.moves] == [("help", False), ("polite", True)]


def test_trials_are_paired_by_their_place_not_by_their_order() -> None:
    told = flips_between(trials(1.0, 0.0), reversed(trials(1.0, 0.0)))
    assert (told.n, told.flips) == (2, ())


@pytest.mark.parametrize("field", [{"case_id": "b"}, {"repeat": 7}, {"arm": "hinted"}, {"index": 9}])
def test_a_trial_that_is_another_is_not_compared(field) -> None:
    told = flips_between([trial(0, 1.0)], [trial(0, 0.0, **field)])
    assert (told.n, told.n_alone, told.flips) == (0, 2, ())


def test_fewer_trials_now_leave_the_others_alone() -> None:
    told = flips_between(trials(1.0, 1.0, 1.0), trials(0.0))
    assert (told.n, told.n_alone, len(told.flips)) == (1, 2, 1)


def test_an_outcome_that_only_one_scoring_has_did_not_move() -> None:
    told = flips_between([trial(0, {"a": 1.0})], [trial(0, {"a": 1.0, "b": 0.0})])
    assert (told.flips, [moves.name for moves in told.moves]) == ((), ["a"])
