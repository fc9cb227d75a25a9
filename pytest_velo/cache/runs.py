"""Which draws a run used, out of its record."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pytest_velo.errors import StoreError
from pytest_velo.records import Address

_COMPUTED = "scripted/"
"""Models whose replies are computed anew and never stored."""


class _Call(msgspec.Struct):
    address: Address
    model: str = ""


class _Trial(msgspec.Struct):
    calls: tuple[_Call, ...] = ()


_decode = msgspec.json.Decoder(_Trial).decode


def addresses_in(path: Path) -> set[Address]:
    """Return the addresses of the stored draws in a run's `trials.jsonl`.

    Raises:
        StoreError: The file cannot be read, or a line of it is no trial.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise StoreError(
            f"the run record cannot be read: {error.strerror or error}", where=str(path)
        ) from None
    found: set[Address] = set()
    for number, line in enumerate(lines, 1):
        try:
            calls = _decode(line).calls if line.strip() else ()
        except msgspec.DecodeError as error:
            raise StoreError(f"the line is no trial: {error}", where=f"{path}:{number}") from None
        found.update(call.address for call in calls if not call.model.startswith(_COMPUTED))
    return found
