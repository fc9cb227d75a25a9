"""Draws are read ahead of who wants them: as many as were read already, and no draw twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pytest_velo.cache.schema import place_of
from pytest_velo.cache.shared.ahead import AT_ONCE, BYTES_AT_ONCE, FARTHEST, Ahead, Wanted
from pytest_velo.errors import StoreError
from pytest_velo.records import Address, Draw, Reply, Request, Slot

REQUEST = Request(api="local", endpoint="lab", model="m", messages=({"role": "user", "content": "Hi"},))


def at(repeat: int, case: str = "", label: str = "") -> Address:
    return Address(
        key="k", seed=0, stream="", slot=str(Slot(case=case, repeat=repeat, ordinal=0, label=label))
    )


class Shared:
    """Has the first draws of each request; remembers what was asked for."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.asked: list[list[Address]] = []
        self.is_away = False
        self.takes_its_time: asyncio.Event | None = None

    @property
    def slots(self) -> list[str]:
        return [address.slot for addresses in self.asked for address in addresses]

    async def find(self, wanted: list[Wanted]) -> list[Draw | None]:
        self.asked.append([address for _, address, _ in wanted])
        await asyncio.sleep(0)
        if self.takes_its_time is not None:
            await self.takes_its_time.wait()
        if self.is_away:
            raise StoreError("away")
        assert all(place == place_of(address) for _, address, place in wanted)
        return [self.draw(address) for _, address, _ in wanted]

    def draw(self, address: Address) -> Draw | None:
        if int(address.slot.split(":")[1]) >= self.n:
            return None
        return Draw(address=address, reply=Reply(text=address.slot), drawn_at="2026")


def reading(shared: Shared, work: Callable[[Ahead], Coroutine[Any, Any, None]]) -> Ahead:
    """Do `work` with reading ahead, and let what it began come to its end."""

    async def whole() -> Ahead:
        ahead = Ahead(shared.find)
        await work(ahead)
        await settled()
        return ahead

    return asyncio.run(whole())


async def settled() -> None:
    """Let everything happen that nobody waits for: nothing here takes more turns of the loop."""
    for _ in range(100):
        await asyncio.sleep(0)


async def read(ahead: Ahead, *addresses: Address) -> None:
    """Read draws that are there, as the store does."""
    for address in addresses:
        assert await ahead.coming(address, place_of(address)) is None
    for address in addresses:
        ahead.saw(REQUEST, address)


def test_as_many_as_were_read_are_asked_for_before_they_are_wanted() -> None:
    shared = Shared(1000)

    async def work(ahead: Ahead) -> None:
        await read(ahead, *map(at, range(20)))

    reading(shared, work)
    assert shared.slots == [at(repeat).slot for repeat in range(20, 40)]


def test_who_wants_a_draw_that_is_on_its_way_waits_for_it_even_if_another_stops_waiting() -> None:
    shared = Shared(1000)

    async def work(ahead: Ahead) -> None:
        shared.takes_its_time = asyncio.Event()
        await read(ahead, *map(at, range(20)))
        await asyncio.sleep(0)
        waiting = [asyncio.ensure_future(ahead.coming(at(25), place_of(at(25)))) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        shared.takes_its_time.set()
        draw = await waiting[1]
        assert draw is not None
        assert draw.reply.text == at(25).slot

    reading(shared, work)
    assert shared.slots.count(at(25).slot) == 1


def test_what_is_asked_for_is_not_read_ahead_as_well() -> None:
    shared = Shared(1000)

    async def work(ahead: Ahead) -> None:
        await read(ahead, *map(at, range(20)))
        for repeat in range(20, 30):  # before the reading ahead has begun
            assert await ahead.coming(at(repeat), place_of(at(repeat))) is None

    reading(shared, work)
    assert shared.slots == [at(repeat).slot for repeat in range(30, 40)]


def test_it_goes_no_farther_than_is_useful_and_stops_where_nothing_is() -> None:
    many, few = Shared(10**6), Shared(30)

    async def work(ahead: Ahead) -> None:
        await read(ahead, *map(at, range(5000)))

    reading(many, work)
    assert many.slots == [at(repeat).slot for repeat in range(5000, 5000 + FARTHEST * AT_ONCE)]
    assert {len(addresses) for addresses in many.asked} == {AT_ONCE}
    reading(few, work)
    assert len(few.asked) < len(many.asked), "the first exchange found nothing"


@pytest.mark.parametrize(
    ("sizes", "n"),
    [
        ([], AT_ONCE),
        ([0], AT_ONCE),
        ([2000] * 3, AT_ONCE),
        ([BYTES_AT_ONCE // 10] * 3, 10),
        ([BYTES_AT_ONCE * 9], 1),
    ],
)
def test_large_replies_come_by_fewer(sizes: list[int], n: int) -> None:
    shared = Shared(10**6)

    async def work(ahead: Ahead) -> None:
        ahead.weigh(sizes)
        await read(ahead, *map(at, range(5000)))

    reading(shared, work)
    assert [len(addresses) for addresses in shared.asked] == [n] * FARTHEST


def test_runs_of_other_requests_cases_and_labels_are_apart() -> None:
    shared = Shared(1000)

    async def work(ahead: Ahead) -> None:
        for case, label in (("", ""), ("c", ""), ("c", "a:b")):
            await read(ahead, *(at(repeat, case, label) for repeat in range(4)))

    reading(shared, work)
    assert sorted(shared.slots) == sorted(
        at(repeat, case, label).slot
        for case, label in (("", ""), ("c", ""), ("c", "a:b"))
        for repeat in range(4, 8)
    )


def test_slots_that_are_none_of_ours_are_left_alone() -> None:
    shared = Shared(1000)

    async def work(ahead: Ahead) -> None:
        slots = ("", "a", ":", "::", "a:b:c", "a:-1:0", "a:²:0")
        await read(ahead, *(Address(key="k", seed=0, stream="", slot=slot) for slot in slots))

    reading(shared, work)
    assert shared.asked == []


def test_who_is_behind_when_the_end_was_reached_has_nothing_read_again() -> None:
    shared = Shared(40)

    async def work(ahead: Ahead) -> None:
        await read(ahead, *map(at, range(40)))
        await settled()
        for repeat in range(10, 40):
            ahead.saw(REQUEST, at(repeat))  # slower than the others
            await settled()

    reading(shared, work)
    assert max(int(slot.split(":")[1]) for slot in shared.slots) >= 40, "it was read beyond the end"
    assert len(shared.slots) == len(set(shared.slots))


def test_a_store_that_is_away_leaves_it_to_who_asks_to_be_told() -> None:
    shared = Shared(1000)
    shared.is_away = True

    async def work(ahead: Ahead) -> None:
        shared.takes_its_time = asyncio.Event()
        await read(ahead, *map(at, range(20)))
        await asyncio.sleep(0)
        shared.takes_its_time.set()
        assert await ahead.coming(at(20), place_of(at(20))) is None
        shared.is_away = False
        await read(ahead, *map(at, range(20, 40)))

    reading(shared, work)
    assert len(shared.asked) == 2


def test_what_a_loop_left_under_way_holds_nobody_up_on_the_next_one() -> None:
    shared = Shared(1000)

    async def begin() -> Ahead:
        shared.takes_its_time = asyncio.Event()
        ahead = Ahead(shared.find)
        await read(ahead, *map(at, range(20)))
        await asyncio.sleep(0)
        return ahead

    ahead = asyncio.run(begin())  # which cancels what is under way

    async def go_on() -> None:
        shared.takes_its_time = None
        async with asyncio.timeout(300):
            assert await ahead.coming(at(20), place_of(at(20))) is None
            await read(ahead, *map(at, range(40, 80)))
            await settled()

    asyncio.run(go_on())
    assert at(81).slot in shared.slots
