"""Asking for many things in one exchange: what is wanted while one is under way goes with the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST = 500


class Together(Generic[K, V]):
    """Collects what one event loop wants.

    Args:
        send: Returns the answers, in the order of what it is given.
        most: The most things of one exchange.
        at_a_time: How many exchanges may be under way.
    """

    def __init__(
        self, send: Callable[[list[K]], Awaitable[Sequence[V]]], most: int = MOST, at_a_time: int = 1
    ) -> None:
        self._send = send
        self._most = most
        self._at_a_time = at_a_time
        self._waiting: list[tuple[K, asyncio.Future[V]]] = []
        self._sending: list[asyncio.Task[None]] = []

    async def ask(self, thing: K) -> V:
        """Return the answer; its error is raised for all that were asked for together."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[V] = loop.create_future()
        self._waiting.append((thing, answer))
        self._sending = [task for task in self._sending if not task.done()]
        if len(self._sending) < self._at_a_time:
            self._sending.append(loop.create_task(self._serve()))
        return await answer

    async def _serve(self) -> None:
        while self._waiting:
            now, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                answers = [*zip(now, await self._send([thing for thing, _ in now]), strict=True)]
            except Exception as error:
                for _, answer in now:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for (_, answer), value in answers:
                    if not answer.done():
                        answer.set_result(value)
