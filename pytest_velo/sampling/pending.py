"""A body's call that has to be awaited, and that raises an error if it is used in any other way."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar

from pytest_velo.errors import BodyError

T = TypeVar("T")


class Pending(Coroutine[Any, Any, T], Generic[T]):
    """A call that has to be awaited. Used in any other way it raises an error, instead of being truthy."""

    _stays_here: ClassVar[str] = "a call that was not awaited"

    __slots__ = ("_make", "_running", "_what")

    def __init__(self, what: str, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._what = what
        self._make = make
        self._running: Coroutine[Any, Any, T] | None = None

    def _inner(self) -> Coroutine[Any, Any, T]:
        if self._running is None:
            self._running = self._make()
        return self._running

    def __await__(self) -> Generator[Any, Any, T]:
        return self._inner().__await__()

    def send(self, value: Any) -> Any:
        """Continue the call (the coroutine protocol, for `asyncio.create_task`)."""
        return self._inner().send(value)

    def throw(
        self,
        typ: Any,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> Any:
        """Raise inside the call (the coroutine protocol)."""
        return self._inner().throw(typ, val, tb)

    def close(self) -> None:
        """End the call (the coroutine protocol)."""
        if self._running is not None:
            self._running.close()

    def _unawaited(self, *_: object) -> NoReturn:
        raise BodyError(f"{self._what} was used without await", fix=f"write `await {self._what}`")

    __bool__ = __str__ = __contains__ = __eq__ = __len__ = __iter__ = __getitem__ = _unawaited
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = __float__ = __int__ = _unawaited
    __hash__ = object.__hash__

    if not TYPE_CHECKING:  # let type checkers report what a pending call lacks, e.g. `answers`

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__") or name in ("cr_frame", "cr_code", "cr_running", "gi_frame", "gi_code"):
                raise AttributeError(name)  # asked by asyncio and inspect
            self._unawaited()
