"""Cassettes: recorded draws in a text file that is committed with the tests. One line is one draw.

Lines are sorted by (key, seed, stream, slot), so that a review shows what was added and what was removed. The
provider's whole reply (`raw`) is left out; everything else in a `Reply` is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from pytest_velo.cache.codec import encode_reply
from pytest_velo.cache.differences import explain_miss
from pytest_velo.cache.forms import FIRST
from pytest_velo.cache.keys import CANON, recorded_form, request_body, request_key
from pytest_velo.cache.store import Store
from pytest_velo.errors import StoreError, UsageError
from pytest_velo.reading import MOST_LINE_BYTES, decoder, lines_in, pieces_of
from pytest_velo.records import Address, Draw, Reply, Request
from pytest_velo.writing import whole

_ZSTD_LEVEL = 9
_SLICE = 1024
"""Compressed bytes that are expanded at a time: a bomb makes at most 33,000 of each."""
_BOM = b"\xef\xbb\xbf"


class _Line(msgspec.Struct):
    """A line as it is read."""

    canon: int
    key: str
    seed: int
    stream: str
    slot: str
    request: Request
    reply: Reply
    drawn_at: str
    form: int = FIRST


class _Canon(msgspec.Struct):
    """The part of a line that tells whether the rest can be read."""

    canon: int


_decode_line = decoder(_Line)
_decode_canon = decoder(_Canon)


class Cassette:
    """Recorded draws in memory; made by `load`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._draws: dict[tuple[str, int, str, str], Draw] = {}
        self._requests: dict[str, Request] = {}

    def __len__(self) -> int:
        return len(self._draws)

    def get(self, address: Address) -> Draw | None:
        """Return the draw at an address, its reply marked `cached`; None if it was not recorded."""
        return self._draws.get((address.key, address.seed, address.stream, address.slot))

    def recorded(self) -> Iterator[tuple[Request, Draw]]:
        """Yield every draw with its request, in the order of the file."""
        return ((self._requests[draw.address.key], draw) for draw in self._draws.values())

    def nearest_request(self, request: Request, address: Address | None = None) -> str:
        """Say how the nearest recorded request differs from a missing one.

        With `address`, a draw of the same request at another address is named too.
        """
        same = (
            []
            if address is None
            else [draw.address for draw in self._draws.values() if draw.address.key == address.key]
        )
        return explain_miss(request, self._requests.values(), address, same)

    def _add(self, line: _Line) -> None:
        place = (line.key, line.seed, line.stream, line.slot)
        if place in self._draws:
            raise StoreError("an earlier line records the same draw", fix="delete one of the two lines")
        if line.key not in self._requests:
            if request_key(line.request, line.form) != line.key:
                raise StoreError(
                    "the request does not match its key: it was edited by hand",
                    fix="record it again: run the test, then `velo cassette export`",
                )
            self._requests[line.key] = line.request
        address = Address(key=line.key, seed=line.seed, stream=line.stream, slot=line.slot)
        reply = replace(line.reply, cached=True)
        self._draws[place] = Draw(address=address, reply=reply, drawn_at=line.drawn_at)


def load(path: str | Path) -> Cassette:
    """Read a cassette, `.jsonl` or `.jsonl.zst`.

    Raises:
        StoreError: The file is missing, a line is not a recorded draw (with its number), a draw occurs twice,
            or the format is newer.
    """
    cassette = Cassette(Path(path))
    for number, text in enumerate(_lines(cassette.path), 1):
        if not text.strip():
            continue
        where = f"{cassette.path}:{number}"
        try:
            cassette._add(_parsed(text))
        except (StoreError, UsageError) as error:
            raise StoreError(error.what, where=where, fix=error.fix) from None
    return cassette


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What an export did to a cassette.

    Attributes:
        n_draws: Draws that were exported.
        n_added: Those that were not in the file.
        n_changed: Those whose line was another one.
        n_kept: Other draws, which were in the file and stay.
        n_removed: Other draws, which were in the file and are gone; None if the old file cannot be read.
        is_new: There was no file.
    """

    n_draws: int
    n_added: int
    n_changed: int
    n_kept: int = 0
    n_removed: int | None = 0
    is_new: bool = False


def export(
    store: Store, addresses: Iterable[Address] | None, path: str | Path, *, replace_all: bool = False
) -> Merged:
    """Write draws of the store to a cassette, beside those that it holds; atomically.

    Args:
        store: Where the draws are.
        addresses: Which ones; None for all.
        path: The file; if its name ends in `.zst`, it is compressed.
        replace_all: Remove the other draws of the file.

    Raises:
        StoreError: A draw is not in the store, or the file cannot be read or written.
    """
    target = Path(path)
    found = store.recorded() if addresses is None else _chosen(store, addresses)
    new = {draw.address: _line(request, draw) for request, draw in found}
    is_new = not target.exists()
    old = {} if is_new else _held(target, replace_all=replace_all)
    others = [] if old is None else [address for address in old if address not in new]
    lines = new if replace_all or old is None else {**old, **new}
    _write(target, _sorted(lines))
    known = old or {}
    return Merged(
        n_draws=len(new),
        n_added=sum(address not in known for address in new),
        n_changed=sum(address in known and known[address] != line for address, line in new.items()),
        n_kept=0 if replace_all else len(others),
        n_removed=None if old is None else len(others) if replace_all else 0,
        is_new=is_new,
    )


def differing(store: Store, cassette: Cassette) -> int:
    """Return how many draws of a cassette have another reply in the store, which stays."""
    n_differing = 0
    for _, draw in cassette.recorded():
        stored = store.get(draw.address)
        n_differing += stored is not None and _compared(stored.reply) != _compared(draw.reply)
    return n_differing


def _compared(reply: Reply) -> bytes:
    return encode_reply(reply, for_cassette=True)[0]


def _held(path: Path, *, replace_all: bool) -> dict[Address, bytes] | None:
    """Return the lines of a cassette by address; None if it cannot be read and is to be replaced."""
    try:
        draws = load(path).recorded()
    except StoreError as error:
        if replace_all:
            return None
        error.fix = f"{error.fix}; or overwrite the file: --replace"
        raise
    lines = (text for text in _lines(path) if text.strip())
    return {draw.address: text.rstrip(b"\n") + b"\n" for (_, draw), text in zip(draws, lines, strict=True)}


def _sorted(lines: Mapping[Address, bytes]) -> bytes:
    order = sorted(lines, key=lambda place: (place.key, place.seed, place.stream, place.slot))
    return b"".join(lines[address] for address in order)


def _parsed(text: bytes) -> _Line:
    try:
        canon = _decode_canon(text).canon
        if canon != CANON:
            raise StoreError(
                f"the draw was recorded by another version (canon {canon}, this one reads {CANON})",
                fix="upgrade pytest-velo" if canon > CANON else "record it again",
            )
        return _decode_line(text)
    except ValueError as error:
        raise StoreError(
            f"the line is not a recorded draw: {error}",
            fix="undo the edit (merge markers?), or record it again",
        ) from None


def _chosen(store: Store, addresses: Iterable[Address]) -> Iterator[tuple[Request, Draw]]:
    wanted = list(addresses)
    missing = 0
    for address in wanted:
        draw, request = store.get(address), store.request(address.key)
        if draw is None or request is None:
            missing += 1
        else:
            yield request, draw
    if missing:
        raise StoreError(
            f"{missing} of {len(wanted)} draws are not in the store",
            where=str(store.path),
            fix="if they came from a cassette, import it first: velo cassette import FILE",
        )


def _line(request: Request, draw: Draw) -> bytes:
    address = draw.address
    body: dict[str, Any] = msgspec.json.decode(request_body(request, recorded_form(request, address.key)))
    del body["canon"]
    form = body.pop("form", FIRST)
    line = {
        "canon": CANON,
        "key": address.key,
        "seed": address.seed,
        "stream": address.stream,
        "slot": address.slot,
        "request": body,
        "reply": msgspec.Raw(encode_reply(draw.reply, for_cassette=True)[0]),
        "drawn_at": draw.drawn_at,
        **({} if form == FIRST else {"form": form}),
    }
    return msgspec.json.encode(line) + b"\n"


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a cassette, expanded little by little, without a mark of the byte order."""
    pieces = pieces_of(path)
    try:
        lines = lines_in(_expanded(pieces, path) if path.suffix == ".zst" else pieces, MOST_LINE_BYTES)
        for first in lines:
            yield first.removeprefix(_BOM)
            break
        yield from lines
    except (OSError, ValueError) as error:
        raise StoreError(
            f"the cassette cannot be read: {getattr(error, 'strerror', None) or error}",
            where=str(path),
            fix="name a file that `velo cassette export` wrote",
        ) from None


def _expanded(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """Expand frame by frame: the package's reader mistakes a truncated frame for a complete one."""
    zstandard = _zstandard(path)
    frame, is_whole = None, False
    try:
        for piece in pieces:
            for start in range(0, len(piece), _SLICE):
                left = piece[start : start + _SLICE]
                while left:
                    if frame is None:
                        frame = zstandard.ZstdDecompressor().decompressobj()
                    yield frame.decompress(left)
                    left, is_whole = frame.unused_data, frame.eof
                    if is_whole:
                        frame = None
    except zstandard.ZstdError as error:
        raise StoreError(
            f"the cassette is not a zstd file: {error}",
            where=str(path),
            fix="name a file that `velo cassette export` wrote",
        ) from None
    if not is_whole:
        raise StoreError(
            "the cassette is truncated",
            where=str(path),
            fix="restore the file from version control, or record it again: `velo cassette export`",
        )


def _write(path: Path, content: bytes) -> None:
    if path.suffix == ".zst":
        content = _zstandard(path).ZstdCompressor(level=_ZSTD_LEVEL).compress(content)
    try:
        with whole(path) as part:
            part.write_bytes(content)
    except OSError as error:
        raise StoreError(
            f"the cassette cannot be written: {error.strerror or error}",
            where=str(path),
            fix="name a file in a writable folder",
        ) from None


def _zstandard(path: Path) -> Any:
    try:
        import zstandard  # an extra
    except ImportError:
        raise StoreError(
            "compressed cassettes need the package zstandard",
            where=str(path),
            fix='pip install "pytest-velo[zstd]", or use a name that ends in .jsonl',
        ) from None
    return zstandard
