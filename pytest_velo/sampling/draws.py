"""The sampler's view of a store of draws, and one in memory for sessions without a store on disk."""

from __future__ import annotations

from typing import Protocol

from pytest_velo.records import Address, Draw, Reply, Request
from pytest_velo.sampling.leasing import Lease, Leasing


class Recorded(Protocol):
    """Draws that can be read: a cassette."""

    def get(self, address: Address) -> Draw | None:
        """Return the draw at `address`; None if there is none."""
        ...

    def nearest_request(self, request: Request, address: Address | None = None) -> str:
        """Say how `request` differs from the most similar recorded one."""
        ...


class DrawStore(Recorded, Leasing, Protocol):
    """Draws that can be read and added to: the cache. Several processes may share it."""

    async def put(
        self, request: Request, address: Address, reply: Reply, drawn_at: str, *, replace: bool = False
    ) -> Draw:
        """Store a draw, committed on return; return what is now stored at `address`."""
        ...


class DrawMemory:
    """A store of draws that lasts one session."""

    def __init__(self) -> None:
        self._draws: dict[Address, Draw] = {}
        self._leased: set[Address] = set()

    def get(self, address: Address) -> Draw | None:
        """Return the draw at `address`; None if there is none."""
        return self._draws.get(address)

    def nearest_request(self, request: Request, address: Address | None = None) -> str:
        """Say that nothing is recorded: draws of earlier sessions are not kept."""
        return "nothing is recorded"

    async def put(
        self, request: Request, address: Address, reply: Reply, drawn_at: str, *, replace: bool = False
    ) -> Draw:
        """Store a draw and return what is now stored at `address`: the first one, unless `replace`."""
        draw = Draw(address=address, reply=reply, drawn_at=drawn_at)
        if replace:
            self._draws[address] = draw
        return self._draws.setdefault(address, draw)

    def lease(self, address: Address) -> Lease | None:
        """Return the lease of a draw; None while it is held."""
        if address in self._leased:
            return None
        self._leased.add(address)
        return _Held(self._leased, address)

    def pulse(self, address: Address) -> object:
        """Return a new value each time: who holds a lease here is alive."""
        return object()


class _Held:
    """A lease in memory."""

    def __init__(self, leased: set[Address], address: Address) -> None:
        self._leased = leased
        self._address = address

    def release(self) -> None:
        self._leased.discard(self._address)
