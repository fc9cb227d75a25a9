"""The run records beside the store: which draws they used, and removing old ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pytest_velo.cache.runs import recorded_addresses, remove_runs, run_folders, runs_before


def test_addresses_of_scripted_models_are_left_out(tmp_path: Path) -> None:
    def call(model, slot):
        return {"model": model, "address": {"key": "k", "seed": 0, "stream": "", "slot": slot}}

    path = tmp_path / "trials.jsonl"
    trial = {"calls": [call("scripted/echo", "c:0:0"), call("openai/gpt-5", "c:0:1")]}
    path.write_bytes(msgspec.json.encode(trial))
    assert [address.slot for address in recorded_addresses([tmp_path])] == ["c:0:1"]


def test_addresses_of_several_runs_are_collected(tmp_path: Path) -> None:
    runs = [tmp_path / "1", tmp_path / "2"]
    for folder in runs:
        folder.mkdir()
        place = {"key": "k", "seed": 0, "stream": "", "slot": f"c:{folder.name}:0"}
        trial = {"calls": [{"address": place}]}
        _ = (folder / "trials.jsonl").write_bytes(msgspec.json.encode(trial))
    assert [address.slot for address in recorded_addresses(runs)] == ["c:1:0", "c:2:0"]


def test_a_line_that_a_killed_process_left_unfinished_is_skipped(tmp_path: Path) -> None:
    place = {"key": "k", "seed": 0, "stream": "", "slot": "c:0:0"}
    line = msgspec.json.encode({"calls": [{"address": place}]})
    (tmp_path / "trials-gw0.jsonl").write_bytes(line + b"\n" + line[:20])
    assert [address.slot for address in recorded_addresses([tmp_path])] == ["c:0:0"]


def test_run_folders_are_sorted_by_name(tmp_path: Path) -> None:
    for name in ("2026-02-01T00-00-00Z", "2026-01-01T00-00-00Z"):
        (tmp_path / name).mkdir()
    (tmp_path / "latest").touch()
    assert [folder.name for folder in run_folders(tmp_path)] == [
        "2026-01-01T00-00-00Z",
        "2026-02-01T00-00-00Z",
    ]
    assert run_folders(tmp_path / "nowhere") == []


def test_runs_before_a_date_spare_the_latest(tmp_path: Path) -> None:
    for name in ("2026-01-01T00-00-00Z", "2026-01-01T00-00-00Z-2", "2026-07-01T00-00-00Z", "mine"):
        (tmp_path / name).mkdir()
    (tmp_path / "latest").write_text("2026-01-01T00-00-00Z-2")
    assert [folder.name for folder in runs_before(tmp_path, datetime(2026, 6, 1, tzinfo=UTC))] == [
        "2026-01-01T00-00-00Z"
    ]


def test_only_the_runs_named_are_removed(tmp_path: Path) -> None:
    old = tmp_path / "old"
    new = tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "run.json").touch()
    remove_runs([old])
    assert not old.exists()
    assert new.exists()
