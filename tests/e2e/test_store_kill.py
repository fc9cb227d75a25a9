"""A process that is killed outright loses no draw that was acknowledged."""

import signal
import subprocess
import sys
import textwrap

import pytest

from pytest_velo.cache.store import Store
from pytest_velo.records import Address

pytestmark = pytest.mark.processes

WRITER = """
    import asyncio, itertools, sys
    from pytest_velo.cache.store import Store
    from pytest_velo.records import Address, Reply, Request

    store = Store.open(sys.argv[1])
    request = Request(api="a", endpoint="e", model="m", messages=())
    counter = itertools.count()

    async def write():
        for n in counter:
            address = Address(key="k", seed=0, stream="", slot=str(n))
            reply = Reply(text=f"reply {n} " + "x" * 500)
            draw = await store.put(request, address, reply, "2026-11-01T00:00:00Z")
            print(draw.address.slot, flush=True)

    async def main():
        await asyncio.gather(*(write() for _ in range(20)))

    asyncio.run(main())
"""


def test_a_killed_run_loses_no_acknowledged_draw(tmp_path):
    path = tmp_path / "cache" / "draws.sqlite"
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path)]
    for enough in (50, 1_000, 3_000):  # killed three times, at different points
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        acknowledged = [writer.stdout.readline().strip() for _ in range(enough)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
        assert writer.wait(timeout=300) == -signal.SIGKILL
        store = Store.open(path)
        for slot in acknowledged:
            draw = store.get(Address(key="k", seed=0, stream="", slot=slot))
            assert draw is not None, f"draw {slot} was acknowledged and is gone"
            assert draw.reply.text == f"reply {slot} " + "x" * 500
        store.close()
        writer.stdout.close()
