"""Files of a recorded run: whole or not at all, in the places that were asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_velo.errors import StoreError
from pytest_velo.report.exports.writing import Written, write, written_text
from pytest_velo.settings import ReportKind, ReportTarget
from support.reports import recorded, refuted, undecided


def eee(path: Path) -> ReportTarget:
    return ReportTarget(kind=ReportKind.EEE, path=path)


def test_the_folders_of_a_collection(tmp_path: Path) -> None:
    run = recorded(tmp_path, refuted(), undecided(), refuted(node_id="t.py::test_z", model="a/b/c:free"))
    found = write(run, eee(tmp_path / "data" / "mine"))
    folders = [file.parent.relative_to(tmp_path).as_posix() for file in found.files]
    assert folders == ["data/mine/a/b_c-free", "data/mine/lab/tiny"]
    assert json.loads(found.files[1].read_text(encoding="ascii"))["model_info"]["id"] == "lab/tiny"
    assert write(run, eee(tmp_path / "data" / "mine")).files == found.files  # the same run, the same files


def test_a_file_that_cannot_be_replaced_leaves_no_half(tmp_path: Path) -> None:
    run = recorded(tmp_path, refuted())
    (tmp_path / "out.json").mkdir()
    with pytest.raises(StoreError, match="Is a directory") as caught:
        write(run, eee(tmp_path / "out.json"))
    assert caught.value.where == f"eee:{tmp_path / 'out.json'}"
    assert "another file or folder" in caught.value.fix
    assert {file.name for file in tmp_path.iterdir()} == {"runs", "out.json"}


def test_an_older_report_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("old", encoding="ascii")
    write(recorded(tmp_path, refuted()), eee(tmp_path / "out.json"))
    assert json.loads((tmp_path / "out.json").read_text(encoding="ascii"))


def test_what_was_written_and_what_was_not_is_said(tmp_path: Path) -> None:
    target = eee(Path("out.json"))
    assert written_text(target, Written(files=(Path("out.json"),))) == "eee: out.json"
    assert written_text(target, Written(files=(Path("a/x.json"), Path("a/y.json")))) == "eee: 2 files in a"
    nothing = written_text(target, Written(files=(), left_out=("a", "b", "c", "d", "e", "f", "g")))
    assert nothing.startswith("eee: nothing written to out.json; without a, b, c, d, e and 2 more")
