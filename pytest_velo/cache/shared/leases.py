"""Leases in the shared store: taken before a draw is made, renewed while it is, ended by its push."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from pytest_velo.cache.schema import place_of
from pytest_velo.cache.shared import rows as sql
from pytest_velo.cache.shared.answers import Answer, Away, AwayError, Found, Held, Mine, Unguarded
from pytest_velo.cache.shared.line import Line, ReadOnlyError
from pytest_velo.cache.shared.reading import Reading
from pytest_velo.cache.shared.together import Together
from pytest_velo.records import Address, Request


class SharedLeases:
    """What one process holds. It is taken and given back on one event loop; any thread may end it.

    Args:
        line: The shared store.
        reading: Keeps what others have made meanwhile.
        holder: Who takes them.
        is_read_only: Tells whether this user may take none.
        on_refusal: Called if that turns out only when one is taken.
    """

    def __init__(
        self,
        line: Line,
        reading: Reading,
        holder: sql.Holder,
        *,
        is_read_only: Callable[[], bool],
        on_refusal: Callable[[ReadOnlyError], None],
    ) -> None:
        self._line = line
        self._reading = reading
        self._holder = holder
        self._is_read_only = is_read_only
        self._on_refusal = on_refusal
        # Both are changed in place, never replaced: the line's thread has its hands on them, too.
        self._held: set[bytes] = set()  # of draws that are being made, or not pushed yet
        self._unpushed: set[bytes] = set()  # draws of this process, whether it holds their leases or not
        self._together = Together(self._claim)
        self._renewing: asyncio.TimerHandle | None = None

    async def claim(self, request: Request, address: Address, since: str) -> Answer:
        """Take a draw's lease, unless it is there, made at `since` or later, or another machine makes it.

        Raises:
            StoreError: What the shared store has is no draw.
        """
        try:
            return await self._together.ask((request, address, place_of(address), since))
        except AwayError as away:
            return Away(away.for_s)

    def release(self, address: Address) -> None:
        """Give a draw's lease back, unless the draw is still to be pushed, which ends it."""
        at = place_of(address)
        if at not in self._held or at in self._unpushed:
            return
        self._held.discard(at)
        self._line.ask(partial(sql.release, addresses=[at], process=self._holder.process))

    def hold(self, places: Iterable[bytes]) -> None:
        """Keep those of draws that could not be pushed, until they are."""
        self._unpushed.update(places)

    def end(self, places: Iterable[bytes]) -> None:
        """Forget those of draws that were pushed, which has ended them."""
        places = set(places)
        self._held.difference_update(places)
        self._unpushed.difference_update(places)

    def renew(self) -> None:
        """Renew all that are held."""
        if held := list(self._held):
            self._line.ask(partial(sql.renew, addresses=held, process=self._holder.process))

    def stop(self) -> None:
        """Renew none by the clock any more."""
        if self._renewing is not None:
            self._renewing.cancel()
            self._renewing = None

    def release_all(self, answer_s: float) -> None:
        """Give all back, and wait for it, on a thread without an event loop.

        Raises:
            StoreError: The shared store cannot be reached, or does not answer in time.
        """
        if left := list(self._held):
            self._line.wait(partial(sql.release, addresses=left, process=self._holder.process), answer_s)

    async def _claim(self, wanted: list[tuple[Request, Address, bytes, str]]) -> list[Answer]:
        at, since = [each for _, _, each, _ in wanted], wanted[0][3]
        ask = partial(sql.claim, holder=self._holder, addresses=list(dict.fromkeys(at)), since=since)
        try:
            claims = await self._line.tell(partial(ask, read_only=self._is_read_only()))
        except ReadOnlyError as error:
            self._on_refusal(error)
            claims = await self._line.tell(partial(ask, read_only=True))
        self._held.update(claims.taken)
        if claims.taken and self._renewing is None:
            self._renew_by_the_clock()
        await self._reading.keep((each[:3] for each in wanted), claims.found, over=bool(since))
        return [_answer(each, claims) for each in at]

    def _renew_by_the_clock(self) -> None:
        self._renewing = asyncio.get_running_loop().call_later(sql.RENEW_S, self._renew_by_the_clock)
        self.renew()


def _answer(at: bytes, claims: sql.Claims) -> Answer:
    if at in claims.found:
        return Found()
    if at in claims.taken:
        return Mine()
    return Held(claims.held[at]) if at in claims.held else Unguarded()
