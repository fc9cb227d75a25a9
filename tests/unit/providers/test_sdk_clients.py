"""The clients that code is given: of the class that its endpoint needs, and of no other."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers import openai_chat
from pytest_velo.providers.clients import HttpProvider, Wire
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.sdk_clients import make_client
from pytest_velo.providers.sdks import speaks
from pytest_velo.providers.transport import SdkTransport
from pytest_velo.settings import BUILTIN_ENDPOINTS, Endpoint

KEY = "sk-canary-7f3a91c2e5d84b60"
SEEN: list[httpx2.Request] = []


def answered(request: httpx2.Request) -> httpx2.Response:
    SEEN.append(request)
    said = {"role": "assistant", "content": "Hi"}
    choice = {"index": 0, "finish_reason": "stop", "message": said}
    return httpx2.Response(200, json={"id": "1", "object": "chat.completion", "choices": [choice]})


TRANSPORT = httpx2.MockTransport(answered)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "another server's")
    SEEN.clear()


def lab(api: str, more: str = "") -> Endpoint:
    return parse_endpoint(f"lab: api={api} base_url=http://lab.example/v1 key=LAB_KEY {more}")


@pytest.mark.parametrize(
    ("sdk", "api", "is_async", "kind"),
    [
        ("openai", "openai-chat", True, openai.AsyncOpenAI),
        ("openai", "openai-responses", False, openai.OpenAI),
        ("anthropic", "anthropic", True, anthropic.AsyncAnthropic),
        ("anthropic", "anthropic", False, anthropic.Anthropic),
    ],
)
def test_a_client_is_the_sdks_own(sdk: Any, api: str, is_async: bool, kind: type) -> None:
    client = make_client(sdk, lab(api), is_async=is_async, transport=TRANSPORT)
    assert type(client) is kind
    assert client.api_key == KEY
    assert client.max_retries == 0
    assert str(client.base_url).startswith("http://lab.example/v1")


def test_it_sends_what_the_endpoint_declares() -> None:
    endpoint = lab("openai-chat", "header.X-Team=blue")
    client = make_client("openai", endpoint, is_async=False, transport=TRANSPORT)
    made = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert made.choices[0].message.content == "Hi"
    (sent,) = SEEN
    assert sent.headers["x-team"] == "blue"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.url == "http://lab.example/v1/chat/completions"


def azure(endpoint: Endpoint, *, slots: int) -> HttpProvider:
    client = openai.AsyncAzureOpenAI(
        api_key=KEY, api_version="2026-01-01", azure_endpoint="https://mine.openai.azure.com"
    )
    wire = Wire(path="/chat/completions", to_wire=openai_chat.to_wire, from_wire=openai_chat.from_wire)
    return HttpProvider(endpoint, wire, SdkTransport(client=client, sdk=openai))


AZURE = Endpoint(name="azure", api="azure", declared=True)


def make_azure(sdk: Any = "openai", *, is_async: bool = True) -> Any:
    return make_client(sdk, AZURE, is_async=is_async, transport=TRANSPORT, factories={"azure": azure})


def test_a_plugins_endpoint_gives_the_class_that_its_provider_posts_through() -> None:
    client = make_azure()
    assert type(client) is openai.AsyncAzureOpenAI
    asked: list[Any] = [{"role": "user", "content": "Hi"}]
    asyncio.run(client.chat.completions.create(model="mine", messages=asked))
    (sent,) = SEEN
    assert sent.url.path == "/openai/deployments/mine/chat/completions"
    assert sent.headers["api-key"] == KEY


@pytest.mark.parametrize(
    ("sdk", "is_async", "what"), [("anthropic", True, "no client"), ("openai", False, "an async client only")]
)
def test_what_a_plugin_does_not_have_is_refused(sdk: str, is_async: bool, what: str) -> None:
    with pytest.raises(UsageError, match=what) as refused:
        make_azure(sdk, is_async=is_async)
    assert refused.value.where == "endpoint azure"
    assert refused.value.fix


def test_which_sdk_speaks_to_which_endpoint() -> None:
    spoken = {e.name: (speaks(e, "openai"), speaks(e, "anthropic")) for e in (*BUILTIN_ENDPOINTS, AZURE)}
    assert spoken == {
        "openai": (True, False),
        "openai-responses": (True, False),
        "anthropic": (False, True),
        "local": (True, True),
        "scripted": (False, False),
        "azure": (True, True),
    }
