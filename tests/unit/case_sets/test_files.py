"""Rows out of .jsonl and .csv files, each with the line it came from."""

from __future__ import annotations

from pathlib import Path

from pytest_velo.case_sets.files import read_rows


def test_rows_of_a_csv_file_know_their_lines(tmp_path: Path) -> None:
    (tmp_path / "sums.csv").write_text("question,answer\n2 + 2?,4\n")
    assert list(read_rows("sums.csv", tmp_path)) == [("sums.csv:2", {"question": "2 + 2?", "answer": "4"})]
