"""An answer's body, decoded within a limit."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from pytest_velo.providers.bodies import BodyLimitError, CodingError, read_body

TEXT = b'{"a": "' + bytes(range(97, 123)) * 400 + b'"}'


def read(content: bytes, coding: str | None, *, limit: int = 2**20, step: int = 1000) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        for place in range(0, len(content), step):
            yield content[place : place + step]

    return asyncio.run(read_body(chunks(), coding, limit=limit))


def bare(content: bytes) -> bytes:
    deflating = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflating.compress(content) + deflating.flush()


@pytest.mark.parametrize(
    ("content", "coding"),
    [
        (TEXT, None),
        (TEXT, "identity"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), "X-GZIP"),
        (gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:]) + b"\0" * 9, "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (bare(TEXT), "deflate"),
    ],
    ids=["none", "identity", "gzip", "x-gzip", "two members", "zlib", "bare deflate"],
)
@pytest.mark.parametrize("step", [1, 7, 10**6])
def test_a_body_in_each_coding(content: bytes, coding: str | None, step: int) -> None:
    assert read(content, coding, step=step) == TEXT


def test_an_empty_body_in_a_coding() -> None:
    assert read(b"", "gzip") == b""


@pytest.mark.parametrize("coding", [None, "gzip"])
def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(coding: str | None) -> None:
    content = TEXT if coding is None else gzip.compress(TEXT)
    assert read(content, coding, limit=len(TEXT)) == TEXT
    with pytest.raises(BodyLimitError, match="larger than"):
        read(content, coding, limit=len(TEXT) - 1)


def test_a_bomb_is_given_up_long_before_it_is_whole() -> None:
    inflating = zlib.compressobj(wbits=31)
    bomb = b"".join(inflating.compress(bytes(2**20)) for _ in range(64)) + inflating.flush()
    assert len(bomb) < 2**20
    with pytest.raises(BodyLimitError, match="4 MiB"):
        read(bomb, "gzip", limit=4 * 2**20, step=len(bomb))


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip"])
def test_a_coding_that_was_not_asked_for(coding: str) -> None:
    with pytest.raises(CodingError, match=coding):
        read(b"x", coding)


@pytest.mark.parametrize(
    "content",
    [b"plain text", gzip.compress(TEXT)[:-20], gzip.compress(TEXT)[:40] + b"x" * 99, b"\x1f"],
    ids=["plain", "cut", "damaged", "one byte"],
)
def test_a_body_that_does_not_follow_its_coding(content: bytes) -> None:
    with pytest.raises(CodingError):
        read(content, "gzip")
