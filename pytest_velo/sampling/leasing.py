"""A paid draw is made by one process; others that want it wait until it is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from pytest_velo.records import Address, Draw
from pytest_velo.sampling.pacing import Clock

POLL_S = 0.1
BEYOND_S = 30.0
"""How much longer than an attempt a lease without a sign of life is respected."""


class Lease(Protocol):
    """The right to make one draw."""

    def release(self) -> None:
        """Let others have it."""
        ...


class Leasing(Protocol):
    """Gives one process at a time the right to make a draw."""

    def lease(self, address: Address) -> Lease | None:
        """Return the lease of the draw at `address`; None while another holds it."""
        ...

    def pulse(self, address: Address) -> object:
        """Return a value that changes, at least every few seconds, while the holder of a lease is alive."""
        ...


class OneMaker:
    """Makes a draw unless another process is making it.

    A process that ends loses its leases at once. One that hangs (stopped, or its event loop is blocked) is
    waited for until its lease expires, which is longer than its attempt may take; then the draw is made here,
    and may be paid for twice.

    Args:
        store: Where leases are taken.
        clock: Where time comes from; it is never compared with another process's.
        read: Returns the stored draw at an address, if it may be used.

    Attributes:
        waited_s: Seconds in which draws waited for other processes.
    """

    def __init__(self, store: Leasing, clock: Clock, read: Callable[[Address], Draw | None]) -> None:
        self._store = store
        self._clock = clock
        self._read = read
        self.waited_s = 0.0

    async def make(self, address: Address, work: Callable[[], Awaitable[Draw]], attempt_s: float) -> Draw:
        """Return the draw at `address`: made by `work`, or by another process meanwhile.

        `attempt_s` is how long one attempt may take, in seconds.
        """
        lease = self._store.lease(address) or await self._wait(address, attempt_s + BEYOND_S)
        try:
            # Another process may have stored it between our first look and the lease.
            kept = self._read(address)
            return await work() if kept is None else kept
        finally:
            if lease is not None:
                lease.release()

    async def _wait(self, address: Address, patience_s: float) -> Lease | None:
        """Return the lease once its holder has let go; None if it has expired."""
        began = alive_at = self._clock.now()
        pulse = self._store.pulse(address)
        try:
            while (lease := self._store.lease(address)) is None:
                if (beat := self._store.pulse(address)) != pulse:
                    pulse, alive_at = beat, self._clock.now()
                elif self._clock.now() - alive_at > patience_s:
                    return None
                await self._clock.sleep(POLL_S)
            return lease
        finally:
            self.waited_s += self._clock.now() - began
