"""What the agents' tools know."""

from __future__ import annotations

POPULATIONS = {"Lyon": 522_250, "Nice": 357_737, "Lille": 236_710}


def population(city: str) -> int:
    """How many people live in a city."""
    return POPULATIONS[city]
