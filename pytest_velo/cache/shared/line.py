"""The line to the database: one connection in a thread of its own, so that no event loop waits for a network.

What is asked of it is done in order, and must bear being done twice: a connection that was lost while idle is
made again, and the work with it. While the database cannot be reached, every request fails at once, and the
line tries again every second.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from pytest_velo.cache.shared.answers import AwayError
from pytest_velo.errors import StoreError, UsageError
from pytest_velo.settings import StoreUrl
from pytest_velo.waiting import result_of

try:
    import psycopg
    from psycopg import conninfo
except ImportError as missing:
    raise UsageError(
        f"a shared store needs psycopg, which is not there ({missing})",
        where="--velo-store",
        fix="pip install 'pytest-velo[postgres]'",
    ) from None

T = TypeVar("T")
Connection = psycopg.Connection[Any]
Work = Callable[[Connection], T]

RETRY_S = 1.0
ANSWER_S = 60.0
"""How long anyone waits for an answer, where the operating system does not notice a dead network."""

STATEMENT_S = 30

# A dead network is noticed within ten seconds. What the URL says itself comes first.
_USUAL = {
    "application_name": "pytest-velo",
    "client_encoding": "UTF8",
    "connect_timeout": "5",
    "keepalives": "1",
    "keepalives_count": "3",
    "keepalives_idle": "4",
    "keepalives_interval": "2",
    "tcp_user_timeout": "8000",
}
_PASSING = (
    psycopg.errors.AdminShutdown,
    psycopg.errors.CannotConnectNow,
    psycopg.errors.CrashShutdown,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.TooManyConnections,
)
_REPEATABLE = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
_END = None
_LATE = "it did not answer in time"


def check(url: StoreUrl) -> None:
    """See that libpq can read the URL, without connecting.

    Raises:
        UsageError: It cannot. What libpq says is not shown, for it quotes the URL, and with it a password.
    """
    _conninfo(url)


def _conninfo(url: StoreUrl) -> str:
    try:
        given = conninfo.conninfo_to_dict(url.for_libpq)
        return conninfo.make_conninfo(url.for_libpq, **{**_USUAL, **_plain(given)})
    except (psycopg.Error, UnicodeError, ValueError):
        raise UsageError(
            "the URL of the shared store is none that libpq can read",
            where=str(url),
            fix="postgresql://USER@HOST:PORT/DATABASE?sslmode=require, with %40 for an @ in a password;"
            " beside libpq's own parameters there is schema=",
        ) from None


def _plain(given: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in _USUAL}


class Line:
    """A connection that is made again when it is lost. Its methods may be called from any thread.

    Args:
        url: Where the database is.
        prepare: Called with each new connection, before anything is asked of it.
        on_return: Called in the line's thread when the database can be reached again.
        on_loss: Called in the line's thread when it cannot, with what is wrong.
    """

    def __init__(
        self,
        url: StoreUrl,
        *,
        prepare: Callable[[Connection], None],
        on_return: Callable[[], None] = lambda: None,
        on_loss: Callable[[str], None] = lambda why: None,
    ) -> None:
        self._url = url
        self._conninfo = _conninfo(url)
        self._prepare = prepare
        self._on_return = on_return
        self._on_loss = on_loss
        self._jobs: SimpleQueue[tuple[Work[Any], Future[Any]] | None] = SimpleQueue()
        self._connection: Connection | None = None
        self._lost_at: float | None = None
        self._why = ""
        self._closed = False
        self._given_up = False
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Connect, and start the thread.

        Raises:
            StoreError: The database cannot be reached or used.
        """
        self._connection = self._connected()
        self._thread = threading.Thread(target=self._serve, name="velo-shared-store", daemon=True)
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Nothing is asked any more."""
        return self._closed

    @property
    def away_s(self) -> float | None:
        """For how many seconds the database could not be reached; None while it can."""
        lost_at = self._lost_at
        return None if lost_at is None else time.monotonic() - lost_at

    def ask(self, work: Work[T]) -> Future[T]:
        """Have `work` done with the connection, which commits each statement unless it is told otherwise.

        The future's exception is an `AwayError` if the database cannot be reached, else a `StoreError`.
        """
        future: Future[T] = Future()
        if self._closed or self._lost_at is not None:
            future.set_exception(self._away())
        else:
            self._jobs.put((work, future))
        return future

    def wait(self, work: Work[T], answer_s: float = ANSWER_S) -> T:
        """Have `work` done and wait for it, on a thread without an event loop.

        Raises:
            StoreError: As for `ask`; an `AwayError` too if there is no answer in time.
        """
        future = self.ask(work)
        try:
            return result_of(future, answer_s)
        except TimeoutError:
            away = self._away()  # before the thread takes what we break off for the database's doing
            self._break_off()
            raise away from None

    async def tell(self, work: Work[T]) -> T:
        """Have `work` done and await it.

        Raises:
            StoreError: As for `wait`.
        """
        future = asyncio.wrap_future(self.ask(work))
        try:
            async with asyncio.timeout(ANSWER_S):
                return await future
        except TimeoutError:
            away = self._away()  # before the thread takes what we break off for the database's doing
            self._break_off()
            raise away from None

    def close(self, within_s: float = 5.0) -> None:
        """End the thread, after what was asked for. Safe to call twice."""
        self._closed = True
        if self._thread is not None:
            self._jobs.put(_END)
            self._thread.join(within_s)
            if self._thread.is_alive():
                self._break_off()
            self._thread = None

    def _away(self) -> AwayError:
        return AwayError(
            f"the shared store cannot be reached ({self._why or _LATE})",
            for_s=self.away_s or 0.0,
            where=str(self._url),
            fix="see whether the database is there, can be reached, and knows the user and the password; or"
            " go on without it: --velo-store=none",
        )

    def _serve(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=None if self._lost_at is None else RETRY_S)
            except Empty:
                self._return()
                continue
            if job is _END:
                break
            self._run(*job)
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()

    def _run(self, work: Work[T], future: Future[T]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        again = True
        while True:
            connection = self._connection
            if connection is None:
                future.set_exception(self._away())
                return
            try:
                result = work(connection)
            except psycopg.Error as error:
                if connection.closed:
                    given_up, self._given_up = self._given_up, False
                    if again and not given_up and self._reconnect():
                        again = False
                        continue
                    self._lose(_LATE if given_up else self._told(error))
                    future.set_exception(self._away())
                elif again and isinstance(error, _REPEATABLE):
                    again = False
                    continue
                else:
                    future.set_exception(self._as_ours(error))
            except Exception as error:  # whatever it is: no caller may wait for ever
                future.set_exception(error)
            else:
                future.set_result(result)
            return

    def _reconnect(self) -> bool:
        """Replace a connection that was closed, perhaps long ago; tell whether that went well."""
        self._connection = None
        try:
            self._connection = self._connected()
        except StoreError as error:
            self._why = self._why or error.what
            return False
        return True

    def _lose(self, why: str) -> None:
        self._connection = None
        self._why = why
        self._lost_at = time.monotonic()
        self._on_loss(self._why)
        with suppress(Empty):
            while (job := self._jobs.get_nowait()) is not _END:
                if job[1].set_running_or_notify_cancel():
                    job[1].set_exception(self._away())
            self._jobs.put(_END)

    def _return(self) -> None:
        try:
            self._connection = self._connected()
        except StoreError as error:
            self._why = error.what
            return
        self._lost_at, self._why = None, ""
        self._on_return()

    def _connected(self) -> Connection:
        connection = None
        try:
            connection = psycopg.connect(self._conninfo, autocommit=True)
            connection.execute(f"SET statement_timeout = '{STATEMENT_S}s'")
            connection.execute("SET lock_timeout = '10s'")
            self._prepare(connection)
        except psycopg.Error as error:
            if connection is not None:
                connection.close()
            raise self._as_ours(error) from None
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        return connection

    def _as_ours(self, error: psycopg.Error) -> StoreError:
        where = str(self._url)
        match error:
            case psycopg.errors.InsufficientPrivilege() | psycopg.errors.ReadOnlySqlTransaction():
                return ReadOnlyError(
                    f"this user may not do that ({self._told(error)})",
                    where=where,
                    fix="grant it (docs/how-to/share-draws.md has the lines of SQL)",
                )
            case psycopg.OperationalError() if isinstance(error, _PASSING) or error.sqlstate is None:
                self._why = self._told(error)
                return self._away()
            case _:
                return StoreError(f"PostgreSQL failed: {self._told(error)}", where=where)

    def _told(self, error: psycopg.Error) -> str:
        """Return what an error says, on one line, without the password."""
        text = " ".join((error.diag.message_primary or str(error)).split())
        password = self._url.password
        return text.replace(password, "***") if password else text

    def _break_off(self) -> None:
        """Wake the thread from a read that nothing will end."""
        connection = self._connection
        if connection is None:
            return
        self._given_up = True  # nobody waits for this work any more
        with suppress(psycopg.Error, OSError):
            end = socket.socket(fileno=os.dup(connection.pgconn.socket))
            with end:
                end.shutdown(socket.SHUT_RDWR)


class ReadOnlyError(StoreError):
    """The user may read what is shared, and not add to it."""
