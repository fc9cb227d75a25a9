"""Agents of real frameworks as trials: drawn live, read from the cache, and replayed from a cassette.

The agents are in `agents/`; they import nothing of ours.
"""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from e2e.conftest import CANARY, Inner, _clean_environment

from pytest_velo.cli.main import main
from support.sdk_server import SdkServer
from support.tool_model import SHRUG, ToolModel

pytestmark = pytest.mark.servers
AGENTS = Path(__file__).with_name("agents")
__all__ = ["_clean_environment"]


@dataclass(frozen=True)
class Kind:
    """One framework.

    Attributes:
        module: The file with its agent.
        loads: What it imports of the framework.
        models: Who speaks in a trial, in order.
        max_trials: How many trials it gets.
    """

    module: str
    loads: tuple[str, ...]
    models: tuple[str, ...] = ("tiny", "tiny")
    max_trials: int = 40


KINDS = {
    "pydantic-ai": Kind("with_pydantic_ai", ("pydantic_ai.models.openai",)),
    "langgraph": Kind("with_langgraph", ("langchain_openai", "langgraph.prebuilt")),
    "openai-agents": Kind("with_openai_agents", ("agents",), ("porter", "clerk", "clerk")),
    "litellm": Kind("with_litellm", ("litellm",)),
    "inspect": Kind("with_inspect", ("inspect_ai.model", "inspect_ai.tool")),
    "mcp": Kind("with_mcp", ("pydantic_ai.mcp", "pydantic_ai.models.openai", "mcp.server.mcpserver")),
}

TRIAL = """
from {module} import ask
from towns import POPULATIONS

@pytest.mark.hypothesis(rate >= 0.5, cases=[*POPULATIONS], {mark} max_trials=40)
async def test_it_knows(case):
    "The agent says how many people live in a city."
    assert str(POPULATIONS[case]) in await ask(f"How many people live in {{case}}?")
"""
BLOCKING = (
    TRIAL.replace("import ask", "import ask_blocking")
    .replace("async ", "")
    .replace("await ask", "ask_blocking")
)


@pytest.fixture
def run(pytester: pytest.Pytester) -> Inner:
    return Inner(pytester)


@pytest.fixture
def server(run: Inner, monkeypatch: pytest.MonkeyPatch) -> Iterator[SdkServer]:
    """Serve a model with tools where the SDKs look for one."""
    serving = SdkServer()
    ToolModel(serving)
    for name, value in {
        "OPENAI_BASE_URL": f"{serving.address}/v1",
        "OPENAI_API_KEY": CANARY,
        "ANTHROPIC_BASE_URL": serving.address,
        "ANTHROPIC_API_KEY": CANARY,
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
    }.items():
        monkeypatch.setenv(name, value)
    run.ini(
        f"pythonpath = {AGENTS}\n"
        f"velo_endpoints =\n    lab: api=openai-chat base_url={serving.address}/v1 key=OPENAI_API_KEY price=1/1"
    )
    yield serving
    serving.close()


@pytest.fixture(scope="module")
def missing() -> Iterator[dict[str, str]]:
    """Load all frameworks before any inner run, which would forget them at its end; what is not installed."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would fetch its prices
        for name, kind in KINDS.items():
            try:
                for module in kind.loads:
                    importlib.import_module(module)
            except ModuleNotFoundError as error:
                found[name] = f"{error}: pip install -r .ci/servers.txt"
        yield found


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, missing: dict[str, str], server: SdkServer) -> Kind:
    if request.param in missing:
        pytest.skip(missing[request.param])
    return KINDS[request.param]


@contextmanager
def no_sockets() -> Iterator[None]:
    """Fail where anything connects to an address of the internet."""
    attempts = []
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: object) -> None:
        if self.family == socket.AF_UNIX:
            connect(self, address)
            return
        attempts.append(address)
        raise ConnectionRefusedError(address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        yield
    assert attempts == []


def velo(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_agent_is_drawn_read_and_replayed(run: Inner, server: SdkServer, kind: Kind) -> None:
    run.file(TRIAL.format(module=kind.module, mark='clients="adopt",'))
    run("--velo-mode=auto").assert_outcomes(passed=1)
    (live,) = run.record.results
    first = len(server.calls)
    assert first >= live.n_calls > live.n_cached == 0
    assert not live.outside
    assert not live.notices

    run("--velo-mode=auto").assert_outcomes(passed=1)
    assert len(server.calls) == first

    velo("cassette", "export", "cassettes/agents.jsonl")
    server.close()
    with no_sockets():
        run("--velo-mode=replay", "--velo-cache-dir=fresh").assert_outcomes(passed=1)
    (replayed,) = run.record.results
    assert replayed.decision.verdict == live.decision.verdict
    assert replayed.decision.evidence == live.decision.evidence
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]
