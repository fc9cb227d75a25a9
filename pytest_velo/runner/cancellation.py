"""Ending the tasks of trials, whose bodies may catch a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

_CANCELLATIONS = 3  # a body that catches one is sent another
_WIND_DOWN_S = 3.0  # how long a cancelled body may take to clean up


async def cancel_all(tasks: Iterable[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Cancel the tasks of trials, repeatedly if a body catches the cancellation.

    Returns the tasks that resist three cancellations, with 3 s after each to clean up.
    """
    running = set(tasks)
    for _ in range(_CANCELLATIONS):
        if not running:
            break
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_WIND_DOWN_S)
    return running
