"""Rooms that are loaded on use: names that are imported from their home when they are first asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def lazily(room: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package whose names load their module on first use (PEP 562).

    Args:
        room: The package's `__name__`.
        homes: For each name the module below the package that has it.
    """

    def load(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        value = getattr(import_module(f"{room}.{home}"), name)
        setattr(sys.modules[room], name, value)
        return value

    return load


def load(room: ModuleType) -> None:
    """Load all modules of a room that lists what it has in `__all__`."""
    for name in room.__all__:
        getattr(room, name)
