"""Whole sets of draws, to the shared store or from it: `velo cache push` and `velo cache pull`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from pytest_velo.cache.schema import place_of
from pytest_velo.cache.shared import rows as sql
from pytest_velo.cache.shared.keeping import Theirs
from pytest_velo.cache.shared.rows import Kept, Row
from pytest_velo.cache.shared.store import SharedStore
from pytest_velo.errors import StoreError
from pytest_velo.records import Address

_AT_ONCE = 500

_LOCAL = """
SELECT key, body, address, seed, stream, slot, reply, cost_usd, drawn_at
FROM request JOIN draw ON request = request.id
"""
_LISTED = "SELECT draw.id, address, drawn_at FROM request JOIN draw ON request = request.id"
_TIME = "SELECT drawn_at FROM draw WHERE request = (SELECT id FROM request WHERE key = ?) AND address = ?"
_OF_MODEL = "(body ->> 'model' = ?1 OR (body ->> 'endpoint') || '/' || (body ->> 'model') = ?1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which draws are meant: all, unless these say otherwise.

    Attributes:
        addresses: Only these.
        model: Only this model's, given with or without its endpoint.
    """

    addresses: frozenset[Address] | None = None
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a transfer came to.

    Attributes:
        n_draws: Draws that were selected and found.
        n_new: Those that the other side did not have.
        n_apart: Those of which the other side has another reply, which stays.
    """

    n_draws: int = 0
    n_new: int = 0
    n_apart: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(
            n_draws=self.n_draws + other.n_draws,
            n_new=self.n_new + other.n_new,
            n_apart=self.n_apart + other.n_apart,
        )


class Transfer(SharedStore):
    """The two stores, open to be brought together. What one of them has is never replaced."""

    def push_all(self, selection: Selection) -> Moved:
        """Push local draws; those that waited to be pushed go with them.

        Raises:
            StoreError: The shared store cannot be reached, or this user may not add to it.
        """
        self.refuse_if_read_only()
        if selection == Selection():
            self.push_all_waiting()
        moved = Moved()
        places = None if selection.addresses is None else frozenset(map(place_of, selection.addresses))
        for listed in self._listed_here(selection.model):
            wanted = {at: (row, drawn_at) for row, at, drawn_at in listed if places is None or at in places}
            there = self._line.wait(partial(sql.times, addresses=list(wanted)))
            new = [row for at, (row, _) in wanted.items() if at not in there]
            if new:
                self._line.wait(partial(self._insert, rows=self._rows_here(new)))
            apart = sum(wanted[at][1] != drawn_at for at, drawn_at in there.items())
            moved += Moved(n_draws=len(wanted), n_new=len(new), n_apart=apart)
        return moved

    def pull_all(self, selection: Selection) -> Moved:
        """Pull draws of the shared store; local ones stay.

        Raises:
            StoreError: The shared store cannot be reached, or what it has is no draw.
        """
        moved = Moved()
        places = None if selection.addresses is None else sorted(map(place_of, selection.addresses))
        last = 0
        while True:
            found = self._line.wait(
                partial(sql.listed, after=last, most=_AT_ONCE, model=selection.model, addresses=places)
            )
            if not found:
                return moved
            last = found[-1][0]
            here = [self._time_here(key, at) for _, key, at, _ in found]
            new = [at for (_, _, at, _), time in zip(found, here, strict=True) if time is None]
            if new:
                self._take(self._line.wait(partial(sql.whole, addresses=new)))
            apart = sum(time not in (None, row[3]) for row, time in zip(found, here, strict=True))
            moved += Moved(n_draws=len(found), n_new=len(new), n_apart=apart)

    def push_all_waiting(self) -> None:
        """Push draws and looks that were queued while the network was away."""
        self.push(float("inf"))

    def _take(self, rows: Sequence[Row]) -> None:
        """Store draws of others locally, after a look at whether they are what they say."""
        writes = []
        for row in rows:
            address = Address(key=row.key, seed=row.seed, stream=row.stream, slot=row.slot)
            if sha256(row.body).hexdigest() != row.key or place_of(address) != row.address:
                raise StoreError(
                    f"the shared draw at slot {row.slot!r} is not the one its key names",
                    where=str(self._url),
                    fix="something else changed it: let the owner of the store delete it",
                )
            writes.append(Theirs(row.body, address, Kept(row.reply, row.drawn_at)).write(str(self._url)))
        self.add(writes)

    def _listed_here(self, model: str) -> Iterator[list[tuple[int, bytes, str]]]:
        """Yield number, place and time of local draws."""
        last = 0
        where = f"draw.id > ?2 AND {_OF_MODEL if model else '?1 = ?1'} ORDER BY draw.id LIMIT {_AT_ONCE}"
        while True:
            with self._lock, self._errors():
                found = list(self._connection.execute(f"{_LISTED} WHERE {where}", (model, last)))
            if not found:
                return
            last = found[-1][0]
            yield found

    def _rows_here(self, numbers: Sequence[int]) -> list[Row]:
        marks = ", ".join("?" * len(numbers))
        with self._lock, self._errors():
            found = self._connection.execute(f"{_LOCAL} WHERE draw.id IN ({marks})", tuple(numbers))
            return [Row(*row) for row in found]

    def _time_here(self, key: str, place: bytes) -> str | None:
        """Return when the local draw was made; None if there is none."""
        with self._lock, self._errors():
            found: str | None = self._connection.execute(_TIME, (key, place)).get
        return found
