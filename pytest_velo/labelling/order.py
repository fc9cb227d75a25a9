"""Which trials of a hypothesis are labelled: one in each block, chosen without a look at any outcome."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

EVERY = 20
"""Trials of a block, of which one is labelled."""


def label_order(test_id: str, n: int, seed: int, every: int = EVERY) -> Iterator[int]:
    """Yield the trials that are labelled, in the order in which they are.

    Block `b` is the trials from `b * every` to `(b + 1) * every - 1`, in submission order, as the record
    numbers them. Of each exactly one is chosen, by a hash of seed, test and block. So the choice depends on
    no outcome, and it stays when the run grows. The hash has 256 bits, so each trial of a block is chosen
    with a chance of 1 / every, to more than 70 digits.

    Args:
        test_id: The test's node id.
        n: Trials that there are. Of a last block that has not all its trials yet, the one that is chosen is
            yielded if it is there.
        seed: The hypothesis's root seed.
        every: Trials of a block, at least 1.
    """
    for block, start in enumerate(range(0, n, every)):
        at = start + _chosen(test_id, seed, block, every)
        if at < n:
            yield at


def _chosen(test_id: str, seed: int, block: int, every: int) -> int:
    named = f"{seed}\n{every}\n{block}\n{test_id}".encode("utf-8", "backslashreplace")
    return int.from_bytes(sha256(named).digest()) % every
