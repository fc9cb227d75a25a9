"""The sampler on a real store: read what is kept, make what is not, once, and lose nothing paid for."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pytest_velo.cache.cassette import export, load
from pytest_velo.cache.store import Store
from pytest_velo.errors import (
    BudgetError,
    CacheMissError,
    NotDrawnError,
    RequestError,
    StoppedError,
    TransientError,
    UsageError,
    WouldPayError,
)
from pytest_velo.providers.registry import Target
from pytest_velo.providers.scripted import scripted
from pytest_velo.records import FinishReason, Reply, Request, Slot, Usage
from pytest_velo.sampling.sampler import DrawResult, Sampler
from pytest_velo.settings import Api, Endpoint, Mode, Price, Settings
from support.clocks import InstantClock

T = TypeVar("T")

PAID = Endpoint(
    name="paid", api=Api.OPENAI_CHAT, price=Price(input_usd=100.0, output_usd=1000.0), declared=True
)
FREE = Endpoint(name="own", api=Api.OPENAI_CHAT, free=True, declared=True)
SCRIPTED = Endpoint(name="scripted", api=Api.SCRIPTED, free=True)


class Fake:
    """A provider that numbers its replies; `hold` keeps them under way until it is set."""

    def __init__(self) -> None:
        self.seeds: list[int | None] = []
        self.n_opened = 0
        self.n_closed = 0
        self.failures: list[BaseException] = []
        self.finish = FinishReason.STOP
        self.hold: asyncio.Event | None = None
        self.under_way = 0
        self.most_under_way = 0

    def __call__(self, endpoint: Endpoint, *, slots: int) -> Fake:
        self.n_opened += 1
        self.slots = slots
        return self

    async def complete(self, request: Request, seed: int | None) -> Reply:
        self.seeds.append(seed)
        number = len(self.seeds)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await (asyncio.sleep(0) if self.hold is None else self.hold.wait())
            if self.failures:
                raise self.failures.pop()
            return Reply(
                text=f"reply {number}",
                finish_reason=self.finish,
                refused=self.finish is FinishReason.REFUSAL,
                usage=Usage(input_tokens=10, output_tokens=9),
                model_served="m-2026",
            )
        finally:
            self.under_way -= 1

    async def aclose(self) -> None:
        self.n_closed += 1


@pytest.fixture
def fake() -> Fake:
    return Fake()


def sampler_of(fake: Fake, store: Store | None, *cassettes: Any, **options: Any) -> Sampler:
    return Sampler(
        Settings(**options),
        store,
        cassettes,
        session="s",
        providers={"openai-chat": fake},
        clock=InstantClock(),
    )


def ask(text: str = "Hi", endpoint: Endpoint = FREE, **parameters: Any) -> tuple[Target, Request]:
    target = Target(endpoint=endpoint, model="m")
    return target, target.request([{"role": "user", "content": text}], parameters)


def slot(case: str = "case", repeat: int = 0, ordinal: int = 0) -> Slot:
    return Slot(case=case, repeat=repeat, ordinal=ordinal)


async def draw(sampler: Sampler, text: str = "Hi", case: str = "case", **options: Any) -> DrawResult:
    endpoint = options.pop("endpoint", FREE)
    return await sampler.draw(*ask(text, endpoint, max_tokens=9), slot=slot(case), **options)


async def settle(n_steps: int = 20) -> None:
    for _ in range(n_steps):
        await asyncio.sleep(0)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


# Once, and for everybody


def test_a_draw_is_made_once_and_read_ever_after(fake: Fake, store: Store) -> None:
    first = run(draw(sampler_of(fake, store)))
    again = run(draw(sampler_of(fake, store)))
    assert (first.cached, first.reply.cached, again.cached, again.reply.cached) == (False, False, True, True)
    assert (again.reply.text, again.drawn_at, again.address) == ("reply 1", first.drawn_at, first.address)
    assert len(fake.seeds) == 1


def test_a_draw_is_committed_when_it_is_returned(fake: Fake, store: Store) -> None:
    made = run(draw(sampler_of(fake, store)))
    other_process = Store.open(store.path)
    kept = other_process.get(made.address)
    other_process.close()
    assert kept is not None
    assert kept.reply.text == made.reply.text


def test_hazard_01_cases_that_send_the_same_request_get_draws_of_their_own(fake: Fake, store: Store) -> None:
    async def session() -> list[DrawResult]:
        sampler = sampler_of(fake, store)
        return list(await asyncio.gather(*(draw(sampler, case=f"case {n}") for n in range(5))))

    draws = run(session())
    assert len({result.reply.text for result in draws}) == 5
    assert len(set(fake.seeds)) == 5


def test_arms_that_send_the_same_request_share_the_draw(fake: Fake, store: Store) -> None:
    async def session() -> list[DrawResult]:
        sampler = sampler_of(fake, store)
        return list(await asyncio.gather(*(draw(sampler) for _ in range(5))))

    draws = run(session())
    assert {result.reply.text for result in draws} == {"reply 1"}
    assert sorted(result.cached for result in draws) == [False, True, True, True, True]


def test_another_root_seed_or_stream_is_another_draw_with_another_seed(fake: Fake, store: Store) -> None:
    run(draw(sampler_of(fake, store)))
    run(draw(sampler_of(fake, store, seed=7)))
    run(draw(sampler_of(fake, store), stream="fresh"))
    assert len(set(fake.seeds)) == 3
    assert all(seed is not None and 0 < seed < 2**31 for seed in fake.seeds)


def test_the_seed_of_a_slot_does_not_depend_on_order(fake: Fake) -> None:
    async def session(cases: str) -> dict[str, int | None]:
        sampler, seen = sampler_of(fake, None), {}
        for case in cases:
            await draw(sampler, case=case)
            seen[case] = fake.seeds[-1]
        return seen

    assert run(session("abc")) == run(session("cba"))


def test_without_a_store_draws_last_for_the_session(fake: Fake) -> None:
    async def session() -> tuple[DrawResult, DrawResult]:
        sampler = sampler_of(fake, None)
        return await draw(sampler), await draw(sampler)

    first, again = run(session())
    assert (first.reply.text, again.reply.text) == ("reply 1", "reply 1")
    assert (first.cached, again.cached) == (False, True)


@pytest.mark.parametrize("finish", [FinishReason.REFUSAL, FinishReason.CONTENT_FILTER, FinishReason.LENGTH])
def test_refused_filtered_and_cut_replies_are_observations_and_stored(
    fake: Fake, store: Store, finish: FinishReason
) -> None:
    fake.finish = finish
    run(draw(sampler_of(fake, store)))
    again = run(draw(sampler_of(fake, store)))
    assert (again.cached, again.reply.finish_reason) == (True, finish)


def test_an_error_never_fills_a_slot(fake: Fake, store: Store) -> None:
    fake.failures = [RequestError("malformed")]

    async def session() -> DrawResult:
        sampler = sampler_of(fake, store)
        with pytest.raises(RequestError):
            await draw(sampler)
        return await draw(sampler)

    result = run(session())
    assert (result.cached, result.reply.text) == (False, "reply 2")


def test_scripted_replies_are_computed_every_time_and_never_stored(store: Store) -> None:
    texts = iter(["before the edit", "after the edit"])
    scripted("sampling-unit", lambda _request: next(texts))
    target = Target(endpoint=SCRIPTED, model="sampling-unit")
    request = target.request([{"role": "user", "content": "Hi"}])

    async def session() -> list[DrawResult]:
        sampler = Sampler(Settings(mode=Mode.REPLAY, may_pay=False), store)
        return [await sampler.draw(target, request, slot=slot()) for _ in range(2)]

    draws = run(session())
    assert [result.reply.text for result in draws] == ["before the edit", "after the edit"]
    assert [result.cached for result in draws] == [False, False]
    assert store.get(draws[0].address) is None


# Modes


def test_replay_reads_the_store_then_cassettes_and_opens_nothing(
    fake: Fake, store: Store, tmp_path: Path
) -> None:
    async def record() -> list[DrawResult]:
        sampler = sampler_of(fake, store)
        return [await draw(sampler, case=case) for case in ("in both", "on tape")]

    recorded = run(record())
    export(store, [result.address for result in recorded], tmp_path / "tape.jsonl")
    partly = Store.open(tmp_path / "other" / "draws.sqlite")
    made = fake.n_opened

    async def replay() -> list[DrawResult]:
        run_of = sampler_of(fake, partly, load(tmp_path / "tape.jsonl"), mode=Mode.REPLAY)
        return [await draw(run_of, case=case) for case in ("in both", "on tape")]

    replayed = run(replay())
    partly.close()
    assert [result.reply.text for result in replayed] == ["reply 1", "reply 2"]
    assert all(result.cached and result.reply.cached for result in replayed)
    assert [result.drawn_at for result in replayed] == [result.drawn_at for result in recorded]
    assert fake.n_opened == made


def test_auto_does_not_read_cassettes(fake: Fake, store: Store, tmp_path: Path) -> None:
    run(draw(sampler_of(fake, store)))
    export(store, None, tmp_path / "tape.jsonl")
    tape = load(tmp_path / "tape.jsonl")
    assert run(draw(sampler_of(fake, None, tape))).reply.text == "reply 2"


def test_a_miss_in_replay_says_what_changed(fake: Fake, store: Store, tmp_path: Path) -> None:
    run(draw(sampler_of(fake, store), text="What is 7 + 5?"))
    export(store, None, tmp_path / "tape.jsonl")
    replay = sampler_of(fake, None, load(tmp_path / "tape.jsonl"), mode=Mode.REPLAY)
    with pytest.raises(CacheMissError) as caught:
        run(draw(replay, text="What is 7 + 6?"))
    assert "7 + 6" in caught.value.what
    assert "7 + 5" in caught.value.what
    assert "--velo-mode=auto" in caught.value.fix
    with pytest.raises(CacheMissError) as moved:
        run(draw(replay, text="What is 7 + 5?", case="new"))
    assert "'case:0:0'" in moved.value.what
    assert "'new:0:0'" in moved.value.what


def test_refresh_draws_every_address_again_once_a_session(fake: Fake, store: Store) -> None:
    run(draw(sampler_of(fake, store)))

    async def session() -> list[DrawResult]:
        worker, other_worker = (sampler_of(fake, store, mode=Mode.REFRESH) for _ in range(2))
        return [await draw(worker), await draw(worker), await draw(other_worker)]

    refreshed = run(session())
    assert [result.reply.text for result in refreshed] == ["reply 2"] * 3
    assert [result.cached for result in refreshed] == [False, True, True]
    assert run(draw(sampler_of(fake, store))).reply.text == "reply 2"


def test_an_estimate_makes_no_draw(fake: Fake, store: Store) -> None:
    with pytest.raises(NotDrawnError, match="an estimate makes no calls"):
        run(draw(sampler_of(fake, store, mode=Mode.ESTIMATE)))
    assert fake.n_opened == 0
    run(draw(sampler_of(fake, store)))
    assert run(draw(sampler_of(fake, store, mode=Mode.ESTIMATE))).cached


def test_a_draw_that_would_cost_is_not_made_unasked_but_is_read_and_free_ones_are_made(
    fake: Fake, store: Store
) -> None:
    unasked = sampler_of(fake, store, may_pay=False)
    with pytest.raises(WouldPayError):
        run(draw(unasked, endpoint=PAID))
    assert fake.n_opened == 0
    assert run(draw(unasked, endpoint=FREE)).reply.text == "reply 1"
    run(draw(sampler_of(fake, store), endpoint=PAID))
    assert run(draw(unasked, endpoint=PAID)).cached


def test_one_call_may_be_allowed_or_forbidden_to_pay(fake: Fake, store: Store) -> None:
    with pytest.raises(WouldPayError):
        run(draw(sampler_of(fake, store), endpoint=PAID, may_pay=False))
    paying = sampler_of(fake, store, may_pay=False)
    assert not run(draw(paying, endpoint=PAID, may_pay=True)).cached


# Money and concurrency


def test_costs_are_counted_for_draws_made_and_not_for_draws_read(fake: Fake, store: Store) -> None:
    cost = (10 * 100.0 + 9 * 1000.0) / 1e6

    async def session() -> Sampler:
        sampler = sampler_of(fake, store)
        for _ in range(3):
            await draw(sampler, endpoint=PAID)
        await draw(sampler, case="other", endpoint=PAID)
        return sampler

    stats = run(session()).stats()
    assert (stats.n_calls, stats.n_cached, stats.n_retries) == (2, 2, 0)
    assert stats.cost_usd == pytest.approx(2 * cost)
    assert run(draw(sampler_of(fake, store), endpoint=PAID)).reply.cost_usd == pytest.approx(cost)


def test_retries_are_counted(fake: Fake) -> None:
    fake.failures = [TransientError("busy", kind="overloaded") for _ in range(2)]

    async def session() -> Sampler:
        sampler = sampler_of(fake, None)
        await draw(sampler)
        return sampler

    stats = run(session()).stats()
    assert (stats.n_calls, stats.n_retries, stats.n_cuts) == (1, 2, 2)


def test_a_used_up_budget_stops_paid_draws_and_no_others(fake: Fake, store: Store) -> None:
    async def session() -> int:
        sampler = sampler_of(fake, store, budget_usd=0.05)
        for n_made in range(100):
            try:
                await draw(sampler, case=str(n_made), endpoint=PAID)
            except BudgetError:
                await draw(sampler, endpoint=FREE)
                return n_made
        return 100

    assert 3 <= run(session()) <= 5  # a call costs one cent


def test_a_budget_of_none_never_blocks_even_at_unknown_prices(fake: Fake) -> None:
    unknown = Endpoint(name="vllm", api=Api.OPENAI_CHAT, base_url="http://127.0.0.1:1/v1", declared=True)
    result = run(draw(sampler_of(fake, None, budget_usd=None), endpoint=unknown))
    assert result.reply.cost_usd is None
    with pytest.raises(UsageError, match="unknown"):
        run(draw(sampler_of(fake, None, budget_usd=1.0), endpoint=unknown))


def test_hazard_12_budget_and_concurrency_divided_by_workers(fake: Fake, store: Store) -> None:
    options: dict[str, Any] = {"workers": 4, "concurrency": 20, "budget_usd": 0.08}

    async def one_worker(number: int, books: Store | None) -> tuple[int, Fake]:
        mine = Fake()
        sampler = sampler_of(mine, books, **options)
        results = await asyncio.gather(
            *(draw(sampler, case=f"worker {number}, case {repeat}", endpoint=PAID) for repeat in range(10)),
            return_exceptions=True,
        )
        refused = [error for error in results if isinstance(error, BaseException)]
        assert all(isinstance(error, BudgetError) for error in refused)
        return len(results) - len(refused), mine

    async def session(books: Store | None) -> list[tuple[int, Fake]]:
        return list(await asyncio.gather(*(one_worker(number, books) for number in range(4))))

    shared = run(session(store))
    assert sum(made for made, _ in shared) * 0.01 <= 0.08 * 1.1
    assert sum(made for made, _ in shared) >= 6
    assert {mine.slots for made, mine in shared if made} == {5}  # the others opened no provider
    alone = run(session(None))  # no common books: each keeps to its part
    assert all(made * 0.01 <= 0.08 * 1.1 / 4 for made, _ in alone)


def test_hazard_12_no_more_calls_in_flight_than_a_workers_part(fake: Fake) -> None:
    async def session() -> None:
        sampler = sampler_of(fake, None, workers=3, concurrency=20)
        await asyncio.gather(*(draw(sampler, case=str(number)) for number in range(30)))

    run(session())
    assert fake.most_under_way == 6


# Cancelling


def test_a_cancelled_waiter_leaves_the_draw_to_the_others(fake: Fake, store: Store) -> None:
    async def session() -> DrawResult:
        fake.hold = asyncio.Event()
        sampler = sampler_of(fake, store)
        first, second = (asyncio.create_task(draw(sampler)) for _ in range(2))
        await settle()
        first.cancel()
        await settle()
        fake.hold.set()
        assert not second.cancelled()
        return await second

    assert run(session()).reply.text == "reply 1"
    assert len(fake.seeds) == 1


def test_a_call_not_yet_sent_is_dropped_when_nobody_waits_for_it(fake: Fake, store: Store) -> None:
    async def session() -> DrawResult:
        fake.hold = asyncio.Event()
        sampler = sampler_of(fake, store, concurrency=1)
        sent = asyncio.create_task(draw(sampler, case="sent"))
        await settle()
        queued = asyncio.create_task(draw(sampler, case="queued"))
        await settle()
        queued.cancel()
        newcomer = asyncio.create_task(draw(sampler, case="queued"))  # it must not join what is ending
        await settle()
        fake.hold.set()
        await sent
        return await newcomer

    assert run(session()).reply.text == "reply 2"
    assert len(fake.seeds) == 2


def test_a_call_under_way_is_stored_though_nobody_waits_any_more(fake: Fake, store: Store) -> None:
    async def session() -> DrawResult:
        fake.hold = asyncio.Event()
        sampler = sampler_of(fake, store)
        task = asyncio.create_task(draw(sampler))
        await settle()
        task.cancel()
        await settle()
        assert task.cancelled()
        fake.hold.set()
        await sampler.aclose()
        return await draw(sampler_of(fake, store))

    kept = run(session())
    assert (kept.cached, kept.reply.text) == (True, "reply 1")
    assert len(fake.seeds) == 1


def test_a_call_under_way_that_fails_is_not_repeated_for_nobody(fake: Fake, store: Store) -> None:
    async def session() -> None:
        fake.hold = asyncio.Event()
        fake.failures = [TransientError("busy", kind="server") for _ in range(3)]
        sampler = sampler_of(fake, store)
        task = asyncio.create_task(draw(sampler))
        await settle()
        task.cancel()
        fake.hold.set()
        await sampler.aclose()

    run(session())
    assert len(fake.seeds) == 1


def test_a_failure_that_nobody_waits_for_is_not_reported_by_asyncio(fake: Fake, store: Store) -> None:
    reported: list[object] = []

    async def session() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        fake.hold = asyncio.Event()
        fake.failures = [UsageError("no engine")]
        sampler = sampler_of(fake, store)
        task = asyncio.create_task(draw(sampler))
        await settle()
        task.cancel()
        await settle()
        fake.hold.set()
        await settle()
        await sampler.aclose()

    run(session())
    gc.collect()
    assert (len(fake.seeds), reported) == (1, [])


def test_hazard_13_closing_is_bounded_and_frees_whoever_waits(fake: Fake, store: Store) -> None:
    async def session() -> list[BaseException | DrawResult]:
        fake.hold = asyncio.Event()
        sampler = sampler_of(fake, store, concurrency=1)
        waiting = [asyncio.create_task(draw(sampler, case=case)) for case in ("under way", "queued")]
        await settle()
        await sampler.aclose(wind_down_s=0.05)
        with pytest.raises(StoppedError):
            await draw(sampler, case="late")
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    assert [type(end) for end in run(session())] == [StoppedError, StoppedError]
    assert fake.n_closed == 1


def test_one_provider_per_endpoint_is_opened_on_first_use_and_closed(fake: Fake) -> None:
    async def session() -> None:
        sampler = sampler_of(fake, None, concurrency=8)
        assert fake.n_opened == 0
        await asyncio.gather(*(draw(sampler, case=str(number)) for number in range(20)))
        assert fake.n_opened == 1
        await sampler.aclose()

    run(session())
    assert (fake.n_opened, fake.n_closed, fake.slots) == (1, 1, 8)
