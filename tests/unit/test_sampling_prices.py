"""What calls cost, what they may cost, and the budget that is kept on it."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from pytest_velo.errors import BudgetError, TransientError, UsageError
from pytest_velo.records import FinishReason, JsonObject, Reply, Request, Usage
from pytest_velo.sampling.budget import HARD_STOP_SHARE, Budget, Budgeted, LocalLedger
from pytest_velo.sampling.pricing import (
    DEFAULT_OUTPUT_TOKENS,
    IMAGE_TOKENS,
    Priced,
    price_reply,
    prompt_bytes,
    worst_case,
)
from pytest_velo.settings import Api, Endpoint, Price
from support.clocks import InstantClock

OPENAI = Endpoint(name="openai", api=Api.OPENAI_CHAT)
ANTHROPIC = Endpoint(name="anthropic", api=Api.ANTHROPIC)
DECLARED = Endpoint(name="mine", api=Api.OPENAI_CHAT, price=Price(input_usd=1.0, output_usd=10.0))
UNKNOWN = Endpoint(name="vllm", api=Api.OPENAI_CHAT, base_url="http://127.0.0.1:9/v1", declared=True)
FREE = Endpoint(name="local", api=Api.LOCAL, free=True)


def ask(
    content: Any = "Hi", model: str = "gpt-4o-mini", messages: tuple[JsonObject, ...] = (), **parameters: Any
) -> Request:
    sent = messages or ({"role": "user", "content": content},)
    return Request(api="openai-chat", endpoint="e", model=model, messages=sent, parameters=parameters)


# Prices


def test_listed_prices_agree_with_the_price_list() -> None:
    from genai_prices import Usage as ListUsage
    from genai_prices import calc_price

    for endpoint, provider, model in [
        (OPENAI, "openai", "gpt-4o-mini"),
        (ANTHROPIC, "anthropic", "claude-sonnet-4-5"),
    ]:
        for n_input, n_cached, n_output in [(7, 0, 3), (15_000, 9_000, 900), (250_000, 10, 5_000)]:
            listed = calc_price(
                ListUsage(input_tokens=n_input, cache_read_tokens=n_cached, output_tokens=n_output),
                model,
                provider_id=provider,
            )
            usage = Usage(input_tokens=n_input, cached_input_tokens=n_cached, output_tokens=n_output)
            assert price_reply(endpoint, model, usage) == pytest.approx(float(listed.total_price))


def test_the_served_model_is_priced_first_and_the_asked_one_when_it_is_not_listed() -> None:
    usage = Usage(input_tokens=1000, output_tokens=1000)
    mini, full = (price_reply(OPENAI, model, usage) for model in ("gpt-4o-mini", "gpt-4o"))
    assert mini is not None
    assert full is not None
    assert mini < full
    assert price_reply(OPENAI, "gpt-4o-mini", usage, served="gpt-4o") == full
    assert price_reply(OPENAI, "gpt-4o-mini", usage, served="nobody-knows-this") == mini


def test_a_declared_price_wins_even_where_a_list_knows_better() -> None:
    endpoint = Endpoint(name="openai", api=Api.OPENAI_CHAT, price=Price(input_usd=2.0, output_usd=4.0))
    usage = Usage(input_tokens=500_000, output_tokens=250_000)
    assert price_reply(endpoint, "gpt-4o-mini", usage) == 2.0


@pytest.mark.parametrize(
    ("endpoint", "model", "usage", "cost"),
    [
        (FREE, "any", Usage(), 0.0),
        (UNKNOWN, "my-model", Usage(input_tokens=1, output_tokens=1), None),
        (OPENAI, "no-such-model", Usage(input_tokens=1, output_tokens=1), None),
        (DECLARED, "any", Usage(input_tokens=1), None),
        (Endpoint(name="x", api="of-a-plugin"), "any", Usage(input_tokens=1, output_tokens=1), None),
    ],
)
def test_unknown_is_none_and_free_is_zero(
    endpoint: Endpoint, model: str, usage: Usage, cost: float | None
) -> None:
    assert price_reply(endpoint, model, usage) == cost


def test_prices_are_read_without_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    usage = Usage(input_tokens=10, output_tokens=10)
    assert price_reply(OPENAI, "gpt-4.1-nano", usage) is not None
    assert price_reply(OPENAI, "a-model-of-tomorrow", usage) is None


def test_the_worst_case_bounds_prompt_and_reply() -> None:
    plain = worst_case(DECLARED, ask("é" * 1000, max_tokens=100))
    assert plain is not None
    assert plain >= (2000 * 1.0 + 100 * 10.0) / 1e6  # a token is a byte at least
    unlimited = worst_case(DECLARED, ask("é" * 1000))
    assert unlimited == pytest.approx(plain + (DEFAULT_OUTPUT_TOKENS - 100) * 10.0 / 1e6)
    assert worst_case(FREE, ask()) == 0.0
    assert worst_case(UNKNOWN, ask()) is None


@pytest.mark.parametrize(
    ("parameters", "n_tokens"),
    [
        ({"max_completion_tokens": 50}, 50),
        ({"max_output_tokens": 50, "n": 4}, 200),
        ({"effort": 10_000}, DEFAULT_OUTPUT_TOKENS + 10_000),
        ({"effort": "high"}, DEFAULT_OUTPUT_TOKENS),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, DEFAULT_OUTPUT_TOKENS + 10_000),
        ({"thinking": {"type": "adaptive"}}, DEFAULT_OUTPUT_TOKENS),
        ({"effort": 9, "thinking": {"budget_tokens": 10_000}}, DEFAULT_OUTPUT_TOKENS + 10_000),
    ],
)
def test_the_worst_case_knows_every_name_of_the_limit(parameters: dict[str, Any], n_tokens: int) -> None:
    worst, longer = worst_case(DECLARED, ask(**parameters)), worst_case(DECLARED, ask(max_tokens=n_tokens))
    assert worst == longer


def test_the_prompts_bound_counts_everything_that_is_sent() -> None:
    base = prompt_bytes(ask("x"))
    text = {"type": "text", "text": "x" * 500}
    image = {"type": "image", "media_type": "image/png", "data": "A" * 5_000_000}
    call = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "name": "f", "arguments": "y" * 300}],
    }
    assert prompt_bytes(ask([text])) >= base + 499
    assert prompt_bytes(ask([image])) == base - 1 + IMAGE_TOKENS
    assert prompt_bytes(ask(messages=({"role": "user", "content": "x"}, call))) >= base + 300
    assert prompt_bytes(ask("x", tools=[{"name": "f", "parameters": {"a": "z" * 200}}])) >= base + 200
    assert prompt_bytes(ask("x", schema={"title": "z" * 200})) >= base + 200
    assert prompt_bytes(ask("half an emoji: \ud83d")) > base
    thought = {"role": "assistant", "content": "x", "reasoning_content": "z" * 200}
    assert prompt_bytes(ask(messages=(thought,))) >= base + 199


class Canned:
    def __init__(self, reply: Reply | BaseException) -> None:
        self.reply = reply

    async def complete(self, request: Request, seed: int | None) -> Reply:
        if isinstance(self.reply, BaseException):
            raise self.reply
        return self.reply

    async def aclose(self) -> None:
        pass


def test_a_rejected_request_costs_nothing_and_an_unknown_usage_is_unknown() -> None:
    rejected = Reply(text="", finish_reason=FinishReason.CONTENT_FILTER, raw={"status": 400})
    filtered = Reply(text="half a", finish_reason=FinishReason.CONTENT_FILTER)
    costs = [
        asyncio.run(Priced(Canned(reply), DECLARED).complete(ask(), 1)).cost_usd
        for reply in (rejected, filtered)
    ]
    assert costs == [0.0, None]


# The budget


def test_an_unknown_price_is_a_usage_error_before_the_call() -> None:
    called = Canned(AssertionError("it was called"))
    provider = Budgeted(called, UNKNOWN, Budget(1.0, ledger=LocalLedger(), clock=InstantClock()))
    with pytest.raises(UsageError, match="vllm/my-model") as caught:
        asyncio.run(provider.complete(ask(model="my-model"), 1))
    assert "price=IN/OUT" in caught.value.fix
    assert "--velo-budget=none" in caught.value.fix


def cents(number: int) -> float:
    return number / 100


def test_first_calls_hold_their_worst_case_and_later_ones_the_99th_percentile() -> None:
    async def session() -> list[float]:
        budget = Budget(100.0, ledger=LocalLedger(), clock=InstantClock())
        held = []
        for _ in range(30):
            reservation = await budget.reserve("m", 1.0)
            held.append(reservation.held_usd)
            budget.settle(reservation, 0.25)
        return held

    held = asyncio.run(session())
    assert held[:20] == [1.0] * 20
    assert held[20:] == [0.25] * 10


def test_at_the_cap_the_next_call_is_refused_with_the_reason() -> None:
    async def session() -> None:
        budget = Budget(1.0, ledger=LocalLedger(), clock=InstantClock())
        for _ in range(3):
            budget.settle(await budget.reserve("m", 0.4), 0.3)
        await budget.reserve("openai/m", 0.4)

    with pytest.raises(BudgetError) as caught:
        asyncio.run(session())
    assert "$1.00" in caught.value.what
    assert "$0.90 are spent" in caught.value.what
    assert "--velo-budget=2.00" in caught.value.fix


def test_a_call_waits_for_what_calls_in_flight_hold_instead_of_failing() -> None:
    async def session() -> list[str]:
        budget, order = Budget(1.0, ledger=LocalLedger(), clock=InstantClock()), []
        first = await budget.reserve("m", 0.9)

        async def second() -> None:
            budget.settle(await budget.reserve("m", 0.5), 0.1)
            order.append("second")

        task = asyncio.create_task(second())
        await asyncio.sleep(0)
        order.append("first")
        budget.settle(first, 0.1)
        await task
        return order

    assert asyncio.run(session()) == ["first", "second"]


def test_failed_and_cancelled_calls_give_their_reservation_back() -> None:
    ledger = LocalLedger()

    async def session() -> None:
        budget = Budget(1.0, ledger=ledger, clock=InstantClock())
        failing = Budgeted(Canned(TransientError("no", kind="server")), DECLARED, budget)
        with pytest.raises(TransientError):
            await failing.complete(ask(), 1)

        class Hanging(Canned):
            async def complete(self, request: Request, seed: int | None) -> Reply:
                await asyncio.Event().wait()
                raise AssertionError

        hanging = asyncio.create_task(Budgeted(Hanging(Reply(text="")), DECLARED, budget).complete(ask(), 1))
        await asyncio.sleep(0)
        assert ledger.spent("") > 0
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging

    asyncio.run(session())
    assert ledger.spent("") == pytest.approx(0.0)


def test_a_reply_of_unknown_cost_is_booked_at_its_worst_case() -> None:
    ledger = LocalLedger()
    budget = Budget(1.0, ledger=ledger, clock=InstantClock())
    asyncio.run(Budgeted(Canned(Reply(text="")), DECLARED, budget).complete(ask(), 1))
    assert ledger.spent("") == worst_case(DECLARED, ask())


def test_a_worker_waits_for_the_reservations_of_others_and_for_nothing_in_vain() -> None:
    clock, ledger = InstantClock(), LocalLedger()

    async def session() -> tuple[float, float]:
        others, mine = (Budget(1.0, ledger=ledger, clock=clock, workers=2) for _ in range(2))
        theirs = await others.reserve("m", 0.9)
        waiting = asyncio.create_task(mine.reserve("m", 0.5))
        for _ in range(50):
            await asyncio.sleep(0)
        assert 1.0 < clock.time < 10.0
        assert not waiting.done()
        others.settle(theirs, 0.2)
        mine.settle(await waiting, 0.5)
        begun = clock.time
        with pytest.raises(BudgetError):
            await mine.reserve("m", 0.5)
        first_s, begun = clock.time - begun, clock.time
        with pytest.raises(BudgetError):
            await mine.reserve("m", 0.5)
        return first_s, clock.time - begun

    first_s, second_s = asyncio.run(session())
    assert first_s == pytest.approx(10.0)
    assert second_s == 0.0


def test_the_hard_stop_limits_what_usual_prices_leave_uncovered() -> None:
    async def session() -> tuple[int, float]:
        budget = Budget(1.0, ledger=LocalLedger(), clock=InstantClock())
        for _ in range(20):
            budget.settle(await budget.reserve("m", 0.05), cents(1))
        reservations = []
        while True:
            task = asyncio.create_task(budget.reserve("m", 0.05))
            for _ in range(3):
                await asyncio.sleep(0)
            if not task.done():
                task.cancel()
                break
            reservations.append(await task)
        return len(reservations), sum(item.worst_usd for item in reservations)

    n_in_flight, at_worst = asyncio.run(session())
    assert n_in_flight >= 16
    assert 0.2 + at_worst <= 1.0 + HARD_STOP_SHARE + 1e-9


# What a call may cost, whatever way it is asked for


@pytest.mark.parametrize(
    "limits",
    [
        {"max_tokens": 100_000.0},
        {"max_tokens": 10, "max_completion_tokens": 100_000},
        {"max_tokens": 10, "max_output_tokens": 100_000},
        {"max_tokens": 50_000, "n": 2.0},
        {"thinking": {"type": "enabled", "budget_tokens": 100_000.0}},
    ],
    ids=str,
)
def test_a_limit_counts_however_it_is_written(limits: dict[str, Any]) -> None:
    bound = worst_case(DECLARED, ask("", **limits))
    assert bound is not None
    assert bound >= 100_000 * 10e-6, "that many tokens of output can come"


def test_a_text_in_a_parameter_of_the_providers_own_is_paid_for() -> None:
    long = "word " * 10_000
    for parameters in (
        {"instructions": long},
        {"prediction": {"type": "content", "content": long}},
        {"functions": [{"name": "f", "description": long}]},
    ):
        assert prompt_bytes(ask("Hi", **parameters)) >= len(long)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ],
    ids=str,
)
def test_what_a_part_refers_to_is_paid_for_not_the_reference(part: dict[str, Any]) -> None:
    assert prompt_bytes(ask([part])) >= IMAGE_TOKENS


@pytest.mark.parametrize("limit", [-1, 0, -(10**9)])
def test_a_limit_that_is_none_bounds_nothing(limit: int) -> None:
    """Some servers take -1 for "as long as it wants"; a price below 0 would let every call through."""
    assert worst_case(DECLARED, ask("Hi", max_tokens=limit)) == worst_case(DECLARED, ask("Hi"))
    assert worst_case(DECLARED, ask("Hi", n=limit)) == worst_case(DECLARED, ask("Hi"))
