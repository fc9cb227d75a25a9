"""Fetching results: each line is a draw of the slot that its id names, or says why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pytest_velo.batches.desk import Desk
from pytest_velo.batches.entry import Batch, BatchState, Entry, EntryState
from pytest_velo.batches.results import refuses_a_seed, reply_of
from pytest_velo.batches.service import Result, Service, Standing
from pytest_velo.errors import OutageError, TransientError, VeloError
from pytest_velo.providers.answers import decode
from pytest_velo.records import Draw, JsonObject, add_costs
from pytest_velo.settings import Endpoint

RESULTS_TRIES = 6
"""How often results are asked for that are not there yet."""
CHUNK = 500
"""Results that are stored at once."""

_FIRST_WAIT_S = 1.0
NOT_A_LINE = (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)
"""What reading a line raises where it is none."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was read of one batch's results.

    Attributes:
        n_lines: Lines with a result of this batch, each id once.
        n_stored: New draws.
        n_known: Replies for slots that were filled already.
        n_failed: Requests without a reply.
        n_twice: Further lines with an id that had come.
        n_foreign: Lines with an id that is not of this batch.
        damaged: Numbers of lines that cannot be read, from 1.
    """

    n_lines: int = 0
    n_stored: int = 0
    n_known: int = 0
    n_failed: int = 0
    n_twice: int = 0
    n_foreign: int = 0
    damaged: list[int] = field(default_factory=list)

    def problems(self, standing: Standing) -> list[str]:
        """Say what keeps the results from being whole; empty if they are."""
        told = []
        if self.damaged:
            places = ", ".join(map(str, self.damaged[:3])) + (", …" if len(self.damaged) > 3 else "")
            told.append(f"{_lines(len(self.damaged))} of the results cannot be read (line {places})")
        expected = standing.n_ended
        if expected is not None and self.n_lines < expected and not self.damaged:
            told.append(f"{self.n_lines} of {expected} results came: the rest is missing")
        if self.n_foreign:
            told.append(f"{_lines(self.n_foreign)} with an id that is not of this batch: refused")
        return told


def _lines(n: int) -> str:
    return f"{n} line" if n == 1 else f"{n} lines"


async def collect(desk: Desk, batch: Batch, standing: Standing, *, served: str = "") -> Tally:
    """Read the results of a batch that has ended, and close it if they are whole.

    What is not there yet (a 404 just after the end) is asked for again, a few times.

    Args:
        desk: Where.
        batch: The batch.
        standing: What the provider says of it.
        served: Another name that its model may be served under.

    Raises:
        OutageError: The results cannot be read; nothing is lost, and `collect` may be asked for again.
    """
    endpoint = desk.endpoint_of(batch)
    reader = _Reader(desk, batch, desk.service_of(endpoint), endpoint, served)
    tally = await _read_patiently(desk, reader, standing)
    problems = tally.problems(standing)
    is_whole = not tally.damaged and not (standing.n_ended is not None and tally.n_lines < standing.n_ended)
    if is_whole:
        desk.book.settle_rest(batch.name, EntryState.FAILED, _why_left(standing))
        desk.book.note(batch.name, state=BatchState.COLLECTED)
        desk.drop_file_of(batch.name)
    desk.book.note(batch.name, told=standing.word, problem="; ".join(problems))
    return tally


def _why_left(standing: Standing) -> str:
    if standing.problem:
        return f"the batch {standing.word}: {standing.problem}"
    return f"the provider gave no result for it (the batch is {standing.word})"


async def _read_patiently(desk: Desk, reader: _Reader, standing: Standing) -> Tally:
    wait_s = _FIRST_WAIT_S
    for attempt in range(1, RESULTS_TRIES + 1):
        try:
            return await reader.read(standing)
        except VeloError as error:
            passes = error.status == 404 or isinstance(error, TransientError)
            if not passes or attempt == RESULTS_TRIES:
                raise _unreadable(reader.batch, error, attempt) from None
        await desk.clock.sleep(min(wait_s, desk.settings.batch_every_s))
        wait_s *= 2
    raise AssertionError("unreachable: the last attempt returns or raises")


def _unreadable(batch: Batch, error: VeloError, n_tries: int) -> OutageError:
    return OutageError(
        f"{error.what} (tried {n_tries}×)",
        where=f"batch {batch.title}",
        fix="`velo batch collect` asks again; what was read is stored",
    )


class _Reader:
    """Reads the results of one batch."""

    def __init__(self, desk: Desk, batch: Batch, service: Service, endpoint: Endpoint, served: str) -> None:
        self.batch = batch
        self._desk = desk
        self._service = service
        self._endpoint = endpoint
        self._served = served

    async def read(self, standing: Standing) -> Tally:
        """Read all lines, and store what they bring, in the memory of a few hundred."""
        tally, seen, place = Tally(), set[str](), 0
        chunk: list[tuple[Entry, Result]] = []
        try:
            async with aclosing(self._service.results(standing)) as lines:
                async for line in lines:
                    place += 1
                    if (found := self._entry_of(line, place, tally, seen)) is not None:
                        chunk.append(found)
                    if len(chunk) == CHUNK:
                        self._keep(chunk, tally)
                        chunk = []
        except ValueError:  # a line that does not end
            tally.damaged.append(place + 1)
        finally:
            self._keep(chunk, tally)
        return tally

    def _entry_of(self, line: bytes, place: int, tally: Tally, seen: set[str]) -> tuple[Entry, Result] | None:
        """Return the request that a line answers, and the answer; None if it is to be passed over."""
        if not line.strip():
            return None
        try:
            parsed: JsonObject = decode(line)
            result = self._service.read(parsed)
        except NOT_A_LINE:
            tally.damaged.append(place)
            return None
        entry = self._desk.book.entry(self.batch.name, result.custom_id)
        if entry is None:
            tally.n_foreign += 1
            return None
        if result.custom_id in seen:
            tally.n_twice += 1
            return None
        seen.add(result.custom_id)
        tally.n_lines += 1
        return entry, result

    def _keep(self, chunk: Sequence[tuple[Entry, Result]], tally: Tally) -> None:
        """Store draws, then write down what became of the requests: draws that are stored twice are one."""
        draws, settled = [], []
        spent: float | None = 0.0
        drawn_at = datetime.now(UTC).isoformat(timespec="microseconds")
        for entry, result in chunk:
            if entry.state is EntryState.STORED:  # an earlier reading was broken off
                tally.n_known += 1
                continue
            try:
                reply = reply_of(
                    result,
                    entry.request,
                    self._service.wire,
                    self._endpoint,
                    seeded=self.batch.seeded,
                    served=self._served,
                )
            except VeloError as error:
                if self.batch.seeded and refuses_a_seed(result, entry.request):
                    self._desk.book.note_no_seed(self._endpoint.name, entry.request.model)
                settled.append((entry.custom_id, EntryState.FAILED, error.what))
                tally.n_failed += 1
                continue
            draws.append((entry.request, Draw(address=entry.address, reply=reply, drawn_at=drawn_at)))
            settled.append((entry.custom_id, EntryState.STORED, ""))
            spent = add_costs((spent, reply.cost_usd))
        if settled:
            n_new = self._desk.store.put_many(draws)
            tally.n_stored += n_new
            tally.n_known += len(draws) - n_new
            self._desk.book.settle(self.batch.name, settled, spent)
