"""The store of draws: one SQLite file per cache folder, shared by the processes that use it.

A draw is acknowledged once its transaction is committed to the write-ahead log, so `kill -9` loses none (a
power cut may lose the last ones, but cannot damage the file).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import apsw
import msgspec

from pytest_velo.cache.attempt_ledger import AttemptLedger
from pytest_velo.cache.codec import decode_reply, decode_request
from pytest_velo.cache.differences import explain_miss
from pytest_velo.cache.frozen import FrozenClaim, FrozenClaims
from pytest_velo.cache.keys import recorded_form, request_body
from pytest_velo.cache.leases import Lease, Leases
from pytest_velo.cache.ledger import Ledger
from pytest_velo.cache.schema import place_of
from pytest_velo.cache.writes import IF_NEW, OVER, Write, add_requests, write_of
from pytest_velo.errors import StoreError
from pytest_velo.records import Address, Draw, Reply, Request

COMPARED = 2_000
"""How many of the most recent draws an explained miss is compared with."""

_AT_ONCE = 5_000
"""Draws that `put_many` writes in one transaction."""

_GET = """
SELECT reply, drawn_at FROM draw WHERE request = (SELECT id FROM request WHERE key = ?) AND address = ?
"""
_PLACES = """
SELECT seed, stream, slot FROM draw WHERE request = (SELECT id FROM request WHERE key = ?) LIMIT ?
"""
_ALL = """
SELECT key, seed, stream, slot, body, reply, drawn_at FROM request JOIN draw ON request = request.id
ORDER BY key, seed, stream, slot
"""


class Store(Ledger):
    """Draws on disk. `put` and `lease` belong to one event loop; all else may be called from any thread."""

    def __init__(self, path: Path, *, beside: Store | None = None) -> None:
        super().__init__(path, beside=beside)
        self._leases = Leases(path.with_name(f"{path.name}-leases"))
        self._waiting: list[tuple[Write, asyncio.Future[Draw]]] = []
        self._claims: FrozenClaims | None = None

    @cached_property
    def attempts(self) -> AttemptLedger:
        """The attempts at beliefs; the file is made on first use."""
        return AttemptLedger.beside(self.path)

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open the store, creating file and folder if they are missing.

        Raises:
            StoreError: The file is damaged, another program's, newer than this package, or not writable.
        """
        return cls(Path(path))

    def get(self, address: Address) -> Draw | None:
        """Return the draw at an address, its reply marked `cached`; None if there is none.

        Raises:
            StoreError: The file is damaged.
        """
        try:
            with self._lock:
                row = next(self._connection.execute(_GET, (address.key, place_of(address))), None)
        except (apsw.Error, UnicodeDecodeError) as error:
            raise self._as_ours(error) from error
        return None if row is None else self._draw(address, *row)

    def holds(self, address: Address) -> bool:
        """Tell whether there is a draw at an address; a store with more to look in looks there, too.

        Raises:
            StoreError: The file is damaged.
        """
        return self.get(address) is not None

    async def put(
        self, request: Request, address: Address, reply: Reply, drawn_at: str, *, replace: bool = False
    ) -> Draw:
        """Store a draw; the puts of one iteration of the event loop share one transaction.

        A cancelled `put` is stored all the same.

        Args:
            request: What was sent.
            address: Where to store it.
            reply: What came back.
            drawn_at: When, ISO 8601 in UTC.
            replace: Overwrite what is stored there; otherwise the first draw stays.

        Returns:
            What is stored now, after the commit: this draw, or the one another process stored first.

        Raises:
            StoreError: It could not be stored.
        """
        draw = Draw(address=address, reply=reply, drawn_at=drawn_at)
        write = write_of(request_body(request), draw, replace=replace)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Draw] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((write, future))
        return await future

    def lease(self, address: Address) -> Lease | None:
        """Return the lease of a draw that this process is about to make; None while it is held.

        Raises:
            StoreError: The file of leases cannot be used.
        """
        return self._leases.take(place_of(address))

    def pulse(self, address: Address) -> bool:
        """Return a value that changes while the holder of a lease is alive."""
        return self._leases.pulse(place_of(address))

    def put_many(self, draws: Iterable[tuple[Request, Draw]]) -> int:
        """Store recorded draws and return how many were new; existing ones stay.

        They are encoded and committed in thousands, so that other processes get their turn and many draws
        need little memory. After an error, those before it stay stored.
        """
        n_new, rest = 0, iter(draws)
        while chunk := list(islice(rest, _AT_ONCE)):
            requests = {draw.address.key: request for request, draw in chunk}
            bodies = {
                key: request_body(request, recorded_form(request, key)) for key, request in requests.items()
            }
            n_new += self._add_recorded([write_of(bodies[draw.address.key], draw) for _, draw in chunk])
        return n_new

    def add(self, writes: Sequence[Write], *, over: bool = False) -> int:
        """Store draws in one transaction; return how many were stored.

        Existing ones stay, unless these go `over` them.
        """
        with self._transaction() as connection:
            add_requests(connection, writes)
            before = connection.total_changes()
            connection.executemany(OVER if over else IF_NEW, (write.row for write in writes))
            return connection.total_changes() - before

    def _add_recorded(self, writes: Sequence[Write]) -> int:
        return self.add(writes)

    def recorded(self) -> Iterator[tuple[Request, Draw]]:
        """Yield every draw with its request, sorted by address."""
        with self._errors():
            for key, seed, stream, slot, body, reply, drawn_at in self._connection.execute(_ALL):
                address = _address(key, seed, stream, slot)
                yield self._request(key, body), self._draw(address, reply, drawn_at)

    def request(self, key: str) -> Request | None:
        """Return the request with this key; None if it was never stored."""
        with self._lock, self._errors():
            body = self._connection.execute("SELECT body FROM request WHERE key = ?", (key,)).get
        return None if body is None else self._request(key, body)

    def nearest_request(self, request: Request, address: Address | None = None) -> str:
        """Say how the nearest recorded request differs from a missing one.

        With `address`, a draw of the same request at another address is named too.
        """
        newest = f"SELECT request FROM draw ORDER BY id DESC LIMIT {COMPARED}"
        with self._lock, self._errors():
            rows = list(self._connection.execute(f"SELECT key, body FROM request WHERE id IN ({newest})"))
            key = "" if address is None else address.key
            same = [_address(key, *found) for found in self._connection.execute(_PLACES, (key, COMPARED))]
        return explain_miss(request, (self._request(key, body) for key, body in rows), address, same)

    def freeze(self, claim: FrozenClaim) -> tuple[FrozenClaim, ...]:
        """Append a frozen claim unless it is there; return all of its test, the oldest first.

        Raises:
            StoreError: It cannot be written.
        """
        self._frozen_claims.add([claim])
        return self._frozen_claims.of(claim.test)

    def frozen(self, test: str) -> tuple[FrozenClaim, ...]:
        """Return the frozen claims of a test, the oldest first.

        Raises:
            StoreError: They cannot be read.
        """
        return self._frozen_claims.of(test)

    @property
    def _frozen_claims(self) -> FrozenClaims:
        """Their file, opened on first use: few sessions confirm anything."""
        if self._claims is None:
            self._claims = FrozenClaims(self.path.with_name(f"{self.path.name}-frozen"))
        return self._claims

    def close(self) -> None:
        """Commit what is pending, and close the file. Safe to call twice."""
        if self._waiting:
            self._flush()
        self._leases.close()
        ledger: AttemptLedger | None = self.__dict__.pop("attempts", None)
        if ledger is not None:
            ledger.close()
        if self._claims is not None:
            self._claims.close()
            self._claims = None
        super().close()

    def _flush(self) -> None:
        """Commit all pending puts in one transaction and notify their callers."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            stored: Sequence[Draw | StoreError] = self._commit([write for write, _ in waiting])
        except StoreError as error:
            stored = [error] * len(waiting)
        except Exception as error:  # whatever it is: no caller may wait forever
            what = f"draws cannot be stored: {type(error).__name__}: {error}"
            stored = [StoreError(what, where=str(self.path))] * len(waiting)
        self._tell_all(waiting, stored)

    def _tell_all(
        self, waiting: Iterable[tuple[Write, asyncio.Future[Draw]]], stored: Iterable[Draw | StoreError]
    ) -> None:
        for (_, future), result in zip(waiting, stored, strict=True):
            _tell(future, result)

    def _commit(self, writes: list[Write]) -> list[Draw]:
        stored = []
        with self._transaction() as connection:
            add_requests(connection, writes)
            for write in writes:
                connection.execute(OVER if write.replace else IF_NEW, write.row)
                won = connection.changes() > 0
                stored.append(write.draw if won else self._winner(write.draw.address))
        return stored

    def _winner(self, address: Address) -> Draw:
        draw = self.get(address)
        assert draw is not None  # it is why the insert was ignored, inside this transaction
        return draw

    def _draw(self, address: Address, reply: Any, drawn_at: Any) -> Draw:
        if not isinstance(drawn_at, str):
            raise self._unreadable("day of a draw", TypeError(repr(drawn_at)))
        try:
            return Draw(address=address, reply=decode_reply(reply), drawn_at=drawn_at)
        except (msgspec.DecodeError, TypeError) as error:
            raise self._unreadable(f"draw {address.key[:12]} {address.slot}", error) from None

    def _request(self, key: str, body: Any) -> Request:
        try:
            return decode_request(body)
        except (msgspec.DecodeError, TypeError) as error:
            raise self._unreadable(f"request {key[:12]}", error) from None

    def _unreadable(self, what: str, error: Exception) -> StoreError:
        return StoreError(
            f"the stored {what} cannot be read: {error}",
            where=str(self.path),
            fix="something else changed the file: run with --velo-mode=refresh, or delete it",
        )


def _address(key: Any, seed: Any, stream: Any, slot: Any) -> Address:
    return Address(key=key, seed=seed, stream=stream, slot=slot)


def _tell(future: asyncio.Future[Draw], result: Draw | StoreError) -> None:
    """Resolve a caller's future, from whichever thread flushes; a caller that is gone is ignored."""
    loop = future.get_loop()
    if loop.is_closed():
        return

    def resolve() -> None:
        if future.done():
            return
        if isinstance(result, StoreError):
            future.set_exception(result)
        else:
            future.set_result(result)

    try:
        here = asyncio.get_running_loop() is loop
    except RuntimeError:
        here = False
    if here:
        resolve()
    else:
        loop.call_soon_threadsafe(resolve)
