"""Reading draws of others: together, ahead of who wants them, and kept before anybody sees them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from pytest_velo.cache.keys import request_body
from pytest_velo.cache.schema import place_of
from pytest_velo.cache.shared import rows as sql
from pytest_velo.cache.shared.ahead import Ahead, Wanted
from pytest_velo.cache.shared.keeping import Keeper, Theirs
from pytest_velo.cache.shared.line import Line
from pytest_velo.cache.shared.rows import Kept
from pytest_velo.cache.shared.together import Together
from pytest_velo.records import Address, Draw, Request


class Reading:
    """The draws of others. It belongs to one event loop.

    Args:
        line: The shared store.
        keeper: The local one.
    """

    def __init__(self, line: Line, keeper: Keeper) -> None:
        self._line = line
        self._keeper = keeper
        self._together = Together(self._find, at_a_time=2)  # one is kept, while the next is under way
        self._ahead = Ahead(self._find)

    async def find(self, request: Request, address: Address) -> Draw | None:
        """Return what is stored locally now, if the shared store has the draw.

        Raises:
            AwayError: The shared store cannot be reached.
            StoreError: What it has is no draw, or it cannot be kept.
        """
        at = place_of(address)
        draw = await self._ahead.coming(address, at) or await self._together.ask((request, address, at))
        if draw is not None:
            self._ahead.saw(request, address)
        return draw

    async def keep(
        self, wanted: Iterable[Wanted], found: dict[bytes, Kept], *, over: bool = False
    ) -> dict[bytes, Draw]:
        """Keep what was found of what was wanted; return what is stored now, by the addresses' digests.

        Raises:
            StoreError: It is no draw, or cannot be kept.
        """
        bodies: dict[str, bytes] = {}
        theirs: dict[bytes, Theirs] = {}
        for request, address, at in wanted:
            if (kept := found.get(at)) is not None and at not in theirs:
                body = bodies.get(address.key) or bodies.setdefault(address.key, request_body(request))
                theirs[at] = Theirs(body, address, kept)
        return dict(zip(theirs, await self._keeper.keep([*theirs.values()], over=over), strict=True))

    async def _find(self, wanted: list[Wanted]) -> list[Draw | None]:
        addresses = list(dict.fromkeys(at for _, _, at in wanted))
        found = await self._line.tell(partial(sql.fetch, addresses=addresses))
        self._ahead.weigh([len(kept.reply) for kept in found.values()])
        kept = await self.keep(wanted, found)
        return [kept.get(at) for _, _, at in wanted]
