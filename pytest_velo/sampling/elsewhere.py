"""Attempts that are made where the trial runs that asks for them, which may be another process.

A draw's way stays the same: cache, budget, gate and retries are this process's. Only the attempt itself is
somebody else's, whom a context variable names; the flight of the draw carries it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from pytest_velo.records import Reply, Request


class Asker(Protocol):
    """Asks for a draw from another process, in which its calls are made."""

    async def attempt(self, request: Request, seed: int | None) -> Reply:
        """Have one attempt made; errors as in `Provider.complete`.

        Raises:
            LostCallError: The process was lost.
        """
        ...


asker: ContextVar[Asker | None] = ContextVar("pytest_velo_asker", default=None)
