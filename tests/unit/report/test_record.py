"""The run record on disk: `runs/<run id>/run.json` and `trials.jsonl`, and `runs/latest`."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

from pytest_velo.report.record import (
    append_result,
    append_trials,
    create_run,
    merge_trials,
    read_results,
    run_name,
    runs_folder,
    trial_lines,
    write_run,
)
from support.reports import document, refuted, trial


def test_runs_folder() -> None:
    assert runs_folder(".pytest_velo").as_posix() == ".pytest_velo/runs"


def test_run_name_is_in_utc() -> None:
    assert run_name(datetime.fromisoformat("2026-11-23T23:46:08+02:00")) == "2026-11-23T21-46-08Z"


def test_a_second_run_in_a_second_gets_a_number(tmp_path: Path) -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert create_run(tmp_path, noon).name == "2026-11-23T12-00-00Z"
    assert create_run(tmp_path, noon).name == "2026-11-23T12-00-00Z-2"


def test_trial_lines_are_sorted_by_index() -> None:
    lines = [*trial_lines(refuted(trials=(trial(1, 0), trial(0, 1))))]
    assert [json.loads(line)["index"] for line in lines] == [0, 1]
    assert lines[0][:30] == b'{"node_id":"test_a.py::test_b"'


def test_trials_are_written_as_they_come(tmp_path: Path) -> None:
    path = append_trials(tmp_path, {"test_b": [b'{"index":0}\n'], "test_a": [b'{"index":1}\n']}, "gw0")
    assert path.name == "trials-gw0.jsonl"
    assert path.read_bytes() == b'{"index":0}\n{"index":1}\n'


def test_trials_of_workers_are_merged(tmp_path: Path) -> None:
    for name, worker in (("test_b", "gw0"), ("test_a", "gw1")):
        lines = [*trial_lines(refuted(node_id=name, trials=(trial(0, 1),)))]
        append_trials(tmp_path, {name: lines}, worker)
    assert [line[:19] for line in merge_trials(tmp_path).read_text().splitlines()] == [
        '{"node_id":"test_a"',
        '{"node_id":"test_b"',
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["trials.jsonl"]


def test_a_worker_that_was_killed_leaves_whole_lines(tmp_path: Path) -> None:
    names = ("test_b", "test_a")
    lines = {name: [*trial_lines(refuted(node_id=name, trials=(trial(0, 1), trial(1, 0))))] for name in names}
    path = append_trials(tmp_path, lines, "gw0")
    with path.open("ab") as file:
        file.write(lines["test_a"][0][:30])
    merged = merge_trials(tmp_path).read_bytes().splitlines(keepends=True)
    assert merged == [*lines["test_a"], *lines["test_b"]]


def test_of_a_test_that_ran_again_the_last_run_stays(tmp_path: Path) -> None:
    first = [*trial_lines(refuted(trials=(trial(0, 1), trial(1, 1), trial(2, 1))))]
    again = [*trial_lines(refuted(trials=(trial(0, 0), trial(1, 0))))]
    for lines in (first, again):
        append_trials(tmp_path, {"test_a.py::test_b": lines})
    assert merge_trials(tmp_path).read_bytes().splitlines(keepends=True) == again


def test_a_run_that_did_not_end_is_read_from_its_results(tmp_path: Path) -> None:
    folder = create_run(tmp_path, datetime(2026, 11, 23, 12, tzinfo=UTC))
    head = document()
    for result in (refuted(node_id="test_a"), refuted(node_id="test_b"), refuted(node_id="test_a")):
        append_result(folder, head, result)
    with (folder / "results.jsonl").open("ab") as file:
        file.write(b'{"node_id": "test_')
    assert sorted(result.node_id for result in read_results(folder).results) == ["test_a", "test_b"]
    write_run(folder, head)
    assert [path.name for path in folder.iterdir()] == ["run.json"]


def test_a_written_run_is_the_latest(tmp_path: Path) -> None:
    folder = create_run(tmp_path, datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert (
        json.loads(write_run(folder, document(refuted())).read_text())["results"][0]["outcome"] == "refuted"
    )
    assert (folder.parent / "latest").read_text() == "2026-11-23T12-00-00Z\n"


def test_merging_many_trials_takes_few_bytes_for_each(tmp_path: Path) -> None:
    n = 40_000
    lines = [b'{"node_id":"test_a.py::test_b","index":%d}\n' % index for index in range(n)]
    for worker, share in (("gw0", lines[::2]), ("gw1", lines[1::2])):
        append_trials(tmp_path, {"": share}, worker)
    tracemalloc.start()
    try:
        merged = merge_trials(tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert merged.read_bytes() == b"".join(lines)
    assert peak < 10 * 2**20, "with a tuple for each it takes twice as much"
