"""What keeps draws, as the sampler sees it; and a dict that does, where there is no store on disk."""

from __future__ import annotations

from typing import Protocol

from pytest_velo.records import Address, Draw, Reply, Request


class Recorded(Protocol):
    """Draws that can be read: a cassette."""

    def get(self, address: Address) -> Draw | None:
        """Return the draw at `address`; None when there is none."""
        ...

    def nearest_request(self, request: Request, address: Address | None = None) -> str:
        """Say how `request` differs from what is recorded and is most like it."""
        ...


class DrawStore(Recorded, Protocol):
    """Draws that can be read and added to: the cache."""

    async def put(
        self, request: Request, address: Address, reply: Reply, drawn_at: str, *, replace: bool = False
    ) -> Draw:
        """Keep a draw; when this returns it is committed. Returns what is kept at `address` now."""
        ...


class DrawMemory:
    """A store of draws that lasts one session."""

    def __init__(self) -> None:
        self._draws: dict[Address, Draw] = {}

    def get(self, address: Address) -> Draw | None:
        """Return the draw at `address`; None when there is none."""
        return self._draws.get(address)

    def nearest_request(self, request: Request, address: Address | None = None) -> str:
        """Say that nothing is: what a session made before is not kept."""
        return "nothing is recorded"

    async def put(
        self, request: Request, address: Address, reply: Reply, drawn_at: str, *, replace: bool = False
    ) -> Draw:
        """Keep a draw and return what is kept at `address` now: the first one, unless `replace`."""
        draw = Draw(address=address, reply=reply, drawn_at=drawn_at)
        if replace:
            self._draws[address] = draw
        return self._draws.setdefault(address, draw)
