"""Searching for a case that breaks a behaviour: found, made small, and confirmed on draws of its own.

What needs the Hypothesis library is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.searching.strategies import drawn, simplified

__all__ = ["drawn", "simplified"]

_HOMES = {"drawn": "strategies", "simplified": "strategies"}

__getattr__ = lazily(__name__, _HOMES)
