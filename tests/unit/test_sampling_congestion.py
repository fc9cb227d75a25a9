"""How the limit on calls in flight follows the share of 429s and 529s."""

from __future__ import annotations

import asyncio
import random

import pytest

from pytest_velo.sampling.concurrency import Gate
from pytest_velo.sampling.pacing import SystemClock

CEILING = 50


def limits_under(share: float, n_answers: int = 4000) -> list[int]:
    """Return the limit after each answer of a server that refuses this share of the calls, at random."""
    drawn = random.Random(f"refuse {share}")
    limits: list[int] = []

    async def session() -> None:
        gate = Gate(CEILING, pacer=None, clock=SystemClock())
        inside = [await gate.enter() for _ in range(gate.limit)]
        for _ in range(n_answers):
            ticket = inside.pop(0)
            if drawn.random() < share:
                gate.congested(ticket, None)
            else:
                gate.succeeded()
            gate.leave()
            limits.append(gate.limit)
            while len(inside) < gate.limit:
                inside.append(await gate.enter())

    asyncio.run(session())
    return limits


@pytest.mark.parametrize(("share", "least", "most"), [(0.01, 25, 50), (0.1, 8, 25), (0.5, 1, 6), (1.0, 1, 1)])
def test_the_limit_settles_by_the_share_of_refusals(share: float, least: int, most: int) -> None:
    settled = limits_under(share)[1000:]
    assert least <= sum(settled) / len(settled) <= most


def test_a_first_refusal_cuts_by_a_third_at_least() -> None:
    async def session() -> int:
        gate = Gate(CEILING, pacer=None, clock=SystemClock())
        ticket = await gate.enter()
        for _ in range(1000):
            gate.succeeded()
        gate.congested(ticket, None)
        return gate.limit

    assert CEILING // 2 <= asyncio.run(session()) <= 2 * CEILING / 3


def test_a_server_that_refuses_all_is_left_with_one_call_after_six_rounds() -> None:
    async def session() -> list[int]:
        gate = Gate(CEILING, pacer=None, clock=SystemClock())
        limits = []
        for _ in range(6):
            tickets = [await gate.enter() for _ in range(gate.limit)]
            for ticket in tickets:
                gate.congested(ticket, None)
                gate.leave()
            limits.append(gate.limit)
        return limits

    assert asyncio.run(session()) == [25, 12, 6, 3, 1, 1]
