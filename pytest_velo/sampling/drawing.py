"""What a trial's calls lean on: who gets its draws, and where its work runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from pytest_velo.providers.registry import Target
from pytest_velo.records import Address, Reply, Request, Slot

T = TypeVar("T")


class Drawing(Protocol):
    """The result of a draw: the reply with its address and date."""

    @property
    def reply(self) -> Reply:
        """The reply, made or read."""
        ...

    @property
    def address(self) -> Address:
        """Where it is stored."""
        ...

    @property
    def drawn_at(self) -> str:
        """When it was made, ISO 8601 in UTC."""
        ...


class Drawer(Protocol):
    """Gets draws; implemented by `Sampler` and `RecordedDraws`."""

    async def draw(
        self, target: Target, request: Request, *, key: str, slot: Slot, stream: str, may_pay: bool
    ) -> Drawing:
        """Return the draw of `request` (whose key is `key`) for `slot`."""
        ...


class Blocking(Protocol):
    """Runs a coroutine on the sampling loop for a body in a worker thread, and waits for it."""

    def __call__(self, work: Coroutine[Any, Any, T], /) -> T:
        """Return the result of `work`."""
        ...


class Apart(Protocol):
    """Runs a plain function of an async body in a worker thread, in the body's context."""

    def __call__(self, func: Callable[[], T], /) -> Awaitable[T]:
        """Return what awaits the result of `func`."""
        ...
