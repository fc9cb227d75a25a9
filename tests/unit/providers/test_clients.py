"""One attempt of one call over the SDKs' own async clients: what the HTTP providers share."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

import httpx2
import pytest

from pytest_velo.errors import RequestError, UsageError
from pytest_velo.providers.clients import anthropic_transport, openai_transport
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.openai_chat import open_chat
from pytest_velo.records import Request
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
