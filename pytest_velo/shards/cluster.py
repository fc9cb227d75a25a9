"""The workers of a dask cluster: which there are, and talking to each.

`Client.run` is used, and no tasks: a task cannot be told anything while it runs, and tells nothing before its
end (docs/architecture.md says what was tried).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import dask
from distributed import Client, LocalCluster

from pytest_velo.errors import UsageError
from pytest_velo.settings import WorkersAt
from pytest_velo.shards import relay
from pytest_velo.shards.worker import GoneError

_POLL_S = 10.0  # how long a worker holds an unanswered question for messages
_LATE_S = 20.0  # how much later its answer may come
_CLOSING_S = 3.0


class Cluster:
    """A cluster; made on the loop that uses it.

    Args:
        at: Where it is.
    """

    def __init__(self, at: WorkersAt) -> None:
        self._at = at
        self._local: Any = None
        self._client: Any = None

    @property
    def patience_s(self) -> float:
        """How long a cluster may be unreachable: dask's own limit for connecting."""
        return float(dask.utils.parse_timedelta(dask.config.get("distributed.comm.timeouts.connect")))

    async def workers(self) -> list[str]:
        """Return the addresses of the workers there are now, connecting first if need be.

        Raises:
            GoneError: It cannot be reached.
        """
        try:
            if self._client is None or self._client.status != "running":
                await self._connect()
            identity = await self._client.scheduler.identity()
        except (OSError, TimeoutError, RuntimeError) as error:
            raise GoneError(f"{type(error).__name__}: {error}") from error
        return [*identity["workers"]]

    async def open(self, address: str, folder: str, inside: str) -> Link:
        """Start a process at a worker.

        Raises:
            GoneError: The worker is gone.
            UsageError: It lacks pytest-velo.
        """
        name = uuid.uuid4().hex
        link = Link(name, address, self._call)
        await link.start(folder, inside)
        return link

    async def close(self) -> None:
        """Leave it; a local one ends."""
        with suppress(Exception):
            async with asyncio.timeout(_CLOSING_S):
                if self._client is not None:
                    await self._client.close(fast=True)
        with suppress(Exception):
            async with asyncio.timeout(_CLOSING_S):
                if self._local is not None:
                    await self._local.close()

    async def _connect(self) -> None:
        old, self._client = self._client, None
        if old is not None:
            with suppress(Exception):
                async with asyncio.timeout(_CLOSING_S):
                    await old.close(fast=True)
        if self._at.n and self._local is None:
            # Its workers only pass messages on: each has a process that runs the trials.
            self._local = await LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=self._at.n,
                threads_per_worker=1,
                processes=False,
                asynchronous=True,
                dashboard_address=None,
            )
        where = self._local if self._at.n else self._at.address
        self._client = await Client(  # type: ignore[no-untyped-call]
            where, asynchronous=True, set_as_default=False
        )

    async def _call(self, address: str, function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Run a function of the relay at a worker."""
        client = self._client
        if client is None or client.status != "running":
            raise GoneError("the connection to the scheduler is lost")
        try:
            async with asyncio.timeout(_POLL_S + _LATE_S):
                answers = await client.run(function, *args, workers=[address], on_error="return")
        except (OSError, TimeoutError, RuntimeError, KeyError) as error:
            raise GoneError(f"{type(error).__name__}: {error}") from error
        answer = answers.get(address, GoneError("it left the cluster"))
        if isinstance(answer, ModuleNotFoundError):
            raise UsageError(
                f"a worker lacks {answer.name}",
                where=f"worker {address}",
                fix="install the same packages on every worker: pip install 'pytest-velo[dask]', and the"
                " package of the tests",
            ) from answer
        if isinstance(answer, Exception):
            raise GoneError(f"{type(answer).__name__}: {answer}") from answer
        return answer


class Link:
    """The way to one worker's process.

    Attributes:
        address: The worker's.
        folder: Where its process works.
    """

    def __init__(self, name: str, address: str, call: Callable[..., Awaitable[Any]]) -> None:
        self._name = name
        self.address = address
        self.folder = ""
        self._call = call

    async def start(self, folder: str, inside: str) -> None:
        """Start the process; errors as in `Cluster.open`."""
        self.folder = await self._call(self.address, relay.start, self._name, folder, inside)

    async def send(self, frames: list[bytes]) -> None:
        """Send messages, in order.

        Raises:
            GoneError: The process is gone.
        """
        if not await self._call(self.address, relay.deliver, self._name, frames):
            raise GoneError("its process has ended", ended=True)

    async def receive(self) -> list[bytes]:
        """Return the next messages; none after a while without any.

        Raises:
            GoneError: The process is gone.
        """
        found = await self._call(self.address, relay.collect, self._name, _POLL_S)
        if isinstance(found, str):
            raise GoneError(found, ended=True)
        return list(found)

    async def stop(self) -> None:
        """End the process."""
        with suppress(GoneError):
            await self._call(self.address, relay.stop, self._name)
