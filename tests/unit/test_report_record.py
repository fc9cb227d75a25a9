"""The run record on disk and `load`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_velo.cache.runs import recorded_addresses
from pytest_velo.errors import StoreError, UsageError
from pytest_velo.records import (
    Address,
    Call,
    HypothesisResult,
    Outcome,
    OutcomeKind,
    Reply,
    Request,
    TrialRecord,
)
from pytest_velo.report.document import RunDocument
from pytest_velo.report.load import load
from pytest_velo.report.record import append_trials, create_run, merge_trials, trial_lines, write_run

NOON = datetime(2026, 11, 2, 12, 0, 0, tzinfo=UTC)


def make_trial(index: int, text: str = "Paris") -> TrialRecord:
    call = Call(
        model="local/m",
        request=Request(api="", endpoint="", model="local/m", messages=({"role": "user", "content": "q"},)),
        reply=Reply(text=text),
        address=Address(key="k", seed=0, stream="", slot=f"c:{index}:0"),
        drawn_at="2026-11-02T10:00:00+00:00",
    )
    return TrialRecord(
        index=index,
        case_id="c",
        repeat=index,
        seed=index,
        kind=OutcomeKind.ONE,
        values={"": 1.0},
        calls=(call,),
    )


def lines_of(results: Sequence[HypothesisResult]) -> dict[str, list[bytes]]:
    return {result.node_id: trial_lines(result) for result in results}


def make_result(name: str, indices: Sequence[int] = (0, 1, 2)) -> HypothesisResult:
    return HypothesisResult(
        node_id=name,
        belief="b",
        claim="rate >= 0.5",
        scope="s",
        outcome=Outcome.SUPPORTED,
        trials=tuple(map(make_trial, indices)),
    )


def finish(folder: Path, *results: HypothesisResult) -> None:
    write_run(
        folder,
        RunDocument(
            velo_version="0.1.0",
            run_id=folder.name,
            started_at=NOON.isoformat(),
            duration_s=1.0,
            seed=0,
            mode="auto",
            models=("local/m",),
            results=results,
        ),
    )


def positions(folder: Path) -> list[tuple[str, int]]:
    lines = (folder / "trials.jsonl").read_text(encoding="ascii").splitlines()
    return [(line["node_id"], line["index"]) for line in map(json.loads, lines)]


def test_a_run_is_read_back(tmp_path: Path) -> None:
    folder = create_run(tmp_path, NOON)
    results = (make_result("t.py::b"), make_result("t.py::a", [0, 1]))
    append_trials(folder, lines_of(results))
    merge_trials(folder)
    finish(folder, *results)

    run = load(cache_dir=tmp_path)

    assert folder.name == "2026-11-02T12-00-00Z"
    assert [result.node_id for result in run.results] == ["t.py::b", "t.py::a"]  # in the order they ran
    assert run["t.py::b"].trials == results[0].trials
    assert run["::a"].trials == results[1].trials
    assert run["::a"].outcome is Outcome.SUPPORTED
    assert run["::a"].claim == "rate >= 0.5"
    assert [trial["node_id"] for trial in run.trials()] == ["t.py::a"] * 2 + ["t.py::b"] * 3
    assert load(folder.name, tmp_path).document == run.document


def test_trials_are_read_only_when_asked_for(tmp_path: Path) -> None:
    folder = create_run(tmp_path, NOON)
    append_trials(folder, lines_of([make_result("t.py::a")]))
    finish(folder, make_result("t.py::a"))
    run = load(cache_dir=tmp_path)
    (folder / "trials.jsonl").write_bytes(b"not json\n")
    assert run["a"].outcome is Outcome.SUPPORTED
    with pytest.raises(StoreError, match=r"trials\.jsonl:1"):
        _ = run["a"].trials


def test_node_ids_of_any_kind_are_found(tmp_path: Path) -> None:
    names = ['t.py::a["\\"]', "t.py::é[日本]", "t.py::a\\", "t.py::b"]
    folder = create_run(tmp_path, NOON)
    results = [make_result(name, [i]) for i, name in enumerate(names)]
    append_trials(folder, lines_of(results))
    merge_trials(folder)
    finish(folder, *results)
    run = load(cache_dir=tmp_path)
    assert [[trial.index for trial in run[name].trials] for name in names] == [[0], [1], [2], [3]]


def test_workers_write_apart_and_are_merged_in_order(tmp_path: Path) -> None:
    results = [make_result(f"t.py::{name}", [2, 0, 1]) for name in "dbca"]
    alone, shared = create_run(tmp_path, NOON), create_run(tmp_path, NOON)
    append_trials(alone, lines_of(results))
    append_trials(shared, lines_of(results[:1]), worker="gw0")
    append_trials(shared, lines_of(results[1:3]), worker="gw1")
    append_trials(shared, lines_of(results[3:]), worker="gw10")
    merge_trials(alone)
    merge_trials(shared)

    assert positions(shared) == sorted(positions(shared))
    assert (shared / "trials.jsonl").read_bytes() == (alone / "trials.jsonl").read_bytes()
    assert [path.name for path in shared.iterdir()] == ["trials.jsonl"]


def test_merging_without_workers_keeps_what_is_there(tmp_path: Path) -> None:
    folder = create_run(tmp_path, NOON)
    append_trials(folder, lines_of([make_result("t.py::a")]))
    before = (folder / "trials.jsonl").stat().st_ino
    merge_trials(folder)
    assert len(positions(folder)) == 3
    assert (folder / "trials.jsonl").stat().st_ino == before  # not even copied


def test_a_reader_sees_the_old_file_or_the_new_one_never_a_part(tmp_path: Path) -> None:
    folder = create_run(tmp_path, NOON)
    append_trials(folder, lines_of([make_result("t.py::old")]))
    append_trials(folder, lines_of([make_result("t.py::new")]))
    with (folder / "trials.jsonl").open("rb", buffering=0) as reader:
        first = reader.read(20)
        merge_trials(folder)  # they change their places
        rest = reader.read()
    assert (first + rest).index(b"t.py::old") < (first + rest).index(b"t.py::new")
    assert positions(folder)[0] == ("t.py::new", 0)


def test_runs_of_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    names = [create_run(tmp_path, NOON).name for _ in range(3)]
    assert names == ["2026-11-02T12-00-00Z", "2026-11-02T12-00-00Z-2", "2026-11-02T12-00-00Z-3"]


def test_latest_is_the_last_finished_run(tmp_path: Path) -> None:
    first, second = create_run(tmp_path, NOON), create_run(tmp_path, NOON)
    finish(first)
    assert (tmp_path / "runs" / "latest").read_text().strip() == first.name
    assert load(cache_dir=tmp_path).document.run_id == first.name
    finish(second)
    assert load(cache_dir=tmp_path).document.run_id == second.name


def test_hostile_text_is_escaped_in_the_file(tmp_path: Path) -> None:
    folder = create_run(tmp_path, NOON)
    hostile = HypothesisResult(
        node_id="t.py::a",
        belief="b",
        claim="c",
        scope="s",
        outcome=Outcome.REFUTED,
        trials=(make_trial(0, "\x1b[2J\u202e\u2028\ud800\n::error::x"),),
    )
    append_trials(folder, lines_of([hostile]))
    data = (folder / "trials.jsonl").read_bytes()
    assert data.isascii()
    assert data.count(b"\n") == 1
    assert b"\x1b" not in data


@pytest.mark.parametrize("text", ["Paris", 'a "\\ \t\n\x1b[31m', "\x7f", "é😀\u202e", "half \ud83d", "\x00"])
def test_any_text_is_one_line_of_printable_ascii(tmp_path: Path, text: str) -> None:
    result = replace(make_result("t.py::a"), trials=(make_trial(0, text),))
    line = append_trials(tmp_path, lines_of([result])).read_bytes()
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])
    assert line.endswith(b"\n")
    assert json.loads(line)["calls"][0]["text"] == text


@pytest.mark.parametrize("text", ["half \ud83d", "\udc00 half", "both \ud83d\ude00"])
def test_any_text_is_read_back_from_a_whole_record(tmp_path: Path, text: str) -> None:
    """An assertion's message with half a character cost the record of the whole run."""
    folder = create_run(tmp_path, NOON)
    result = replace(make_result("t.py::a"), trials=(replace(make_trial(0, text), detail=text),))
    append_trials(folder, lines_of([result]))
    merge_trials(folder)
    finish(folder)
    (read,) = load(cache_dir=tmp_path).trials_of("t.py::a")
    told = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert (read.detail, read.calls[0].reply.text) == (told, told)
    assert len([*recorded_addresses([folder])]) == len(read.calls)  # what `velo cache prune` keeps


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(StoreError, match="--velo-cache-dir"):
        create_run(tmp_path, NOON)


def test_no_run_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no record of a run here"):
        load(cache_dir=tmp_path)


def test_an_unknown_run_names_the_nearest(tmp_path: Path) -> None:
    finish(create_run(tmp_path, NOON))
    with pytest.raises(UsageError, match=r"did you mean '2026-11-02T12-00-00Z'"):
        load("2026-11-02T12-00-01Z", tmp_path)


@pytest.mark.parametrize("name", ["../runs/2026-11-02T12-00-00Z", "..", ""])
def test_a_run_is_named_not_pointed_at(tmp_path: Path, name: str) -> None:
    finish(create_run(tmp_path, NOON))
    with pytest.raises(UsageError, match="no finished run"):
        load(name, tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "cannot be read"),
        ("[]", "not a JSON object"),
        ('{"version": 99}', "version 99"),
        ("{}", "version None"),
    ],
)
def test_a_record_that_cannot_be_read_names_the_file(tmp_path: Path, content: str, says: str) -> None:
    folder = create_run(tmp_path, NOON)
    finish(folder)
    (folder / "run.json").write_text(content)
    with pytest.raises(StoreError, match=says) as caught:
        load(cache_dir=tmp_path)
    assert str(folder / "run.json") in caught.value.where


def test_a_part_of_a_node_id_must_fit_one_test(tmp_path: Path) -> None:
    folder = create_run(tmp_path, NOON)
    finish(folder, make_result("t.py::caves[a]"), make_result("t.py::caves[b]"), make_result("t.py::caves"))
    run = load(cache_dir=tmp_path)
    assert run["t.py::caves"].node_id == "t.py::caves"  # exact wins
    assert run["[b]"].node_id == "t.py::caves[b]"
    with pytest.raises(UsageError, match="matches 3 tests") as several:
        run["caves"]
    assert "t.py::caves[a]" in several.value.fix
    with pytest.raises(UsageError, match="no test of the run") as none:
        run["t.py::cavez"]
    assert "did you mean 't.py::caves" in none.value.fix
