"""Draws that many machines share, in PostgreSQL, read through to the local store.

The room is loaded where a store is shared, and nothing else needs the driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.cache.shared.line import check as check
    from pytest_velo.cache.shared.store import SharedStore as SharedStore
    from pytest_velo.cache.shared.transfer import Moved as Moved
    from pytest_velo.cache.shared.transfer import Selection as Selection
    from pytest_velo.cache.shared.transfer import Transfer as Transfer
    from pytest_velo.cache.shared.upkeep import SharedStats as SharedStats
    from pytest_velo.cache.shared.upkeep import Upkeep as Upkeep

_HOMES = {
    "Moved": "transfer",
    "Selection": "transfer",
    "SharedStats": "upkeep",
    "SharedStore": "store",
    "Transfer": "transfer",
    "Upkeep": "upkeep",
    "check": "line",
}
__all__ = list(_HOMES)
__getattr__ = lazily(__name__, _HOMES)
