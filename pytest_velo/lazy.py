"""Lazy packages: names are imported from their modules on first use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def lazily(room: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a package's `__getattr__` that imports each name's module on first use (PEP 562).

    Args:
        room: The package's `__name__`.
        homes: For each name, the module below the package that defines it.
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
    """Import all modules of a package that lists its names in `__all__`."""
    for name in room.__all__:
        getattr(room, name)
