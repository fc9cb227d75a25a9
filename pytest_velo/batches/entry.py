"""What a batch is made of: a draw that is wanted, and its line in a batch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_velo.cache.schema import place_of
from pytest_velo.providers.registry import Target
from pytest_velo.records import Address, Request
from pytest_velo.sampling.seeds import slot_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A draw that is not stored, and whose request is known."""

    target: Target
    request: Request
    address: Address

    @property
    def seed(self) -> int:
        """The seed that a live call of it would send."""
        address = self.address
        return slot_seed(address.seed, address.key, address.slot, address.stream)


class EntryState(StrEnum):
    """What became of a draw in a batch."""

    WAITING = "waiting"
    STORED = "stored"
    FAILED = "failed"
    SET_ASIDE = "set-aside"  # nobody waits for it any more, but what comes of it is still read


class BatchState(StrEnum):
    """How far a batch is.

    `SENDING`: it is about to be sent, or was, and its id is not known. `UNSENT`: it never came to be.
    """

    SENDING = "sending"
    UNDER_WAY = "under-way"
    COLLECTED = "collected"
    UNSENT = "unsent"


OPEN = (BatchState.SENDING, BatchState.UNDER_WAY)
"""States in which results may still come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One draw in a batch.

    Attributes:
        custom_id: Names it to the provider.
        address: The slot that it fills.
        request: What is asked.
        worst_usd: What it may cost at most; None if unknown.
        state: What became of it.
        problem: Why it brought no draw; empty otherwise.
    """

    custom_id: str
    address: Address
    request: Request
    worst_usd: float | None
    state: EntryState = EntryState.WAITING
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch as the book has it.

    Attributes:
        name: Ours, random, known before anything is sent.
        endpoint, model: Where it goes.
        state: How far it is.
        seeded: The seeds of live calls were sent.
        remote: The provider's name for it; empty until it is known.
        sent_at: When sending began, in seconds since 1970.
        n: Draws in it.
        n_stored, n_failed: Those that were read: stored, or without a reply.
        n_waiting: Those that are waited for.
        worst_usd: What those that are waited for may cost; None if unknown.
        spent_usd: What those that came did cost; None if unknown.
        told: The provider's word for its state, and its counts.
        problem: What keeps it from being read; empty otherwise.
    """

    name: str
    endpoint: str
    model: str
    state: BatchState
    sent_at: float
    seeded: bool = True
    remote: str = ""
    n: int = 0
    n_stored: int = 0
    n_failed: int = 0
    n_waiting: int = 0
    worst_usd: float | None = 0.0
    spent_usd: float | None = 0.0
    told: str = ""
    problem: str = ""

    @property
    def title(self) -> str:
        """What people call it: the provider's name, else ours."""
        return self.remote or self.name


def custom_id(batch: str, address: Address) -> str:
    """Return the id of a slot in a batch: 54 characters that all APIs take (Anthropic's are the strictest).

    It names the batch too, so that a line of another batch is told from one of this.
    """
    return f"{id_prefix(batch)}{place_of(address).hex()}"


def id_prefix(batch: str) -> str:
    """Return what all ids of a batch begin with."""
    return f"velo-{batch}-"
