"""The clients that code is given: of the class that its endpoint needs, and of no other."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers import openai_chat
from pytest_velo.providers.clients import HttpProvider, Wire
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.registry import ProviderFactory
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


def cloud(sdk: ModuleType, client: Any) -> ProviderFactory:
    """Return what a plugin offers for a cloud: a provider that posts through the SDK's client for it."""
    wire = Wire(path="/chat/completions", to_wire=openai_chat.to_wire, from_wire=openai_chat.from_wire)
    return lambda endpoint, *, slots: HttpProvider(endpoint, wire, SdkTransport(client=client, sdk=sdk))


def azure(**options: Any) -> Any:
    given = {"api_key": KEY} | options
    return openai.AsyncAzureOpenAI(
        **given,
        api_version="2026-01-01",
        azure_endpoint="https://mine.openai.azure.com",
        default_headers={"x-team": "blue"},
        default_query={"tenant": "t"},
    )


def bedrock(**options: Any) -> Any:
    return anthropic.AsyncAnthropicBedrock(aws_region="eu-west-1", api_key=KEY, **options)


def vertex(**options: Any) -> Any:
    return anthropic.AsyncAnthropicVertex(region="eu", project_id="mine", access_token=KEY, **options)


def make_cloud(sdk: ModuleType, client: Any, *, is_async: bool, asked: Any = None) -> Any:
    endpoint = Endpoint(name="cloud", api="cloud", declared=True)
    factories = {"cloud": cloud(sdk, client)}
    name: Any = asked or sdk.__name__
    return make_client(name, endpoint, is_async=is_async, transport=TRANSPORT, factories=factories)


def chat(client: Any) -> Any:
    return client.chat.completions.create(model="mine", messages=[{"role": "user", "content": "Hi"}])


def message(client: Any) -> Any:
    return client.messages.create(model="mine", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])


CLOUDS = {
    "AzureOpenAI": (openai, azure, chat, "/openai/deployments/mine/chat/completions"),
    "AnthropicBedrock": (anthropic, bedrock, message, "/model/mine/invoke"),
    "AnthropicVertex": (
        anthropic,
        vertex,
        message,
        "/v1/projects/mine/locations/eu/publishers/anthropic/models/mine:rawPredict",
    ),
}


@pytest.mark.parametrize("name", CLOUDS)
def test_a_plugins_endpoint_gives_the_class_that_its_provider_posts_through(name: str) -> None:
    sdk, made, ask, path = CLOUDS[name]
    awaited = make_cloud(sdk, made(), is_async=True)
    blocking = make_cloud(sdk, made(), is_async=False)
    assert (type(awaited).__name__, type(blocking).__name__) == (f"Async{name}", name)
    assert awaited.max_retries == blocking.max_retries == 0

    asyncio.run(ask(awaited))
    ask(blocking)

    first, second = SEEN
    assert first.url.path == path
    assert KEY in (first.headers.get("api-key", first.headers.get("authorization")) or "")
    assert (second.url, second.content) == (first.url, first.content)
    assert sent_with(second) == sent_with(first)


def sent_with(request: httpx2.Request) -> dict[str, str]:
    """Return a request's headers without what says which client sent it."""
    return {
        name: value
        for name, value in request.headers.items()
        if name != "user-agent" and not name.startswith("x-stainless-")
    }


def test_a_blocking_client_has_what_the_plugin_gave_the_async_one() -> None:
    client = make_cloud(openai, azure(api_key=None, azure_ad_token_provider=lambda: KEY), is_async=False)
    chat(client)
    (sent,) = SEEN
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-team"] == "blue"
    assert dict(sent.url.params) == {"api-version": "2026-01-01", "tenant": "t"}


class Awaited(anthropic.Middleware):
    async def handle_async(self, request: Any, call_next: Any) -> Any:
        return await call_next(request)


def test_a_middleware_of_both_kinds_is_kept() -> None:
    class Both(Awaited):
        def handle(self, request: Any, call_next: Any) -> Any:
            met.append(request)
            return call_next(request)

    met: list[Any] = []
    message(make_cloud(anthropic, bedrock(middleware=[Both()]), is_async=False))
    assert len(met) == 1


async def token() -> str:
    return KEY


class Tokens:
    async def __call__(self) -> str:
        return KEY


class Own(openai.AsyncAzureOpenAI):
    """A class of the plugin's own, which the SDK has no blocking one of."""


async def middleware(request: Any, call_next: Any) -> Any:
    return await call_next(request)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: azure(api_key=token), "api_key_provider is awaited"),
        (lambda: azure(api_key=None, azure_ad_token_provider=token), "azure_ad_token_provider is awaited"),
        (lambda: azure(api_key=None, azure_ad_token_provider=Tokens()), "azure_ad_token_provider is awaited"),
        (lambda: bedrock(middleware=[middleware]), "middleware is awaited"),
        (lambda: vertex(middleware=[Awaited()]), "Awaited"),
        (lambda: Own(api_key=KEY, api_version="1", azure_endpoint="https://mine"), "no blocking twin"),
    ],
    ids=["key", "token", "object", "middleware", "class", "own class"],
)
def test_what_only_an_async_client_can_do_is_refused(made: Any, why: str) -> None:
    client = made()
    sdk = openai if isinstance(client, openai.AsyncOpenAI) else anthropic
    with pytest.raises(UsageError, match=f"an async client only: .*{why}") as refused:
        make_cloud(sdk, client, is_async=False)
    assert refused.value.where == "endpoint cloud"
    assert 'clients="adopt"' in refused.value.fix


@pytest.mark.parametrize("is_async", [True, False])
def test_a_client_of_another_sdk_is_refused(is_async: bool) -> None:
    with pytest.raises(UsageError, match="no client of the anthropic SDK") as refused:
        make_cloud(openai, azure(), is_async=is_async, asked="anthropic")
    assert refused.value.where == "endpoint cloud"
    assert refused.value.fix


AZURE = Endpoint(name="azure", api="azure", declared=True)


def test_which_sdk_speaks_to_which_endpoint() -> None:
    spoken = {e.name: (speaks(e, "openai"), speaks(e, "anthropic")) for e in (*BUILTIN_ENDPOINTS, AZURE)}
    assert spoken == {
        "openai": (True, False),
        "openai-responses": (True, False),
        "anthropic": (False, True),
        "local": (True, True),
        "scripted": (False, False),
        "stub": (False, False),
        "azure": (True, True),
    }
