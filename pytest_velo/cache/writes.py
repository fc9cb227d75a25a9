"""Draws on their way into the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apsw

from pytest_velo.cache.codec import encode_reply
from pytest_velo.cache.schema import place_of
from pytest_velo.errors import StoreError
from pytest_velo.records import Draw

_INSERT = """
INSERT OR {} INTO draw(address, request, seed, stream, slot, reply, model_served, cost_usd, drawn_at)
VALUES(?, (SELECT id FROM request WHERE key = ?), ?, ?, ?, ?, ?, ?, ?)
"""
IF_NEW, OVER = _INSERT.format("IGNORE"), _INSERT.format("REPLACE")


@dataclass(frozen=True, slots=True)
class Write:
    """One draw on its way into the file; `request` and `body` are the JSON of its request and reply."""

    request: bytes
    body: bytes
    draw: Draw
    replace: bool

    @property
    def place(self) -> bytes:
        """The digest under which the draw is found."""
        return place_of(self.draw.address)

    @property
    def row(self) -> tuple[Any, ...]:
        """Its row in the file."""
        address, reply = self.draw.address, self.draw.reply
        where = (self.place, address.key, address.seed, address.stream, address.slot)
        return (*where, self.body, reply.model_served, reply.cost_usd, self.draw.drawn_at)


def write_of(request: bytes, draw: Draw, *, replace: bool = False) -> Write:
    """Return what stores a draw.

    Raises:
        StoreError: The file cannot hold it.
    """
    seed = draw.address.seed
    if not -(2**63) <= seed < 2**63:
        raise StoreError(f"the root seed {seed} does not fit 64 bits", fix="use a smaller --velo-seed")
    for name, text in (("stream", draw.address.stream), ("slot", draw.address.slot)):
        if not _is_text(text):
            raise StoreError(f"the {name} {text!r} contains half of a surrogate pair", fix="use plain text")
    body, reply = encode_reply(draw.reply)
    kept = Draw(address=draw.address, reply=reply, drawn_at=draw.drawn_at)
    return Write(request, body, kept, replace)


def add_requests(connection: apsw.Connection, writes: Iterable[Write]) -> None:
    """Store the requests of draws, those that are new."""
    bodies = {write.draw.address.key: write.request for write in writes}
    connection.executemany("INSERT OR IGNORE INTO request(key, body) VALUES(?, ?)", bodies.items())


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
