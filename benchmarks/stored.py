"""Draws for the benchmark of the store, and three ways to keep them: ours and two peers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Protocol

import apsw

from pytest_velo.cache.codec import encode_reply
from pytest_velo.cache.keys import request_key
from pytest_velo.cache.schema import place
from pytest_velo.cache.store import Store
from pytest_velo.records import Address, Draw, Reply, Request, Usage

PER_REQUEST = 10
A_RUN = 1_000
"""Draws that were stored one after the other: what one hypothesis reads again."""

A_SEED = 1_000_000
"""Draws under one root seed."""

_FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
_QUESTION = "Which city is it? Answer with one word, and give no reason. " * 3


def request(n: int) -> Request:
    """Return one of many requests; its canonical JSON has about 300 bytes."""
    content = f"Question {n}: {_QUESTION}"
    messages = ({"role": "user", "content": content},)
    return Request(
        api="openai-chat", endpoint="loopback", model="m-1", messages=messages, parameters={"temperature": 1}
    )


def address(n: int) -> Address:
    """Return where the draw `n` is stored; ten in a row are draws of one request.

    Each further million has the requests of the first, and a root seed of its own.
    """
    seed, nth = divmod(n, A_SEED)
    key, case = _key_and_case(nth // PER_REQUEST)
    return Address(key=key, seed=seed, stream="", slot=f"{case}:{n % PER_REQUEST}:0")


@lru_cache(maxsize=16)
def _key_and_case(n: int) -> tuple[str, str]:
    return request_key(request(n)), sha256(str(n).encode()).hexdigest()


def reply(n: int) -> Reply:
    """Return the reply of draw `n`; its JSON has about 200 bytes."""
    return Reply(
        text=f"It is Lyon, I think: {n}.",
        usage=Usage(input_tokens=70, output_tokens=9),
        cost_usd=1e-5,
        latency_s=0.4,
        model_served="m-1-2026-11-01",
        fingerprint="fp_1",
        raw={"id": f"chatcmpl-{n}"},
    )


def draws(first: int, end: int) -> Iterator[tuple[Request, Draw]]:
    """Yield draws in the order in which they were made, a second apart."""
    for n in range(first, end):
        moment = (_FIRST_DAY + timedelta(seconds=n)).isoformat(timespec="microseconds")
        yield request(n // PER_REQUEST), Draw(address=address(n), reply=reply(n), drawn_at=moment)


def anywhere(n_draws: int, n_reads: int) -> list[Address]:
    """Return addresses from anywhere in the store."""
    rng = Random(1)
    return [address(rng.randrange(n_draws)) for _ in range(n_reads)]


def as_runs_read(n_draws: int, n_reads: int) -> list[Address]:
    """Return the addresses of whole runs from anywhere in the store, each in an order of its own."""
    rng = Random(2)
    chosen: list[int] = []
    while len(chosen) < n_reads:
        first = A_RUN * rng.randrange(max(1, n_draws // A_RUN))
        chosen += rng.sample(range(first, min(first + A_RUN, n_draws)), min(A_RUN, n_draws))
    return [address(n) for n in chosen[:n_reads]]


class Keeper(Protocol):
    """Something that keeps draws in a folder."""

    def fill(self, rows: Iterable[tuple[Request, Draw]], /) -> object:
        """Add draws."""

    def read(self, address: Address, /) -> object:
        """Return a reply; None when it is not there."""

    def close(self) -> None:
        """Close the file."""


class Ours:
    """The store, by the way an import takes and the way a trial takes."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder / "draws.sqlite")
        self.fill = self.store.put_many
        self.read = self.store.get
        self.close = self.store.close


def copy_seeds(folder: Path, n_draws: int) -> None:
    """Put what is stored under root seed 0 under further ones, too, until there are `n_draws`, in SQL."""
    connection = apsw.Connection(str(folder / "draws.sqlite"))
    connection.create_scalar_function("velo_place", lambda *at: place(*at), 4, deterministic=True)
    for seed in range(1, n_draws // A_SEED):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_COPY, {"seed": seed})
        connection.execute("COMMIT")
    connection.close()


_COPY = """
INSERT INTO draw(address, request, seed, stream, slot, reply, model_served, cost_usd, drawn_at)
SELECT velo_place(key, :seed, stream, slot), request, :seed, stream, slot, reply, model_served,
    cost_usd, drawn_at
FROM draw JOIN request ON request.id = request WHERE seed = 0 ORDER BY draw.id
"""


class Blobs:
    """What one writes by hand: the standard library's sqlite3, one JSON blob for each draw."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(folder / "blobs.sqlite")
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute("CREATE TABLE IF NOT EXISTS draw(name TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID")

    def fill(self, rows: Iterable[tuple[Request, Draw]]) -> None:
        """Add draws in one transaction."""
        with self._file:
            self._file.executemany("INSERT OR IGNORE INTO draw VALUES(?, ?)", map(_named, rows))

    def read(self, address: Address) -> Any:
        """Return the reply as a dict."""
        row = self._file.execute("SELECT body FROM draw WHERE name = ?", (_name(address),)).fetchone()
        return None if row is None else json.loads(row[0])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Disk:
    """The library diskcache, with JSON bytes as values."""

    def __init__(self, folder: Path) -> None:
        from diskcache import Cache

        self._cache = Cache(str(folder), size_limit=2**40)

    def fill(self, rows: Iterable[tuple[Request, Draw]]) -> None:
        """Add draws in one transaction."""
        with self._cache.transact():
            for name, body in map(_named, rows):
                self._cache.set(name, body)

    def read(self, address: Address) -> Any:
        """Return the reply as a dict."""
        body = self._cache.get(_name(address))
        return None if body is None else json.loads(body)

    def close(self) -> None:
        """Close the file."""
        self._cache.close()


KEEPERS: dict[str, Callable[[Path], Keeper]] = {
    "pytest-velo": Ours,
    "sqlite3 + json": Blobs,
    "diskcache + json": Disk,
}
"""Makes the keeper of a folder, by its name."""


def _named(row: tuple[Request, Draw]) -> tuple[str, bytes]:
    _, draw = row
    return _name(draw.address), encode_reply(draw.reply)[0]


def _name(address: Address) -> str:
    return f"{address.key}/{address.seed}/{address.stream}/{address.slot}"
