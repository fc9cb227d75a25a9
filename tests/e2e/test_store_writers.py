"""Four processes write, one is killed, a fifth prunes: what was acknowledged is there, nobody fails."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from contextlib import closing

import apsw
import pytest

from pytest_velo.cache.pruning import Housekeeping
from pytest_velo.cache.store import Store
from pytest_velo.records import Address, Draw, Reply, Request

pytestmark = pytest.mark.processes

N_DRAWS, N_SHARED = 600, 200
OLD = "2026-01-01T00:00:00.000000+00:00"
ANCIENT = Request(api="a", endpoint="e", model="old", messages=())

WRITER = """
    import asyncio, json, random, sys
    from pytest_velo.cache.store import Store
    from pytest_velo.records import Address, Reply, Request

    path, name, n_draws, n_shared = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    own = [f"{name} {n}" for n in range(n_draws - n_shared)]
    slots = [*(f"shared {n}" for n in range(n_shared)), *own]
    random.Random(name).shuffle(slots)
    sys.stdin.readline()  # all start together
    store = Store.open(path)

    async def write():
        while slots:
            slot = slots.pop()
            sent = Request(api="a", endpoint="e", model=slot[-1], messages=())
            address = Address(key="k" + slot[-1], seed=0, stream="", slot=slot)
            reply = Reply(text=f"{name} {slot} " + "x" * 200)
            draw = await store.put(sent, address, reply, "2026-11-01T00:00:00.000000+00:00")
            print(json.dumps([slot, draw.reply.text]), flush=True)

    async def main():
        await asyncio.gather(*(write() for _ in range(10)))

    asyncio.run(main())
    store.close()
"""


def start(path):
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path)]
    return [
        subprocess.Popen(
            [*command, name, str(N_DRAWS), str(N_SHARED)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "abcd"
    ]


def fill(path, n):
    store = Store.open(path)
    for key in ("k0", "old"):  # k0 is a request the writers use, too
        draws = (Address(key=key, seed=0, stream="", slot=f"old {n}") for n in range(n))
        store.put_many((ANCIENT, Draw(address=at, reply=Reply(text="old"), drawn_at=OLD)) for at in draws)
    store.close()


def test_four_writers_a_kill_and_a_prune_lose_nothing(tmp_path):
    path = tmp_path / "cache" / "draws.sqlite"
    fill(path, 2_500)
    writers = start(path)
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    killed, *others = writers
    acknowledged = [killed.stdout.readline() for _ in range(100)]
    killed.send_signal(signal.SIGKILL)
    house = Housekeeping.existing(path)
    pruned = house.prune(before="2026-06-01")
    house.close()
    with killed:
        acknowledged += killed.stdout.readlines()
        assert killed.stderr.read() == ""
    assert killed.returncode == -signal.SIGKILL
    for writer in others:
        told, complaints = writer.communicate(timeout=500)
        assert (writer.returncode, complaints) == (0, "")
        acknowledged += told.splitlines(keepends=True)

    assert pruned.removed.n_draws == 5_000
    store = Store.open(path)
    texts = {draw.address.slot: draw.reply.text for _, draw in store.recorded()}
    told = [json.loads(line) for line in acknowledged if line.endswith("\n")]
    assert len(told) >= 3 * N_DRAWS + 100
    assert [slot for slot, text in told if texts.get(slot) != text] == []
    assert not any(slot.startswith("old") for slot in texts)
    # Every draw has its request still, the one that old draws had as well among them.
    store.close()
    with closing(apsw.Connection(str(path))) as raw:
        assert len(texts) == raw.execute("SELECT count(*) FROM draw").get
