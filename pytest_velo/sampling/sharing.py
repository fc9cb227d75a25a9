"""A paid draw is made by one machine of those that share a store, whatever becomes of the network.

A machine that is cut off makes the draws whose leases it has, and waits for the network with all others. Only
where that takes longer than the user's patience it goes on alone, and says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, assert_never, runtime_checkable

from pytest_velo.cache.shared.answers import Answer, Away, AwayError, Found, Held, Mine, Unguarded
from pytest_velo.records import Address, Draw, Request
from pytest_velo.sampling.pacing import Clock

POLL_S = 0.25


@runtime_checkable
class Shared(Protocol):
    """A store that other machines share."""

    async def find(self, request: Request, address: Address) -> Draw | None:
        """Keep the draw locally if the shared store has it; return what is stored locally then."""
        ...

    async def claim(self, request: Request, address: Address, since: str) -> Answer:
        """Take the right to make a draw, unless it was made at `since` or later, or is being made."""
        ...

    def release(self, address: Address) -> None:
        """Give the right back, unless the draw was stored, which ends it."""
        ...


class OneMachine:
    """Makes a draw unless another machine has made it, or is making it.

    Args:
        store: What the machines share.
        clock: Where time comes from; it is never compared with another machine's.
        read: Returns the draw that is stored locally at an address, if it may be used.
        patience_s: How long a store that is away is waited for.
        since: Draws made before do not count, ISO 8601 in UTC; empty if all do.

    Attributes:
        waited_s: Seconds in which draws waited for other machines.
        away_s: Seconds in which draws waited for the store.
        n_alone: Draws that were made without knowing whether another machine makes them.
    """

    def __init__(
        self,
        store: Shared,
        clock: Clock,
        read: Callable[[Address], Draw | None],
        *,
        patience_s: float,
        since: str = "",
    ) -> None:
        self._store = store
        self._clock = clock
        self._read = read
        self._patience_s = patience_s
        self._since = since
        self.waited_s = 0.0
        self.away_s = 0.0
        self.n_alone = 0

    async def look(self, request: Request, address: Address, *, may_make: bool) -> Draw | None:
        """Return what the shared store has, as it is stored locally now.

        Where the store is away, it is waited for, unless the draw may be made without it.

        Raises:
            AwayError: It stays away.
        """
        began = self._clock.now()
        while True:
            try:
                return await self._store.find(request, address)
            except AwayError as away:
                if may_make:
                    return None
                if self._is_too_long(away.for_s, began):
                    raise
                self.away_s += await self._pause()

    async def make(self, request: Request, address: Address, work: Callable[[], Awaitable[Draw]]) -> Draw:
        """Return the draw: made by `work`, or by another machine meanwhile."""
        began = self._clock.now()
        while True:
            answer = await self._store.claim(request, address, self._since)
            match answer:
                case Found():
                    if (kept := self._read(address)) is not None:
                        return kept
                    return await work()
                case Mine():
                    try:
                        return await work()
                    finally:
                        self._store.release(address)
                case Held():
                    self.waited_s += await self._pause()
                    began = self._clock.now()  # it was there
                case Away(for_s):
                    if self._is_too_long(for_s, began):
                        self.n_alone += 1
                        return await work()
                    self.away_s += await self._pause()
                case Unguarded():
                    return await work()
                case _:
                    assert_never(answer)

    def _is_too_long(self, for_s: float, began: float) -> bool:
        """Tell whether a store has been away too long: altogether, or failing whoever began to ask then."""
        return max(for_s, self._clock.now() - began) > self._patience_s

    async def _pause(self) -> float:
        began = self._clock.now()
        await self._clock.sleep(POLL_S)
        return self._clock.now() - began
