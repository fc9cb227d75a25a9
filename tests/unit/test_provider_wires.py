"""The wire mappings one by one: what only one API has."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx2
import pytest

from pytest_velo.errors import RequestError, TransientError, UsageError
from pytest_velo.providers import anthropic_messages, local, openai_chat, openai_responses
from pytest_velo.providers.embedded import Embedded
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.wire import arguments_text, is_strict, json_value
from pytest_velo.records import FinishReason, JsonObject, Reply, Request, as_messages


def request(prompt: Any = "Hi", **parameters: Any) -> Request:
    return Request(api="a", endpoint="e", model="m", messages=as_messages(prompt), parameters=parameters)


def chat_body(**message: Any) -> JsonObject:
    return {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", **message}}]}


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://my.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("http://127.0.0.1:8000/v1", "max_tokens"),
        ("https://openai.com.evil.example/v1", "max_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_server_knows(address: str, name: str) -> None:
    sent: list[bytes] = []

    def answer(http_request: httpx2.Request) -> httpx2.Response:
        sent.append(http_request.content)
        return httpx2.Response(200, json=chat_body(content="x"))

    async def run() -> None:
        endpoint = parse_endpoint(f"there: api=openai-chat base_url={address}")
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        await openai_chat.open_chat(endpoint, slots=1, http_client=client).complete(request(max_tokens=9), 1)

    asyncio.run(run())
    assert f'"{name}":9'.encode() in sent[0]


def test_an_attempt_that_hangs_ends_at_its_time_limit() -> None:
    async def answer(_request: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError("never reached")

    async def run() -> None:
        endpoint = parse_endpoint("slow: api=openai-chat base_url=http://127.0.0.1:1/v1 timeout_s=0.01")
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        await openai_chat.open_chat(endpoint, slots=1, http_client=client).complete(request(), 1)

    with pytest.raises(TransientError, match=r"no reply within 0\.01 s") as caught:
        asyncio.run(run())
    assert caught.value.kind == "timeout"


def test_content_in_parts_is_joined() -> None:
    body = chat_body(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
    assert openai_chat.from_wire(body, request(), 0.1).text == "ab"


def test_a_tool_call_with_broken_arguments_keeps_what_was_written() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": '}}
    (read,) = openai_chat.from_wire(chat_body(content=None, tool_calls=[call]), request(), 0.1).tool_calls
    assert (read.arguments, read.arguments_text) == (None, '{"a": ')
    neutral = {"id": read.id, "name": read.name, "arguments": None, "arguments_text": read.arguments_text}
    assert arguments_text(neutral) == '{"a": '


def test_a_schema_that_strict_mode_refuses_is_not_sent_as_strict() -> None:
    loose = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert not is_strict(loose)
    assert not is_strict({"anyOf": [{"type": "string"}, loose]})
    assert is_strict({"type": "array", "items": {"type": "number"}})
    body = openai_chat.to_wire(request(schema=loose), None)
    assert body["response_format"]["json_schema"]["strict"] is False


def test_deeply_nested_output_is_no_json() -> None:
    assert json_value("[" * 200_000) is None


def test_own_parameters_of_responses_are_joined_with_ours() -> None:
    body = openai_responses.to_wire(
        request(
            effort="low",
            logprobs=2,
            reasoning={"summary": "auto"},
            include=["file_search_call.results"],
            text={"verbosity": "low"},
            schema={"type": "string"},
        ),
        5,
    )
    assert body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert body["include"] == [
        "message.output_text.logprobs",
        "reasoning.encrypted_content",
        "file_search_call.results",
    ]
    assert body["text"]["verbosity"] == "low"
    assert body["text"]["format"]["type"] == "json_schema"
    assert body["store"] is False


@pytest.mark.parametrize(
    ("code", "kind"), [("server_error", "server"), ("rate_limit_exceeded", "rate_limit"), (None, "server")]
)
def test_a_failed_response(code: str | None, kind: str) -> None:
    body = {"status": "failed", "output": [], "error": {"code": code, "message": "no"}}
    with pytest.raises(TransientError) as caught:
        openai_responses.from_wire(body, request(), 0.1)
    assert caught.value.kind == kind


def test_a_response_that_failed_for_its_prompt_is_a_reply() -> None:
    body = {"status": "failed", "output": [], "error": {"code": "invalid_prompt", "message": "flagged"}}
    assert openai_responses.from_wire(body, request(), 0.1).finish_reason is FinishReason.CONTENT_FILTER


@pytest.mark.parametrize(
    ("effort", "expected", "limit"),
    [
        (None, {}, 4096),
        ("none", {"thinking": {"type": "disabled"}}, 4096),
        (2000, {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "summarized"}}, 6096),
        (
            "max",
            {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "max"},
            },
            4096,
        ),
    ],
)
def test_anthropic_effort(effort: object, expected: dict[str, Any], limit: int) -> None:
    body = anthropic_messages.to_wire(request(effort=effort), 1)
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": limit,
        **expected,
    }


def test_anthropic_stop_sequences_are_a_list() -> None:
    assert anthropic_messages.to_wire(request(stop="\n"), 1)["stop_sequences"] == ["\n"]


def test_the_results_of_parallel_tool_calls_share_a_turn() -> None:
    turns = [
        {"role": "user", "content": "?"},
        {"role": "tool", "tool_call_id": "1", "content": "a"},
        {"role": "tool", "tool_call_id": "2", "content": "b"},
        {"role": "user", "content": "!"},
    ]
    sent = anthropic_messages.to_wire(request(turns), 1)["messages"]
    assert [turn["role"] for turn in sent] == ["user", "user", "user"]
    assert [result["tool_use_id"] for result in sent[1]["content"]] == ["1", "2"]


def test_a_system_prompt_in_the_middle_is_refused_by_anthropic() -> None:
    turns = [{"role": "user", "content": "?"}, {"role": "system", "content": "be brief"}]
    with pytest.raises(UsageError, match="before all others"):
        anthropic_messages.to_wire(request(turns), 1)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop_sequence", FinishReason.STOP),
        ("model_context_window_exceeded", FinishReason.CONTEXT_OVERFLOW),
        ("pause_turn", FinishReason.PAUSED),
        (None, FinishReason.STOP),
    ],
)
def test_anthropic_stop_reasons(reason: str | None, finish: FinishReason) -> None:
    body = {"content": [{"type": "text", "text": "x"}], "stop_reason": reason}
    assert anthropic_messages.from_wire(body, request(), 0.1).finish_reason is finish


def test_the_embedded_model_samples_plainly_and_from_the_seed() -> None:
    body = local.to_wire(request(), 2**32 + 4)
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "max_tokens": 512,
        "seed": 5,
    }
    # 2**32 - 1 means "draw a seed yourself" to the engine.
    assert local.to_wire(request(), 2**32 - 1)["seed"] == 0
    told = local.to_wire(request(temperature=0.2, top_k=5, max_tokens=3), 1)
    assert (told["temperature"], told["top_k"], told["max_tokens"]) == (0.2, 5, 3)


def test_the_embedded_model_reads_text_only() -> None:
    image = {"type": "image", "media_type": "image/png", "data": ""}
    with pytest.raises(UsageError, match="text only"):
        local.to_wire(request([{"role": "user", "content": [image]}]), 1)


class Engine:
    """An engine whose answers the test holds back until it has seen how many calls run at once."""

    listening_address = ""

    def __init__(self, expected: int) -> None:
        self.barrier = threading.Barrier(expected, timeout=60)

    def handle_chat_completions(self, _prompt: dict[str, Any]) -> Any:
        self.barrier.wait()
        return chat_body(content=threading.current_thread().name)


def embed(monkeypatch: pytest.MonkeyPatch, engine: Any) -> local.LocalProvider:
    server = Embedded(address="", api_key="secret-key", slots=3, engine=engine)
    monkeypatch.setattr(local, "embedded", lambda _model, *, slots: server)
    assert "secret-key" not in repr(server)
    return local.LocalProvider(slots=3)


def test_as_many_calls_run_at_once_as_there_are_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = embed(monkeypatch, Engine(expected=3))

    async def run() -> list[Reply]:
        replies = await asyncio.gather(*(provider.complete(request(), seed) for seed in range(6)))
        await provider.aclose()
        return replies

    assert len({reply.text for reply in asyncio.run(run())}) == 3


def test_what_the_engine_raises_is_a_request_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Raising:
        listening_address = ""

        def handle_chat_completions(self, _prompt: dict[str, Any]) -> Any:
            raise ValueError("Expected 'content' to be a string or an array")

    with pytest.raises(RequestError, match="Expected 'content'"):
        asyncio.run(embed(monkeypatch, Raising()).complete(request(), 1))


@pytest.mark.parametrize("answer", [None, {}, {"choices": []}])
def test_an_engine_that_answers_garbage(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    class Garbage:
        listening_address = ""

        def handle_chat_completions(self, _prompt: dict[str, Any]) -> Any:
            return answer

    with pytest.raises(TransientError) as caught:
        asyncio.run(embed(monkeypatch, Garbage()).complete(request(), 1))
    assert caught.value.kind == "garbage"
