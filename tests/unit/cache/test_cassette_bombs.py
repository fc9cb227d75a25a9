"""Compressed cassettes that expand to far more than they are."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from pytest_velo.cache import cassette
from pytest_velo.errors import StoreError

zstandard = pytest.importorskip("zstandard")


def test_a_bomb_of_one_line_is_refused_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "it.jsonl.zst"
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    zeros = b"0" * 2**20
    path.write_bytes(b"".join([*(packer.compress(zeros) for _ in range(700)), packer.flush()]))
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    try:
        with pytest.raises(StoreError) as caught:
            cassette.load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.where == str(path)
    assert "longer than" in caught.value.what
    assert peak < 250 * 2**20


def test_a_bomb_of_empty_lines_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "it.jsonl.zst"
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    path.write_bytes(b"".join([packer.compress(b" " * 2**20 + b"\n") * 1, packer.flush()]))
    assert len(cassette.load(path)) == 0
