"""The summary of a step: others write into the same file, of which GitHub takes a megabyte or nothing."""

from __future__ import annotations

from pathlib import Path

from pytest_velo.report.markdown import step_summary
from pytest_velo.report.markdown.around import Around
from pytest_velo.report.markdown.step_summary import add_to
from support.reports import recorded, refuted


def test_a_run_goes_below_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_bytes(b"of another command")  # without the end of its line
    assert add_to(file, recorded(tmp_path, refuted()), Around())
    text = file.read_text(encoding="utf-8")
    assert text.startswith("of another command\n## ✗ The hypothesis is refuted\n")
    assert "<!--" not in text


def test_the_room_is_what_others_left(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    run = recorded(tmp_path, *(refuted(node_id=f"test_a.py::test_{n}") for n in range(40)))
    file.write_bytes(b"x" * (step_summary.MOST - 6_000))
    assert add_to(file, run, Around())
    assert step_summary.MOST - 2_000 < file.stat().st_size <= step_summary.MOST
    assert "There was no room for" in file.read_text(encoding="utf-8")[-6_000:]
    assert step_summary.MOST < 1_048_576 - 100_000


def test_a_file_that_is_full_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_bytes(b"x" * step_summary.MOST)
    assert not add_to(file, recorded(tmp_path, refuted()), Around())
    assert file.stat().st_size == step_summary.MOST
