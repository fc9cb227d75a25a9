"""What keeps draws, as the sampler sees it; and a dict that does, where there is no store on disk."""

from __future__ import annotations

from typing import Protocol

from pytest_velo.records import Address, Draw, Reply, Request


class DrawStore(Protocol):
    """Where draws are kept."""

    def get(self, address: Address) -> Draw | None:
        """Return the draw at `address`; None when there is none."""
        ...

    async def put(
        self, request: Request, address: Address, reply: Reply, drawn_at: str, *, replace: bool = False
    ) -> Draw:
        """Keep a draw; when this returns it is committed. Returns what is kept at `address` now."""
        ...


class Recorded(Protocol):
    """Draws recorded in a file: a cassette."""

    def get(self, address: Address) -> Draw | None:
        """Return the draw at `address`; None when there is none."""
        ...

    def nearest_request(self, request: Request) -> str:
        """Say how `request` differs from the recorded one that is most like it."""
        ...


class DrawMemory:
    """A store of draws that lasts one session."""

    def __init__(self) -> None:
        self._draws: dict[Address, Draw] = {}

    def get(self, address: Address) -> Draw | None:
        """Return the draw at `address`; None when there is none."""
        return self._draws.get(address)

    async def put(
        self, request: Request, address: Address, reply: Reply, drawn_at: str, *, replace: bool = False
    ) -> Draw:
        """Keep a draw and return what is kept at `address` now: the first one, unless `replace`."""
        draw = Draw(address=address, reply=reply, drawn_at=drawn_at)
        if replace:
            self._draws[address] = draw
        return self._draws.setdefault(address, draw)
