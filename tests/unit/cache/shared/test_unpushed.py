"""What the shared store does not have yet, in a file that survives its process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_velo.cache.shared.rows import Row
from pytest_velo.cache.shared.unpushed import Unpushed
from pytest_velo.cache.store import Store
from pytest_velo.errors import StoreError

ROW = Row("k", b"body", b"0123", 0, "s\x00", "slot", b"reply", None, "2026-11-01")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "draws.sqlite-unpushed"


def test_draws_wait_until_they_are_pushed_in_their_order(path: Path) -> None:
    queue = Unpushed(path, "lab")
    rows = [ROW._replace(address=bytes([n])) for n in range(5)]
    queue.add(rows[:3])
    queue.add(rows[3:])
    queue.close()  # its process was killed, perhaps
    queue = Unpushed(path, "lab")
    assert queue.next(2) == rows[:2]
    assert [row for batch in queue.batches(2) for row in batch] == rows
    queue.done(rows[:2])
    assert (queue.n_draws, queue.next(9)) == (3, rows[2:])


def test_each_shared_store_has_its_own(path: Path) -> None:
    Unpushed(path, "lab").add([ROW])
    other = Unpushed(path, "other lab")
    assert (other.n_draws, other.next(9), other.looks()) == (0, [], [])


def test_a_draw_that_was_made_again_replaces_the_one_that_waits(path: Path) -> None:
    queue = Unpushed(path, "lab")
    queue.add([ROW])
    queue.add([ROW._replace(reply=b"not the first")])
    assert queue.next(9) == [ROW]
    again = ROW._replace(reply=b"refreshed", drawn_at="2026-11-02", over=True)
    queue.add([again])
    queue.done([ROW])  # the first one was under way meanwhile
    assert queue.next(9) == [again]


def test_looks_wait_too(path: Path) -> None:
    queue = Unpushed(path, "lab")
    look = (b"digest", "draws", b"body")
    queue.add_look(*look)
    queue.add_look(*look)
    assert queue.looks() == [look]
    queue.looks_done([look])
    assert queue.looks() == []


def test_all_processes_of_a_folder_are_one_machine(path: Path, tmp_path: Path) -> None:
    assert Unpushed(path, "lab").machine == Unpushed(path, "other").machine
    assert Unpushed(path, "lab").machine != Unpushed(tmp_path / "elsewhere" / "q", "lab").machine


def test_a_copy_of_a_folder_is_another_machine(path: Path, tmp_path: Path) -> None:
    queue = Unpushed(path, "lab")
    queue.add([ROW])
    queue.close()
    shutil.copytree(path.parent, tmp_path / "copy")
    copy = Unpushed(tmp_path / "copy" / path.name, "lab")
    assert copy.next(9) == [ROW]
    assert copy.machine != Unpushed(path, "lab").machine


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    Store.open(tmp_path / "draws.sqlite").close()
    with pytest.raises(StoreError) as refused:
        Unpushed(tmp_path / "draws.sqlite", "lab")
    assert refused.value.fix
