"""Looking at batches under way, and waiting until they have ended."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from pytest_velo.batches.collecting import Tally, collect
from pytest_velo.batches.desk import Desk
from pytest_velo.batches.entry import Batch, BatchState
from pytest_velo.batches.service import Standing
from pytest_velo.errors import OutageError, TransientError, VeloError

LOOK_TRIES = 10
"""How many looks in a row may fail before waiting ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A look at one batch.

    Attributes:
        batch: The batch, after it.
        standing: What the provider says; None if it said nothing.
        tally: What was collected; None if nothing was.
        trouble: Why there is no standing, or why its results could not be read.
    """

    batch: Batch
    standing: Standing | None = None
    tally: Tally | None = None
    trouble: VeloError | None = None


async def look(desk: Desk, batch: Batch, *, collects: bool, served: str = "") -> Look:
    """Ask how far a batch is, and read its results if it has ended and `collects` is set."""
    try:
        service = desk.service_of(desk.endpoint_of(batch))
        standing = await service.look_up(batch.remote)
    except VeloError as error:
        return Look(batch=batch, trouble=error)
    desk.book.note(batch.name, told=standing.word)
    tally, trouble = None, None
    if collects and standing.is_ended:
        try:
            tally = await collect(desk, batch, standing, served=served)
        except VeloError as error:
            desk.book.note(batch.name, problem=error.what)
            trouble = error
        else:
            if (after := desk.book.batch(batch.name)).state is BatchState.UNDER_WAY:
                trouble = OutageError(
                    after.problem,
                    where=f"batch {after.title}",
                    fix="`velo batch collect` reads them again; `velo batch submit --again` gives them up,"
                    " and submits what is missing",
                )
    return Look(batch=desk.book.batch(batch.name), standing=standing, tally=tally, trouble=trouble)


async def look_at_all(
    desk: Desk, *, collects: bool, names: Collection[str] = (), served: str = ""
) -> list[Look]:
    """Look at every batch under way, or at those with these names (ours)."""
    open_ones = desk.book.batches(BatchState.UNDER_WAY)
    chosen = [batch for batch in open_ones if not names or batch.name in names]
    return [await look(desk, batch, collects=collects, served=served) for batch in chosen]


async def wait(
    desk: Desk, names: Collection[str], watch: Callable[[list[Look]], None], *, served: str = ""
) -> list[Look]:
    """Wait until batches have ended, and collect each when it does.

    Args:
        desk: Where.
        names: Our names of them.
        watch: Called after each round of looks.
        served: Another name that models may be served under.

    Returns:
        The last look at each.

    Raises:
        OutageError: The provider has not answered for many looks, or results cannot be read.
    """
    last: dict[str, Look] = {}
    left, n_failed = set(names), 0
    while left:
        looks = await look_at_all(desk, collects=True, names=left, served=served)
        last |= {each.batch.name: each for each in looks}
        left = {each.batch.name for each in looks if each.batch.state is BatchState.UNDER_WAY}
        stuck = [each for each in looks if each.batch.name in left and each.trouble is not None]
        watch([*last.values()])
        n_failed = n_failed + 1 if stuck else 0
        _give_up(stuck, n_failed)
        if left:
            await desk.clock.sleep(desk.settings.batch_every_s)
    return [*last.values()]


def _give_up(stuck: list[Look], n_failed: int) -> None:
    """Raise if waiting on helps no more."""
    for each in stuck:
        assert each.trouble is not None
        if not isinstance(each.trouble, TransientError) or n_failed == LOOK_TRIES:
            raise OutageError(
                each.trouble.what,
                where=f"batch {each.batch.title}",
                fix=f"{each.trouble.fix or 'try again later'}; the batch goes on: `velo batch status`",
            ) from None
