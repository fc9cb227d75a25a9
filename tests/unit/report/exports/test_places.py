"""Where reports for other tools go: refused before a run, one file for each log."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.report.exports.places import beside, check, file_words, is_file
from pytest_velo.settings import ReportKind, ReportTarget

EEE, INSPECT = ReportKind.EEE, ReportKind.INSPECT


def target(path: Path | str, kind: ReportKind = EEE) -> ReportTarget:
    return ReportTarget(kind=kind, path=Path(path))


def test_a_path_is_a_file_by_its_ending() -> None:
    assert is_file(target("a.json"))
    assert not is_file(target("a"))
    assert not is_file(target("a.eval"))
    assert is_file(target("a.EVAL", INSPECT))
    assert is_file(target("a.json", INSPECT))


def test_a_folder_that_does_not_exist_yet_can_be_written_to(tmp_path: Path) -> None:
    check(target(tmp_path / "new" / "deep" / "a.json"), "--velo-report")
    check(target(tmp_path / "new"), "--velo-report")
    assert [*tmp_path.iterdir()] == []  # nothing was made on the way


@pytest.mark.parametrize("place", ["file/a.json", "file", "folder.json", "/proc/nowhere/a.json"])
def test_a_place_that_cannot_be_written_to(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.json").mkdir()
    asked = target(tmp_path / place)
    with pytest.raises(UsageError, match="cannot be written") as caught:
        check(asked, "VELO_REPORT")
    assert caught.value.where == "VELO_REPORT"
    assert str(asked.path) in caught.value.what
    assert "name a file or folder" in caught.value.fix


def test_inspect_is_looked_for_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_velo.report.exports.places.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="inspect_ai") as caught:
        check(target(tmp_path, INSPECT), "--velo-report")
    assert caught.value.fix == "pip install 'pytest-velo[inspect]'"
    check(target(tmp_path), "--velo-report")


def test_no_two_logs_share_a_file() -> None:
    names = [
        "t.py::test_a[x/y]",
        "t.py::test_a[x-y]",
        "t.py::TEST_A[x_y]",
        "t.py::test_a[X-Y]",
        "é",
        "ü",
        "a" * 300,
    ]
    files = [file.name for file in beside(Path("out.eval"), names)]
    assert len({name.casefold() for name in files}) == len(names)
    assert all(len(name) < 120 and "/" not in name for name in files)
    assert file_words(names) == file_words(names)
    assert beside(Path("d/out.eval"), ["one"]) == [Path("d/out.eval")]
    assert beside(Path("d/out.eval"), []) == []
