"""How the trials of a run start and end: at once or by a scheduler of many runs; and cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_velo.runner.run import Run


_CANCELLATIONS = 3  # a body that catches one is sent another
_WIND_DOWN_S = 3.0  # how long a cancelled body may take to clean up


class Launcher(Protocol):
    """Says when a run may launch the trials it wants: at once, or as its turn comes among others."""

    def ready(self, run: Run, /) -> None:
        """Hear that `run` may want trials (see `Run.wanted`), and sooner or later call its `launch`."""
        ...


class AtOnce:
    """Lets a run launch all it wants: it has the session to itself."""

    @staticmethod
    def ready(run: Run) -> None:
        """Grant everything."""
        run.launch(run.wanted)


async def cancel_all(tasks: Iterable[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Cancel the tasks of trials, more than once where a body catches it.

    Returns:
        Those that resist three cancellations, with 3 s after each to clean up.

    Examples:
        >>> async def cancelled():
        ...     task = asyncio.create_task(asyncio.sleep(3600))
        ...     resisting = await cancel_all([task])
        ...     return task.cancelled(), resisting
        >>> asyncio.run(cancelled())
        (True, set())
    """
    running = set(tasks)
    for _ in range(_CANCELLATIONS):
        if not running:
            break
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_WIND_DOWN_S)
    return running
