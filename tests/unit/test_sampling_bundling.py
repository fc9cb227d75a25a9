"""Several draws of one request in one call: who shares it, who pays, and what happens when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.cache.store import Store
from pytest_velo.errors import AccessError, RequestError, UnansweredError, UsageError
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.openai_chat import from_wire, split_choices
from pytest_velo.providers.registry import Target
from pytest_velo.records import FinishReason, Reply, Request, Slot, as_messages
from pytest_velo.sampling.pricing import worst_case
from pytest_velo.sampling.sampler import DrawResult, Sampler
from pytest_velo.settings import Mode, Settings

LINE = "own: api=openai-chat base_url=http://127.0.0.1:1/v1 price=1/10 n=4"
TARGET = Target(endpoint=parse_endpoint(LINE), model="m")
Answer = Callable[[Request, int], Reply | Exception]


def body(*texts: str, n_prompt: int = 100, n_output: int = 10) -> dict[str, Any]:
    return {
        "model": "m-1",
        "choices": [
            {"index": place, "message": {"content": text}, "finish_reason": "stop"}
            for place, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": n_prompt, "completion_tokens": n_output * len(texts)},
    }


class Server:
    """A provider that makes as many choices as it is asked for, unless `answer` says otherwise."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.asked: list[int] = []
        self.seeds: list[int | None] = []
        self.n_made = 0
        self.hold: asyncio.Event | None = None
        self.arrived = asyncio.Event()
        self._answer = answer

    def __call__(self, _endpoint: Any, *, slots: int) -> Server:
        return self

    async def complete(self, request: Request, seed: int | None) -> Reply:
        n = request.parameters.get("n", 1)
        self.asked.append(n)
        self.seeds.append(seed)
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        else:
            await asyncio.sleep(0)
        reply = self._answer(request, n) if self._answer else self.choices(request, n)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def choices(self, request: Request, n: int) -> Reply:
        first, self.n_made = self.n_made, self.n_made + n
        return from_wire(body(*(f"reply {first + place}" for place in range(n))), request, 0.5)

    async def aclose(self) -> None: ...


def request(text: str = "Hi", **parameters: Any) -> Request:
    return TARGET.request(as_messages(text), parameters)


def slot(number: int) -> Slot:
    return Slot(case="", repeat=number, ordinal=0, label="")


async def draw_all(
    server: Server, requests: list[Request], store: Store | None = None, mode: Mode = Mode.AUTO
) -> list[DrawResult | BaseException]:
    sampler = sampler_on(server, store, mode)
    try:
        draws = (
            sampler.draw(TARGET, asked, slot=slot(number), may_pay=True)
            for number, asked in enumerate(requests)
        )
        return await asyncio.gather(*draws, return_exceptions=True)
    finally:
        await sampler.aclose()


def sampler_on(server: Server, store: Store | None = None, mode: Mode = Mode.AUTO) -> Sampler:
    settings = Settings(mode=mode, endpoints=(TARGET.endpoint,), budget_usd=1.0, concurrency=50)
    return Sampler(settings, store=store, providers={"openai-chat": server})


def replies(server: Server, requests: list[Request]) -> list[Reply]:
    results = asyncio.run(draw_all(server, requests))
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result.reply for result in results if isinstance(result, DrawResult)]


def test_draws_of_one_request_share_calls() -> None:
    server = Server()
    got = replies(server, [request()] * 10)
    assert sorted(server.asked) == [2, 4, 4]
    assert sorted(reply.text for reply in got) == sorted(f"reply {n}" for n in range(10))
    assert set(server.seeds) == {None}
    assert all("seed" in reply.not_honoured for reply in got)
    assert all(len(reply.raw["choices"]) == 1 for reply in got), "each draw is kept with its own choice"


def test_a_draw_alone_is_sent_its_seed() -> None:
    server = Server()
    got = replies(server, [request("a"), request("b"), request("c", temperature=1), request("c")])
    assert server.asked == [1] * 4
    assert None not in server.seeds
    assert all("seed" not in reply.not_honoured for reply in got)
    assert all(reply.usage.output_tokens == 10 for reply in got)


def test_requests_that_differ_share_no_call() -> None:
    server = Server()
    mixed = [request("a"), request("b")] * 3
    results = asyncio.run(draw_all(server, mixed))
    assert server.asked == [3, 3]
    texts = [result.reply.text for result in results if isinstance(result, DrawResult)]
    assert {texts[0], texts[2], texts[4]} == {"reply 0", "reply 1", "reply 2"}


def test_the_bill_of_a_call_stands_with_its_first_draw() -> None:
    got = replies(Server(), [request()] * 4)
    assert [reply.cost_usd for reply in got] == [pytest.approx(100e-6 + 40 * 10e-6), 0.0, 0.0, 0.0]
    assert [reply.usage.input_tokens for reply in got] == [100, 0, 0, 0]
    assert {reply.usage.output_tokens for reply in got} == {None}, "nobody says which choice took how many"


def test_a_bill_that_nobody_knows_is_known_of_no_draw() -> None:
    def unbilled(asked: Request, n: int) -> Reply:
        return from_wire({**body(*["x"] * n), "usage": None}, asked, 0.5)

    got = replies(Server(unbilled), [request()] * 3)
    assert {reply.cost_usd for reply in got} == {None}
    assert {reply.usage.input_tokens for reply in got} == {None}


@pytest.mark.parametrize("n_given", [1, 3])
def test_a_server_that_gives_fewer_choices_is_asked_one_by_one(n_given: int) -> None:
    server = Server(lambda asked, n: server.choices(asked, min(n, n_given)))
    got = replies(server, [request()] * 4)
    assert server.asked == [4] + [1] * (4 - n_given)
    assert len({reply.text for reply in got}) == 4


def test_a_server_that_gives_fewer_choices_is_remembered() -> None:
    async def run() -> None:
        server = Server(lambda asked, n: server.choices(asked, 1))
        sampler = sampler_on(server)
        for first in (0, 4):
            draws = (sampler.draw(TARGET, request(), slot=slot(first + n), may_pay=True) for n in range(4))
            await asyncio.gather(*draws)
        assert server.asked == [4] + [1] * 7
        await sampler.aclose()

    asyncio.run(run())


def test_a_choice_that_cannot_be_read_is_asked_for_again() -> None:
    def half(asked: Request, n: int) -> Reply:
        sent = body(*(f"reply {place}" for place in range(n)))
        if n > 2:
            sent["choices"][2] = {"index": 2}
        return from_wire(sent, asked, 0.5)

    server = Server(half)
    got = replies(server, [request()] * 4)
    assert [reply.text for reply in got] == ["reply 0", "reply 1", "reply 0", "reply 0"]
    assert server.asked == [4, 1, 1]


def test_a_model_that_takes_no_n_is_asked_one_by_one() -> None:
    refusal = RequestError("HTTP 400: unsupported parameter 'n'", where="here", fix="leave it out")
    server = Server(lambda asked, n: refusal if n > 1 else server.choices(asked, 1))
    got = replies(server, [request()] * 3)
    assert server.asked == [3, 1, 1, 1]
    assert len({reply.text for reply in got}) == 3


def test_what_one_choice_does_touches_no_other() -> None:
    """One endless choice leaves the call unanswered; made alone, the others have their replies."""

    alone = iter((False, True, False, False))

    def endless(asked: Request, n: int) -> Reply | Exception:
        if n > 1 or next(alone):
            return UnansweredError("no reply to this prompt in 4 attempts", where="here")
        return server.choices(asked, 1)

    server = Server(endless)
    results = asyncio.run(draw_all(server, [request()] * 4))
    assert server.asked == [4, 1, 1, 1, 1]
    assert [isinstance(result, UnansweredError) for result in results] == [False, True, False, False]


def test_a_budget_too_small_for_a_bundle_is_used_one_by_one() -> None:
    async def run() -> None:
        server = Server()
        alone_usd = worst_case(TARGET.endpoint, request())
        assert alone_usd is not None
        settings = Settings(endpoints=(TARGET.endpoint,), budget_usd=2 * alone_usd)
        sampler = Sampler(settings, store=None, providers={"openai-chat": server})
        draws = (sampler.draw(TARGET, request(), slot=slot(number), may_pay=True) for number in range(4))
        results = await asyncio.gather(*draws)
        assert len({result.reply.text for result in results}) == 4
        assert server.asked == [1] * 4
        await sampler.aclose()

    asyncio.run(run())


def test_an_error_of_the_call_is_that_of_all_its_draws() -> None:
    server = Server(lambda *_: AccessError("HTTP 401", where="here", fix="another key"))
    results = asyncio.run(draw_all(server, [request()] * 3))
    assert server.asked == [3]
    assert all(isinstance(result, AccessError) for result in results)


def test_what_is_said_of_the_prompt_is_said_to_all() -> None:
    filtered = Reply(text="", finish_reason=FinishReason.CONTENT_FILTER, raw={"status": 400})
    server = Server(lambda *_: filtered)
    got = replies(server, [request()] * 3)
    assert server.asked == [3]
    assert {reply.finish_reason for reply in got} == {FinishReason.CONTENT_FILTER}
    assert [reply.cost_usd for reply in got] == [0.0, 0.0, 0.0]


def test_an_n_of_the_callers_is_left_alone() -> None:
    server = Server()
    replies(server, [request(n=2)] * 3)
    assert server.asked == [2, 2, 2]


def test_each_draw_is_stored_under_its_own_slot_and_read_again(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "draws.sqlite")
    server = Server()
    first = asyncio.run(draw_all(server, [request()] * 4, store))
    again = asyncio.run(draw_all(Server(), [request()] * 4, store, Mode.REPLAY))
    store.close()
    told = [
        [(r.address, r.reply.text, r.reply.cost_usd) for r in rs if isinstance(r, DrawResult)]
        for rs in (first, again)
    ]
    assert told[0] == told[1]
    assert len({address for address, _, _ in told[0]}) == 4


def test_draws_given_up_before_they_are_sent_are_not_asked_for() -> None:
    async def run() -> None:
        server = Server()
        sampler = sampler_on(server)
        tasks = [
            asyncio.ensure_future(sampler.draw(TARGET, request(), slot=slot(n), may_pay=True))
            for n in range(4)
        ]
        await asyncio.sleep(0)
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert tasks[0].result().reply.text == "reply 0"
        assert server.asked == [1]
        await sampler.aclose()

    asyncio.run(run())


def test_draws_given_up_under_way_are_kept(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "draws.sqlite")

    async def run() -> None:
        server = Server()
        server.hold = asyncio.Event()
        sampler = sampler_on(server, store)
        tasks = [
            asyncio.ensure_future(sampler.draw(TARGET, request(), slot=slot(n), may_pay=True))
            for n in range(4)
        ]
        await server.arrived.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.hold.set()
        await sampler.aclose()
        assert server.asked == [4]

    asyncio.run(run())
    assert len(list(store.recorded())) == 4, "they were paid for"
    store.close()


def test_a_draw_given_up_while_the_call_waits_takes_no_bill_with_it() -> None:
    """The first of four is given up in the endpoint's queue: what the call costs stands with another."""

    async def run() -> None:
        server = Server()
        server.hold = asyncio.Event()
        settings = Settings(endpoints=(TARGET.endpoint,), budget_usd=1.0, concurrency=1)
        sampler = Sampler(settings, store=None, providers={"openai-chat": server})
        ahead = asyncio.ensure_future(sampler.draw(TARGET, request("a"), slot=slot(9), may_pay=True))
        await server.arrived.wait()
        tasks = [
            asyncio.ensure_future(sampler.draw(TARGET, request(), slot=slot(n), may_pay=True))
            for n in range(4)
        ]
        for _ in range(5):
            await asyncio.sleep(0)
        tasks[0].cancel()
        server.hold.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert server.asked == [1, 4]
        costs = [result.reply.cost_usd for result in results if isinstance(result, DrawResult)]
        assert costs == [pytest.approx(100e-6 + 40 * 10e-6), 0.0, 0.0]
        alone = (await ahead).reply.cost_usd
        assert alone is not None
        assert sampler.stats().cost_usd == pytest.approx(alone + sum(costs))
        await sampler.aclose()

    asyncio.run(run())


def test_draws_that_got_no_choice_are_not_made_for_nobody() -> None:
    async def run() -> None:
        server = Server(lambda asked, n: server.choices(asked, 1))
        server.hold = asyncio.Event()
        sampler = sampler_on(server)
        tasks = [
            asyncio.ensure_future(sampler.draw(TARGET, request(), slot=slot(n), may_pay=True))
            for n in range(4)
        ]
        await server.arrived.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.hold.set()
        await sampler.aclose()
        assert server.asked == [4], "the other three were not sent, and nobody waits for them"

    asyncio.run(run())


def test_the_end_of_sampling_leaves_nobody_waiting() -> None:
    async def run() -> None:
        server = Server()
        server.hold = asyncio.Event()
        sampler = sampler_on(server)
        tasks = [
            asyncio.ensure_future(sampler.draw(TARGET, request(), slot=slot(n), may_pay=True))
            for n in range(4)
        ]
        await server.arrived.wait()
        await sampler.aclose(wind_down_s=0.05)
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=60)
        assert all(isinstance(result, Exception) for result in results)
        assert len(asyncio.all_tasks()) == 1, "no call is left behind"

    asyncio.run(run())


def test_n_is_read_from_an_endpoints_line() -> None:
    assert TARGET.endpoint.n == 4
    with pytest.raises(UsageError, match="has no n") as caught:
        parse_endpoint("own: api=anthropic n=4")
    assert "api=openai-chat" in caught.value.fix
    with pytest.raises(UsageError, match="n= cannot be read"):
        parse_endpoint("own: api=openai-chat n=0")


def test_split_choices_reads_what_it_can() -> None:
    whole = from_wire(body("a", "b"), request(), 0.5)
    split = split_choices(whole, request())
    assert split is not None
    assert [reply.text for reply in split] == ["a", "b"]
    assert split_choices(Reply(text="", raw={"status": 400}), request()) is None
