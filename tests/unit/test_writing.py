"""A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo.writing import whole


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


def test_two_that_write_the_same_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with whole(path) as first, whole(path) as second:
        first.write_text("first")
        second.write_text("second")
        assert first != second
    assert path.read_text() == "first"  # which is ready last
    assert [*tmp_path.iterdir()] == [path]


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


def test_a_link_stays_a_link_and_its_file_keeps_its_mode(tmp_path: Path) -> None:
    path, link = tmp_path / "shared" / "file.txt", tmp_path / "file.txt"
    with whole(path) as part:
        part.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    with whole(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [*path.parent.iterdir()] == [path]
