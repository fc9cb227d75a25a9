"""Reading what anything may have written: in bounds, and with `ValueError` for all that is wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_velo.reading import checked, decoder, json_in, lines_in, pieces_of, read_bytes

DEEP = b"[" * 100_000 + b"]" * 100_000


def test_a_file_is_read_up_to_a_size(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(ValueError, match="larger than"):
        read_bytes(path, 4)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        read_bytes(tmp_path)
    with pytest.raises(OSError):
        list(pieces_of(tmp_path))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        for read in (read_bytes, lambda path: list(pieces_of(path))):
            with pytest.raises(ValueError, match="no regular file"):
                read(tmp_path / "pipe")


def test_a_line_that_does_not_end_is_given_up() -> None:
    def endless():
        yield b"first\n"
        while True:
            yield b"x" * 100

    lines = lines_in(endless(), most=1_000)
    assert next(lines) == b"first\n"
    with pytest.raises(ValueError, match="longer than"):
        next(lines)


@pytest.mark.parametrize("content", [DEEP, b"", b"\xff", b"{", b"nope"])
def test_what_is_no_json(content: bytes) -> None:
    with pytest.raises(ValueError):
        json_in(content)
    with pytest.raises(ValueError):
        decoder(list[list[int]])(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    name: str
    share: float = 0.0
    parts: tuple[Record, ...] = ()


def test_a_record_is_checked_field_by_field() -> None:
    good = Record(name="a", share=1, parts=(Record(name="b"),))
    assert checked(good) is good
    for bad in (Record(name=1), Record(name="a", parts=(Record(name="b", share="no"),))):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="Expected"):
            checked(bad)
