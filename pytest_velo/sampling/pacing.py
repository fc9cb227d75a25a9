"""Declared limits of an endpoint, requests and tokens per minute, as token buckets on an injected clock."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

BURST_S = 1.0  # a bucket holds what one second earns, so any minute stays within 1/60 of the limit


class Clock(Protocol):
    """The wrappers' source of time; tests use a virtual one."""

    def now(self) -> float:
        """Return seconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running loop."""
        await asyncio.sleep(seconds)


class Pacer:
    """Tells how long the next call must wait to stay within the declared limits.

    Args:
        rpm: Requests per minute, > 0; None for no limit.
        tpm: Tokens per minute, prompt and reply together, > 0; None for no limit.
        workers: Processes that share the limits; each takes its part.
        now: The start time, with full buckets.
    """

    def __init__(self, *, rpm: float | None, tpm: float | None, now: float, workers: int = 1) -> None:
        self._requests = None if rpm is None else _Bucket(rpm / workers, now)
        self._tokens = None if tpm is None else _Bucket(tpm / workers, now)

    @property
    def counts_tokens(self) -> bool:
        """Whether tokens are limited, so that calls need an estimate of theirs."""
        return self._tokens is not None

    def delay_s(self, tokens: int, now: float) -> float:
        """Return the seconds, >= 0, until a call of about `tokens` tokens may be sent."""
        delay = 0.0 if self._requests is None else self._requests.delay_s(1.0, now)
        return delay if self._tokens is None else max(delay, self._tokens.delay_s(tokens, now))

    def take(self, tokens: int, now: float) -> None:
        """Count a call that is sent now."""
        if self._requests is not None:
            self._requests.take(1.0, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)

    def correct(self, tokens: int, now: float) -> None:
        """Count the tokens by which a call exceeded its estimate (negative: fell short of it)."""
        if self._tokens is not None:
            self._tokens.take(tokens, now)


class _Bucket:
    """Fills at a steady rate; it may be overdrawn, and later calls then wait."""

    __slots__ = ("_at", "_capacity", "_level", "_per_s")

    def __init__(self, per_minute: float, now: float) -> None:
        self._per_s = per_minute / 60.0
        self._capacity = max(1.0, self._per_s * BURST_S)
        self._level = self._capacity
        self._at = now

    def delay_s(self, amount: float, now: float) -> float:
        self._fill(now)
        # A call larger than the bucket goes when the bucket is full, and leaves a debt.
        missing = min(amount, self._capacity) - self._level
        return missing / self._per_s if missing > 1e-9 else 0.0

    def take(self, amount: float, now: float) -> None:
        self._fill(now)
        self._level = min(self._capacity, self._level - amount)

    def _fill(self, now: float) -> None:
        self._level = min(self._capacity, self._level + (now - self._at) * self._per_s)
        self._at = now
