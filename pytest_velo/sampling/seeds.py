"""Seeds derived from names by sha256; no global random state is read or changed."""

from __future__ import annotations

import json
import random
from hashlib import sha256

_encode = json.JSONEncoder(separators=(",", ":")).encode


def derive(*parts: str | int) -> int:
    """Return the seed that belongs to `parts`: an integer in [0, 2**63).

    The parts are hashed as a JSON array, so that `("ab", "c")` and `("a", "bc")`, or `1` and `"1"`,
    are different names.
    """
    return int.from_bytes(sha256(_encode(parts).encode()).digest()[:8], "big") >> 1


def slot_seed(root: int, key: str, slot: str, stream: str = "") -> int:
    """Return the seed a provider is sent for one draw: in [1, 2**31), which every API accepts.

    It depends on the stream: where a provider honours seeds, two streams that sent the same seed would get
    the same reply and be one sample under two names.

    Args:
        root: The run's root seed.
        key: The request's key.
        slot: The slot, as text.
        stream: The stream of draws; empty for the common one.
    """
    return derive("slot", root, key, stream, slot) % (2**31 - 1) + 1


def rng(*parts: str | int) -> random.Random:
    """Return a new generator, seeded with `derive(*parts)`."""
    return random.Random(derive(*parts))
