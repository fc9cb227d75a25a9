"""What runs in a worker process: it is handed functions and calls as bytes, and hands back what came of them.

It loads next to nothing of ours. A worker leads a group of processes, so that Ctrl-C in the terminal, which
is the main process's to handle, reaches neither it nor a program it runs; and it ends with the main process,
however that ended.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from enum import Enum, auto
from types import TracebackType
from typing import Any, NamedTuple, Protocol

import cloudpickle
from tblib import pickling_support

from pytest_velo.errors import listen
from pytest_velo.parallel import here
from pytest_velo.parallel.pickles import dumps

_POLL_S = 1.0

_functions: dict[str, Callable[..., Any]] = {}


class Came(Enum):
    """What came of a call."""

    RETURNED = auto()
    RAISED = auto()
    UNKNOWN = auto()  # the function was not sent to this process yet
    UNREADABLE = auto()  # what was sent could not be read here
    UNSENDABLE = auto()  # what was returned cannot be sent back


def begin() -> None:
    """Begin a worker process."""
    if hasattr(os, "setsid"):
        os.setsid()
        threading.Thread(target=_end_with, args=(os.getppid(),), name="velo-parent", daemon=True).start()


def ready() -> int:
    """Return this process's id: it has started."""
    return os.getpid()


class Answer(NamedTuple):
    """What came of a call.

    Attributes:
        came: What kind of thing.
        content: The value or exception as bytes; of what went wrong with them, a text.
        told: The errors that a trial is told of, whatever the function made of them.
        seen: The connections that the function opened.
        trouble: Why one of them was refused.
    """

    came: Came
    content: bytes = b""
    told: tuple[bytes, ...] = ()
    seen: tuple[str, ...] = ()
    trouble: bytes | None = None


class Watching(Protocol):
    """Sees what a function does beside returning."""

    @property
    def seen(self) -> tuple[str, ...]:
        """The connections that it opened."""
        ...

    @property
    def trouble(self) -> Exception | None:
        """Why one of them was refused."""
        ...


class Unwatched:
    """Sees nothing."""

    seen: tuple[str, ...] = ()
    trouble: Exception | None = None


def perform(
    name: str, digest: str, function: bytes | None, call: bytes, watch: Callable[[], Watching]
) -> Answer:
    """Call a function.

    It is kept under its digest, and with it what it keeps in global variables and caches.
    """
    here.name = name
    try:
        if digest not in _functions:
            if function is None:
                return Answer(Came.UNKNOWN)
            _functions[digest] = cloudpickle.loads(function)
        args, kwargs = cloudpickle.loads(call)
    except BaseException as error:
        return Answer(Came.UNREADABLE, f"{type(error).__name__}: {error}".encode(errors="replace"))
    return copy_context().run(_made, _functions[digest], args, kwargs, watch)


def _made(function: Callable[..., Any], args: Any, kwargs: Any, watch: Callable[[], Watching]) -> Answer:
    told: list[Exception] = []
    listen(told.append)
    watching = watch()
    try:
        value = function(*args, **kwargs)
        came, content = Came.RETURNED, b""
    except BaseException as error:
        if error.__traceback__ is not None:
            error.__traceback__ = error.__traceback__.tb_next  # from the function's own frame on
        came, content = Came.RAISED, packed(error)
    if came is Came.RETURNED:
        try:
            content = dumps(value)
        except Exception as error:
            came, content = Came.UNSENDABLE, f"{type(value).__name__}\n{error}".encode(errors="replace")
    trouble = None if watching.trouble is None else packed(watching.trouble)
    return Answer(came, content, tuple(map(packed, told)), watching.seen, trouble)


def packed(error: BaseException) -> bytes:
    """Return an exception with its traceback as bytes.

    Some cannot be made again by calling their class with what they keep, others keep what cannot be sent:
    these are sent in parts, without it.
    """
    try:
        pickling_support.install(error)
        content = dumps(error)
        cloudpickle.loads(content)
    except Exception:
        kept = {name: value for name, value in vars(error).items() if _can_be_sent(value)}
        args = tuple(arg if _can_be_sent(arg) else repr(arg) for arg in error.args)
        content = dumps(_Remade(type(error), args, kept, error.__traceback__))
    return content


def unpacked(content: bytes) -> BaseException:
    """Return an exception that was packed."""
    found = cloudpickle.loads(content)
    error: BaseException = found.again() if isinstance(found, _Remade) else found
    return error


class _Remade(NamedTuple):
    """An exception in its parts."""

    kind: type[BaseException]
    args: tuple[Any, ...]
    kept: dict[str, Any]
    traceback: TracebackType | None

    def again(self) -> BaseException:
        error = self.kind.__new__(self.kind, *self.args)
        error.__dict__.update(self.kept)
        return error.with_traceback(self.traceback)


def _can_be_sent(value: Any) -> bool:
    try:
        cloudpickle.loads(dumps(value))
    except Exception:
        return False
    return True


def _end_with(parent: int) -> None:
    """End this process, and what it started, when the main process has gone: its pipes do not tell."""
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os.killpg(0, 9)
