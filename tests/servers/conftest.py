"""Servers of other people, on loopback: LiteLLM's proxy, llama.cpp's own server, and LLMock.

Run them with `pytest -m servers`, in an environment with `.ci/servers.txt`; what is not installed is skipped.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.settings import Api
from support.listening import free_port

START_S = 300.0  # the proxy imports for 15 s on a quiet machine, and longer the first time
CHAT, RESPONSES, MESSAGES = Api.OPENAI_CHAT, Api.OPENAI_RESPONSES, Api.ANTHROPIC

PROXY = """
model_list:
  - model_name: chat
    litellm_params: {{model: openai/gpt-4o, api_base: "{mock}/v1", api_key: k}}
  - model_name: claude
    litellm_params: {{model: anthropic/claude-sonnet-4-5, api_base: "{mock}/anthropic", api_key: k}}
litellm_settings: {{num_retries: 0, telemetry: false}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
"""


@dataclass(frozen=True)
class Place:
    """Where one API of a running server is spoken, and for which models.

    Attributes:
        api: The wire family.
        base_url: The endpoint's address.
        key: The key it takes.
        models: Models to ask.
        mock: Scripts what the server behind it does; None where a model answers.
    """

    api: Api
    base_url: str
    key: str
    models: tuple[str, ...]
    mock: Any = None
    server: str = field(default="", kw_only=True)


@pytest.fixture(scope="session")
def llmock_process() -> Iterator[Any]:
    """A mock server that follows several providers' formats and breaks as they do."""
    testing = pytest.importorskip("llmock.testing", reason="pip install -r .ci/servers.txt")
    with testing.LLMockServer() as server:
        yield server


@pytest.fixture
def mock(llmock_process: Any) -> Any:
    """Script the mock server, from a clean state."""
    from llmock.pytest_plugin import LLMock

    return LLMock(llmock_process).reset()


@pytest.fixture(scope="session")
def proxy(llmock_process: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """LiteLLM's proxy before the mock server; its address and key."""
    if find_spec("litellm") is None:  # importing it would fetch prices over the network
        pytest.skip("pip install -r .ci/servers.txt")
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "config.yaml").write_text(PROXY.format(mock=llmock_process.url), encoding="utf-8")
    port = free_port()
    key = f"sk-{secrets.token_hex(16)}"
    environment = {
        **os.environ,
        "HOME": str(folder),
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it would fetch its prices
    }
    command = [str(Path(sys.executable).with_name("litellm")), "--config", "config.yaml"]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _await(f"http://127.0.0.1:{port}/health/liveliness", process, folder / "log.txt")
        yield f"http://127.0.0.1:{port}", key
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers; a process takes as long as it takes to start."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            urlopen(address, timeout=5).close()
        except (URLError, OSError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the proxy did not start:\n{log.read_text(errors='replace')[-3000:]}")


@pytest.fixture(scope="session")
def llama_cpp() -> Any:
    """llama.cpp's own server with the small model, listening on loopback."""
    from pytest_velo.providers.embedded import embedded

    pytest.importorskip("xllamacpp", reason="pip install 'pytest-velo[local]'")
    try:
        return embedded()
    except UsageError as missing:
        pytest.skip(str(missing))


PLACES = {
    "litellm": (CHAT, RESPONSES, MESSAGES),
    "llama.cpp": (CHAT, MESSAGES),
    "llmock": (CHAT, RESPONSES, MESSAGES),
}


@pytest.fixture(params=[(server, api) for server, apis in PLACES.items() for api in apis], ids="-".join)
def place(request: pytest.FixtureRequest) -> Place:
    """Each server in each API that it speaks."""
    return place_of(request, *request.param)


@pytest.fixture(
    params=[(server, api) for server in ("litellm", "llmock") for api in PLACES[server]], ids="-".join
)
def scripted_place(request: pytest.FixtureRequest) -> Place:
    """The servers that can be told what to do, directly and through the proxy."""
    return place_of(request, *request.param)


@pytest.fixture(params=[("llama.cpp", api) for api in PLACES["llama.cpp"]], ids="-".join)
def model_place(request: pytest.FixtureRequest) -> Place:
    """The server with a real model, and with a key of its own."""
    return place_of(request, *request.param)


def place_of(request: pytest.FixtureRequest, server: str, api: Api) -> Place:
    """Start a server if need be, and return where it speaks `api`."""
    path = "" if api is MESSAGES else "/v1"
    match server:
        case "litellm":
            mock = request.getfixturevalue("mock")
            address, key = request.getfixturevalue("proxy")
            models = {CHAT: ("chat", "claude"), RESPONSES: ("chat",), MESSAGES: ("claude",)}
            return Place(api, address + path, key, models[api], mock, server=server)
        case "llmock":
            mock = request.getfixturevalue("mock")
            provider = "anthropic" if api is MESSAGES else "openai"
            return Place(api, mock.base_url(provider), "k", ("gpt-4o",), mock, server=server)
        case _:
            engine = request.getfixturevalue("llama_cpp")
            return Place(api, engine.address + path, engine.api_key, ("smollm2-135m",), server=server)
