"""Functions in processes of their own: joblib's loky workers, and what goes there and comes back.

Nothing of it is loaded before a scorer asks for a process; only this room knows joblib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.parallel.crew import Crew, Work
    from pytest_velo.parallel.mapping import mapped
    from pytest_velo.parallel.parcels import Parcel

__all__ = ["Crew", "Parcel", "Work", "mapped"]

_HOMES = {
    "Crew": "crew",
    "Parcel": "parcels",
    "Work": "crew",
    "mapped": "mapping",
}

__getattr__ = lazily(__name__, _HOMES)
