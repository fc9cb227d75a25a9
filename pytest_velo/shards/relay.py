"""Inside a dask worker: starts the process that runs trials, and passes messages on.

The controller calls these functions with `Client.run`, which asks a worker past the scheduling of tasks and
is answered at once. The process is a fresh one for each session: a worker that has lived for days has old
versions of the tests in its memory, and its threads have no place for pytest.
"""

from __future__ import annotations

import asyncio
import logging
import os
import struct
import sys
import tempfile
from contextlib import suppress

SERVE = "from pytest_velo.integration.run.serving import main; main()"
"""What the process runs; it is the one thing here that knows of pytest."""

LENGTH = struct.Struct(">I")
"""What is before each frame on the pipes."""

_GRACE_S = 8.0  # for calls under way, once a session has ended
_SILENCE_S = 45.0  # a controller that asks for nothing for so long is gone
_MOST_TOLD = 4_000  # characters of what a broken process wrote, from the end

_log = logging.getLogger("distributed.worker")
_desks: dict[str, _Desk] = {}


def _quietly(record: logging.LogRecord) -> bool:
    """Keep out of a worker's log that we ask it for messages, many times a second."""
    named = record.args if isinstance(record.args, tuple) else ()
    return not ({"deliver", "collect"} & {str(arg) for arg in named} and "out-of-band" in str(record.msg))


async def start(name: str, folder: str, inside: str) -> str:
    """Start a process for the session `name`; return where it works.

    Args:
        name: Names the session at this worker, uniquely.
        folder: Where the controller works.
        inside: The same, relative to the root folder: where there is no such folder here, the worker was
            started in the root folder.
    """
    here = _place(folder, inside)
    _log.addFilter(_quietly)  # the same function is added once
    desk = _desks[name] = _Desk(name)
    await desk.open(here)
    return here


def _place(folder: str, inside: str) -> str:
    places = (folder, os.path.join(os.getcwd(), inside), os.getcwd())
    return next(place for place in places if os.path.isdir(place))


async def deliver(name: str, frames: list[bytes]) -> bool:
    """Pass messages to the process; False if it is gone."""
    desk = _desks.get(name)
    return desk is not None and desk.write(frames)


async def collect(name: str, wait_s: float) -> list[bytes] | str:
    """Return the messages of the process, waiting for the first one; a text says why it is gone."""
    desk = _desks.get(name)
    return "its process has ended" if desk is None else await desk.read(wait_s)


async def stop(name: str) -> None:
    """End the process; calls under way end first."""
    if (desk := _desks.pop(name, None)) is not None:
        await desk.close()


class _Desk:
    """One process, and the messages that wait for the controller."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._frames: list[bytes] = []
        self._some = asyncio.Event()
        self._why_gone = ""
        self._heard_at = asyncio.get_running_loop().time()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, folder: str) -> None:
        # What it prints is kept: it says why a process broke. A session of its own keeps Ctrl-C from it.
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the desk
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            SERVE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._out,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name not in _NOT_OURS},
            start_new_session=True,
        )
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    def write(self, frames: list[bytes]) -> bool:
        if self._why_gone:
            return False
        assert self._process.stdin is not None
        for frame in frames:
            self._process.stdin.write(LENGTH.pack(len(frame)) + frame)
        return True

    async def read(self, wait_s: float) -> list[bytes] | str:
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        if not self._frames and not self._why_gone:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._some.wait()
        self._heard_at = loop.time()
        frames, self._frames = self._frames, []
        self._some.clear()
        return frames if frames or not self._why_gone else self._why_gone

    async def close(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()  # which it takes for the end
        try:
            async with asyncio.timeout(_GRACE_S):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        for task in self._tasks:
            task.cancel()
        self._out.close()

    async def _listen(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                (length,) = LENGTH.unpack(await pipe.readexactly(LENGTH.size))
                self._frames.append(await pipe.readexactly(length))
                self._some.set()
        code = await self._process.wait()
        self._why_gone = f"its process ended with exit code {code}{self._told()}"
        self._some.set()

    def _told(self) -> str:
        self._out.seek(max(0, self._out.seek(0, os.SEEK_END) - _MOST_TOLD))
        text = self._out.read().decode(errors="replace").strip()
        return f":\n{text}" if text else ""

    async def _watch(self) -> None:
        """End a process whose controller is gone."""
        loop = asyncio.get_running_loop()
        while (left_s := self._heard_at + _SILENCE_S - loop.time()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._process.wait()
                    return
        _desks.pop(self._name, None)
        self._tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        await self.close()


_NOT_OURS = frozenset({"PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"})
"""Variables that would tell the process that it is a part of another session."""
