"""What a rescoring changed: where it began from, the verdicts then and now, the trials that flipped."""

from __future__ import annotations

from pathlib import Path

from pytest_velo.report.rescored import _moves, rescored_lines, rescoring_of, source_of
from pytest_velo.runner.flips import Moves
from support.reports import recorded, refuted, trial


def test_source_of_a_recorded_test(tmp_path: Path) -> None:
    run = recorded(tmp_path, refuted())
    source = source_of(run, "test_a.py::test_b")
    assert source.run_id == "2026-11-23T21-46-08Z"
    assert len(source.trials) == 9
    assert source_of(run, "test_a.py::test_c") is None


def test_rescoring_of_two_runs(tmp_path: Path) -> None:
    before, now = (recorded(tmp_path, refuted(trials=(trial(0, outcome),))) for outcome in (0, 1))
    told = rescoring_of(before, now, all_of_it=True)
    assert told.now == "2026-11-23T21-46-08Z-2"
    assert [flip.now.index for flip in told.hypotheses[0].flips.flips] == [0]
    assert told.left == ()


def test_rescored_lines_of_one_changed_trial(tmp_path: Path) -> None:
    before, now = (recorded(tmp_path, refuted(trials=(trial(0, outcome),), n_cached=9)) for outcome in (0, 1))
    standing = "refuted: rate < 0.7; observed 0.33 (3/9), 90% interval [0.09, 0.69], 9 of at most 200 trials"
    assert [
        line.text for line in rescored_lines(rescoring_of(before, now, all_of_it=True), show=0, width=120)
    ] == [
        "rescored    2026-11-23T21-46-08Z",
        "recorded as 2026-11-23T21-46-08Z-2",
        "",
        "test_a.py::test_b  lab/tiny",
        f"  before     {standing}",
        f"  now        {standing}",
        "  outcomes   1 of 1 trial changed; 0 from 1 to 0, 1 from 0 to 1",
        "",
        "1 hypothesis rescored on 1 recorded trial: 1 outcome and 0 verdicts changed, 0 model calls",
    ]


def test_moves_of_rates_and_of_means() -> None:
    assert (
        _moves(Moves(name="", binary=True, n=9, n_up=1, n_down=2, mean=-1 / 9))
        == "2 from 1 to 0, 1 from 0 to 1"
    )
    assert (
        _moves(Moves(name="help", binary=False, n=10, n_up=5, n_down=0, mean=1.2))
        == "help: 0 down, 5 up, +1.2 on average over all"
    )
