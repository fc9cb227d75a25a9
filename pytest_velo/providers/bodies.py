"""An answer's body, decoded within a limit: a server's gigabytes must not fill the machine's memory."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator

LIMIT_BYTES = 64 * 2**20
"""The largest body that is read, decoded: thousands of times a long reply with all its log probabilities."""
ACCEPTED = "gzip, deflate"
"""The codings that are asked for: those that can be undone piece by piece."""

_PIECE_BYTES = 2**20
_PLAIN = ("", "identity")
_CODED = ("gzip", "x-gzip", "deflate")
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_BARE_DEFLATE = -zlib.MAX_WBITS
_HEAD_BYTES = 2


class BodyLimitError(Exception):
    """A body is larger than the limit."""


class CodingError(Exception):
    """A body cannot be decoded."""


async def read_body(chunks: AsyncIterable[bytes], coding: str | None, *, limit: int = LIMIT_BYTES) -> bytes:
    """Return a whole body, decoded; arguments as in `decoded`."""
    return b"".join([part async for part in decoded(chunks, coding, limit=limit)])


async def decoded(
    chunks: AsyncIterable[bytes], coding: str | None, *, limit: int = LIMIT_BYTES
) -> AsyncIterator[bytes]:
    """Give a body's decoded bytes.

    Args:
        chunks: The bytes as they come over the wire.
        coding: The header `Content-Encoding`; None if there is none.
        limit: The most bytes to give.

    Raises:
        BodyLimitError: The body is larger.
        CodingError: Its coding was not asked for, or its bytes do not follow it.
    """
    name = (coding or "").strip().lower()
    if name not in (*_PLAIN, *_CODED):
        raise CodingError(f"the body is coded as {name!r}, which was not asked for ({ACCEPTED})")
    inflater = _Inflater() if name in _CODED else None
    size = 0
    async for chunk in chunks:
        for part in (chunk,) if inflater is None else inflater.feed(chunk):
            size += len(part)
            if size > limit:
                raise BodyLimitError(
                    f"the body is larger than {limit / 2**20:g} MiB, and was not read to its end"
                )
            yield part
    if inflater is not None and not inflater.is_whole:
        raise CodingError("the compressed body breaks off")


class _Inflater:
    """Undoes gzip, zlib and bare deflate in pieces of a limited size, however much a few bytes stand for."""

    def __init__(self) -> None:
        self._head = b""
        self._stream: zlib._Decompress | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the compressed data has come to its end (or was empty)."""
        return not self._head if self._stream is None else self._stream.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what `data` adds, piece by piece."""
        if self._stream is None:
            self._head = data = self._head + data
            if len(data) < _HEAD_BYTES:
                return
            self._stream = _opened(data)
        is_full = False
        while data or is_full:
            if self._stream.eof:  # gzip may have several members; some servers pad the last
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
            try:
                piece = self._stream.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise CodingError(f"the compressed body is damaged ({error})") from None
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            is_full = len(piece) == _PIECE_BYTES and not self._stream.eof
            if piece:
                yield piece


def _opened(head: bytes) -> zlib._Decompress:
    """Return a stream for data that begins so; what some servers call deflate has no header at all."""
    is_gzip = head.startswith(b"\x1f\x8b")
    is_zlib = head[0] & 15 == zlib.DEFLATED and int.from_bytes(head[:2]) % 31 == 0  # RFC 1950
    return zlib.decompressobj(_GZIP_OR_ZLIB if is_gzip or is_zlib else _BARE_DEFLATE)
