"""Which outcomes changed between two scorings of the same trials. Pure, and without claims: all outcomes."""

from __future__ import annotations

from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.flips import flips_between


def test_a_trial_that_fell_is_a_flip() -> None:
    def trial(index, outcome):
        place = {"index": index, "case_id": "", "repeat": index, "seed": 0}
        return TrialRecord(**place, kind=OutcomeKind.VALUE, values={"": outcome})

    told = flips_between([trial(0, 1.0), trial(1, 0.0)], [trial(0, 0.0), trial(1, 0.0)])
    assert [flip.now.index for flip in told.flips] == [0]
    assert told.moves[0].n_down == 1
    assert told.moves[0].mean == -0.5
