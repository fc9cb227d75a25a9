"""What is wanted at the same time is asked for together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pytest_velo.cache.shared.together import Together
from pytest_velo.errors import StoreError


def test_what_is_wanted_while_an_exchange_is_under_way_goes_with_the_next() -> None:
    async def work() -> list[list[int]]:
        exchanges: list[list[int]] = []
        goes_on = asyncio.Event()

        async def send(wanted: list[int]) -> Sequence[int]:
            exchanges.append(wanted)
            await goes_on.wait()
            return [-each for each in wanted]

        together = Together(send, most=4)
        first = asyncio.gather(*(together.ask(n) for n in (1, 2)))
        while not exchanges:  # noqa: ASYNC110 - the loop's next turns
            await asyncio.sleep(0)
        rest = [asyncio.ensure_future(together.ask(n)) for n in range(3, 9)]
        await asyncio.sleep(0)
        rest[0].cancel()
        goes_on.set()
        assert await first == [-1, -2]
        assert await asyncio.gather(*rest[1:]) == [-4, -5, -6, -7, -8]
        assert await together.ask(9) == -9
        return exchanges

    assert asyncio.run(work()) == [[1, 2], [3, 4, 5, 6], [7, 8], [9]]


def test_so_many_exchanges_are_under_way_at_a_time_and_the_rest_waits() -> None:
    async def work() -> list[list[int]]:
        exchanges: list[list[int]] = []
        goes_on = asyncio.Event()

        async def send(wanted: list[int]) -> Sequence[int]:
            exchanges.append(wanted)
            await goes_on.wait()
            return wanted

        together = Together(send, at_a_time=2)
        asked = []
        for n in range(6):
            asked += [asyncio.ensure_future(together.ask(2 * n + i)) for i in (0, 1)]
            for _ in range(5):
                await asyncio.sleep(0)
        assert exchanges == [[0, 1], [2, 3]]
        goes_on.set()
        assert await asyncio.gather(*asked) == [*range(12)]
        return exchanges

    assert asyncio.run(work()) == [[0, 1], [2, 3], [*range(4, 12)]]


def test_what_a_loop_left_unanswered_holds_nobody_up_on_the_next_one() -> None:
    async def hang(wanted: list[int]) -> Sequence[int]:
        if wanted == [1]:
            await asyncio.Event().wait()
        return wanted

    together = Together(hang)

    async def leave() -> None:
        asyncio.ensure_future(together.ask(1))  # noqa: RUF006 - the loop ends it
        for _ in range(5):
            await asyncio.sleep(0)

    async def go_on() -> None:
        async with asyncio.timeout(300):
            assert await together.ask(2) == 2

    asyncio.run(leave())
    asyncio.run(go_on())


def test_an_error_is_everybodys_and_the_next_exchange_is_a_new_one() -> None:
    async def work() -> None:
        failures = [StoreError("away")]

        async def send(wanted: list[int]) -> Sequence[int]:
            if failures:
                raise failures.pop()
            return wanted

        together = Together(send)
        told = await asyncio.gather(*(together.ask(n) for n in (1, 2)), return_exceptions=True)
        assert [str(error) for error in told] == ["away", "away"]
        assert await together.ask(3) == 3

    asyncio.run(work())


def test_no_answer_is_given_to_the_wrong_one() -> None:
    async def send(wanted: list[int]) -> Sequence[int]:
        return wanted[:-1]

    async def work() -> None:
        async with asyncio.timeout(300):
            await Together(send).ask(1)

    with pytest.raises(ValueError):
        asyncio.run(work())
