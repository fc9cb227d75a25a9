"""The SDKs' clients that were made here, and what carries their requests."""

from __future__ import annotations

from typing import Any, Protocol
from weakref import WeakKeyDictionary

from pytest_velo.errors import BodyError


class Carrying(Protocol):
    """What carries a client's requests."""

    @property
    def lost(self) -> BodyError | None:
        """Why a call found no trial, should the body catch that."""
        ...


carriers: WeakKeyDictionary[Any, Carrying] = WeakKeyDictionary()
"""The carrier of each client."""
