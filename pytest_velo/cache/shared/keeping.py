"""Draws of others, kept in the local store before anybody sees them.

A commit takes as long as the exchange that brought its draws. It is done on a thread and a connection of its
own: meanwhile bodies run, the local store is read, and the next draws come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec

from pytest_velo.cache.codec import decode_reply
from pytest_velo.cache.shared.rows import Kept
from pytest_velo.cache.store import Store
from pytest_velo.cache.writes import Write
from pytest_velo.errors import StoreError
from pytest_velo.records import Address, Draw


class Theirs(NamedTuple):
    """A draw that the shared store has; `request` is the JSON of its request."""

    request: bytes
    address: Address
    kept: Kept

    def write(self, where: str, *, over: bool = False) -> Write:
        """Return what stores it locally.

        Args:
            where: The shared store's name.
            over: It replaces the local one.

        Raises:
            StoreError: It is no draw.
        """
        try:
            reply = decode_reply(self.kept.reply)
        except msgspec.DecodeError as error:
            raise StoreError(
                f"the shared draw at slot {self.address.slot} cannot be read: {error}",
                where=where,
                fix="something else changed it: run with --velo-mode=refresh, or delete it",
            ) from None
        draw = Draw(address=self.address, reply=reply, drawn_at=self.kept.drawn_at)
        return Write(self.request, self.kept.reply, draw, over)


class Keeper:
    """Keeps draws of others in the local store. `keep` may be awaited by several at a time.

    Args:
        path: The local store's file.
        where: The shared store's name.
        beside: The local store; their transactions take turns.
    """

    def __init__(self, path: Path, where: str, beside: Store) -> None:
        self._where = where
        self._store = Store(path, beside=beside)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="velo-keeping")

    async def keep(self, draws: Sequence[Theirs], *, over: bool = False) -> list[Draw]:
        """Keep draws; return those that are stored now, after the commit.

        Args:
            draws: Each at another address.
            over: They replace local ones; otherwise what was read locally stays.

        Raises:
            StoreError: One of them is no draw, or they could not be stored.
        """
        if not draws:
            return []
        try:
            kept = self._thread.submit(self._keep, draws, over=over)
        except RuntimeError:
            raise StoreError("the store is closed", where=str(self._store.path)) from None
        return await asyncio.wrap_future(kept)

    def close(self) -> None:
        """End, after what is under way. Safe to call twice."""
        self._thread.shutdown()
        self._store.close()

    def _keep(self, draws: Sequence[Theirs], *, over: bool) -> list[Draw]:
        writes = [theirs.write(self._where, over=over) for theirs in draws]
        if self._store.add(writes, over=over) == len(writes):
            return [write.draw for write in writes]
        return [self._store.get(write.draw.address) or write.draw for write in writes]
