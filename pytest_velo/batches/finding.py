"""Batches that were being sent when a process ended: found at the provider, or known not to be there."""

from __future__ import annotations

from pytest_velo.batches.desk import Desk
from pytest_velo.batches.entry import Batch, BatchState, EntryState
from pytest_velo.batches.submission import forget

SETTLES_S = 60.0
"""After this long, a provider's list has every batch that it took."""


async def find_lost(desk: Desk) -> list[Batch]:
    """Look for every batch whose name at the provider is not known.

    One that is there goes on as if nothing had happened. One that is not, a minute after it was sent, never
    came to be, and its draws may be submitted again. What cannot be told stays as it is, with the reason.

    Returns:
        Those that still cannot be told.
    """
    unsure = []
    for batch in desk.book.batches(BatchState.SENDING):
        lease = desk.lease(batch.name)
        if lease is None:
            unsure.append(_told(desk, batch, "another process is sending it"))
            continue
        with lease:
            found = await _find(desk, batch)
        if found is not None:
            unsure.append(found)
    return unsure


async def _find(desk: Desk, batch: Batch) -> Batch | None:
    """Look for one; returns it with the reason if it cannot be told."""
    endpoint, since = desk.endpoint_of(batch), batch.sent_at
    service = desk.service_of(endpoint)
    n_sent = desk.book.n_sent(batch.name)
    known = desk.book.remotes(batch.endpoint)
    found = await service.find(batch.name, n=n_sent, since=since, known=known)
    if (standing := found.standing) is not None:
        desk.book.note(
            batch.name, remote=standing.remote, state=BatchState.UNDER_WAY, told=standing.word, problem=""
        )
        return None
    if found.candidates:
        names = ", ".join(f"{each.remote} ({each.word})" for each in found.candidates[:3])
        why = f"it may be {names}: which one it is can be told once that has ended, by the ids of its results"
        return _told(desk, batch, why)
    if desk.now() - batch.sent_at < SETTLES_S:
        return _told(desk, batch, "it is not there, but may still appear: look again in a minute")
    forget(desk, batch.name, "it never reached the provider")
    return None


def _told(desk: Desk, batch: Batch, why: str) -> Batch:
    desk.book.note(batch.name, problem=why)
    return desk.book.batch(batch.name)


def set_aside(desk: Desk, batch: Batch) -> int:
    """Wait no longer for what is left of a batch, so that it may be submitted again; returns how many draws.

    What still comes of it is stored where nothing is.
    """
    return desk.book.settle_rest(batch.name, EntryState.SET_ASIDE, "it was submitted again")
