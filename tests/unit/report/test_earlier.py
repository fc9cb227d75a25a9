"""Earlier runs: what every test of a session looks into is read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo.report import earlier, load
from pytest_velo.report.earlier import hypothesis_before
from pytest_velo.report.record import append_result, append_trials, create_run, trial_lines, write_run
from support.reports import _STARTED_AT, document, refuted

NAMES = [f"test_a.py::test_{place}" for place in range(5)]


def test_the_earlier_run_is_read_once_for_all_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = [refuted(node_id=name) for name in NAMES]
    folder = create_run(tmp_path, _STARTED_AT)
    append_trials(folder, {result.node_id: trial_lines(result) for result in results})
    write_run(folder, document(*results, run_id=folder.name))
    reads = []
    really = earlier.load
    monkeypatch.setattr(earlier, "load", lambda *at: (reads.append(at), really(*at))[1])
    found = [hypothesis_before(name, "2099-01-01T00-00-00Z", tmp_path) for name in NAMES]
    assert [before.result.node_id for before in found] == NAMES
    assert [len(before.result.trials) for before in found] == [9] * 5
    assert len(reads) == 1
    write_run(folder, document(*results[:1], run_id=folder.name))
    assert hypothesis_before(NAMES[4], "2099-01-01T00-00-00Z", tmp_path) is None, "it was written again"


def test_the_trials_of_a_run_that_did_not_end_are_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = create_run(tmp_path, _STARTED_AT)
    for name in NAMES:
        append_trials(folder, {name: trial_lines(refuted(node_id=name))})
        append_result(folder, document(run_id=folder.name), refuted(node_id=name))
    passes = []
    really = load.trial_places
    monkeypatch.setattr(load, "trial_places", lambda files: (passes.append(files), really(files))[1])
    run = load.load(folder.name, tmp_path)
    assert run.is_partial
    assert [run.n_trials_of(name) for name in NAMES] == [9] * 5
    assert [len(run.trials_of(name)) for name in NAMES] == [9] * 5
    assert len(passes) == 1
