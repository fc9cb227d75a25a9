"""Handing in: what is wanted becomes batches, each in the book and on disk before it is sent."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_velo.batches.desk import Desk
from pytest_velo.batches.entry import Batch, BatchState, Entry, EntryState, Wanted, custom_id
from pytest_velo.batches.parcels import Parcel, Refused, lines, parcels
from pytest_velo.batches.service import NotSentError, why_unbatched
from pytest_velo.errors import StoreError, UsageError, VeloError
from pytest_velo.providers.registry import check_access
from pytest_velo.sampling.pricing import worst_case
from pytest_velo.settings import Settings

_TOLERANCE_USD = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What draws would cost at most; None where a price is unknown.

    Attributes:
        batch_usd: In batches.
        live_usd: One by one.
        unpriced: A model of which the price in batches is not known; empty if there is none.
    """

    batch_usd: float | None
    live_usd: float | None
    unpriced: str = ""


@dataclass(slots=True, kw_only=True)
class Submission:
    """What was handed in.

    Attributes:
        sent: The new batches.
        n_sent: Draws in them.
        n_waiting: Wanted draws that are in a batch under way already.
        over: Wanted draws that the budget has no room for.
        refused: Those that cannot be sent, and why.
    """

    sent: list[Batch] = field(default_factory=list)
    n_sent: int = 0
    n_waiting: int = 0
    over: list[Wanted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def quote(wanted: Iterable[Wanted]) -> Quote:
    """Return what draws would cost at most."""
    batch: float | None = 0.0
    live: float | None = 0.0
    unpriced = ""
    for each in wanted:
        in_batch = worst_case(each.target.endpoint, each.request, batch=True)
        alone = worst_case(each.target.endpoint, each.request)
        batch = None if batch is None or in_batch is None else batch + in_batch
        live = None if live is None or alone is None else live + alone
        if in_batch is None:
            unpriced = unpriced or each.target.id
    return Quote(batch_usd=batch, live_usd=live, unpriced=unpriced)


def unpriced_error(model: str) -> UsageError:
    """Return the error for a model whose batches have no known price, where there is a budget."""
    return UsageError(
        f"what {model} costs in a batch is unknown, so the budget cannot be enforced",
        where=f"model {model}",
        fix="declare batch=0.5 on its endpoint (the share of the price that a batch costs), and price=IN/OUT"
        " if its price is not known either; or give --velo-budget=none",
    )


def affordable(
    wanted: Sequence[Wanted], settings: Settings, *, committed_usd: float | None
) -> tuple[list[Wanted], list[Wanted]]:
    """Split draws into those that the budget has room for at their worst, and the others.

    Args:
        wanted: In the order of their use.
        settings: With the budget.
        committed_usd: Spent and reserved so far; None if unknown.

    Raises:
        UsageError: There is a budget, and a price is unknown.
    """
    cap = settings.budget_usd
    if cap is None:
        return [*wanted], []
    if committed_usd is None:
        raise UsageError(
            "what is under way may cost an unknown sum, so the budget cannot be enforced",
            where="velo batch",
            fix="wait until it is collected (`velo batch status`), or give --velo-budget=none",
        )
    booked = committed_usd
    fits: list[Wanted] = []
    for place, each in enumerate(wanted):
        worst = worst_case(each.target.endpoint, each.request, batch=True)
        if worst is None:
            raise unpriced_error(each.target.id)
        booked += worst
        if booked > cap + _TOLERANCE_USD:
            return fits, [*wanted[place:]]
        fits.append(each)
    return fits, []


async def submit(desk: Desk, wanted: Sequence[Wanted], *, committed_usd: float | None) -> Submission:
    """Hand in what is wanted and not under way, as far as the budget allows.

    Args:
        desk: Where.
        wanted: In the order of their use; what one batch has no room for is in the next.
        committed_usd: Dollars of the budget that are spent or reserved; None if unknown.

    Raises:
        VeloError: A batch was not sent, or it is not known whether it was. Batches before it are sent.
    """
    submission = Submission()
    fresh: list[Wanted] = []
    for each in {each.address: each for each in wanted}.values():
        if desk.book.is_waited_for(each.address):
            submission.n_waiting += 1
        else:
            fresh.append(each)
    fresh = [each for each in fresh if not _is_refused(each, submission.refused)]
    fits, submission.over = affordable(fresh, desk.settings, committed_usd=committed_usd)
    for target in {each.target.id: each.target for each in fits}.values():
        check_access(target)
    for parcel in parcels(fits, desk.service_of, desk.book.takes_no_seed, submission.refused):
        batch = await _send(desk, parcel)
        if batch is None:
            submission.n_waiting += len(parcel.wanted)
            continue
        submission.sent.append(batch)
        submission.n_sent += batch.n
        submission.n_waiting += len(parcel.wanted) - batch.n
    return submission


def _is_refused(wanted: Wanted, refused: list[Refused]) -> bool:
    """Refuse a draw of an endpoint that has no batch API: what it would cost there is no question."""
    error = why_unbatched(wanted.target.endpoint)
    if error is not None:
        refused.append(Refused(wanted=wanted, error=error))
    return error is not None


async def _send(desk: Desk, parcel: Parcel) -> Batch | None:
    """Send one batch; None if another process is faster with every draw of it."""
    name, book = secrets.token_hex(8), desk.book
    lease = desk.lease(name)
    assert lease is not None  # the name is new
    with lease:
        draft = Batch(
            name=name,
            endpoint=parcel.endpoint.name,
            model=parcel.model,
            state=BatchState.SENDING,
            sent_at=desk.now(),
            seeded=parcel.seeded,
        )
        added = book.add(draft, [_entry(name, each) for each in parcel.wanted])
        if not added:
            return None
        service, file = desk.service_of(parcel.endpoint), desk.file_of(name)
        try:
            _write(file, lines(parcel, name, service, added))
            standing = await service.submit(name, file, parcel.headers)
        except NotSentError as error:
            forget(desk, name, str(error))
            raise error.cause from None
        except StoreError as error:
            forget(desk, name, error.what)
            raise
        except VeloError as error:
            book.note(name, problem=error.what)
            error.fix = (
                "it may have arrived all the same, so nothing sends it again by itself: `velo batch status`"
                " looks for it there"
            )
            raise
        book.note(name, remote=standing.remote, state=BatchState.UNDER_WAY, told=standing.word)
        return book.batch(name)


def forget(desk: Desk, name: str, why: str) -> None:
    """Write down that a batch never came to be: its slots may be filled otherwise."""
    desk.book.settle_rest(name, EntryState.SET_ASIDE, why)
    desk.book.note(name, state=BatchState.UNSENT, problem=why)
    desk.drop_file_of(name)


def _entry(name: str, wanted: Wanted) -> Entry:
    return Entry(
        custom_id=custom_id(name, wanted.address),
        address=wanted.address,
        request=wanted.request,
        worst_usd=worst_case(wanted.target.endpoint, wanted.request, batch=True),
    )


def _write(file: Path, content: Iterable[bytes]) -> None:
    """Write what is about to be sent, and have it on the disk."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            out.writelines(content)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise StoreError(
            f"the batch cannot be written: {error.strerror or error}",
            where=str(file),
            fix="free some space, or choose another folder with --velo-cache-dir",
        ) from None
