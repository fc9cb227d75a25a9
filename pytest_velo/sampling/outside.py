"""Connections that a body opens past the sampler: what it asks there is in no cache, budget or transcript.

CPython tells audit hooks about every `socket.connect`, whoever makes it: an SDK's own client, requests,
httpx, aiohttp, urllib, a bare socket. A hook cannot be removed, so it is installed once in a process, when
the first trial starts; for all other events it only looks at the name.

A connection belongs to the trial of its context. A thread without that context (a pool of the body's own)
belongs to the trial that started it, which the hook is told, too. Calls of the sampler fly in contexts of
their own. Threads in which a library reports what a program did ask no model, and live on after the trial
that happened to start them: they are not counted, and where nothing may be opened they are refused as a
network would, which no report takes for a reason to end the program. Sockets that stay on the machine
(AF_UNIX) and those without a connection (UDP) are left alone: logging, name resolution and multiprocessing
use them.

Source: PEP 578, and the table of audit events in Python's documentation.
"""

from __future__ import annotations

import errno
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import partial, wraps
from types import FrameType
from typing import Any

from pytest_velo.errors import BodyError
from pytest_velo.sampling.flights import current_flight
from pytest_velo.sampling.halt import Halt

ADOPTED = (
    'clients="adopt" in the mark keeps what clients over httpx ask a model; so do the fixtures `model`,'
    " `openai_client` and `anthropic_client`"
)
"""How a body's calls become draws."""
_STUB = (
    "it asks no model over httpx, so it cannot be adopted: stub it, or leave it to a process of its own (an"
    " MCP server over stdio)"
)

_THREADS = frozenset({"_thread.start_new_thread", "_thread.start_joinable_thread"})
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_OWNER = "_pytest_velo_outside"


_REPORTERS = (
    "agents.tracing.processors",  # of the OpenAI Agents SDK: on unless it is switched off
    "langsmith._internal._background_thread",
    "opentelemetry.sdk",  # and Logfire, Langfuse, ...
    "posthog.consumer",
    "sentry_sdk.worker",
)
"""Modules whose functions threads are started with that report to somebody."""
_STARTERS = frozenset({"threading", "concurrent.futures.thread"})


class Outside:
    """The connections of one hypothesis's bodies.

    Args:
        refusing: Why none may be opened, e.g. `--velo-mode=replay opens no socket`; empty if it may.
        adopts: What clients over httpx ask a model is drawn: this is something else.

    Attributes:
        trouble: The error of the first connection that was refused, whatever the body made of it.
    """

    __slots__ = ("_adopts", "_refusing", "_seen", "trouble")

    def __init__(self, refusing: str = "", *, adopts: bool = False) -> None:
        self._refusing = refusing
        self._adopts = adopts
        self._seen: list[str] = []  # appending is atomic, and an audit hook must not wait for a lock
        self.trouble: BodyError | None = None

    def note(self, address: str) -> None:
        """Count a connection that is about to be opened.

        Raises:
            Halt: None may be opened: past every `except Exception`, since programs retry a lost connection.
        """
        if not self._refusing:
            self._seen.append(address)
            return
        error = BodyError(
            f"the body opens a connection to {address} past the model fixture, and {self._refusing}",
            fix=f"{_STUB if self._adopts else ADOPTED}; or use another mode",
        )
        self.trouble = self.trouble or error
        raise Halt(error)

    def add(self, addresses: Mapping[str, int]) -> None:
        """Count connections that bodies opened in other processes."""
        for address, n in addresses.items():
            self._seen += [address] * n

    def note_report(self) -> None:
        """Let a thread connect that reports to somebody.

        Raises:
            ConnectionRefusedError: No connection may be opened.
        """
        if self._refusing:
            raise ConnectionRefusedError(errno.ECONNREFUSED, self._refusing)

    def elsewhere(self) -> Callable[[], Outside]:
        """Return what makes its like in another process, whose connections `take` brings back."""
        return partial(_watching, self._refusing, self._adopts)

    def take(self, seen: Iterable[str], trouble: BodyError | None) -> None:
        """Count the connections of another process."""
        self._seen += seen
        self.trouble = self.trouble or trouble

    @property
    def seen(self) -> tuple[str, ...]:
        """The address of each connection."""
        return tuple(self._seen)

    @property
    def addresses(self) -> dict[str, int]:
        """How many connections went to each address, the most frequent first."""
        return dict(Counter(self._seen).most_common())


_current: ContextVar[Outside | None] = ContextVar("pytest_velo_outside", default=None)
_installed = False


def watch(outside: Outside) -> None:
    """Note the connections of this context, and of the threads it starts, in `outside`."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_heard)
        if sys.version_info < (3, 12):
            threading.Thread.start = _starts(threading.Thread.start)  # type: ignore[method-assign,assignment]
    _current.set(outside)


def watched() -> Outside | None:
    """Return where the connections of this context are noted."""
    return _current.get()


def _watching(refusing: str, adopts: bool) -> Outside:
    outside = Outside(refusing, adopts=adopts)
    watch(outside)
    return outside


def _starts(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    """Wrap `Thread.start`: CPython tells about new threads from 3.12 on only."""

    @wraps(start)
    def starts(self: threading.Thread) -> None:
        _starting(self)
        start(self)

    return starts


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        _connecting(*args)
    elif event in _THREADS:
        _starting(getattr(args[0], "__self__", None))


def _connecting(connection: socket.socket, address: Any) -> None:
    outside = _current.get()
    if outside is None:
        outside = getattr(threading.current_thread(), _OWNER, None)
    if outside is None or current_flight.get() is not None:
        return
    if connection.family in _FAMILIES and connection.type == socket.SOCK_STREAM:
        if _reports():
            outside.note_report()
        else:
            outside.note(":".join(map(str, address[:2])))


def _reports() -> bool:
    """Tell whether this thread was started by a library to report to somebody."""
    frame: FrameType | None = sys._getframe()
    started = ""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        started = started if name in _STARTERS else name
        frame = frame.f_back
    return any(started == name or started.startswith(f"{name}.") for name in _REPORTERS)


def _starting(thread: Any) -> None:
    """Have a new thread belong to the trial that starts it."""
    outside = _current.get()
    if outside is not None and isinstance(thread, threading.Thread):
        setattr(thread, _OWNER, outside)
