"""Draws being made: one flight per address, however many wait for it.

A waiter that is cancelled (an early verdict, Ctrl-C) leaves the flight to the others. When no waiter is left,
a flight whose call was not sent yet is cancelled, and nothing is paid. One whose call is under way continues:
the reply is paid for, so it is stored when it comes; only if the attempt fails is it not repeated.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, Protocol

from pytest_velo.records import Draw
from pytest_velo.sampling.jobs import stopped


class Travelling(Protocol):
    """Is notified about the attempts of a call."""

    def departed(self) -> None:
        """Note that an attempt is sent now."""
        ...

    def failed(self) -> None:
        """Note that the attempt brought no reply."""
        ...


class Flight:
    """One draw being made; `work` makes and stores it."""

    __slots__ = ("_n_waiting", "_under_way", "_unwanted", "task")

    def __init__(self, work: Coroutine[Any, Any, Draw]) -> None:
        self._n_waiting = 0
        self._under_way = False
        self._unwanted = False
        self.task = asyncio.get_running_loop().create_task(self._fly(work))

    @property
    def is_ending(self) -> bool:
        """It was cancelled: a new request for the draw needs a new flight."""
        return self.task.cancelling() > 0

    async def join(self) -> Draw:
        """Wait for the draw.

        A cancelled waiter cancels the flight only if it was the last one and nothing was sent.

        Raises:
            StoppedError: The flight itself was cancelled, by the end of the session.
        """
        self._n_waiting += 1
        try:
            return await asyncio.shield(self.task)
        except asyncio.CancelledError:
            waiter = asyncio.current_task()
            if self.task.cancelled() and not (waiter is not None and waiter.cancelling()):
                raise stopped() from None
            raise
        except Exception as error:
            raise _own(error) from error.__cause__
        finally:
            self._n_waiting -= 1
            self._cancel_if_idle()

    def abandon(self) -> None:
        """Let the flight end with the attempt under way, if any, even if it has waiters."""
        self._unwanted = True
        self._cancel_if_idle()

    def departed(self) -> None:
        """Note that an attempt is sent now: its reply will be paid for."""
        self._under_way = True

    def failed(self) -> None:
        """Note that the attempt brought no reply; it is repeated only if someone waits."""
        self._under_way = False
        self._cancel_if_idle()

    async def _fly(self, work: Coroutine[Any, Any, Draw]) -> Draw:
        current_flight.set(self)
        return await work

    def _cancel_if_idle(self) -> None:
        if not self._under_way and (self._unwanted or not self._n_waiting):
            self.task.cancel()


def _own(error: Exception) -> Exception:
    """Return a copy of a flight's error: a traceback belongs to one waiter, and shows that one's test."""
    try:
        mine = copy.copy(error)
    except Exception:  # its class needs more than its arguments
        return error
    same = type(mine) is type(error) and mine.args == error.args
    return mine.with_traceback(error.__traceback__) if same else error


current_flight: ContextVar[Travelling | None] = ContextVar("pytest_velo_flight", default=None)
