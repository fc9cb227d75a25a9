"""A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo.writing import whole, without_parts


@pytest.mark.parametrize("synced", [False, True])
def test_a_file_takes_the_place_of_the_old_one_once_it_is_complete(tmp_path: Path, synced: bool) -> None:
    path = tmp_path / "new" / "file.txt"
    with whole(path, synced=synced) as part:
        part.write_text("old")
    with whole(path, synced=synced) as part:
        part.write_text("new")
        assert path.read_text() == "old"
        assert part.suffix == path.suffix  # some writers go by it
    assert path.read_text() == "new"
    assert [*path.parent.iterdir()] == [path]


def test_a_folder_that_is_missing_is_made_only_if_wanted(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "file.txt"

    def write() -> None:
        with whole(path, makes_folder=False) as part:
            part.write_text("new")

    with pytest.raises(FileNotFoundError):
        write()
    assert not path.parent.exists()


def test_after_an_error_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write() -> None:
        with whole(path) as part:
            part.write_text("half of it")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write()
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_file_that_is_being_written_is_not_found_in_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "draws.jsonl"
    path.write_text("old")
    with whole(path) as part:
        part.write_text("half of it")
        assert part in tmp_path.glob("*.jsonl*"), "a pattern finds it"
        assert without_parts(tmp_path.glob("*.jsonl*")) == [path]
