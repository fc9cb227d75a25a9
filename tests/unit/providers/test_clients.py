"""One attempt of one call over the SDKs' own async clients: what the HTTP providers share."""

from __future__ import annotations

import asyncio

import httpx2

from pytest_velo.providers.clients import anthropic_transport, openai_transport
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
