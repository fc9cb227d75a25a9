"""The shared store on a PostgreSQL of its own, over loopback: writing, reading, leases.

It starts a server in a temporary folder, as it comes from its package (fsync on). One machine writes draws of
two kilobytes through `put`, as runs do; others read them, in the order of the requests: what the database
gives, and what a run gets, which keeps each draw in the local store, so that it is read once only.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from measuring import machine, print_table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from pytest_velo.cache.codec import decode_reply
from pytest_velo.cache.keys import request_key
from pytest_velo.cache.schema import place_of
from pytest_velo.cache.shared import SharedStore, rows
from pytest_velo.records import Address, Reply, Request, Slot
from pytest_velo.settings import StoreUrl
from support.postgres import binaries, cluster

TEXT = "The quick brown fox jumps over the lazy dog. " * 44
AT_ONCE = 200
AT_ONCE_BY_DEFAULT = 20
BY_DEFAULT = f"read and kept, {AT_ONCE_BY_DEFAULT} at a time"
NAMES = ("written", "read", "read and kept", BY_DEFAULT, "leased", "pushed", "pulled")
TARGETS = {"written": 2_000, "read": 20_000}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=20_000, help="draws of each round (default 20,000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default 3)")
    options = parser.parse_args()
    found = binaries()
    if found is None:
        raise SystemExit("there is no PostgreSQL: apt-get install postgresql")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        tempfile.TemporaryDirectory(prefix="velo-postgres-") as server,
        tempfile.TemporaryDirectory() as folder,
        cluster(server, found, port, fsync=True) as postgres,
    ):
        print(machine("psycopg", "apsw"))
        rounds = [
            asyncio.run(_round(Path(folder) / str(n), f"{postgres.url()}?schema=round{n}", options.draws))
            for n in range(options.rounds)
        ]
    print_table(
        f"{options.draws:,} draws of two kilobytes, median of {options.rounds}",
        ("what", "a second", "target"),
        [(name, f"{median(each[name] for each in rounds):,.0f}", _target(name)) for name in NAMES],
    )


async def _round(folder: Path, url: str, n: int) -> dict[str, float]:
    """Return how many draws a second were written, read and leased."""
    request = Request(
        api="openai-chat", endpoint="lab", model="m", messages=({"role": "user", "content": "Hi"},)
    )
    key = request_key(request)
    slots = [str(Slot(case="", repeat=repeat, ordinal=0)) for repeat in range(n)]
    addresses = [Address(key=key, seed=0, stream="", slot=slot) for slot in slots]
    reply = Reply(text=TEXT, cost_usd=0.001)
    one, two, three = (_open(folder / name, url) for name in ("one", "two", "three"))

    async def put(address: Address) -> None:
        await one.put(request, address, reply, "2026-11-01T00:00:00.000000+00:00")

    async def find(address: Address, store: Any = two) -> None:
        assert store.get(address) or await store.find(request, address)

    async def claim(address: Address) -> None:
        await two.claim(request, Address(key=key, seed=1, stream="", slot=address.slot), "")

    found = {
        "written": await _a_second(put, addresses),
        "read": await _read(two, addresses),
        "read and kept": await _a_second(find, addresses),
        BY_DEFAULT: await _a_second(partial(find, store=three), addresses, AT_ONCE_BY_DEFAULT),
        "leased": await _a_second(claim, addresses),
    }
    one.close()
    two.close()
    three.close()
    return found | await asyncio.to_thread(_moved, folder, url, n)


async def _read(store: Any, addresses: Sequence[Address]) -> float:
    """Ask the database for all draws, as many at a time as a run does, and decode them; how many a second."""
    at = [place_of(address) for address in addresses]
    began = time.perf_counter()
    for first in range(0, len(at), AT_ONCE):
        found = await store._line.tell(partial(rows.fetch, addresses=at[first : first + AT_ONCE]))
        for kept in found.values():
            decode_reply(kept.reply)
    return len(at) / (time.perf_counter() - began)


def _moved(folder: Path, url: str, n: int) -> dict[str, float]:
    """Return how many draws a second `velo cache pull` and `push` move."""
    from pytest_velo.cache.shared import Selection, Transfer

    found = {}
    for name, target, where in (("pulled", "pull_all", url), ("pushed", "push_all", f"{url}p")):
        transfer = Transfer(folder / "moved" / "draws.sqlite", StoreUrl(where), [])
        began = time.perf_counter()
        moved = getattr(transfer, target)(Selection())
        found[name] = moved.n_new / (time.perf_counter() - began)
        assert moved.n_new == n, moved
        transfer.close()
    return found


async def _a_second(
    work: Callable[[Address], Awaitable[None]], addresses: Sequence[Address], at_once: int = AT_ONCE
) -> float:
    """Do `work` for all addresses, a fixed number at a time; return how many a second."""
    rest = iter(addresses)

    async def worker() -> None:
        for address in rest:
            await work(address)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return len(addresses) / (time.perf_counter() - began)


def _open(folder: Path, url: str) -> Any:
    return SharedStore(folder / "draws.sqlite", StoreUrl(url), [])


def _target(name: str) -> str:
    return f"{TARGETS[name]:,}" if name in TARGETS else ""


if __name__ == "__main__":
    main()
