"""Reading ahead: who has read repeats 17, 18 and 19 of a request will want 20.

A body asks for a draw when it needs it, and few bodies run at a time, so that an exchange would bring few
draws. Here, as many as were read already are asked for before they are wanted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pytest_velo.cache.schema import place_of
from pytest_velo.records import Address, Draw, Request

AT_ONCE = 256
"""Draws of one exchange at most: who waits for the first of them waits for all."""

BYTES_AT_ONCE = 2**20
"""About how many bytes of replies an exchange may bring: a second of a slow network."""

FARTHEST = 4
"""Exchanges that are read ahead at most: a verdict may come before their draws are wanted."""

_EXCHANGES = 2  # while the draws of one are kept, the next is under way
_RUNS = 1_000  # requests whose reading is remembered

_log = logging.getLogger(__name__)

Wanted = tuple[Request, Address, bytes]
"""A draw that is asked for: its request, its address, and the digest of that."""


class _Of(NamedTuple):
    """What the addresses of a run have in common: all but the repeat in the middle of their slots."""

    key: str
    seed: int
    stream: str
    before: str
    after: str

    def address(self, repeat: int) -> Address:
        """Return the address of a repeat."""
        slot = f"{self.before}:{repeat}:{self.after}"
        return Address(key=self.key, seed=self.seed, stream=self.stream, slot=slot)


@dataclass(slots=True)
class _Run:
    """The repeats of one request that are read one after another.

    Attributes:
        request: The request.
        of: Their addresses.
        first: The first repeat that was read.
        next: The first that nobody has asked for.
        until: Those from here on are not asked for yet.
    """

    request: Request
    of: _Of
    first: int
    next: int
    until: int

    def saw(self, repeat: int, farthest: int) -> None:
        """Go on from a repeat that was read: as far as has been read already."""
        self.next = max(self.next, repeat + 1)
        self.until = max(self.until, repeat + 1 + min(farthest, repeat + 1 - self.first))

    def is_due(self, at_once: int) -> bool:
        """Tell whether there is enough to ask for to make up for an exchange."""
        return self.until - self.next >= min(at_once, self.next - self.first) / 2

    def end(self) -> None:
        """Ask for no more: there is none. Who is behind reads nothing again; who gets farther begins anew."""
        self.first = self.until = self.next

    def take(self, at_once: int) -> list[Wanted]:
        """Return what is to be asked for next."""
        first, self.next = self.next, min(self.until, self.next + at_once)
        addresses = map(self.of.address, range(first, self.next))
        return [(self.request, address, place_of(address)) for address in addresses]


class Ahead:
    """What is read ahead. It belongs to one event loop.

    Args:
        find: Keeps draws that the shared store has, and returns them in the order of what is wanted.
    """

    def __init__(self, find: Callable[[list[Wanted]], Awaitable[Sequence[Draw | None]]]) -> None:
        self._find = find
        self._at_once = AT_ONCE
        self._runs: dict[_Of, _Run] = {}
        self._due: dict[_Of, _Run] = {}
        self._coming: dict[bytes, asyncio.Future[Draw | None]] = {}
        self._reading: list[asyncio.Task[None]] = []

    async def coming(self, address: Address, at: bytes) -> Draw | None:
        """Return a draw that was on its way; else the caller asks for it, and it is not read ahead."""
        if (future := self._coming.get(at)) is not None:
            return await asyncio.shield(future)
        if (place := _split(address)) is not None and (run := self._runs.get(place[0])) is not None:
            run.next = max(run.next, place[1] + 1)
        return None

    def weigh(self, sizes: Sequence[int]) -> None:
        """Take note of how many bytes the draws of an exchange have; larger ones come by fewer."""
        if sizes:
            fits = BYTES_AT_ONCE * len(sizes) // max(1, sum(sizes))
            self._at_once = max(1, min(AT_ONCE, fits))

    def saw(self, request: Request, address: Address) -> None:
        """Take note that a draw was there, and read on from it."""
        if (place := _split(address)) is None:
            return
        of, repeat = place
        if (run := self._runs.get(of)) is None:
            if len(self._runs) >= _RUNS:
                self._runs.clear()
            run = self._runs[of] = _Run(request, of, repeat, repeat + 1, repeat + 1)
        run.saw(repeat, FARTHEST * self._at_once)
        if run.is_due(self._at_once):
            self._due[of] = run
            self._go_on()

    def _go_on(self) -> None:
        self._reading = [task for task in self._reading if not task.done()]
        while self._due and len(self._reading) < _EXCHANGES:
            run = self._due.pop(next(iter(self._due)))
            task = asyncio.get_running_loop().create_task(self._read(run))
            task.add_done_callback(self._read_it)
            self._reading.append(task)

    def _read_it(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():  # else the loop is ending
            self._go_on()

    async def _read(self, run: _Run) -> None:
        wanted, loop = run.take(self._at_once), asyncio.get_running_loop()
        if not wanted:
            return  # they were asked for meanwhile
        answers = {at: loop.create_future() for _, _, at in wanted}
        self._coming |= answers
        found: Sequence[Draw | None] = [None] * len(wanted)
        try:
            found = await self._find(wanted)
        except Exception as error:  # whoever wants one of them asks for it, and is told
            _log.debug("reading ahead failed: %s", error)
            self._runs.pop(run.of, None)
        finally:
            for (at, answer), draw in zip(answers.items(), found, strict=True):
                self._coming.pop(at, None)
                if not answer.done():
                    answer.set_result(draw)
        if not any(found):
            run.end()
            self._due.pop(run.of, None)
        elif run.is_due(self._at_once):
            self._due[run.of] = run


def _split(address: Address) -> tuple[_Of, int] | None:
    """Return an address's run and its repeat; None for a slot that was not made by us."""
    before, _, rest = address.slot.partition(":")
    repeat, _, after = rest.partition(":")
    if not (after and repeat.isdecimal() and repeat.isascii()):
        return None
    return _Of(address.key, address.seed, address.stream, before, after), int(repeat)
