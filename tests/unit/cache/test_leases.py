"""Leases on disk: held by one process, shown to be alive, gone with their process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_velo.cache import leases
from pytest_velo.cache.leases import Leases
from pytest_velo.errors import StoreError

A, B = b"a" * 16, b"b" * 16
HOLDER = """
import asyncio, sys
from pathlib import Path
from pytest_velo.cache import leases

leases.BEAT_S = 0.01

async def hold():
    held = leases.Leases(Path(sys.argv[1])).take(b"a" * 16)
    print(held is not None, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    held.release()
    print("released", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

asyncio.run(hold())
"""


@pytest.fixture
def holder(tmp_path: Path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "leases")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate()


async def both_pulses(mine: Leases) -> None:
    seen = {mine.pulse(A)}
    while len(seen) == 1:
        await asyncio.sleep(0.001)
        seen.add(mine.pulse(A))


def test_a_lease_of_another_process_beats_until_it_is_released(tmp_path, holder):
    async def check():
        mine = Leases(tmp_path / "leases")
        assert mine.take(A) is None
        assert mine.take(B) is not None
        await asyncio.wait_for(both_pulses(mine), 60)
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "released\n"
        assert mine.take(A) is not None
        assert mine.take(A) is None, "it is ours now"
        mine.close()

    asyncio.run(check())


def test_a_lease_ends_with_its_process_at_once(tmp_path, holder):
    async def check():
        mine = Leases(tmp_path / "leases")
        assert mine.take(A) is None
        holder.kill()
        holder.wait()
        lease = mine.take(A)
        assert lease is not None
        lease.release()
        assert mine.take(A) is not None
        mine.close()
        lease.release()  # after the end it does nothing

    asyncio.run(check())


def test_nothing_beats_once_nothing_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "BEAT_S", 0.001)

    async def check():
        mine = Leases(tmp_path / "leases")
        lease = mine.take(A)
        lease.release()
        loop = asyncio.get_running_loop()
        for _ in range(100):
            if not loop._scheduled:
                break
            await asyncio.to_thread(threading.Event().wait, 0.002)
        assert not loop._scheduled

    asyncio.run(check())


def test_a_file_that_cannot_be_locked(tmp_path):
    (tmp_path / "leases").mkdir()
    with pytest.raises(StoreError) as caught:
        Leases(tmp_path / "leases").take(A)
    assert caught.value.where == str(tmp_path / "leases")
    assert "cannot be opened" in caught.value.what
    assert "--velo-cache-dir" in caught.value.fix
