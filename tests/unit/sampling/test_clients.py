"""The SDKs' clients over our transport, beside the same clients over their own: equal in all they give.

The cases are those of the SDKs' own tests: plain and parsed answers, tools, streams, raw responses, options,
errors. Each is run over a plain client, over ours against the server, and over ours once more from the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from enum import Enum
from functools import partial
from typing import Any, Literal

import anthropic
import openai
import pytest
from pydantic import BaseModel

from pytest_velo.errors import BodyError, CacheMissError, InvalidTrial, OutageError
from pytest_velo.providers import relay
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.outgoing import Parcel
from pytest_velo.providers.posted import understood
from pytest_velo.providers.sdk_clients import make_client
from pytest_velo.sampling.carrier import Carrier, outgoing
from pytest_velo.sampling.draws import DrawMemory
from pytest_velo.sampling.halt import Halt
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.retrying import RetryPolicy
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.sampling.scope import TrialScope, enter
from pytest_velo.sampling.trial import Trial
from pytest_velo.settings import Mode, Settings
from support.clocks import InstantClock
from support.sdk_server import Got, SdkServer, Sent, chat

KEY = "sk-canary-7f3a91c2e5d84b60"
ASKED: list[Any] = [{"role": "user", "content": "What's the weather like in SF?"}]
WEATHER = {"name": "get_weather", "description": "The weather."}
PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {**WEATHER, "parameters": PLACE}}
USE: Any = {**WEATHER, "input_schema": PLACE}

Case = Callable[[Any], Awaitable[Any]]


class Bench:
    """Runs cases over the clients of one SDK."""

    def __init__(self, server: SdkServer) -> None:
        self.server = server
        self.store = DrawMemory()
        self.scope: TrialScope | None = None

    def plain(self, sdk: str, case: Case) -> Any:
        """Run a case over the SDK's own transport."""

        async def run() -> Any:
            kind: Any = openai.AsyncOpenAI if sdk == "openai" else anthropic.AsyncAnthropic
            base = self.server.address + ("/v1" if sdk == "openai" else "")
            async with kind(api_key=KEY, base_url=base, max_retries=0) as client:
                return await seen(case(client))

        return asyncio.run(run())

    def ours(self, sdk: str, case: Case, *, mode: Mode = Mode.AUTO, policy: RetryPolicy | None = None) -> Any:
        """Run a case in a trial, over our transport."""

        async def run() -> Any:
            sampler = Sampler(
                Settings(mode=mode, budget_usd=None), self.store, clock=InstantClock(), policy=policy
            )
            scope = self.scope = scope_of(sampler)
            enter(scope)
            client = self.client(sdk)
            try:
                return await seen(case(client))
            finally:
                scope.end()
                await client.close()
                await sampler.aclose()

        return asyncio.run(run())

    def client(self, sdk: str, *, is_async: bool = True) -> Any:
        """Make a client over our transport."""
        api, base = ("openai-chat", "/v1") if sdk == "openai" else ("anthropic", "")
        line = f"lab: api={api} base_url={self.server.address}{base} key=LAB_KEY price=free timeout_s=60"
        endpoint = parse_endpoint(line)
        return make_client(sdk, endpoint, is_async=is_async, transport=Carrier(endpoint, f"{sdk}_client"))  # type: ignore[arg-type]


def scope_of(sampler: Any, **more: Any) -> TrialScope:
    plain: dict[str, Any] = {"case": None, "case_digest": "c", "stream": "", "may_pay": True, "block": None}
    trial = Trial(index=0, repeat=0, seed=7)
    return TrialScope(trial=trial, drawer=sampler, **{**plain, "home": _running(), **more})


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def seen(work: Awaitable[Any]) -> Any:
    """Return what a case gives, or what it raises, as plain values."""
    try:
        return plain_of(await work)
    except (openai.OpenAIError, anthropic.AnthropicError, ValueError) as error:
        told = getattr(error, "status_code", None)
        return type(error).__name__, told


def plain_of(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return type(value).__name__, value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [plain_of(part) for part in value]
    return value


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("LAB_KEY", KEY)
    server = SdkServer()
    yield Bench(server)
    server.close()


class Units(Enum):
    C, F = "c", "f"


class Location(BaseModel):
    city: str
    temperature: float
    units: Literal["c", "f"]
    scale: Units | None = None


class GetWeather(BaseModel):
    city: str


LOCATION = json.dumps({"city": "San Francisco", "temperature": 65, "units": "f"})


async def plain_answer(c: Any) -> Any:
    return await c.chat.completions.create(model="m", messages=ASKED, temperature=0.5, seed=3)


async def parsed_nothing(c: Any) -> Any:
    return await c.chat.completions.parse(model="m", messages=ASKED)


async def parsed_model(c: Any) -> Any:
    return await c.chat.completions.parse(model="m", messages=ASKED, response_format=Location)


async def parsed_tool(c: Any) -> Any:
    tools = [openai.pydantic_function_tool(GetWeather)]
    return await c.chat.completions.parse(model="m", messages=ASKED, tools=tools)


async def tool_not_strict(c: Any) -> Any:
    return await c.chat.completions.parse(model="m", messages=ASKED, tools=[TOOL])


async def tools(c: Any) -> Any:
    return await c.chat.completions.create(model="m", messages=ASKED, tools=[TOOL], tool_choice="auto")


async def streamed(c: Any) -> Any:
    return [e async for e in await c.chat.completions.create(model="m", messages=ASKED, stream=True)]


async def stream_left_early(c: Any) -> Any:
    async with await c.chat.completions.create(model="m", messages=ASKED, stream=True) as stream:
        return await anext(aiter(stream))


async def stream_of_events(c: Any) -> Any:
    async with c.chat.completions.stream(model="m", messages=ASKED, response_format=Location) as stream:
        events = [event.type async for event in stream]
        return [*events, await stream.get_final_completion()]


async def stream_of_tools(c: Any) -> Any:
    strict = openai.pydantic_function_tool(GetWeather)
    async with c.chat.completions.stream(model="m", messages=ASKED, tools=[strict]) as stream:
        events = [event.type async for event in stream]
        return [*events, (await stream.get_final_completion()).choices[0].message]


async def raw_response(c: Any) -> Any:
    raw = await c.chat.completions.with_raw_response.create(model="m", messages=ASKED)
    return [raw.status_code, raw.headers["content-type"], raw.request_id, raw.parse()]


async def streaming_response(c: Any) -> Any:
    async with c.chat.completions.with_streaming_response.create(model="m", messages=ASKED) as raw:
        return [raw.status_code, [line async for line in raw.iter_lines()]]


async def other_options(c: Any) -> Any:
    changed = c.with_options(timeout=3, default_headers={"X-Team": "blue"}, max_retries=0)
    return await changed.chat.completions.create(model="m", messages=ASKED, extra_body={"top_k": 3})


async def floats(c: Any) -> Any:
    return await c.embeddings.create(model="e", input=["abba", "c"], encoding_format="float")


async def base64_vectors(c: Any) -> Any:
    return await c.embeddings.create(model="e", input="abba")


async def response_made(c: Any) -> Any:
    made = await c.responses.create(model="m", input="Hi", instructions="Be brief.")
    return [made, made.output_text]


async def response_parsed(c: Any) -> Any:
    return (await c.responses.parse(model="m", input="Hi", text_format=Location)).output_parsed


async def response_streamed(c: Any) -> Any:
    return [event async for event in await c.responses.create(model="m", input="Hi", stream=True)]


async def response_events(c: Any) -> Any:
    async with c.responses.stream(model="m", input="Hi", text_format=Location) as stream:
        events = [event.type async for event in stream]
        return [*events, (await stream.get_final_response()).output_parsed]


async def models(c: Any) -> Any:
    return [model.id async for model in await c.models.list()]


async def message_made(c: Any) -> Any:
    return await c.messages.create(model="m", max_tokens=9, messages=ASKED, system="Be brief.")


async def message_parsed(c: Any) -> Any:
    made = await c.messages.parse(model="m", max_tokens=9, messages=ASKED, output_format=Location)
    return made.parsed_output


async def message_tools(c: Any) -> Any:
    return await c.messages.create(model="m", max_tokens=9, messages=ASKED, tools=[USE])


async def message_streamed(c: Any) -> Any:
    stream = await c.messages.create(model="m", max_tokens=9, messages=ASKED, stream=True)
    return [event async for event in stream]


async def message_events_of(c: Any) -> Any:
    async with c.messages.stream(model="m", max_tokens=9, messages=ASKED, tools=[USE]) as stream:
        events = [event.type async for event in stream]
        return [*events, await stream.get_final_message()]


async def message_text(c: Any) -> Any:
    async with c.messages.stream(model="m", max_tokens=9, messages=ASKED) as stream:
        return [text async for text in stream.text_stream]


async def message_raw(c: Any) -> Any:
    raw = await c.messages.with_raw_response.create(model="m", max_tokens=9, messages=ASKED)
    return [raw.status_code, raw.headers["content-type"], await _parsed(raw)]


async def _parsed(raw: Any) -> Any:
    made = raw.parse()
    return await made if asyncio.iscoroutine(made) else made


async def message_tool_runner(c: Any) -> Any:
    @anthropic.beta_async_tool
    async def get_weather(city: str) -> str:
        """Tell the weather.

        Args:
            city: Where.
        """
        return f"Fog in {city}."

    runner = c.beta.messages.tool_runner(model="m", max_tokens=9, messages=ASKED, tools=[get_weather])
    return [message async for message in runner]


TOOL_CALL = 'TOOL {"city": "Lyon"}'


def once_a_tool(body: dict[str, Any], _n: int) -> str:
    return TOOL_CALL if len(body["messages"]) == 1 else "Fog in Lyon."


EQUAL: dict[str, tuple[str, Case, Any]] = {
    "plain": ("openai", plain_answer, "Foggy."),
    "parsed nothing": ("openai", parsed_nothing, "Foggy."),
    "parsed model": ("openai", parsed_model, LOCATION),
    "parsed model, no such value": ("openai", parsed_model, '{"city": "Lyon"}'),
    "parsed tool": ("openai", parsed_tool, TOOL_CALL),
    "a tool that is not strict": ("openai", tool_not_strict, TOOL_CALL),
    "tools": ("openai", tools, TOOL_CALL),
    "stream": ("openai", streamed, "It is foggy."),
    "stream left early": ("openai", stream_left_early, "It is foggy."),
    "stream of events": ("openai", stream_of_events, LOCATION),
    "stream of tools": ("openai", stream_of_tools, TOOL_CALL),
    "raw response": ("openai", raw_response, "Foggy."),
    "streaming response": ("openai", streaming_response, "Foggy."),
    "other options": ("openai", other_options, "Foggy."),
    "embeddings as floats": ("openai", floats, ""),
    "embeddings as base64": ("openai", base64_vectors, ""),
    "response": ("openai", response_made, "Foggy, 15 °C."),
    "response parsed": ("openai", response_parsed, LOCATION),
    "response streamed": ("openai", response_streamed, "Foggy."),
    "response events": ("openai", response_events, LOCATION),
    "models": ("openai", models, ""),
    "message": ("anthropic", message_made, "Foggy, 15 °C."),
    "message parsed": ("anthropic", message_parsed, LOCATION),
    "message tools": ("anthropic", message_tools, TOOL_CALL),
    "message streamed": ("anthropic", message_streamed, "It is foggy."),
    "message events": ("anthropic", message_events_of, TOOL_CALL),
    "message text": ("anthropic", message_text, "It is foggy."),
    "message raw": ("anthropic", message_raw, "Foggy."),
    "message tool runner": ("anthropic", message_tool_runner, once_a_tool),
}


@pytest.mark.parametrize("name", EQUAL)
def test_a_client_gives_what_the_sdks_own_gives(bench: Bench, name: str) -> None:
    sdk, case, said = EQUAL[name]
    bench.server.said = said if callable(said) else lambda _body, _n: said
    plain = bench.plain(sdk, case)
    sent = len(bench.server.calls)
    assert bench.ours(sdk, case) == plain
    drawn = bench.server.calls[sent:]
    assert [(got.path, got.body) for got in drawn] == [
        (got.path, got.body) for got in bench.server.calls[:sent]
    ]
    assert [got.headers.get("x-team") for got in drawn] == [
        got.headers.get("x-team") for got in bench.server.calls[:sent]
    ]
    assert bench.ours(sdk, case) == plain  # from the store
    again = len(bench.server.calls) - 2 * sent
    assert again == (sent if name == "models" else 0)
    assert bench.scope is not None
    assert bench.scope.trouble is None
    assert bench.scope.n_unawaited == bench.scope.n_under_way == 0
    texts = [call.reply.text for call in bench.scope.calls]
    assert all(texts) or TOOL_CALL in (said, once_a_tool({"messages": [0]}, 0))


def failing(status: int, code: str = "", headers: dict[str, str] | None = None) -> Callable[[Got], Sent]:
    error = {"message": "It did not work.", "type": "some_error", "code": code or None}
    return lambda _got: Sent({"type": "error", "error": error}, status, headers or {})


QUICK = RetryPolicy(outage_attempts=2, unanswered_attempts=2, never_answered=9, breaker=9, garbage_in_a_row=9)


async def insistent(c: Any) -> Any:
    """What many programs do: retry by the SDK, and by hand."""
    for attempt in range(3):
        try:
            return await c.with_options(max_retries=2).chat.completions.create(model="m", messages=ASKED)
        except openai.APIError:
            if attempt == 2:
                raise
    return None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
    ],
)
def test_the_body_sees_the_sdks_own_error_and_the_trial_is_an_error(
    bench: Bench, status: int, kind: type[openai.APIStatusError]
) -> None:
    bench.server.answer = failing(status)
    assert bench.plain("openai", plain_answer) == (kind.__name__, status)
    bench.server.calls.clear()
    assert bench.ours("openai", plain_answer, policy=QUICK) == (kind.__name__, status)
    assert bench.scope is not None
    assert "It did not work." in str(bench.scope.trouble)
    assert len(bench.server.calls) == (2 if status == 429 else 1)


def test_a_loop_of_retries_ends_with_the_trials_error(bench: Bench) -> None:
    bench.server.answer = failing(429)
    with pytest.raises(Halt) as halted:
        bench.ours("openai", insistent, policy=QUICK)
    assert isinstance(halted.value.reason, OutageError)
    assert len(bench.server.calls) == 2  # ours alone: the SDK's retries and the program's sent nothing


def test_a_prompt_that_gets_no_answer_makes_the_trial_invalid(bench: Bench) -> None:
    bench.server.answer = failing(500)
    assert bench.ours("openai", plain_answer, policy=QUICK) == ("InternalServerError", 500)
    assert bench.scope is not None
    assert bench.scope.trouble is None
    assert "no reply" in (bench.scope.invalid or "")


async def for_ever(c: Any) -> Any:
    """What some programs do about errors that may pass."""
    while True:
        with contextlib.suppress(openai.APIError):
            return await c.chat.completions.create(model="m", messages=ASKED)


def test_a_loop_without_end_ends_where_a_prompt_gets_no_answer(bench: Bench) -> None:
    bench.server.answer = failing(500)
    with pytest.raises(Halt) as halted:
        bench.ours("openai", for_ever, policy=QUICK)
    assert isinstance(halted.value.reason, InvalidTrial)
    assert bench.scope is not None
    assert bench.scope.trouble is None
    assert "no reply" in (bench.scope.invalid or "")
    assert len(bench.server.calls) == 2


def test_a_content_filter_is_kept_and_makes_the_trial_invalid(bench: Bench) -> None:
    bench.server.answer = failing(400, "content_filter")
    for _ in range(2):
        assert bench.ours("openai", plain_answer) == ("BadRequestError", 400)
        assert bench.scope is not None
        assert bench.scope.trouble is None
        assert "content filter" in (bench.scope.invalid or "")
    assert len(bench.server.calls) == 1


async def hurried(c: Any) -> Any:
    quick = c.with_options(timeout=0.2, max_retries=3)
    return await quick.chat.completions.create(model="m", messages=ASKED)


def test_a_time_limit_of_the_call_is_the_attempts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_seconds: float) -> None:
        return None

    monkeypatch.setattr("openai._base_client.anyio.sleep", at_once)
    answered = threading.Event()

    def never(_got: Got) -> Sent:
        answered.wait(60)
        return Sent({})

    bench.server.answer = never
    assert bench.ours("openai", hurried, policy=QUICK) == ("APITimeoutError", None)
    answered.set()
    assert bench.scope is not None
    # Not counted at the server, which an attempt may never reach in so short a time.
    assert "in 2 attempts, the last with: no reply within 0.2 s" in (bench.scope.invalid or "")


@pytest.mark.parametrize("name", ["stream", "response streamed", "message streamed"])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_stream_that_breaks_off_is_asked_for_again_and_never_kept(
    bench: Bench, name: str, kept: float
) -> None:
    sdk, case, said = EQUAL[name]
    bench.server.said = lambda _body, _n: said
    whole = bench.plain(sdk, case)
    n_sent = len(bench.server.calls)
    good, cut = bench.server.reply, iter([True, False])

    def answer(got: Got) -> Sent:
        sent = good(got)
        body = sent.body[: int(len(sent.body) * kept)] if next(cut) else sent.body
        return Sent(body, headers=sent.headers)

    bench.server.answer = answer
    assert bench.ours(sdk, case) == whole
    assert len(bench.server.calls) - n_sent == 2
    assert bench.ours(sdk, case) == whole
    assert len(bench.server.calls) - n_sent == 2


def test_an_error_inside_a_stream_is_the_servers(bench: Bench) -> None:
    told = {"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}
    headers = {"Content-Type": "text/event-stream"}
    bench.server.answer = lambda _got: Sent(f"data: {json.dumps(told)}\n\n".encode(), headers=headers)
    assert bench.ours("openai", streamed, policy=QUICK) == ("RateLimitError", 429)
    assert bench.scope is not None
    assert "Slow down." in str(bench.scope.trouble)


def test_a_cut_reply_is_handed_over_and_makes_the_trial_invalid(bench: Bench) -> None:
    bench.server.answer = lambda got: Sent(chat(got.body, '{"city"', finish="length"))
    assert bench.ours("openai", parsed_model)[0] == "LengthFinishReasonError"
    assert bench.scope is not None
    assert "cut" in (bench.scope.invalid or "")


def test_replay_without_a_draw_ends_the_trial_past_what_the_body_catches(bench: Bench) -> None:
    with pytest.raises(Halt) as halted:
        bench.ours("openai", insistent, mode=Mode.REPLAY)
    assert isinstance(halted.value.reason, CacheMissError)
    assert bench.scope is not None
    assert bench.scope.trouble is halted.value.reason
    assert not bench.server.calls


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.images.generate(model="m", prompt="A cat."),
        lambda c: c.audio.speech.create(model="m", voice="alloy", input="Hi"),
        lambda c: c.batches.create(completion_window="24h", endpoint="/v1/responses", input_file_id="f"),
        lambda c: c.fine_tuning.jobs.create(model="m", training_file="f"),
        lambda c: c.completions.create(model="m", prompt="Hi"),
        lambda c: c.moderations.create(input="Hi"),
    ],
)
def test_what_is_no_draw_and_costs_is_refused_in_words(bench: Bench, call: Case) -> None:
    with pytest.raises(Halt) as halted:
        bench.ours("openai", call)
    assert isinstance(halted.value.reason, BodyError)
    assert "openai_client cannot POST /v1/" in str(halted.value.reason)
    assert not bench.server.calls


def test_files_and_counts_are_passed_on(bench: Bench) -> None:
    bench.server.answer = lambda got: Sent({"id": "f", "object": "file", "input_tokens": 7})

    async def uploaded(c: Any) -> Any:
        return (await c.files.create(file=b"{}", purpose="batch")).id

    async def counted(c: Any) -> Any:
        return (await c.messages.count_tokens(model="m", messages=ASKED)).input_tokens

    assert bench.ours("openai", uploaded) == "f"
    assert bench.ours("anthropic", counted) == 7
    assert bench.scope is not None
    assert not bench.scope.calls


def test_a_redirect_and_a_proxy_go_over_httpx(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.server.said = lambda _body, _n: "Foggy."
    moved = {"Location": f"{bench.server.address}/v2/chat/completions"}

    def answer(got: Got) -> Sent:
        return Sent({}, 307, moved) if got.path.startswith("/v1") else bench.server.reply(got)

    bench.server.answer = answer
    assert "Foggy." in str(bench.ours("openai", plain_answer))
    assert bench.server.paths() == ["/v1/chat/completions"] * 2 + ["/v2/chat/completions"]
    monkeypatch.setattr(relay, "getproxies", lambda: {"https": "http://proxy.example:3128"})
    assert "gy." in str(bench.ours("openai", streamed))
    assert bench.server.paths()[3:] == ["/v1/chat/completions", "/v2/chat/completions"]


def test_a_key_that_the_server_echoes_is_struck_out(bench: Bench) -> None:
    bench.server.said = lambda _body, _n: f"Your key is {KEY}."
    made = bench.ours("openai", plain_answer)
    events = bench.ours("openai", streamed)
    assert KEY not in f"{made} {events} {bench.store.__dict__}"
    assert "***" in str(made)


def test_what_carries_a_request_is_never_shown() -> None:
    parcel = Parcel(url="http://lab.example", headers={"x-api-key": KEY}, content=b"")
    body = b'{"model": "m", "messages": []}'
    posted = understood("POST", "/v1/messages", body)
    assert posted is not None
    sent = outgoing(posted, parse_endpoint("lab: api=anthropic"), parcel, "/v1/messages")
    assert KEY not in f"{parcel!r} {sent!r}"


def test_equal_requests_of_a_trial_are_draws_of_their_own(bench: Bench) -> None:
    bench.server.said = lambda _body, n: f"Answer {n}."

    async def best_of(c: Any) -> Any:
        asked = [c.chat.completions.create(model="m", messages=ASKED) for _ in range(3)]
        return sorted(made.choices[0].message.content for made in await asyncio.gather(*asked))

    assert bench.ours("openai", best_of) == ["Answer 0.", "Answer 1.", "Answer 2."]
    assert bench.ours("openai", best_of) == ["Answer 0.", "Answer 1.", "Answer 2."]
    assert len(bench.server.calls) == 3
    assert bench.scope is not None
    assert sorted(call.address.slot for call in bench.scope.calls) == ["c:0:0", "c:0:1", "c:0:2"]


def test_a_beta_header_is_a_part_of_what_is_asked(bench: Bench) -> None:
    for beta in ("one-2026", "two-2026", "one-2026"):
        bench.ours("anthropic", partial(_with_beta, beta))
    assert [got.headers["anthropic-beta"] for got in bench.server.calls] == ["one-2026", "two-2026"]


async def _with_beta(beta: str, c: Any) -> Any:
    headers = {"anthropic-beta": beta}
    return await c.messages.create(model="m", max_tokens=9, messages=ASKED, extra_headers=headers)


def in_a_trial(bench: Bench, body: Callable[[], Any], *, is_async: bool) -> Any:
    """Run a body as the runner does: on the loop, or in a worker thread."""
    loop = SampleLoop()
    sampler = Sampler(Settings(budget_usd=None), bench.store)

    async def go() -> Any:
        bench.scope = scope_of(sampler, block=None if is_async else loop.call)
        enter(bench.scope)
        return await (body() if is_async else loop.run_blocking(body))

    loop.on_close(sampler.aclose)
    try:
        return loop.run(go())
    finally:
        loop.close()


def asked_of(client: Any) -> Any:
    return client.chat.completions.create(model="m", messages=ASKED)


def test_blocking_clients_and_loops_of_the_bodys_own(bench: Bench) -> None:
    bench.server.said = lambda _body, _n: "Foggy."

    def plain() -> str:
        return asked_of(bench.client("openai", is_async=False)).choices[0].message.content

    def own_loop() -> str:
        async def program() -> str:
            async with bench.client("openai") as client:
                return (await asked_of(client)).choices[0].message.content

        return asyncio.run(program())

    async def threads() -> list[str]:
        return [await asyncio.to_thread(plain), await asyncio.to_thread(own_loop)]

    assert in_a_trial(bench, plain, is_async=False) == "Foggy."
    assert in_a_trial(bench, own_loop, is_async=False) == "Foggy."
    assert in_a_trial(bench, threads, is_async=True) == ["Foggy.", "Foggy."]
    assert len(bench.server.calls) == 2  # the second of a trial is its second draw


def test_a_blocking_client_on_the_loop_is_refused(bench: Bench) -> None:
    async def body() -> Any:
        return asked_of(bench.client("openai", is_async=False))

    with pytest.raises(Halt, match="would wait for itself"):
        in_a_trial(bench, body, is_async=True)


def test_a_thread_that_lost_its_trial_is_noted(bench: Bench) -> None:
    client = bench.client("openai", is_async=False)
    caught: list[BaseException] = []

    def thread() -> None:
        try:
            asked_of(client)
        except BaseException as error:
            caught.append(error)

    started = threading.Thread(target=thread)
    started.start()
    started.join()
    (halted,) = caught
    assert isinstance(halted, Halt)
    assert "outside a running trial" in str(halted.reason)
    assert client._client._transport.lost is halted.reason
