"""The local store, read through to one that many machines share.

Reading looks locally first; what the shared store has is kept locally. A new draw is queued in a file before
anything else, then stored in both: first in the shared one, whose draw counts if another machine was there
first, then locally. From then on it is what this machine reads, whatever the shared store says later.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from hashlib import sha256
from itertools import chain
from pathlib import Path

import msgspec

from pytest_velo.cache.attempt_ledger import file_beside
from pytest_velo.cache.frozen import FrozenClaim, in_order, row_of
from pytest_velo.cache.looks import Look
from pytest_velo.cache.schema import place_of
from pytest_velo.cache.shared import rows as sql
from pytest_velo.cache.shared.answers import Answer, AwayError
from pytest_velo.cache.shared.attempts import SharedAttempts
from pytest_velo.cache.shared.keeping import Keeper, Theirs
from pytest_velo.cache.shared.leases import SharedLeases
from pytest_velo.cache.shared.line import Connection, Line, ReadOnlyError
from pytest_velo.cache.shared.reading import Reading
from pytest_velo.cache.shared.rows import Kept, Row
from pytest_velo.cache.shared.schema import prepare
from pytest_velo.cache.shared.unpushed import Unpushed
from pytest_velo.cache.store import Store
from pytest_velo.cache.writes import Write
from pytest_velo.errors import StoreError
from pytest_velo.records import Address, Draw, Request
from pytest_velo.settings import StoreUrl

_AT_ONCE = 500
"""Draws that are pushed in one exchange."""

_AT_THE_END_S = 10.0
"""How long the end of a session waits for what is pushed."""

_log = logging.getLogger(__name__)
_look = msgspec.json.Decoder(Look)

_Batch = list[tuple[Write, asyncio.Future[Draw]]]


class SharedStore(Store):
    """Draws on disk and in PostgreSQL. What belongs to an event loop is said in `Store`.

    Attributes:
        notes: What the user is to know at the end, each said once.
    """

    def __init__(self, path: Path, url: StoreUrl, notes: list[str]) -> None:
        super().__init__(path)
        self.notes = notes
        self._url = url
        self._read_only = False
        self._store_id = ""
        self._twice: set[bytes] = set()
        self._unsettled: _Batch = []
        self._settling: asyncio.Task[None] | None = None
        self._line = Line(url, prepare=self._prepare_line, on_return=self._returned, on_loss=self._lost)
        try:
            self._line.open()
            self._unpushed = Unpushed(path.with_name(f"{path.name}-unpushed"), self._store_id)
            self._me = sql.Holder(self._unpushed.machine, secrets.token_hex(8), socket.gethostname()[:100])
            self._take_in()
            self._keeper = Keeper(path, str(url), beside=self)
        except BaseException:
            self._line.close()
            super().close()
            raise
        self._reading = Reading(self._line, self._keeper)
        self._shared_leases = SharedLeases(
            self._line,
            self._reading,
            self._me,
            is_read_only=lambda: self._read_only,
            on_refusal=self._trouble,
        )
        self._line.ask(self._push_some)

    @property
    def away_s(self) -> float | None:
        """For how many seconds the shared store could not be reached; None while it can."""
        return self._line.away_s

    def holds(self, address: Address) -> bool:
        """Tell whether one of the stores has a draw; of the shared one it is not known while it is away."""
        if super().holds(address):
            return True
        try:
            return bool(self._line.wait(partial(sql.times, addresses=[place_of(address)])))
        except AwayError:
            return False

    async def find(self, request: Request, address: Address) -> Draw | None:
        """Look for a draw in the shared store, and keep it locally; return what is stored here now.

        Raises:
            AwayError: The shared store cannot be reached.
            StoreError: What it has is no draw.
        """
        return await self._reading.find(request, address)

    async def claim(self, request: Request, address: Address, since: str) -> Answer:
        """Take a draw's lease, unless it is there, made at `since` or later, or another machine makes it.

        Raises:
            StoreError: What the shared store has is no draw.
        """
        return await self._shared_leases.claim(request, address, since)

    def release(self, address: Address) -> None:
        """Give a draw's lease back, unless the draw is still to be pushed, which ends it."""
        self._shared_leases.release(address)

    def put_many(self, draws: Iterable[tuple[Request, Draw]]) -> int:
        """Store recorded draws as `Store` does, and queue them for the shared store; it need not be there."""
        n_new = super().put_many(draws)
        self._line.ask(self._push_some)
        return n_new

    def _add_recorded(self, writes: Sequence[Write]) -> int:
        new = [write for write in writes if not Store.holds(self, write.draw.address)]
        if not self._read_only:
            self._unpushed.add(map(_row, new))
        return super()._add_recorded(new)

    def log_look(self, look: Look) -> None:
        """Append a look, in both stores."""
        super().log_look(look)
        if self._read_only:
            return
        body = msgspec.json.encode(look)
        self._unpushed.add_look(sha256(body).digest()[:16], look.draws, body)
        self._line.ask(self._push_looks)

    def looks_at(self, draws: str) -> tuple[Look, ...]:
        """Return every look at a set of draws, of this machine and of others, oldest first."""
        known = super().looks_at(draws)
        try:
            bodies = self._line.wait(partial(sql.looks_at, draws=draws))
        except AwayError:
            self._note("looks of other machines at the same draws are not known: the shared store was away")
            return known
        theirs = (self._decoded(_look, body, "look") for body in bodies)
        return tuple(sorted(dict.fromkeys(chain(known, theirs)), key=lambda look: look.looked_at))

    def freeze(self, claim: FrozenClaim) -> tuple[FrozenClaim, ...]:
        """Append a frozen claim in both stores; return all of its test, the oldest first."""
        super().freeze(claim)
        return self.frozen(claim.test)

    def frozen(self, test: str) -> tuple[FrozenClaim, ...]:
        """Return the frozen claims of a test, of this machine and of others, the oldest first."""
        known = super().frozen(test)
        ours = [] if self._read_only else [row_of(claim) for claim in known]
        try:
            try:
                bodies = self._line.wait(partial(sql.frozen, test=test, ours=ours))
            except ReadOnlyError:  # this user adds draws, and was not allowed to add these
                bodies = self._line.wait(partial(sql.frozen, test=test, ours=[]))
        except AwayError:
            self._note("confirmations of other machines are not known: the shared store was away")
            return known
        except ReadOnlyError:
            self._note("confirmations of other machines are not known: this user may not read them")
            return known
        theirs = [self._frozen_claims.decoded(body) for body in bodies]
        self._frozen_claims.add(theirs)
        return in_order((*known, *theirs))

    @cached_property
    def attempts(self) -> SharedAttempts:
        """The attempts at beliefs, of this machine and of others."""
        return SharedAttempts(
            file_beside(self.path), self._line, note=self._note, may_add=lambda: not self._read_only
        )

    def push(self, within_s: float) -> None:
        """Push what is waiting, and wait for it.

        Raises:
            StoreError: It is not pushed, and kept.
        """
        ends_at = time.monotonic() + within_s
        while not self._read_only and (self._unpushed.n_draws or self._unpushed.looks()):
            self._line.wait(self._push_once, max(0.0, ends_at - time.monotonic()))

    def refuse_if_read_only(self) -> None:
        """Raise unless this user may add to the shared store.

        Raises:
            StoreError: The user may only read it.
        """
        if self._read_only:
            raise StoreError(
                "this user may read the shared store, and not add to it",
                where=str(self._url),
                fix="GRANT INSERT (docs/how-to/share-draws.md has the lines of SQL), or be another user",
            )

    def close(self) -> None:
        """Store what is pending, push what is waiting, and close. Safe to call twice."""
        self._shared_leases.stop()
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._take_over(waiting)
        if self._unsettled:
            batch, self._unsettled = self._unsettled, []
            self._store(batch, {})  # no event loop will push it any more
        if not self._line.is_closed:
            self._part()
            self._line.close()
            self._unpushed.close()
            self._keeper.close()
        super().close()

    def _part(self) -> None:
        """Push what is waiting, give leases back, and say what remains."""
        try:
            self.push(_AT_THE_END_S)
            self._shared_leases.release_all(_AT_THE_END_S)
        except StoreError as error:
            self._trouble(error)
        if n := self._unpushed.n_draws:
            self._note(
                f"{n:,} {'draw is' if n == 1 else 'draws are'} on this machine only: the next run with this"
                " store pushes them, or `velo cache push`"
            )
        if n := len(self._twice):
            self._note(
                f"{n:,} {'draw was' if n == 1 else 'draws were'} made by another machine, too: the shared"
                " store keeps the first one, this machine what it has read"
            )

    # New draws: queued, pushed, stored.

    def _flush(self) -> None:
        """Queue all pending puts, and see to it that they are pushed and stored."""
        waiting, self._waiting = self._waiting, []
        if waiting and self._take_over(waiting) and (self._settling is None or self._settling.done()):
            self._settling = asyncio.get_running_loop().create_task(self._settle())

    def _take_over(self, waiting: _Batch) -> bool:
        try:
            self._unpushed.add(_row(write) for write, _ in waiting)
        except StoreError as error:
            self._tell_all(waiting, [error] * len(waiting))
            return False
        self._unsettled += waiting
        return True

    async def _settle(self) -> None:
        while self._unsettled:
            batch = self._unsettled[:_AT_ONCE]
            rows = [*{write.place: _row(write) for write, _ in batch}.values()]
            there: dict[bytes, Kept] = {}
            try:
                if self._read_only:
                    raise _read_only()
                there = await self._line.tell(partial(self._insert, rows=rows))
            except Exception as error:  # whatever it is: the draws are paid for, and go on
                self._shared_leases.hold(row.address for row in rows)
                self._trouble(error)
            del self._unsettled[: len(batch)]
            self._store(batch, there)

    def _store(self, batch: _Batch, there: dict[bytes, Kept]) -> None:
        stored: Sequence[Draw | StoreError]
        try:
            stored = self._commit([self._as_shared(write, there) for write, _ in batch])
        except StoreError as error:
            stored = [error] * len(batch)
        except Exception as error:  # no caller may wait for ever
            what = f"draws cannot be stored: {type(error).__name__}: {error}"
            stored = [StoreError(what, where=str(self.path))] * len(batch)
        self._tell_all(batch, stored)

    def _as_shared(self, write: Write, there: dict[bytes, Kept]) -> Write:
        kept = there.get(write.place)
        if kept is None:
            return write
        return Theirs(write.request, write.draw.address, kept).write(str(self._url))

    # What the line's thread does.

    def _insert(self, connection: Connection, rows: list[Row]) -> dict[bytes, Kept]:
        """Push draws; return those that others made first."""
        there = sql.insert(connection, rows, self._me.process)
        mine = {row.address: Kept(row.reply, row.drawn_at) for row in rows}
        there = {address: kept for address, kept in there.items() if kept != mine[address]}
        self._unpushed.done(rows)
        self._shared_leases.end(mine)
        self._twice.update(row.address for row in rows if row.address in there)
        return there

    def _push_once(self, connection: Connection) -> bool:
        """Push the oldest of what waits; tell whether there was any."""
        self._push_looks(connection)
        if rows := self._unpushed.next(_AT_ONCE):
            self._insert(connection, rows)
        return bool(rows)

    def _push_some(self, connection: Connection) -> None:
        """Push what waits, while others get their turn."""
        if not self._read_only and self._push_once(connection):
            self._line.ask(self._push_some)

    def _push_looks(self, connection: Connection) -> None:
        if looks := self._unpushed.looks():
            sql.log_looks(connection, looks)
            self._unpushed.looks_done(looks)

    def _prepare_line(self, connection: Connection) -> None:
        try:
            found = prepare(connection, self._url.schema)
        except StoreError as error:
            raise error.at(str(self._url)) from None
        if self._store_id not in ("", found.store_id):
            raise StoreError("behind the URL is another store than before", where=str(self._url))
        self._store_id, self._read_only = found

    def _lost(self, why: str) -> None:
        self._note(
            f"the shared store could not be reached ({why}): draws went on, on this machine, and are pushed"
            " once it is back"
        )

    def _returned(self) -> None:
        self._shared_leases.renew()
        self._line.ask(self._push_some)

    def _take_in(self) -> None:
        """Store locally what a process that was killed had queued and not stored."""
        for rows in self._unpushed.batches(_AT_ONCE):
            self._commit([_theirs(row).write(str(self._url), over=row.over) for row in rows])

    def _trouble(self, error: Exception) -> None:
        match error:
            case AwayError():
                pass  # said when it was lost
            case ReadOnlyError():
                self._read_only = True
                self._note(
                    "the shared store is only read, as this user may not add to it: new draws stay here"
                )
            case StoreError():
                self._note(str(error))
            case _:
                self._note(f"draws are not pushed: {type(error).__name__}: {error}")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
            _log.warning("%s", text)


def _read_only() -> ReadOnlyError:
    return ReadOnlyError("the shared store is only read")


def _row(write: Write) -> Row:
    address, draw = write.draw.address, write.draw
    return Row(
        address.key,
        write.request,
        write.place,
        address.seed,
        address.stream,
        address.slot,
        write.body,
        draw.reply.cost_usd,
        draw.drawn_at,
        write.replace,
    )


def _theirs(row: Row) -> Theirs:
    address = Address(key=row.key, seed=row.seed, stream=row.stream, slot=row.slot)
    return Theirs(row.body, address, Kept(row.reply, row.drawn_at))
