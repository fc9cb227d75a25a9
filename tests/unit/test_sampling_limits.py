"""The gate, the declared limits and the retries, on a virtual clock: nothing here waits for real."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeVar

import pytest

from pytest_velo.errors import (
    AccessError,
    OutageError,
    RequestError,
    TransientError,
    TransientKind,
    UnansweredError,
)
from pytest_velo.records import Reply, Request, Usage
from pytest_velo.sampling.attempt import Gated
from pytest_velo.sampling.concurrency import Gate
from pytest_velo.sampling.pacing import Pacer
from pytest_velo.sampling.retrying import Retrying, RetryPolicy

T = TypeVar("T")


class VirtualClock:
    """Time that passes only when everybody waits for it."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._n_sleeps = 0

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._n_sleeps += 1
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, self._n_sleeps, woken))
        await woken

    async def drive(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        while not task.done():
            for _ in range(100):
                await asyncio.sleep(0)
            if not task.done():
                assert self._sleepers, "everybody waits, and not for time: a deadlock"
                at, _, woken = heapq.heappop(self._sleepers)
                self._now = max(self._now, at)
                if not woken.done():
                    woken.set_result(None)
        return await task

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(self.drive(work))


class Script:
    """A provider whose attempts come to what a list says; the last entry is repeated."""

    def __init__(self, *outcomes: BaseException | str, clock: VirtualClock, takes_s: float = 0.0) -> None:
        self._outcomes = deque(outcomes)
        self._clock = clock
        self._takes_s = takes_s
        self.sent_at: list[float] = []
        self.n_inside = 0
        self.n_inside_most = 0

    async def complete(self, request: Request, seed: int | None) -> Reply:
        self.sent_at.append(self._clock.now())
        self.n_inside += 1
        self.n_inside_most = max(self.n_inside_most, self.n_inside)
        outcome = self._outcomes.popleft() if len(self._outcomes) > 1 else self._outcomes[0]
        try:
            if self._takes_s:
                await self._clock.sleep(self._takes_s)
            if isinstance(outcome, BaseException):
                raise outcome
            return Reply(text=outcome, usage=Usage(input_tokens=10, output_tokens=20))
        finally:
            self.n_inside -= 1

    async def aclose(self) -> None:
        pass


def ask(text: str = "Hi") -> Request:
    messages = ({"role": "user", "content": text},)
    return Request(api="scripted", endpoint="e", model="m", messages=messages)


def failure(kind: TransientKind, retry_after_s: float | None = None) -> TransientError:
    return TransientError(f"a {kind} problem", kind=kind, retry_after_s=retry_after_s)


def gather(calls: Iterable[Coroutine[Any, Any, T]]) -> Coroutine[Any, Any, list[T]]:
    async def together() -> list[T]:
        return list(await asyncio.gather(*calls))

    return together()


# The gate


def test_no_more_than_the_ceiling_are_inside() -> None:
    clock = VirtualClock()
    script = Script("ok", clock=clock, takes_s=1.0)
    gated = Gated(script, Gate(4, pacer=None, clock=clock))
    clock.run(gather(gated.complete(ask(), 1) for _ in range(20)))
    assert script.n_inside_most == 4
    assert clock.now() == 1005.0


def test_attempts_that_may_be_billed_unseen_are_counted() -> None:
    clock = VirtualClock()
    trouble = [failure("timeout"), failure("garbage"), failure("rate_limit"), failure("connection")]
    gated = Gated(Script(*trouble, "ok", clock=clock, takes_s=1.0), Gate(4, pacer=None, clock=clock))

    async def calls() -> None:
        for _ in range(5):
            with suppress(TransientError):
                await gated.complete(ask(), 1)
        given_up = asyncio.ensure_future(gated.complete(ask(), 1))
        await clock.sleep(0.5)
        given_up.cancel()
        with suppress(asyncio.CancelledError):
            await given_up

    clock.run(calls())
    assert gated.n_lost == 3


def test_a_reply_that_the_server_broke_off_may_be_billed() -> None:
    clock = VirtualClock()
    broken = TransientError("half a reply", kind="server", status=200)
    gated = Gated(Script(broken, clock=clock), Gate(1, pacer=None, clock=clock))
    with pytest.raises(TransientError):
        clock.run(gated.complete(ask(), 1))
    assert gated.n_lost == 1


def test_calls_pass_in_the_order_in_which_they_came() -> None:
    clock = VirtualClock()
    gate = Gate(2, pacer=None, clock=clock)
    order: list[int] = []

    async def call(number: int) -> None:
        await gate.enter()
        order.append(number)
        await clock.sleep(1.0 + number % 3)
        gate.leave()

    clock.run(gather(call(number) for number in range(12)))
    assert order == list(range(12))


def test_a_newcomer_does_not_overtake_the_queue_when_room_appears() -> None:
    clock = VirtualClock()
    gate = Gate(1, pacer=None, clock=clock)
    order: list[str] = []

    async def call(name: str) -> None:
        await gate.enter()
        order.append(name)
        gate.leave()

    async def session() -> None:
        await gate.enter()
        queued = asyncio.create_task(call("queued"))
        await asyncio.sleep(0)
        gate.leave()  # the queued one is woken, but has not run yet
        await call("newcomer")
        await queued

    clock.run(session())
    assert order == ["queued", "newcomer"]


def test_a_cancelled_call_in_the_queue_blocks_nobody() -> None:
    clock = VirtualClock()
    gate = Gate(1, pacer=None, clock=clock)

    async def session() -> None:
        await gate.enter()
        first, second = (asyncio.create_task(gate.enter()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        gate.leave()
        await second

    clock.run(session())


def test_one_burst_of_429s_cuts_the_limit_once() -> None:
    clock = VirtualClock()
    gate = Gate(16, pacer=None, clock=clock)

    async def session() -> list[int]:
        limits = []
        for _ in range(3):
            tickets = [await gate.enter() for _ in range(gate.limit)]
            for ticket in tickets:
                gate.congested(ticket, None)
                gate.leave()
            limits.append(gate.limit)
        return limits

    assert clock.run(session()) == [8, 4, 2]
    assert gate.throttling().n_cuts == 3


def test_the_limit_never_falls_below_one_and_grows_back_to_the_ceiling_one_a_round() -> None:
    clock = VirtualClock()
    gate = Gate(8, pacer=None, clock=clock)

    async def session() -> tuple[int, int, list[int]]:
        for _ in range(10):
            gate.congested(await gate.enter(), None)
            gate.leave()
        floor, limits = gate.limit, []
        for _ in range(10):
            for _ in range(gate.limit):
                gate.succeeded()
            limits.append(gate.limit)
        for _ in range(100):
            gate.succeeded()
        return floor, gate.limit, limits

    floor, ceiling, limits = clock.run(session())
    assert (floor, ceiling) == (1, 8)
    assert all(0 <= later - earlier <= 1 for earlier, later in pairwise(limits))
    assert limits[-1] >= 6


def test_a_retry_after_holds_the_whole_endpoint_and_is_accounted_for() -> None:
    clock = VirtualClock()
    script = Script(failure("rate_limit", 30.0), "ok", clock=clock)
    gate = Gate(4, pacer=None, clock=clock)
    gated = Gated(script, gate)

    async def session() -> None:
        with pytest.raises(TransientError):
            await gated.complete(ask("first"), 1)
        await asyncio.gather(*(gated.complete(ask(str(n)), n) for n in range(3)))

    clock.run(session())
    assert script.sent_at == [1000.0, 1030.0, 1030.0, 1030.0]
    assert gate.throttling().throttled_s == 30.0


def test_waiting_at_the_full_ceiling_is_not_called_throttling() -> None:
    clock = VirtualClock()
    gate = Gate(1, pacer=None, clock=clock)
    gated = Gated(Script("ok", clock=clock, takes_s=1.0), gate)
    clock.run(gather(gated.complete(ask(), 1) for _ in range(5)))
    assert gate.throttling().throttled_s == 0.0


def test_waiting_at_a_cut_limit_is_throttling() -> None:
    clock = VirtualClock()
    gate = Gate(2, pacer=None, clock=clock)

    async def session() -> None:
        gate.congested(await gate.enter(), None)
        waiting = asyncio.create_task(gate.enter())
        await clock.sleep(3.0)
        gate.leave()
        await waiting

    clock.run(session())
    assert gate.throttling().throttled_s == 3.0


def test_calls_queued_behind_an_hours_pause_are_refused_unsent() -> None:
    clock = VirtualClock()
    script = Script(failure("rate_limit", 3600.0), clock=clock)
    gated = Gated(script, Gate(4, pacer=None, clock=clock))

    async def session() -> list[float | None]:
        asked = []
        for number in range(3):
            with pytest.raises(TransientError) as caught:
                await gated.complete(ask(str(number)), number)
            asked.append(caught.value.retry_after_s)
        return asked

    assert clock.run(session()) == [3600.0, 3600.0, 3600.0]
    assert script.sent_at == [1000.0]


# Declared limits


def test_requests_a_minute_are_kept() -> None:
    clock = VirtualClock()
    script = Script("ok", clock=clock)
    gate = Gate(50, pacer=Pacer(rpm=120, tpm=None, now=clock.now()), clock=clock)
    gated = Gated(script, gate)
    clock.run(gather(gated.complete(ask(), 1) for _ in range(300)))
    first, last = script.sent_at[0], script.sent_at[-1]
    assert last - first == pytest.approx(298 / 2)  # the first second's two go at once
    for begin in script.sent_at:
        assert sum(begin <= at < begin + 60 for at in script.sent_at) <= 122
    assert gate.throttling().paced_s == pytest.approx(last - first)
    assert gate.throttling().throttled_s == 0.0


def test_tokens_a_minute_are_kept_by_what_calls_really_used() -> None:
    clock = VirtualClock()
    script = Script("ok", clock=clock)
    pacer = Pacer(rpm=None, tpm=3000, now=clock.now())
    gated = Gated(script, Gate(50, pacer=pacer, clock=clock), counts_tokens=True)

    async def one_by_one() -> None:
        for number in range(101):
            await gated.complete(ask(), number)

    clock.run(one_by_one())
    # 30 tokens a call, 50 tokens a second: the estimates, far larger, are given back.
    assert script.sent_at[-1] - script.sent_at[0] == pytest.approx(100 * 30 / 50, rel=0.1)


def test_a_call_larger_than_the_bucket_goes_and_leaves_a_debt() -> None:
    pacer = Pacer(rpm=None, tpm=600, now=0.0)
    assert pacer.delay_s(10_000, 0.0) == 0.0
    pacer.take(10_000, 0.0)
    assert pacer.delay_s(1, 0.0) == pytest.approx((10_000 - 10 + 1) / 10)


def test_hazard_12_declared_rates_are_divided_by_the_workers() -> None:
    alone, shared = (Pacer(rpm=60, tpm=None, now=0.0, workers=workers) for workers in (1, 4))
    for pacer in (alone, shared):
        pacer.take(0, 0.0)
    assert (alone.delay_s(0, 0.0), shared.delay_s(0, 0.0)) == (1.0, 4.0)


# Retries


def retrying(script: Script, clock: VirtualClock, **policy: Any) -> Retrying:
    return Retrying(script, where="endpoint e", clock=clock, n_kept=lambda: 7, policy=RetryPolicy(**policy))


@pytest.mark.parametrize(
    "kind", ["rate_limit", "overloaded", "unreached", "connection", "timeout", "server", "garbage"]
)
def test_what_may_pass_is_tried_again(kind: TransientKind) -> None:
    clock = VirtualClock()
    provider = retrying(Script(failure(kind), failure(kind), "at last", clock=clock), clock)
    assert clock.run(provider.complete(ask(), 1)) == "at last"
    assert provider.n_retries == 2


@pytest.mark.parametrize("error", [AccessError("no such key"), RequestError("malformed")])
def test_what_cannot_pass_is_not_tried_again(error: Exception) -> None:
    clock = VirtualClock()
    provider = retrying(Script(error, clock=clock), clock)
    with pytest.raises(type(error)):
        clock.run(provider.complete(ask(), 1))
    assert provider.n_retries == 0


def test_backoff_doubles_with_a_jitter_that_belongs_to_the_draw() -> None:
    def delays(seed: int) -> list[float]:
        clock = VirtualClock()
        script = Script(*[failure("rate_limit")] * 5, "ok", clock=clock)
        clock.run(retrying(script, clock).complete(ask(), seed))
        return [later - earlier for earlier, later in pairwise(script.sent_at)]

    first, again, other = delays(1), delays(1), delays(2)
    assert first == again
    assert first != other
    for delay, longest in zip(first, [0.5, 1.0, 2.0, 4.0, 8.0], strict=True):
        assert longest / 2 <= delay <= longest


def test_a_retry_after_is_obeyed() -> None:
    clock = VirtualClock()
    script = Script(failure("rate_limit", 42.0), "ok", clock=clock)
    clock.run(retrying(script, clock).complete(ask(), 1))
    assert script.sent_at == [1000.0, 1042.0]


def test_a_retry_after_of_an_hour_ends_in_a_clear_error_not_a_sleep() -> None:
    clock = VirtualClock()
    provider = retrying(Script(failure("rate_limit", 3600.0), clock=clock), clock)
    with pytest.raises(OutageError) as caught:
        clock.run(provider.complete(ask(), 1))
    assert clock.now() == 1000.0
    assert caught.value.where == "endpoint e"
    for fact in ("3600 s", "in 1 h 0 min, at ", "rate_limit", "7 draws"):
        assert fact in caught.value.what
    assert "run again later" in caught.value.fix


@pytest.mark.parametrize("kind", ["rate_limit", "overloaded", "unreached", "connection"])
def test_what_cannot_depend_on_the_prompt_ends_as_an_outage(kind: TransientKind) -> None:
    clock = VirtualClock()
    provider = retrying(Script("ok", failure(kind), clock=clock), clock)

    async def session() -> None:
        await provider.complete(ask(), 1)
        with pytest.raises(OutageError, match=f"a {kind} problem"):
            await provider.complete(ask(), 2)

    clock.run(session())
    assert 120 <= clock.now() - 1000 <= 150


def test_an_endpoint_never_reached_is_given_up_soon() -> None:
    clock = VirtualClock()
    provider = retrying(Script(failure("connection"), clock=clock), clock)
    with pytest.raises(OutageError) as caught:
        clock.run(provider.complete(ask(), 1))
    assert "check base_url" in caught.value.fix, "there are no draws to come back for"
    assert 15 <= clock.now() - 1000 <= 31  # the attempt before 15 s, and its backoff of 16 s at most


def test_a_host_that_is_not_there_is_given_up_within_seconds() -> None:
    clock = VirtualClock()
    provider = retrying(Script(failure("unreached"), clock=clock), clock)
    with pytest.raises(OutageError, match=r"no answer after [45] attempts: a unreached problem"):
        clock.run(provider.complete(ask(), 1))
    assert 2 <= clock.now() - 1000 <= 8
    with pytest.raises(OutageError, match=r"no answer after 1 attempt: "):
        clock.run(provider.complete(ask(), 2))


def test_a_host_that_has_answered_is_waited_for_when_it_is_gone() -> None:
    clock = VirtualClock()
    provider = retrying(Script("ok", *[failure("unreached")] * 6, "back", clock=clock), clock)

    async def session() -> str:
        await provider.complete(ask(), 1)
        return (await provider.complete(ask(), 2)).text

    assert clock.run(session()) == "back"
    assert clock.now() - 1000 > 8


def test_an_endpoint_that_is_out_is_asked_once_per_call_until_it_answers() -> None:
    clock = VirtualClock()
    outage = [failure("connection")] * 6
    script = Script(*outage, failure("connection"), "back", failure("connection"), "ok", clock=clock)
    provider = retrying(script, clock, outage_attempts=6, unreached_after_s=1e9)

    async def session() -> list[int]:
        n_sent = []
        for _ in range(2):
            with pytest.raises(OutageError):
                await provider.complete(ask(), 1)
            n_sent.append(len(script.sent_at))
        for _ in range(2):
            await provider.complete(ask(), 1)
            n_sent.append(len(script.sent_at))
        return n_sent

    to_outage, one_more, back, retried = clock.run(session())
    assert (one_more - to_outage, back - one_more, retried - back) == (1, 1, 2)


def test_congestion_is_no_outage_while_others_are_answered() -> None:
    clock = VirtualClock()
    slow = Script(*[failure("rate_limit")] * 13, "at last", clock=clock)

    class Busy(Script):
        async def complete(self, request: Request, seed: int | None) -> Reply:
            is_slow = request == ask("slow")
            return await (slow.complete(request, seed) if is_slow else super().complete(request, seed))

    provider = retrying(Busy("ok", clock=clock), clock, outage_attempts=14)

    async def others() -> None:
        for number in range(10):
            await clock.sleep(40.0)
            await provider.complete(ask("other"), number)

    async def session() -> Reply:
        background = asyncio.create_task(others())
        reply = await provider.complete(ask("slow"), 1)
        background.cancel()
        return reply

    assert clock.run(session()) == "at last"
    assert clock.now() - 1000 > 150


CONTENT: list[TransientKind] = ["server", "timeout", "garbage"]


@pytest.mark.parametrize("kind", CONTENT)
def test_a_prompt_that_only_gets_5xx_is_unanswered(kind: TransientKind) -> None:
    clock = VirtualClock()
    script = Script("ok", failure(kind), clock=clock)
    provider = retrying(script, clock)

    async def session() -> None:
        await provider.complete(ask("answered"), 1)
        with pytest.raises(UnansweredError, match="in 4 attempts"):
            await provider.complete(ask(), 1)

    clock.run(session())
    assert len(script.sent_at) == 5


def ends(provider: Retrying, clock: VirtualClock, *requests: Request) -> list[str]:
    """Return how each call ended, one after another."""

    async def session() -> list[str]:
        names = []
        for number, request in enumerate(requests):
            try:
                names.append(str(await provider.complete(request, number)))
            except (UnansweredError, OutageError) as error:
                names.append(type(error).__name__)
        return names

    return clock.run(session())


def test_different_prompts_unanswered_in_a_row_are_an_outage() -> None:
    clock = VirtualClock()
    provider = retrying(Script("ok", failure("server"), clock=clock), clock)
    prompts = [ask(f"prompt {number}") for number in range(7)]
    assert ends(provider, clock, *prompts) == ["ok"] + ["UnansweredError"] * 4 + ["OutageError"] * 2


@pytest.mark.parametrize("kind", ["server", "timeout"])
@pytest.mark.parametrize("same", [True, False])
def test_a_model_that_never_answered_anything_is_out_soon(kind: TransientKind, same: bool) -> None:
    clock = VirtualClock()
    provider = retrying(Script(failure(kind), clock=clock), clock)
    prompts = [ask("the only prompt" if same else f"prompt {number}") for number in range(4)]
    assert ends(provider, clock, *prompts) == ["UnansweredError"] * 2 + ["OutageError"] * 2


def test_a_model_that_never_answered_in_time_may_need_longer() -> None:
    clock = VirtualClock()
    provider = retrying(Script(failure("timeout"), clock=clock), clock, never_answered=1)
    with pytest.raises(OutageError, match=r": 1 call went unanswered, with: a timeout problem") as caught:
        clock.run(provider.complete(ask(), 1))
    assert "timeout_s=" in caught.value.fix
    assert "draws made so far" not in caught.value.fix


def test_bodies_that_are_no_replies_end_the_calls_to_a_model_after_few_attempts() -> None:
    clock = VirtualClock()
    script = Script(failure("garbage"), clock=clock)
    provider = retrying(script, clock)
    calls = [provider.complete(ask(f"prompt {number}"), number) for number in range(3)]

    async def session() -> list[object]:
        return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(end) for end in clock.run(session())] == [OutageError] * 3
    assert len(script.sent_at) <= 6, "a storm of retries"


def test_where_a_model_has_answered_garbage_in_a_row_is_an_outage_later() -> None:
    clock = VirtualClock()
    script = Script("ok", failure("garbage"), clock=clock)
    prompts = [ask(f"prompt {number}") for number in range(4)]
    wanted = ["ok", "UnansweredError", "OutageError", "OutageError"]
    assert ends(retrying(script, clock), clock, *prompts) == wanted
    assert len(script.sent_at) == 1 + 8 + 1


def test_what_one_model_answers_tells_nothing_of_another_at_the_same_address() -> None:
    clock = VirtualClock()
    broken = Script(failure("garbage"), clock=clock)

    class Two(Script):
        async def complete(self, request: Request, seed: int | None) -> Reply:
            return await (broken if request.model == "broken" else super()).complete(request, seed)

    provider = retrying(Two("ok", clock=clock), clock)
    other = replace(ask("other"), model="broken")
    assert ends(provider, clock, ask(), other, ask(), other) == ["ok", "OutageError", "ok", "OutageError"]
    assert len(broken.sent_at) == 5, "four attempts, and one of the second call"


def test_a_server_that_loads_its_model_is_waited_for_as_long_as_a_call_may_take() -> None:
    clock = VirtualClock()
    script = Script(*[failure("loading")] * 20, "ready", clock=clock)
    provider = Retrying(script, where="endpoint e", clock=clock, loading_s=300.0)
    assert ends(provider, clock, ask()) == ["ready"]
    assert max(later - earlier for earlier, later in pairwise(script.sent_at)) <= 5.0

    provider = Retrying(
        Script(failure("loading"), clock=clock), where="endpoint e", clock=clock, loading_s=30.0
    )
    began = clock.now()
    with pytest.raises(OutageError, match="still getting ready after 30 s") as caught:
        clock.run(provider.complete(ask(), 1))
    assert 30 <= clock.now() - began <= 35
    assert "timeout_s" in caught.value.fix


def test_a_long_estimate_of_the_loading_is_no_outage() -> None:
    clock = VirtualClock()
    script = Script(*[failure("loading", 240.0)] * 3, "ready", clock=clock)
    assert ends(Retrying(script, where="e", clock=clock, loading_s=600.0), clock, ask()) == ["ready"]


def test_an_error_that_names_its_fix_keeps_it() -> None:
    clock = VirtualClock()
    error = TransientError("a web page", kind="garbage", fix="check base_url")
    with pytest.raises(OutageError) as caught:
        clock.run(retrying(Script(error, clock=clock), clock).complete(ask(), 1))
    assert caught.value.fix == "check base_url"


def test_an_outage_of_the_provider_is_not_tried_again() -> None:
    clock = VirtualClock()
    script = Script(OutageError("the certificate is not trusted"), clock=clock)
    with pytest.raises(OutageError, match="certificate"):
        clock.run(retrying(script, clock).complete(ask(), 1))
    assert len(script.sent_at) == 1


def test_one_poisoned_prompt_is_no_outage_while_others_are_answered() -> None:
    clock = VirtualClock()
    replies = [failure("server")] * 4 + ["ok"]
    provider = retrying(Script(*replies * 9, clock=clock), clock)

    async def session() -> None:
        for number in range(8):
            with pytest.raises(UnansweredError):
                await provider.complete(ask("poison"), number)
            await provider.complete(ask(f"prompt {number}"), number)

    clock.run(session())


def test_one_prompt_alone_unanswered_for_long_is_an_outage() -> None:
    clock = VirtualClock()
    provider = retrying(Script("ok", failure("server"), clock=clock), clock)
    told = ends(provider, clock, *[ask("the only prompt")] * 12)
    assert told == ["ok"] + ["UnansweredError"] * 9 + ["OutageError"] * 2


class Noted:
    """A gate that notes the tokens it is told of."""

    def __init__(self) -> None:
        self.entered: list[int] = []
        self.corrected: list[int] = []

    async def enter(self, tokens: int = 0) -> int:
        self.entered.append(tokens)
        return 0

    def succeeded(self, n_extra_tokens: int = 0) -> None:
        self.corrected.append(n_extra_tokens)

    def leave(self) -> None: ...


def paced(reply: Reply, **parameters: Any) -> Noted:
    class Answers:
        async def complete(self, request: Request, seed: int | None) -> Reply:
            return reply

        async def aclose(self) -> None: ...

    gate: Any = Noted()
    asked = Request(api="a", endpoint="e", model="m", messages=(), parameters=parameters)
    asyncio.run(Gated(Answers(), gate, counts_tokens=True).complete(asked, None))
    return gate


def test_a_call_for_several_draws_is_paced_as_several() -> None:
    assert paced(Reply(text="x"), max_tokens=100, n=8).entered == [800]


def test_tokens_that_nobody_knows_are_not_given_back() -> None:
    assert paced(Reply(text="x", usage=Usage(input_tokens=5)), max_tokens=100).corrected == [0]
    assert paced(Reply(text="x", usage=Usage(input_tokens=5, output_tokens=5)), max_tokens=100).corrected == [
        -90
    ]
