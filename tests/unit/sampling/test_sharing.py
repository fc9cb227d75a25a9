"""One machine makes a paid draw: what a machine does with each answer of the store that it shares."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pytest_velo.cache.shared.answers import Answer, Away, AwayError, Found, Held, Mine, Unguarded
from pytest_velo.records import Address, Draw, Reply, Request
from pytest_velo.sampling.sharing import POLL_S, OneMachine
from support.clocks import InstantClock

REQUEST = Request(api="local", endpoint="lab", model="m", messages=({"role": "user", "content": "Hi"},))
ADDRESS = Address(key="k", seed=0, stream="", slot="s")
MADE = Draw(address=ADDRESS, reply=Reply(text="made here"), drawn_at="2026")
THEIRS = Draw(address=ADDRESS, reply=Reply(text="made elsewhere"), drawn_at="2026")


class Store:
    """Gives its answers in turn, the last one for ever."""

    def __init__(self, clock: InstantClock, answers: Sequence[Answer], stored: Draw | None = None) -> None:
        self._clock = clock
        self._answers = list(answers)
        self.stored = stored
        self.released: list[Address] = []
        self.back_at = 0.0

    async def find(self, request: Request, address: Address) -> Draw | None:
        if self._clock.time < self.back_at:
            raise AwayError("away", for_s=self._clock.time)
        return self.stored

    async def claim(self, request: Request, address: Address, since: str) -> Answer:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def release(self, address: Address) -> None:
        self.released.append(address)


def machine(
    *answers: Answer, stored: Draw | None = None, patience_s: float = 60.0
) -> tuple[OneMachine, Store]:
    clock = InstantClock()
    store = Store(clock, answers, stored)
    return OneMachine(store, clock, lambda address: store.stored, patience_s=patience_s), store


async def make_here() -> Draw:
    return MADE


async def fail() -> Draw:
    raise OSError("no answer")


def make(one: OneMachine) -> Draw:
    return asyncio.run(one.make(REQUEST, ADDRESS, make_here))


def test_a_draw_whose_lease_is_ours_is_made_and_the_lease_given_back() -> None:
    one, store = machine(Mine())
    assert make(one) == MADE
    assert store.released == [ADDRESS]
    with pytest.raises(OSError, match="no answer"):
        asyncio.run(one.make(REQUEST, ADDRESS, fail))
    assert store.released == [ADDRESS, ADDRESS]


def test_a_draw_that_another_machine_makes_is_waited_for() -> None:
    one, store = machine(Held("lab-2"), Held("lab-2"), Found(), stored=THEIRS)
    assert make(one) == THEIRS
    assert store.released == []
    assert one.waited_s == 2 * POLL_S


def test_a_machine_takes_over_when_the_other_one_is_gone() -> None:
    one, store = machine(Held("lab-2"), Mine())
    assert make(one) == MADE
    assert store.released == [ADDRESS]


def test_a_store_that_comes_back_in_time_is_waited_for() -> None:
    one, _ = machine(Away(0.1), Away(59.9), Found(), stored=THEIRS)
    assert make(one) == THEIRS
    assert (one.away_s, one.n_alone) == (2 * POLL_S, 0)


def test_beyond_its_patience_a_machine_goes_on_alone_and_counts_it() -> None:
    one, store = machine(Away(1.0), Away(5.1), patience_s=5.0)
    assert make(one) == MADE
    assert (one.n_alone, store.released) == (1, [])


def test_a_store_that_is_there_and_never_answers_is_not_waited_for_any_longer() -> None:
    one, _ = machine(Away(0.0), patience_s=5.0)
    assert make(one) == MADE
    assert 5.0 <= one.away_s <= 6.0


def test_who_may_only_read_makes_what_nobody_makes() -> None:
    one, store = machine(Held("lab-2"), Unguarded())
    assert make(one) == MADE
    assert store.released == []


def test_looking_further_waits_only_where_the_draw_cannot_be_made() -> None:
    one, store = machine(Mine())
    store.back_at = 3.0
    asyncio.run(one.look(REQUEST, ADDRESS, may_make=True))
    assert one.away_s == 0
    asyncio.run(one.look(REQUEST, ADDRESS, may_make=False))
    assert one.away_s == pytest.approx(3.0)


def test_a_store_that_stays_away_is_an_error_and_no_miss() -> None:
    one, store = machine(Mine(), patience_s=5.0)
    store.back_at = 1e9
    with pytest.raises(AwayError):
        asyncio.run(one.look(REQUEST, ADDRESS, may_make=False))
    assert 5.0 <= one.away_s <= 6.0
