"""`--velo-batch`: paid draws come from batches, wave by wave, until each verdict is in the cache.

Each wave asks for the draws of as many trials as the claims will likely need, of all tests that can be
sampled together. Then the tests run as always, and find their draws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, zip_longest
from typing import Any

import pytest

from pytest_velo.batches.desk import Desk
from pytest_velo.batches.entry import OPEN, BatchState, Wanted
from pytest_velo.batches.finding import find_lost
from pytest_velo.batches.submission import submit
from pytest_velo.batches.watching import wait
from pytest_velo.errors import BudgetError, OutageError, VeloError, WouldPayError
from pytest_velo.integration.run.missing import missing_of
from pytest_velo.integration.run.waiting import WaitingLine
from pytest_velo.integration.session import VeloSession
from pytest_velo.providers.registry import Target
from pytest_velo.records import Address, Request, Slot, add_costs
from pytest_velo.report.numbers import count, dollars
from pytest_velo.sampling.drawing import Drawer, Drawing

TRIES = 2
"""How often a session submits a draw that failed for no fault of the prompt."""

WAVES: pytest.StashKey[Waves] = pytest.StashKey()


def waves_of(session: VeloSession) -> Waves:
    """Return the waves of a session with `--velo-batch`."""
    return session.config.stash.setdefault(WAVES, Waves(session))


@dataclass(frozen=True, slots=True)
class _Totals:
    """What the book says of all batches together."""

    n_stored: int
    spent_usd: float | None


class Waves:
    """The batches of one session."""

    def __init__(self, session: VeloSession) -> None:
        self._session = session
        self._tries: Counter[Address] = Counter()
        self._over: set[Address] = set()
        self._refused: dict[Address, VeloError] = {}
        self._trouble: VeloError | None = None
        self._before: _Totals | None = None

    @cached_property
    def _desk(self) -> Desk:
        desk = Desk(self._session.settings, self._session.store)
        self._session.loop.on_close(self._close)
        return desk

    async def _close(self) -> None:
        self._session.batched = [*self.lines()]
        await self._desk.aclose()

    def drawer(self, reader: Drawer) -> Drawer:
        """Return a drawer that makes no paid call: what is missing is missing for a reason."""
        return _FromBatches(reader, self, self._session.settings.seed)

    def fill(self, items: Sequence[tuple[pytest.Function, Mapping[str, Any]]]) -> None:
        """Get the draws that items need, by their fixtures' values; wait as long as it takes.

        What an item's body raises is raised again when the item runs. Ctrl-C leaves the batches under way.
        """
        line = WaitingLine(self._session.config)
        try:
            while self._trouble is None and (wanted := self._missing(items)):
                if not self._wave(wanted, line):
                    break
        except VeloError as error:
            self._trouble = error
        except KeyboardInterrupt:
            for text in self._left_behind():
                line.say(text)
            raise
        finally:
            line.close()

    def why(self, target: Target, address: Address) -> VeloError:
        """Return why no batch brought a draw."""
        where = f"model {target.id}, slot {address.slot}"
        if address in self._refused:
            return self._refused[address]
        if self._trouble is not None:
            return self._trouble
        if address in self._over:
            cap = self._session.settings.budget_usd
            return BudgetError(
                f"the budget of {dollars(cap)} has no room for what another batch may cost",
                where=where,
                fix="a larger --velo-budget continues from here (draws made so far are kept); a max_tokens="
                " on the call lowers what it may cost",
            )
        if (failures := self._desk.book.failures(address)) and self._tries[address]:
            return OutageError(
                f"the batch brought no reply: {failures[-1]}",
                where=where,
                fix="run again to submit it once more, or without --velo-batch to make the call live",
            )
        return OutageError(
            "no batch brought this draw",
            where=where,
            fix="run again to submit it, or without --velo-batch to make the call live",
        )

    def lines(self) -> Iterator[str]:
        """Say what this session got from batches, and what of them goes on."""
        if self._before is None:
            return
        now = self._totals()
        n, spent = now.n_stored - self._before.n_stored, None
        if now.spent_usd is not None and self._before.spent_usd is not None:
            spent = now.spent_usd - self._before.spent_usd
        if n:
            yield f"{count(n, 'draw')} came from batches, for {dollars(spent)}"
        yield from self._left_behind()

    def _missing(self, items: Sequence[tuple[pytest.Function, Mapping[str, Any]]]) -> list[Wanted]:
        """Return what is wanted next, each test in turn, so that a budget is shared."""
        found: list[list[Wanted]] = []
        for item, fixtures in items:
            if not self._session.may_pay(item.nodeid):
                continue
            with suppress(Exception):  # it is raised again when the item runs
                found.append(missing_of(item, self._session, fixtures=fixtures).wanted)
        return [each for each in chain.from_iterable(zip_longest(*found)) if each is not None]

    def _wave(self, wanted: Sequence[Wanted], line: WaitingLine) -> bool:
        """Get one wave of draws; False if there is nothing to wait for."""
        desk, run = self._desk, self._session.loop.run
        if self._before is None:
            self._before = self._totals()
            run(find_lost(desk))
        again = [each for each in wanted if self._tries[each.address] < TRIES and not self._is_refused(each)]
        submission = run(submit(desk, again, committed_usd=self._committed_usd()))
        self._over = {each.address for each in submission.over}
        self._refused |= {refused.wanted.address: refused.error for refused in submission.refused}
        names = {name for each in again if (name := desk.book.waiting_in(each.address)) is not None}
        under_way = {batch.name for batch in desk.book.batches(BatchState.UNDER_WAY)} & names
        if unsure := sorted(names - under_way):
            self._trouble = _unsure(desk.book.batch(unsure[0]).problem)
        if not under_way:
            return False
        self._tries.update(each.address for each in again if desk.book.waiting_in(each.address) in under_way)
        run(wait(desk, under_way, line))
        return True

    def _is_refused(self, wanted: Wanted) -> bool:
        return wanted.address in self._refused

    def _totals(self) -> _Totals:
        batches = self._desk.book.batches()
        spent = add_costs(batch.spent_usd for batch in batches)
        return _Totals(sum(batch.n_stored for batch in batches), spent)

    def _committed_usd(self) -> float | None:
        """Return what of the budget is spent by this session, or reserved for what is under way."""
        assert self._before is not None  # the first wave sets it
        now, reserved = self._totals(), self._desk.book.reserved_usd()
        if now.spent_usd is None or self._before.spent_usd is None or reserved is None:
            return None
        return now.spent_usd - self._before.spent_usd + reserved

    def _left_behind(self) -> Iterator[str]:
        """Say what goes on at the providers, and how to come back to it."""
        left = [] if self._before is None else self._desk.book.batches(*OPEN)
        if left:
            n = sum(batch.n_waiting for batch in left)
            names = ", ".join(batch.title for batch in left[:3]) + (", …" if len(left) > 3 else "")
            yield (
                f"{count(len(left), 'batch', 'batches')} with {count(n, 'draw')} under way ({names}): the"
                " same command waits for what it needs of them; `velo batch status` tells how far they are"
            )


def _unsure(problem: str) -> OutageError:
    return OutageError(
        f"a batch with these draws may have been sent ({problem})",
        where="--velo-batch",
        fix="`velo batch status` looks for it; `velo batch submit --again` submits its draws anew, which may"
        " then be paid for twice",
    )


class _FromBatches:
    """Reads draws, makes free ones, and makes none that is paid for."""

    def __init__(self, reader: Drawer, waves: Waves, seed: int) -> None:
        self._reader = reader
        self._waves = waves
        self._seed = seed

    async def draw(
        self, target: Target, request: Request, *, key: str, slot: Slot, stream: str, may_pay: bool
    ) -> Drawing:
        """Return the draw.

        Raises:
            VeloError: It is not stored; the error says why.
        """
        try:
            return await self._reader.draw(target, request, key=key, slot=slot, stream=stream, may_pay=False)
        except WouldPayError:
            if not may_pay:
                raise
            address = Address(key=key, seed=self._seed, stream=stream, slot=str(slot))
            raise self._waves.why(target, address) from None
