"""How many calls are in flight at one endpoint: a fair queue whose limit follows the server's answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pytest_velo.errors import TransientError
from pytest_velo.sampling.pacing import Clock, Pacer

LONGEST_PAUSE_S = 90.0  # limits are told by the minute, rounded up; a longer pause is an outage
_GAIN = 0.25  # weight of the latest cut's share of congested answers against earlier ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttling:
    """What one endpoint's limits have cost so far.

    Attributes:
        limit, ceiling: Calls that may be in flight now, and at most.
        n_cuts: How often the limit was cut, once per burst of 429s or 529s.
        throttled_s: Seconds in which a call was ready and waited because the server asked for a pause or had
            the limit cut.
        paced_s: Seconds in which a call was ready and waited for a declared rpm or tpm.
    """

    limit: int
    ceiling: int
    n_cuts: int
    throttled_s: float
    paced_s: float


class Gate:
    """Lets calls through in the order in which they arrive.

    The limit starts at its ceiling. A congested answer (429, 529) cuts it, once per burst: calls admitted
    before a cut say nothing about the limit after it. The cut is by half if nearly all answers are congested
    and smaller if few are (as in DCTCP, RFC 8257), so that a server that refuses one call in ten, however few
    there are, does not end up with one call at a time. Every success adds `1 / limit`, so that a full round
    of successes adds one. A Retry-After holds the whole endpoint.

    Args:
        ceiling: Maximum number of calls in flight, >= 1.
        pacer: The declared limits; None if there are none.
        clock: Where time comes from.
        where: The endpoint, for messages.
    """

    def __init__(self, ceiling: int, *, pacer: Pacer | None, clock: Clock, where: str = "") -> None:
        self._ceiling = max(1, ceiling)
        self._window = float(self._ceiling)
        self._pacer = pacer
        self._clock = clock
        self._where = where
        self._congestion = 1.0  # the share of answers that were congested, smoothed over cuts
        self._n_good = self._n_congested = 0  # answers since the last cut
        self._n_inside = 0
        self._n_queued = 0
        self._epoch = 0
        self._paused_until = 0.0
        self._throttled_s = 0.0
        self._paced_s = 0.0
        self._door = asyncio.Lock()  # its holder is the head of the queue
        self._room: asyncio.Future[None] | None = None

    @property
    def limit(self) -> int:
        """How many calls may be in flight now."""
        return int(self._window)

    def throttling(self) -> Throttling:
        """Return what the limits have cost so far."""
        return Throttling(
            limit=self.limit,
            ceiling=self._ceiling,
            n_cuts=self._epoch,
            throttled_s=self._throttled_s,
            paced_s=self._paced_s,
        )

    async def enter(self, tokens: int = 0) -> int:
        """Wait until a call of about `tokens` tokens may be sent; every `enter` needs its `leave`.

        Returns:
            The ticket for `succeeded` and `congested`.

        Raises:
            TransientError: The server asked for a pause longer than `LONGEST_PAUSE_S`.
        """
        now = self._clock.now()
        if self._n_queued or self._n_inside >= self.limit or self._hold_s(tokens, now) > 0:
            await self._queue(tokens)
        else:
            self._admit(tokens, now)
        return self._epoch

    def leave(self) -> None:
        """Make room: the call has ended, whatever its result."""
        self._n_inside -= 1
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def succeeded(self, n_extra_tokens: int = 0) -> None:
        """Note a success, and the tokens by which it exceeded its estimate."""
        self._n_good += 1
        self._window = min(self._ceiling, self._window + 1 / self._window)
        if self._pacer is not None and n_extra_tokens:
            self._pacer.correct(n_extra_tokens, self._clock.now())

    def congested(self, ticket: int, retry_after_s: float | None) -> None:
        """Note a 429 or 529 answer to the call let in with `ticket`."""
        self._n_congested += 1
        if ticket == self._epoch:
            self._epoch += 1
            share = self._n_congested / (self._n_congested + self._n_good)
            self._congestion += _GAIN * (share - self._congestion)
            self._window = max(1.0, self._window * (1 - self._congestion / 2))
            self._n_good = self._n_congested = 0
        if retry_after_s is not None:
            self._paused_until = max(self._paused_until, self._clock.now() + retry_after_s)

    def _admit(self, tokens: int, now: float) -> None:
        self._n_inside += 1
        if self._pacer is not None:
            self._pacer.take(tokens, now)

    async def _queue(self, tokens: int) -> None:
        self._n_queued += 1
        try:
            async with self._door:
                while await self._held(tokens):
                    pass
                self._admit(tokens, self._clock.now())
        finally:
            self._n_queued -= 1

    async def _held(self, tokens: int) -> bool:
        """Wait for the first obstacle, if any; return False if there is none."""
        begun = self._clock.now()
        pause_s = self._paused_until - begun
        if pause_s > LONGEST_PAUSE_S:
            raise TransientError(
                "the server asked for a pause", kind="rate_limit", retry_after_s=pause_s, where=self._where
            )
        if pause_s > 0:
            await self._clock.sleep(pause_s)
            self._throttled_s += self._clock.now() - begun
        elif self._n_inside >= self.limit:
            is_cut = self.limit < self._ceiling
            self._room = asyncio.get_running_loop().create_future()
            await self._room
            self._throttled_s += (self._clock.now() - begun) if is_cut else 0.0
        elif (hold_s := self._hold_s(tokens, begun)) > 0:
            await self._clock.sleep(hold_s)
            self._paced_s += self._clock.now() - begun
        else:
            return False
        return True

    def _hold_s(self, tokens: int, now: float) -> float:
        """Return the seconds until the pause and the declared limits let a call through."""
        paced_s = 0.0 if self._pacer is None else self._pacer.delay_s(tokens, now)
        return max(paced_s, self._paused_until - now)
