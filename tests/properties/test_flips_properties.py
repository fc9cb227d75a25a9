"""Flips between any two scorings: what must hold whatever the outcomes are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.flips import flips_between

outcomes = st.one_of(st.none(), st.sampled_from([0.0, 1.0]), st.floats(-1e6, 1e6).map(lambda x: round(x, 3)))
scorings = st.lists(st.tuples(outcomes, outcomes), max_size=30)


def trials(values: list[float | None]) -> list[TrialRecord]:
    return [
        TrialRecord(
            index=index,
            case_id="",
            repeat=index,
            seed=0,
            kind=OutcomeKind.INVALID if value is None else OutcomeKind.VALUE,
            values={} if value is None else {"": value},
        )
        for index, value in enumerate(values)
    ]


@given(scorings)
def test_the_way_back_undoes_it(scored) -> None:
    before, now = (trials(list(values)) for values in (zip(*scored, strict=True) if scored else ([], [])))
    there, back = flips_between(before, now), flips_between(now, before)
    assert (there.n_invalid, there.n_valid) == (back.n_valid, back.n_invalid)
    assert [flip.now.index for flip in there.flips] == [flip.now.index for flip in back.flips]
    for moves, undone in zip(there.moves, back.moves, strict=True):
        assert (moves.n, moves.n_up, moves.n_down) == (undone.n, undone.n_down, undone.n_up)
        assert moves.binary == undone.binary


@given(scorings)
def test_every_trial_that_differs_is_a_flip_and_no_other(scored) -> None:
    before, now = (trials(list(values)) for values in (zip(*scored, strict=True) if scored else ([], [])))
    told = flips_between(before, now)
    assert {flip.now.index for flip in told.flips} == {
        index for index, (then, today) in enumerate(scored) if then != today
    }
    moved = sum(moves.n_up + moves.n_down for moves in told.moves)
    assert len(told.flips) == moved + told.n_invalid + told.n_valid


@given(scorings)
def test_the_largest_come_first_and_sizes_are_shares(scored) -> None:
    before, now = (trials(list(values)) for values in (zip(*scored, strict=True) if scored else ([], [])))
    sizes = [flip.size for flip in flips_between(before, now).flips]
    assert sizes == sorted(sizes, reverse=True)
    assert all(0 < size <= 1 for size in sizes)
