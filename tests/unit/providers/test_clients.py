"""One attempt of one call over the SDKs' own async clients: what the HTTP providers share."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest

from pytest_velo.errors import RequestError, UsageError
from pytest_velo.providers.clients import anthropic_transport, openai_transport
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.openai_chat import open_chat
from pytest_velo.providers.registry import Target
from pytest_velo.records import Reply, Request, as_messages
from pytest_velo.settings import Endpoint


def test_openai_line_posts_below_the_base_url() -> None:
    server = httpx2.MockTransport(lambda sent: httpx2.Response(429, json={"at": str(sent.url)}))
    endpoint = Endpoint(name="vllm", api="openai-chat", base_url="http://127.0.0.1:8000/v1")
    line = openai_transport(endpoint, slots=1, http_client=httpx2.AsyncClient(transport=server))
    answer = asyncio.run(line.post("/chat/completions", {"model": "m"}, {}))
    assert answer.status == 429
    assert answer.content == b'{"at":"http://127.0.0.1:8000/v1/chat/completions"}'


def test_anthropic_line_posts_below_the_base_url() -> None:
    server = httpx2.MockTransport(lambda sent: httpx2.Response(200, json={"at": str(sent.url)}))
    endpoint = Endpoint(name="proxy", api="anthropic", base_url="http://127.0.0.1:8000")
    line = anthropic_transport(endpoint, slots=1, http_client=httpx2.AsyncClient(transport=server))
    assert (
        asyncio.run(line.post("/v1/messages", {"model": "m"}, {})).content
        == b'{"at":"http://127.0.0.1:8000/v1/messages"}'
    )


@pytest.mark.parametrize(
    ("base_url", "query"),
    [
        ("http://127.0.0.1:8000/v1?api-version=2024-10-21", "api-version=2024-10-21"),
        ("http://127.0.0.1:8000/v1/?a=1&b=%20x%26y&empty=", "a=1&b=+x%26y&empty="),
        ("http://127.0.0.1:8000/v1?a=1#there", "a=1"),
    ],
)
@pytest.mark.parametrize("api", ["openai-chat", "anthropic"])
def test_a_query_of_the_base_url_is_sent_with_every_call(api: str, base_url: str, query: str) -> None:
    seen: list[httpx2.URL] = []

    def answer(sent: httpx2.Request) -> httpx2.Response:
        seen.append(sent.url)
        return httpx2.Response(200, json={})

    transport = {"openai-chat": openai_transport, "anthropic": anthropic_transport}[api]
    endpoint = parse_endpoint(f"there: api={api} base_url={base_url}")
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    line = transport(endpoint, slots=1, http_client=client)
    asyncio.run(line.post("/messages", {"model": "m"}, {}))
    assert seen[0].path == "/v1/messages"
    assert parse_qsl(seen[0].query.decode(), keep_blank_values=True) == parse_qsl(
        query, keep_blank_values=True
    )


def test_a_query_that_names_a_parameter_twice_is_refused() -> None:
    endpoint = parse_endpoint("there: api=openai-chat base_url=http://127.0.0.1:8000/v1?a=1&a=2")
    with pytest.raises(UsageError) as caught:
        openai_transport(endpoint, slots=1)
    assert "twice" in caught.value.what
    assert caught.value.where == "endpoint there"
    assert caught.value.fix


def test_a_key_in_the_query_is_struck_out_and_a_version_is_not() -> None:
    def answer(sent: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(400, json={"error": {"message": f"bad: {sent.url.query.decode()}"}})

    endpoint = parse_endpoint(
        "there: api=openai-chat base_url=http://127.0.0.1/v1?api-version=2024-10-21&key=Zm9vYmFy-1234567"
    )
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    asked = Request(api="openai-chat", endpoint="there", model="m", messages=())
    with pytest.raises(RequestError) as caught:
        asyncio.run(open_chat(endpoint, slots=1, http_client=client).complete(asked, None))
    assert "api-version=2024-10-21" in caught.value.what
    assert "key=***" in caught.value.what


REFUSED_SEEDS: dict[str, tuple[int, Any]] = {
    "Gemini": (
        400,
        [{"error": {"message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'}}],
    ),
    "Mistral": (422, {"message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"]}]}}),
    "LiteLLM": (400, {"error": {"message": "anthropic does not support parameters: ['seed'], for model=m"}}),
    "OpenAI": (400, {"error": {"code": "unsupported_parameter", "param": "seed", "message": "no"}}),
}
ANSWER = {"choices": [{"message": {"content": "Paris"}, "finish_reason": "stop"}]}


def asked_twice(status: int, body: Any, **parameters: Any) -> tuple[list[Reply], list[bool]]:
    """Return two replies of a server that takes no seed, and which of its requests had one."""
    seeds: list[bool] = []

    def serve(sent: httpx2.Request) -> httpx2.Response:
        seeds.append("seed" in json.loads(sent.content))
        return httpx2.Response(status, json=body) if seeds[-1] else httpx2.Response(200, json=ANSWER)

    endpoint = Endpoint(name="there", api="openai-chat", base_url="http://127.0.0.1:8000/v1")
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(serve))
    provider = open_chat(endpoint, slots=1, http_client=client)
    asked = Target(endpoint=endpoint, model="m").request(as_messages("Hi"), parameters)

    async def run() -> list[Reply]:
        return [await provider.complete(asked, seed) for seed in (1, 2)]

    return asyncio.run(run()), seeds


@pytest.mark.parametrize("server", REFUSED_SEEDS)
def test_a_model_that_takes_no_seed_is_asked_without_one(server: str) -> None:
    replies, seeds = asked_twice(*REFUSED_SEEDS[server])
    assert [(reply.text, reply.not_honoured) for reply in replies] == [("Paris", ("seed",))] * 2
    assert seeds == [True, False, False], "once is enough to know"


def test_a_seed_that_the_caller_wrote_is_not_left_out() -> None:
    with pytest.raises(RequestError, match="seed") as caught:
        asked_twice(*REFUSED_SEEDS["LiteLLM"], seed=5)
    assert "leave seed= out" in caught.value.fix


def test_another_complaint_is_no_reason_to_leave_the_seed_out() -> None:
    with pytest.raises(RequestError):
        asked_twice(400, {"error": {"message": "temperature is not supported"}})
