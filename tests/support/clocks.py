"""Clocks of the sampler that tests need not wait for."""

from __future__ import annotations

import asyncio


class InstantClock:
    """Time that passes at once, and jumps where a test says so."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Return the seconds that were slept."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let others have their turn, once."""
        self.time += seconds
        await asyncio.sleep(0)
