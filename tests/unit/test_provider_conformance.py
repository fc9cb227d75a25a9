"""One suite that every provider passes: the same question, the same reply, whatever the wire says.

The HTTP providers run their real SDK clients against recorded responses; `local` runs against recorded
answers of its engine; `scripted` plays replies. A provider is skipped only where it cannot have the thing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from pytest_velo.cache.keys import request_key
from pytest_velo.errors import AccessError, RequestError, TransientError, UsageError
from pytest_velo.providers import anthropic_messages, local, openai_chat, openai_responses
from pytest_velo.providers.base import Provider
from pytest_velo.providers.embedded import Embedded
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.registry import Target, open_provider, resolve
from pytest_velo.providers.scripted import scripted
from pytest_velo.records import FinishReason, Reply, Request, TokenLogprob, ToolCall, Usage, as_messages
from pytest_velo.settings import BUILTIN_ENDPOINTS, Api, Endpoint

CANARY = "CANARY-KEY-0123456789"
OPENERS = {
    Api.OPENAI_CHAT: openai_chat.open_chat,
    Api.OPENAI_RESPONSES: openai_responses.open_responses,
    Api.ANTHROPIC: anthropic_messages.open_messages,
}
HTTP = tuple(OPENERS)
CITY_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {"name": "get_weather", "description": "The weather in a city", "parameters": CITY_SCHEMA}

SCRIPTED_REPLIES = {
    "plain": Reply(text="The capital is Paris.", usage=Usage(input_tokens=19, output_tokens=10)),
    "refusal": Reply(
        text="I can't help with that.",
        refused=True,
        finish_reason=FinishReason.REFUSAL,
        raw={"refused": True},
    ),
    "tool_call": Reply(
        text="",
        finish_reason=FinishReason.TOOL_CALLS,
        tool_calls=(ToolCall(id="call_1", name="get_weather", arguments={"city": "Lyon"}),),
    ),
    "cut": Reply(text="Once upon a", finish_reason=FinishReason.LENGTH),
    "structured": '{"city": "Lyon"}',
    "rate_limited": TransientError("slow down", kind="rate_limit", retry_after_s=6.5, status=429),
}


def recorded(api: Api) -> dict[str, Any]:
    path = Path(__file__).parent / "wire" / f"{api}.json"
    shapes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return shapes


@dataclass
class Bench:
    """A provider under test, what it is answered with, and what it sent."""

    api: Api
    monkeypatch: pytest.MonkeyPatch
    sent: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def target(self) -> Target:
        if self.api is Api.LOCAL:
            return resolve("local/smollm2-135m")
        if self.api is Api.SCRIPTED:
            return resolve("scripted/conformance")
        return Target(endpoint=self.endpoint(), model="gpt-x")

    def endpoint(self, line: str = "") -> Endpoint:
        if line:
            return parse_endpoint(line)
        return Endpoint(
            name="here",
            api=self.api,
            base_url="https://api.openai.com/v1" if self.api is not Api.ANTHROPIC else None,
            key_env="CANARY",
            headers={"x-team": "HEADER-SECRET-42"},
        )

    def ask(
        self, shape: str, messages: Any = "What is the capital?", *, seed: int | None = 7, **parameters: Any
    ) -> Reply:
        """Return the provider's reply when it is answered with the recorded `shape`."""
        prompt = as_messages(messages)
        return self.exchange(self.answers(shape), self.target().request(prompt, parameters), seed)

    def exchange(
        self, answer: Callable[[httpx2.Request], httpx2.Response], request: Request, seed: int | None = 7
    ) -> Reply:
        async def run() -> Reply:
            provider = self.open(answer)
            try:
                return await provider.complete(request, seed)
            finally:
                await provider.aclose()

        return asyncio.run(run())

    def answers(self, shape: str) -> Any:
        if self.api is Api.SCRIPTED:
            return self._or_skip(SCRIPTED_REPLIES, shape)
        record = self._or_skip(recorded(self.api), shape)
        return record["body"] if self.api is Api.LOCAL else respond(**record)

    def _or_skip(self, shapes: Mapping[str, Any], shape: str) -> Any:
        if shape not in shapes:
            pytest.skip(f"a {self.api} provider cannot answer with: {shape}")
        return shapes[shape]

    def open(self, answer: Any) -> Provider:
        match self.api:
            case Api.SCRIPTED:
                scripted("conformance", self._play(answer))
                return open_provider(self.target().endpoint, slots=2)
            case Api.LOCAL:
                server = Embedded(
                    address="http://127.0.0.1:1", api_key="k", slots=1, engine=self._engine(answer)
                )
                self.monkeypatch.setattr(local, "embedded", lambda _model, *, slots: server)
                return open_provider(self.target().endpoint, slots=2)
            case _:
                self.monkeypatch.setenv("CANARY", CANARY)
                client = httpx2.AsyncClient(transport=httpx2.MockTransport(self._tapped(answer)))
                return OPENERS[self.api](self.endpoint(), slots=2, http_client=client)

    def _play(self, answer: Any) -> Callable[[Request], Any]:
        def play(request: Request) -> Any:
            self.sent.append({"messages": list(request.messages)})
            if isinstance(answer, Exception):
                raise answer
            return answer

        return play

    def _engine(self, answer: Any) -> Any:
        sent = self.sent

        class Engine:
            listening_address = "http://127.0.0.1:1"

            def handle_chat_completions(self, prompt: dict[str, Any]) -> Any:
                sent.append(prompt)
                return answer

        return Engine()

    def _tapped(self, answer: Callable[[httpx2.Request], httpx2.Response]) -> Any:
        def handle(request: httpx2.Request) -> httpx2.Response:
            self.sent.append(json.loads(request.content))
            self.headers.append(request.headers)
            return answer(request)

        return handle


def respond(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Callable[[httpx2.Request], httpx2.Response]:
    return lambda _request: httpx2.Response(status, json=body, headers=dict(headers or {}))


@pytest.fixture(params=list(Api), ids=str)
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(request.param, monkeypatch)


@pytest.fixture(params=HTTP, ids=str)
def http_bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(request.param, monkeypatch)


@contextmanager
def refusing(kind: type[Exception]) -> Iterator[pytest.ExceptionInfo[Any]]:
    """Expect an error of `kind` that leaks no secret, in itself or in what it was raised from."""
    with pytest.raises(kind) as caught:
        yield caught
    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in f"{error} {error!r} {error.args}"
        error = error.__cause__


# --- Replies ---------------------------------------------------------------------------------------


def test_a_plain_answer(bench: Bench) -> None:
    reply = bench.ask("plain")
    assert reply.text == "The capital is Paris."
    assert reply.finish_reason is FinishReason.STOP
    assert not reply.refused
    assert reply.reasoning is None
    assert reply.answers("paris")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (19, 10)
    assert reply.latency_s is not None
    assert reply.latency_s >= 0
    assert reply.cost_usd is None, "a wrapper prices replies"
    assert reply.model_served is not None or bench.api is Api.SCRIPTED


def test_details_of_usage(http_bench: Bench) -> None:
    usage = http_bench.ask("plain").usage
    assert usage.cached_input_tokens == 4
    assert usage.reasoning_tokens == 3


def test_the_whole_body_is_kept(http_bench: Bench) -> None:
    assert http_bench.ask("plain").raw == recorded(http_bench.api)["plain"]["body"]


def test_reasoning_without_a_text(bench: Bench) -> None:
    reply = bench.ask("reasoning_without_text")
    assert reply.text == ""
    assert reply.reasoning == "The user wants the capital."
    assert reply.finish_reason is FinishReason.LENGTH


def test_a_refusal_is_a_reply(bench: Bench) -> None:
    reply = bench.ask("refusal")
    assert reply.refused
    assert reply.finish_reason is FinishReason.REFUSAL
    assert reply.text == "I can't help with that."


def test_a_content_filter_is_a_reply(bench: Bench) -> None:
    reply = bench.ask("filtered")
    assert reply.finish_reason is FinishReason.CONTENT_FILTER
    assert reply.text == ""
    assert not reply.refused, "the filter is not the model"
    assert reply.raw["status"] == 400


def test_a_context_overflow_is_a_reply(bench: Bench) -> None:
    assert bench.ask("overflow").finish_reason is FinishReason.CONTEXT_OVERFLOW


def test_a_tool_call(bench: Bench) -> None:
    reply = bench.ask("tool_call", tools=[WEATHER])
    (call,) = reply.tool_calls
    assert (call.id, call.name, call.arguments) == ("call_1", "get_weather", {"city": "Lyon"})
    assert reply.finish_reason is FinishReason.TOOL_CALLS


def test_a_cut_reply_says_so(bench: Bench) -> None:
    reply = bench.ask("cut", max_tokens=3)
    assert (reply.text, reply.finish_reason) == ("Once upon a", FinishReason.LENGTH)


def test_structured_output_is_parsed(bench: Bench) -> None:
    assert bench.ask("structured", schema=CITY_SCHEMA).parsed == {"city": "Lyon"}
    assert bench.ask("structured").parsed is None, "nobody asked for JSON"


def test_an_answer_that_is_no_json_is_not_parsed(bench: Bench) -> None:
    assert bench.ask("cut", schema=CITY_SCHEMA).parsed is None


def test_several_turns_are_sent_in_order(bench: Bench) -> None:
    turns = [
        {"role": "user", "content": "Where is Lyon?"},
        {"role": "assistant", "content": "In France."},
        {"role": "user", "content": "And its capital?"},
    ]
    bench.ask("plain", turns)
    assert [(turn["role"], turn["content"]) for turn in sent_turns(bench)] == [
        ("user", "Where is Lyon?"),
        ("assistant", "In France."),
        ("user", "And its capital?"),
    ]


def test_thinking_goes_back_as_it_came(http_bench: Bench) -> None:
    first = http_bench.ask("thinking", effort="high")
    assert first.reasoning == "Two rivers meet there."
    assert first.text == "Lyon."
    assert first.usage.reasoning_tokens == 12
    turns = [
        {"role": "user", "content": "Which city?"},
        first.message,
        {"role": "user", "content": "Why?"},
    ]
    http_bench.ask("plain", turns)
    body = recorded(http_bench.api)["thinking"]["body"]
    match http_bench.api:
        case Api.OPENAI_CHAT:
            assert (
                sent_turns(http_bench)[1]["reasoning_details"]
                == body["choices"][0]["message"]["reasoning_details"]
            )
        case Api.OPENAI_RESPONSES:
            assert http_bench.sent[-1]["input"][1:3] == body["output"]
        case _:
            assert sent_turns(http_bench)[1]["content"] == body["content"]


def test_a_reply_continues_what_was_begun(bench: Bench) -> None:
    turns = [{"role": "user", "content": "Capital?"}, {"role": "assistant", "content": "The capital"}]
    reply = bench.ask("plain", turns)
    assert reply.prefill == "The capital"
    assert reply.text == " is Paris."


def test_a_field_of_a_message_is_sent_or_refused(bench: Bench) -> None:
    named = [{"role": "user", "content": "Hi", "name": "Ada"}]
    if bench.api in (Api.OPENAI_CHAT, Api.SCRIPTED):
        bench.ask("plain", named)
        assert sent_turns(bench) == named
        return
    with pytest.raises(UsageError, match="`name` of messages"):
        bench.ask("plain", named)
    assert bench.sent == [], "it is found before any call"


def test_a_tool_result_answers_its_call(http_bench: Bench) -> None:
    call = {"id": "call_1", "name": "get_weather", "arguments": {"city": "Lyon"}}
    turns = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    ]
    http_bench.ask("plain", turns, tools=[WEATHER])
    asked, answered = sent_turns(http_bench)[-2:]
    match http_bench.api:
        case Api.OPENAI_CHAT:
            function = {"name": "get_weather", "arguments": '{"city": "Lyon"}'}
            assert asked["tool_calls"] == [{"id": "call_1", "type": "function", "function": function}]
            assert answered == {"role": "tool", "content": "rain", "tool_call_id": "call_1"}
        case Api.OPENAI_RESPONSES:
            assert (asked["call_id"], asked["arguments"]) == ("call_1", '{"city": "Lyon"}')
            assert answered == {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
        case _:
            assert asked["content"] == [
                {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Lyon"}}
            ]
            assert answered["content"][0]["tool_use_id"] == "call_1"


def sent_turns(bench: Bench) -> list[dict[str, Any]]:
    body = bench.sent[-1]
    turns: list[dict[str, Any]] = body.get("input") or body["messages"]
    return turns


def test_log_probabilities(bench: Bench) -> None:
    if bench.api is Api.SCRIPTED:
        pytest.skip("a script gives whatever log probabilities it likes")
    if bench.api is Api.ANTHROPIC:
        with pytest.raises(UsageError, match="no log probabilities"):
            bench.ask("plain", logprobs=2)
        assert bench.sent == [], "it is found before any call"
        return
    reply = bench.ask("plain", logprobs=2)
    assert reply.logprobs[0] == TokenLogprob(token="The", logprob=-0.02, top={"The": -0.02, "Paris": -4.1})
    assert len(reply.logprobs) == 2
    assert bench.sent[-1]["top_logprobs"] == 2


@pytest.mark.parametrize("count", [-1, 21, True, "3"])
def test_an_impossible_number_of_log_probabilities(count: object, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="must be a whole number from 0 to 20"):
        Bench(Api.OPENAI_CHAT, monkeypatch).ask("plain", logprobs=count)


# --- What is sent ----------------------------------------------------------------------------------


def test_neutral_parameters_get_their_wire_names(http_bench: Bench) -> None:
    http_bench.ask(
        "plain",
        as_messages("Hi", "Be brief."),
        max_tokens=50,
        temperature=0.7,
        top_p=0.9,
        effort="low",
        schema=CITY_SCHEMA,
        tools=[WEATHER],
        service_tier="flex",
    )
    body = http_bench.sent[-1]
    assert (body["temperature"], body["top_p"], body["service_tier"]) == (0.7, 0.9, "flex")
    match http_bench.api:
        case Api.OPENAI_CHAT:
            assert (body["max_completion_tokens"], body["reasoning_effort"], body["seed"]) == (50, "low", 7)
            assert body["response_format"]["json_schema"]["schema"] == CITY_SCHEMA
            assert body["response_format"]["json_schema"]["strict"] is True
            assert body["tools"] == [{"type": "function", "function": WEATHER}]
        case Api.OPENAI_RESPONSES:
            assert (body["max_output_tokens"], body["reasoning"]) == (50, {"effort": "low"})
            assert body["text"]["format"]["schema"] == CITY_SCHEMA
            assert body["tools"][0]["parameters"] == CITY_SCHEMA
            assert body["include"] == ["reasoning.encrypted_content"]
            assert "seed" not in body
        case _:
            assert (body["max_tokens"], body["system"]) == (50, "Be brief.")
            assert body["output_config"] == {
                "effort": "low",
                "format": {"type": "json_schema", "schema": CITY_SCHEMA},
            }
            assert body["thinking"]["type"] == "adaptive"
            assert body["tools"][0]["input_schema"] == CITY_SCHEMA
            assert "seed" not in body


def test_nothing_is_sent_that_was_not_asked_for(http_bench: Bench) -> None:
    http_bench.ask("plain", seed=None)
    extra = set(http_bench.sent[-1]) - {"model", "messages", "input"}
    assert extra == ({"max_tokens"} if http_bench.api is Api.ANTHROPIC else set())


def test_an_image(http_bench: Bench) -> None:
    image = {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="}
    turns = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]
    http_bench.ask("plain", turns)
    sent = sent_turns(http_bench)[0]["content"][1]
    url = "data:image/png;base64,iVBORw0KGgo="
    match http_bench.api:
        case Api.OPENAI_CHAT:
            assert sent == {"type": "image_url", "image_url": {"url": url}}
        case Api.OPENAI_RESPONSES:
            assert sent == {"type": "input_image", "image_url": url, "detail": "auto"}
        case _:
            source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
            assert sent == {"type": "image", "source": source}


def test_what_is_not_honoured_is_recorded(bench: Bench) -> None:
    reply = bench.ask("plain", stop=["\n"], effort="low")
    expected = {
        Api.OPENAI_CHAT: (),
        Api.OPENAI_RESPONSES: ("seed", "stop"),
        Api.ANTHROPIC: ("seed",),
        Api.LOCAL: ("effort",),
        Api.SCRIPTED: (),
    }
    assert reply.not_honoured == expected[bench.api]


def test_anthropic_takes_sampling_parameters_only_in_an_older_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(Api.ANTHROPIC, monkeypatch)
    bench.ask("plain")
    bench.ask("plain", temperature=0.2)
    newest, older = (headers["anthropic-version"] for headers in bench.headers)
    assert older == "2023-06-01"
    assert newest >= older


def test_two_endpoints_with_one_model_name_share_no_draw(http_bench: Bench) -> None:
    lines = [
        f"one: api={http_bench.api} base_url=http://127.0.0.1:8001/v1 weights=ckpt-1",
        f"one: api={http_bench.api} base_url=http://127.0.0.1:8001/v1 weights=ckpt-2",
        f"two: api={http_bench.api} base_url=http://127.0.0.1:8002/v1 weights=ckpt-1",
    ]
    requests = [
        Target(endpoint=parse_endpoint(line), model="same").request(as_messages("Hi")) for line in lines
    ]
    assert len({request_key(request) for request in requests}) == 3


def test_a_base_url_of_the_environment_is_an_endpoint_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    there = resolve("openai/gpt-x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    here = resolve("openai/gpt-x")
    assert here.endpoint.base_url == "http://127.0.0.1:9/v1"
    assert here.endpoint.identity != there.endpoint.identity


# --- Failures --------------------------------------------------------------------------------------


def test_a_model_that_takes_no_temperature(http_bench: Bench) -> None:
    with refusing(RequestError) as caught:
        http_bench.ask("no_temperature", temperature=0.7)
    assert "leave temperature= out" in caught.value.fix


def test_a_rate_limit_says_how_long_to_wait(bench: Bench) -> None:
    with refusing(TransientError) as caught:
        bench.ask("rate_limited")
    assert (caught.value.kind, caught.value.retry_after_s, caught.value.status) == ("rate_limit", 6.5, 429)


def test_an_overloaded_server(http_bench: Bench) -> None:
    with refusing(TransientError) as caught:
        http_bench.ask("overloaded")
    assert (caught.value.kind, caught.value.status, caught.value.retry_after_s) == ("overloaded", 529, None)


def test_a_server_error(bench: Bench) -> None:
    with refusing(TransientError) as caught:
        bench.ask("server_error")
    assert caught.value.kind == "server"


def test_exactly_one_attempt_is_made(http_bench: Bench) -> None:
    for shape in ("rate_limited", "overloaded", "server_error"):
        with refusing(TransientError):
            http_bench.ask(shape)
    assert len(http_bench.sent) == 3, "the SDKs' own retries are off"


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (httpx2.ConnectError("refused"), "connection"),
        (httpx2.ReadError("reset by peer"), "connection"),
        (httpx2.RemoteProtocolError("peer closed"), "connection"),
        (httpx2.ConnectTimeout("nobody there"), "connection"),
        (httpx2.PoolTimeout("busy"), "connection"),
        (httpx2.ReadTimeout("slow"), "timeout"),
    ],
)
def test_a_lost_connection(http_bench: Bench, problem: Exception, kind: str) -> None:
    def drop(_request: httpx2.Request) -> httpx2.Response:
        raise problem

    with refusing(TransientError) as caught:
        http_bench.exchange(drop, http_bench.target().request(as_messages("Hi")))
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    "content",
    [
        b"<html>502 Bad Gateway</html>",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"choices": [], "content": null, "output": 3}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=["html", "list", "null", "string", "empty object", "wrong types", "not UTF-8", "deep"],
)
def test_garbage_in_a_200(http_bench: Bench, content: bytes) -> None:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=content)

    with refusing(TransientError) as caught:
        http_bench.exchange(answer, http_bench.target().request(as_messages("Hi")))
    assert caught.value.kind == "garbage"
    assert "model gpt-x" in caught.value.where


def test_a_failure_inside_a_200(http_bench: Bench) -> None:
    body = {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": "slow down"}}}
    with refusing(TransientError) as caught:
        http_bench.exchange(respond(body), http_bench.target().request(as_messages("Hi")))
    assert caught.value.kind == "rate_limit"


def test_used_up_quota_is_not_a_rate_limit(http_bench: Bench) -> None:
    with refusing(AccessError) as caught:
        http_bench.ask("quota")
    assert "credit" in caught.value.fix


def test_a_wrong_key(http_bench: Bench) -> None:
    with refusing(AccessError) as caught:
        http_bench.ask("wrong_key")
    assert "***" in caught.value.what, "the server echoed the key"


def test_an_unknown_model_is_named(http_bench: Bench) -> None:
    with refusing(RequestError) as caught:
        http_bench.ask("unknown_model")
    assert "'gpt-x'" in caught.value.fix


def test_no_secret_comes_back(http_bench: Bench) -> None:
    body = json.loads(
        json.dumps(recorded(http_bench.api)["plain"]["body"]).replace("Paris", f"{CANARY} HEADER-SECRET-42")
    )
    provider = http_bench.open(respond(body))
    reply = http_bench.exchange(respond(body), http_bench.target().request(as_messages("Hi")))
    shown = f"{reply!r} {reply.raw} {provider!r} {vars(provider)} {http_bench.endpoint()!r}"
    assert http_bench.headers[-1]["x-team"] == "HEADER-SECRET-42", "it was sent"
    assert CANARY not in shown
    assert "HEADER-SECRET-42" not in shown
    asyncio.run(provider.aclose())


def test_no_key_of_the_environment_travels_to_another_server(
    http_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(variable, CANARY)
    sent: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(str(request.headers.raw))
        return httpx2.Response(200, json=recorded(http_bench.api)["plain"]["body"])

    async def run() -> None:
        endpoint = parse_endpoint(f"vllm: api={http_bench.api} base_url=http://127.0.0.1:8000/v1 price=free")
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        provider = OPENERS[http_bench.api](endpoint, slots=1, http_client=client)
        await provider.complete(Target(endpoint=endpoint, model="m").request(as_messages("Hi")), None)
        await provider.aclose()

    asyncio.run(run())
    assert len(sent) == 1
    assert CANARY not in sent[0]


def test_every_shipped_endpoint_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        for endpoint in BUILTIN_ENDPOINTS:
            if endpoint.key_env:
                monkeypatch.setenv(endpoint.key_env, CANARY)
            await open_provider(endpoint, slots=2).aclose()

    asyncio.run(run())
