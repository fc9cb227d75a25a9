"""Draws that many machines share, in PostgreSQL, read through to the local store.

The room is loaded where a store is shared, and nothing else needs the driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.cache.shared.line import check as check
    from pytest_velo.cache.shared.store import SharedStore as SharedStore

_HOMES = {"SharedStore": "store", "check": "line"}
__all__ = list(_HOMES)
__getattr__ = lazily(__name__, _HOMES)
