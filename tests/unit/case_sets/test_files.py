"""Finding a file of cases, expanding it, and choosing how it is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pytest_velo.case_sets import files
from pytest_velo.case_sets.files import read_rows
from pytest_velo.errors import UsageError

CSV = b"question,answer\n2 + 2?,4\n"
ROWS = [("sums.csv:2", {"question": "2 + 2?", "answer": "4"})]


def test_rows_of_a_csv_file_know_their_lines(tmp_path: Path) -> None:
    (tmp_path / "sums.csv").write_bytes(CSV)
    assert list(read_rows("sums.csv", tmp_path)) == ROWS


def named(rows: list[tuple[str, object]], suffix: str) -> list[tuple[str, object]]:
    return [(where.replace("sums.csv", f"sums.csv{suffix}"), value) for where, value in rows]


def test_a_compressed_file_is_expanded(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed")
    (tmp_path / "sums.csv.gz").write_bytes(gzip.compress(CSV[:10]) + gzip.compress(CSV[10:]))
    pack = zstandard.ZstdCompressor().compress
    (tmp_path / "sums.CSV.zst").write_bytes(pack(CSV[:10]) + pack(CSV[10:]))
    assert list(read_rows("sums.csv.gz", tmp_path)) == named(ROWS, ".gz")
    assert [value for _, value in read_rows("sums.CSV.zst", tmp_path)] == [ROWS[0][1]]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_what_cannot_be_expanded_is_named(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("zstandard", reason="zstandard is not installed")
    (tmp_path / f"sums.csv{suffix}").write_bytes(CSV)
    with pytest.raises(UsageError, match="cannot be expanded") as caught:
        list(read_rows(f"sums.csv{suffix}", tmp_path))
    assert caught.value.where == str(tmp_path / f"sums.csv{suffix}")
    assert caught.value.fix


def test_a_bomb_ends_at_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 2**20)
    (tmp_path / "bomb.jsonl.gz").write_bytes(gzip.compress(b" " * 2**21))
    with pytest.raises(UsageError, match="holds more than") as caught:
        list(read_rows("bomb.jsonl.gz", tmp_path))
    assert "bomb.jsonl.gz" in caught.value.where


def test_a_slip_in_the_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "sums.json.gz").write_bytes(b"")
    with pytest.raises(UsageError, match="there is no file") as caught:
        list(read_rows("sum.json.gz", tmp_path))
    assert "sums.json.gz" in caught.value.fix
