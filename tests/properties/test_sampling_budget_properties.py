"""Whatever calls cost and in whatever order they end, spending stays within the documented hard stop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_velo.errors import BudgetError
from pytest_velo.sampling.budget import HARD_STOP_SHARE, Budget, LocalLedger, Reservation
from support.clocks import InstantClock


@dataclass(frozen=True)
class Call:
    worker: int
    worst_usd: float
    share: float  # of the worst case that it really costs; -1 when it fails
    ends_after: int  # how many calls may begin before it ends


calls = st.builds(
    Call,
    worker=st.integers(0, 2),
    worst_usd=st.floats(1e-4, 0.3),
    share=st.one_of(st.floats(0.0, 0.05), st.floats(0.0, 1.0), st.just(1.0), st.just(-1.0)),
    ends_after=st.integers(0, 12),
)


class Session:
    """Plays a list of calls against one cap, up to three processes at a time."""

    def __init__(self, cap_usd: float, workers: int) -> None:
        self.ledger = LocalLedger()
        self.clock = InstantClock()
        self.workers = workers
        self.budgets = [
            Budget(cap_usd, ledger=self.ledger, clock=self.clock, workers=workers) for _ in range(workers)
        ]
        self.spent = 0.0
        self.n_begun = 0
        self.n_refused = 0

    async def play(self, todo: list[Call]) -> None:
        await asyncio.gather(*(self._one(call) for call in todo))

    async def _one(self, call: Call) -> None:
        budget = self.budgets[call.worker % self.workers]
        try:
            reservation = await budget.reserve("m", call.worst_usd)
        except BudgetError:
            self.n_refused += 1
            return
        await self._in_flight(call)
        self._end(budget, reservation, call)

    async def _in_flight(self, call: Call) -> None:
        self.n_begun += 1
        for _ in range(call.ends_after):
            await asyncio.sleep(0)

    def _end(self, budget: Budget, reservation: Reservation, call: Call) -> None:
        cost = max(0.0, call.share) * call.worst_usd
        self.spent += cost
        budget.settle(reservation, cost)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    todo=st.lists(calls, max_size=120),
    cap_usd=st.floats(0.0, 3.0),
    workers=st.integers(1, 3),
)
def test_spending_never_exceeds_the_cap_by_more_than_the_hard_stop(
    todo: list[Call], cap_usd: float, workers: int
) -> None:
    session = Session(cap_usd, workers)
    asyncio.run(session.play(todo))
    assert session.spent <= cap_usd * (1 + HARD_STOP_SHARE) + 1e-6
    assert session.n_begun + session.n_refused == len(todo)


@settings(max_examples=100, deadline=None)
@given(todo=st.lists(calls, max_size=60))
def test_a_budget_that_covers_every_worst_case_refuses_nothing(todo: list[Call]) -> None:
    session = Session(sum(call.worst_usd for call in todo), workers=1)
    asyncio.run(session.play(todo))
    assert session.n_refused == 0


@settings(max_examples=100, deadline=None)
@given(todo=st.lists(calls, min_size=1, max_size=100), cap_usd=st.floats(0.0, 3.0))
def test_where_all_calls_cost_the_same_the_cap_itself_is_kept(todo: list[Call], cap_usd: float) -> None:
    session = Session(cap_usd, workers=1)
    alike = [Call(worker=0, worst_usd=0.05, share=1.0, ends_after=call.ends_after) for call in todo]
    asyncio.run(session.play(alike))
    assert session.spent <= cap_usd + 1e-6
    assert session.n_begun == min(len(todo), int(cap_usd / 0.05 + 1e-6))
