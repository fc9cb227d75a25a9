"""Confirmations as JSON: a pair of functions over an allow-list of fields."""

from __future__ import annotations

from typing import Any

from pytest_velo.records import Confirmation, JsonObject


def confirmation_to_json(found: Confirmation) -> dict[str, Any]:
    """Return a confirmation as JSON."""
    return {
        "hash": found.hash,
        "frozen_at": found.frozen_at,
        "number": found.number,
        "earlier": list(found.earlier),
        "doubt": found.doubt,
    }


def confirmation_from_json(data: JsonObject) -> Confirmation:
    """Undo `confirmation_to_json`.

    Raises:
        KeyError, TypeError: A field is missing or has an invalid value.
    """
    return Confirmation(
        hash=data["hash"],
        frozen_at=data["frozen_at"],
        number=data["number"],
        earlier=tuple(data["earlier"]),
        doubt=data["doubt"],
    )
