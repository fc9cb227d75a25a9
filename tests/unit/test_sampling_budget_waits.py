"""A budget that lets few calls run at once says so."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pytest_velo.designing.notices import with_notices
from pytest_velo.errors import BudgetError, StoreError
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.sampling.budget import Budget, LocalLedger
from pytest_velo.sampling.stats import SamplingStats


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("one process waits for its own calls only")


def test_waiting_for_what_others_set_aside_is_counted() -> None:
    clock = Clock()

    async def go() -> float:
        budget = Budget(1.0, ledger=LocalLedger(), clock=clock)
        first = await budget.reserve("m", 0.9)
        assert budget.waited_s == 0
        second = asyncio.create_task(budget.reserve("m", 0.9))
        await asyncio.sleep(0)
        clock.now_s = 7.0
        budget.settle(first, 0.001)
        await second
        return budget.waited_s

    assert asyncio.run(go()) == 7.0


def test_books_that_cannot_be_written_leave_nobody_waiting() -> None:
    class FullDisk(LocalLedger):
        def settle(self, session: str, reserved: float, actual: float) -> None:
            raise StoreError("the disk is full")

    async def go() -> None:
        budget = Budget(1.0, ledger=FullDisk(), clock=Clock())
        first = await budget.reserve("m", 0.9)
        second = asyncio.create_task(budget.reserve("m", 0.9))
        await asyncio.sleep(0)
        with pytest.raises(StoreError, match="disk is full"):
            budget.settle(first, 0.001)
        with pytest.raises(BudgetError):
            await asyncio.wait_for(second, timeout=60)

    asyncio.run(go())


class NeverFailed:
    def never_failed(self) -> None:
        return None


def test_the_wait_is_said_with_what_to_do() -> None:
    result = HypothesisResult(node_id="t.py::t", belief="b", claim="c", scope="s", outcome=Outcome.SUPPORTED)
    none = SamplingStats(
        n_calls=0, n_cached=0, n_retries=0, cost_usd=0.0, n_cuts=0, throttled_s=0.0, paced_s=0.0
    )
    waited = SamplingStats(
        n_calls=9,
        n_cached=0,
        n_retries=0,
        cost_usd=0.1,
        n_cuts=0,
        throttled_s=0.0,
        paced_s=0.0,
        budget_s=12.0,
    )
    (notice,) = with_notices(result, NeverFailed(), none, waited).notices
    assert "12 s" in notice
    assert "max_tokens=" in notice
    assert with_notices(result, NeverFailed(), waited, waited).notices == ()


def test_attempts_that_may_be_billed_unseen_are_said() -> None:
    result = HypothesisResult(node_id="t.py::t", belief="b", claim="c", scope="s", outcome=Outcome.SUPPORTED)
    before = SamplingStats(
        n_calls=9, n_cached=0, n_retries=1, cost_usd=0.1, n_cuts=0, throttled_s=0.0, paced_s=0.0, n_lost=1
    )
    (notice,) = with_notices(result, NeverFailed(), before, replace(before, n_lost=3)).notices
    assert notice.startswith("2 attempts timed out")
    assert "unknown" in notice
