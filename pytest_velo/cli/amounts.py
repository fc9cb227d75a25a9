"""Sizes, ages and costs of what is stored, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.report.numbers import count, dollars
from pytest_velo.report.text import inline

if TYPE_CHECKING:
    from pytest_velo.cache.holdings import Draws

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def days(draws: Draws) -> str:
    """Say from when to when draws were made."""
    oldest, newest = (inline((moment or "?")[:10]) for moment in (draws.oldest, draws.newest))
    return oldest if oldest == newest else f"{oldest} to {newest}"


def cost(draws: Draws) -> str:
    """Say what draws cost: the known part, and how many have no known price."""
    if draws.n_unpriced == draws.n_draws:
        return f"{dollars(None)} (no known price)"
    unknown = f" and {count(draws.n_unpriced, 'draw')} of unknown price" if draws.n_unpriced else ""
    return f"{dollars(draws.cost_usd)}{unknown}"


def volume(n_bytes: int) -> str:
    """Format a size in the largest unit that fits: 2.0 GB, 45.1 KB."""
    unit = max((unit for unit in _UNITS if _UNITS[unit] <= n_bytes), key=_UNITS.__getitem__, default="")
    return f"{n_bytes / _UNITS[unit]:.1f} {unit.upper()}B" if unit else f"{n_bytes} B"
