"""Programs over real frameworks as trials: drawn live, read from the cache, and replayed from a cassette.

The agents are in `agents/`, and import nothing of ours. Clients without an agent are at the end.
"""

from __future__ import annotations

import importlib
import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import CANARY, Inner, _clean_environment

import pytest_velo
from support.commands import velo
from support.sdk_server import SdkServer, Sent
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
        ways: The functions that ask it; the name of one says whether it blocks.
        models: Who speaks in a trial, in order.
    """

    module: str
    loads: tuple[str, ...]
    ways: tuple[str, ...]
    models: tuple[str, ...] = ("tiny", "tiny")


EACH_WAY = ("ask", "ask_streaming", "ask_blocking")
KINDS = {
    "pydantic-ai": Kind("with_pydantic_ai", ("pydantic_ai.models.openai",), EACH_WAY),
    "claude": Kind("with_claude", ("pydantic_ai.models.anthropic",), ("ask", "ask_streaming")),
    "langgraph": Kind("with_langgraph", ("langchain_openai", "langgraph.prebuilt"), EACH_WAY),
    "openai-agents": Kind("with_openai_agents", ("agents",), EACH_WAY, ("porter", "clerk", "clerk")),
    "litellm": Kind("with_litellm", ("litellm",), (*EACH_WAY, "ask_claude")),
    "inspect": Kind("with_inspect", ("inspect_ai.model", "inspect_ai.tool"), ("ask",)),
    "mcp": Kind(
        "with_mcp", ("pydantic_ai.mcp", "pydantic_ai.models.openai", "mcp.server.mcpserver"), ("ask",)
    ),
}
POPULATIONS = {"Lyon": 522_250, "Nice": 357_737, "Lille": 236_710}  # as in agents/towns.py
TOWNS = [*POPULATIONS]


def hypotheses(kind: Kind, mark: str = 'clients="adopt", ', question: str = "How many people live in") -> str:
    """Return a test file with a hypothesis for each way of asking an agent."""
    parts = [f"from {kind.module} import {', '.join(kind.ways)}\nfrom towns import POPULATIONS\n"]
    for way in kind.ways:
        is_async = way != "ask_blocking"
        parts.append(
            f"@pytest.mark.hypothesis(rate >= 0.4, cases=[*POPULATIONS], {mark}max_trials=40)\n"
            f"{'async ' if is_async else ''}def test_{way}(case):\n"
            f"    answer = {'await ' if is_async else ''}{way}(f'({way}) {question} {{case}}?')\n"
            "    assert str(POPULATIONS[case]) in answer\n"
        )
    return "\n\n".join(parts)


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
        "ANTHROPIC_API_KEY": CANARY,
        **dict.fromkeys(("ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL", "ANTHROPIC_API_BASE"), serving.address),
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
    }.items():
        monkeypatch.setenv(name, value)
    run.ini(
        f"pythonpath = {AGENTS}\n"
        "velo_endpoints =\n"
        f"    lab: api=openai-chat base_url={serving.address}/v1 price=1/1 key=OPENAI_API_KEY\n"
        f"    claude: api=anthropic base_url={serving.address} price=1/1 key=ANTHROPIC_API_KEY"
    )
    yield serving
    serving.close()


@pytest.fixture(scope="module")
def missing(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Load the frameworks before any inner run, which would forget them at its end; what is not installed."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would fetch its prices
        for name, kind in KINDS.items():
            if not any(f"[{name}]" in item.name for item in request.session.items):
                continue
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


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    forget_clients()


def forget_clients() -> None:
    """Forget the clients that frameworks keep for the process: each run has loops of its own."""
    if langchain := sys.modules.get("langchain_openai.chat_models._client_utils"):
        langchain._cached_async_httpx_client.cache_clear()
    if agents := sys.modules.get("agents.models.openai_provider"):
        agents._http_client = None
    if litellm := sys.modules.get("litellm"):
        litellm.in_memory_llm_clients_cache.flush_cache()
    if inspect := sys.modules.get("inspect_ai.model._model"):
        inspect._models.clear()


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


def test_an_agent_is_drawn_read_and_replayed(run: Inner, server: SdkServer, kind: Kind) -> None:
    run.file(hypotheses(kind))
    run("--velo-mode=auto").assert_outcomes(passed=len(kind.ways))
    live = run.record.results
    first = len(server.calls)
    for result in live:
        assert result.n_calls > result.n_cached == 0
        assert not result.outside
        assert not result.notices
        check_transcript(result, kind)

    run("--velo-mode=auto").assert_outcomes(passed=len(kind.ways))
    assert len(server.calls) == first

    velo("cassette", "export", "cassettes/agents.jsonl")
    server.close()
    with no_sockets():
        run("--velo-mode=replay", "--velo-cache-dir=fresh").assert_outcomes(passed=len(kind.ways))
    recorded = pytest_velo.load(cache_dir=run.path / "fresh").results
    for result, replayed in zip(live, recorded, strict=True):
        assert replayed.decision.verdict == result.decision.verdict
        assert replayed.decision.evidence == result.decision.evidence
        check_transcript(replayed, kind)
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


def check_transcript(result: Any, kind: Kind) -> None:
    """Check that it shows turns, tool calls with arguments, results, and who spoke."""
    for trial in result.trials:
        assert [call.model.split("/")[1] for call in trial.calls] == [*kind.models]
        *_, asking, last = trial.calls
        town = TOWNS[int(trial.case_id)]
        assert asking.request.messages[-1 if len(kind.models) == 2 else 1]["role"] == "user"
        (wanted,) = asking.reply.tool_calls
        assert (wanted.name, wanted.arguments) == ("population", {"city": town})
        assert last.request.messages[-1]["role"] == "tool"
        assert str(POPULATIONS[town]) in str(last.request.messages[-1]["content"])
        assert last.reply.text in (SHRUG, f"It is {POPULATIONS[town]}.")


def test_what_an_agent_asks_past_us_is_said_with_the_fix(run: Inner, server: SdkServer, kind: Kind) -> None:
    run.file(hypotheses(replace(kind, ways=("ask",)), mark=""))
    result = run("--velo-mode=auto")
    result.assert_outcomes(passed=1)
    assert run.record.results[0].outside
    assert 'clients="adopt"' in result.stdout.str()

    forget_clients()
    result = run("--velo-mode=replay")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*fix: clients="adopt" in the mark *'])


def test_a_draw_that_is_not_recorded_ends_each_agent(run: Inner, server: SdkServer, kind: Kind) -> None:
    run.file(hypotheses(kind))
    run("--velo-mode=auto").assert_outcomes(passed=len(kind.ways))
    run.file(hypotheses(kind, question="How many citizens has"))
    server.close()
    with no_sockets():
        result = run("--velo-mode=replay")
    result.assert_outcomes(errors=len(kind.ways))
    result.stdout.fnmatch_lines(["CacheMissError: *How many citizens has*"])


def test_an_error_of_the_server_is_one_of_the_test(run: Inner, server: SdkServer, kind: Kind) -> None:
    server.answer = lambda got: Sent({"error": {"message": "no such model", "type": "not_found"}}, 404)
    run.file(hypotheses(kind))
    result = run("--velo-mode=auto")
    result.assert_outcomes(errors=len(kind.ways))
    assert result.stdout.str().count("HTTP 404") >= len(kind.ways)


TRACED = """
from agents import set_trace_processors, set_tracing_disabled
from agents.tracing.processors import BackendSpanExporter, BatchTraceProcessor
from with_openai_agents import ask

set_tracing_disabled(False)
exporter = BackendSpanExporter(endpoint="{address}/v1/traces/ingest", max_retries=0)
reporter = BatchTraceProcessor(exporter, schedule_delay=0.01)
set_trace_processors([reporter])

@pytest.mark.hypothesis(rate >= 0.4, clients="adopt", max_trials=20)
async def test_it():
    return "522250" in await ask("How many people live in Lyon?")

def test_that_it_has_reported():
    reporter.force_flush()
    reporter.shutdown()
"""


@pytest.mark.parametrize("kind", ["openai-agents"], indirect=True)
def test_what_an_agent_reports_is_no_call_and_replays(
    run: Inner, server: SdkServer, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Agents SDK reports to OpenAI in a thread of its own, unless it is told not to."""
    monkeypatch.delenv("OPENAI_AGENTS_DISABLE_TRACING")
    run.file(TRACED.format(address=server.address))
    run("--velo-mode=auto").assert_outcomes(passed=2)
    assert "/v1/traces/ingest" in server.paths()
    (result,) = run.record.results
    assert not result.outside
    assert not result.notices
    n_drawn = sum(path != "/v1/traces/ingest" for path in server.paths())

    run("--velo-mode=replay").assert_outcomes(passed=2)
    assert sum(path != "/v1/traces/ingest" for path in server.paths()) == n_drawn


@pytest.mark.parametrize("kind", ["pydantic-ai", "langgraph", "openai-agents", "litellm"], indirect=True)
def test_the_example_in_the_documents_runs(run: Inner, server: SdkServer, kind: Kind) -> None:
    ToolModel(server, share=1)
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "agents.md").read_text(encoding="utf-8")
    imports = re.compile(rf"^(?:from|import) {kind.loads[0].partition('.')[0]}\b", re.M)
    (block,) = [
        code for code in re.findall(r"^```python\n(.*?)^```", page, re.M | re.S) if imports.search(code)
    ]
    run.file(block)
    result = run("--velo-mode=auto")
    result.assert_outcomes(passed=1)
    assert run.outcomes == ["supported"]
    assert not run.record.results[0].outside


@pytest.fixture
def register(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Serve the tool over MCP's streamable HTTP; the cities that it was asked for."""
    import uvicorn
    from mcp.server.mcpserver import MCPServer

    asked = []

    def population(city: str) -> int:
        """How many people live in a city."""
        asked.append(city)
        return POPULATIONS[city]

    serving = MCPServer("register")
    serving.tool()(population)
    server = uvicorn.Server(uvicorn.Config(serving.streamable_http_app(), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:  # so that nobody has to wait for it
        monkeypatch.setenv("REGISTER_URL", f"http://127.0.0.1:{listening.getsockname()[1]}/mcp")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield asked
        server.should_exit = server.force_exit = True
        thread.join()


@pytest.mark.parametrize("kind", ["mcp"], indirect=True)
def test_a_tool_behind_http_is_no_call_of_a_model_and_no_replay(
    run: Inner, server: SdkServer, register: list[str], kind: Kind
) -> None:
    kind = replace(kind, module="with_mcp_http")
    run.file(hypotheses(kind))
    live = run("--velo-mode=auto")
    live.assert_outcomes(passed=1)
    (result,) = run.record.results
    check_transcript(result, kind)
    assert set(register) == set(POPULATIONS)
    assert result.outside
    drawn, served = len(server.calls), len(register)

    run("--velo-mode=auto").assert_outcomes(passed=1)
    assert len(server.calls) == drawn
    assert len(register) > served  # a tool is no draw: it runs again

    replayed = run("--velo-mode=replay")
    replayed.assert_outcomes(errors=1)
    replayed.stdout.fnmatch_lines(["*127.0.0.1:*"])
    assert len(server.calls) == drawn


@pytest.mark.parametrize("kind", ["inspect", "litellm"], indirect=True)
def test_a_framework_that_retries_for_ever_ends_with_the_server(
    run: Inner, server: SdkServer, kind: Kind
) -> None:
    server.answer = lambda got: Sent({"error": {"message": "down", "type": "server_error"}}, 500)
    run.file(hypotheses(replace(kind, ways=("ask",))))
    run("--velo-mode=auto").assert_outcomes(errors=1)
    assert "unanswered" in run.record.results[0].problem


# LangChain's clients, without an agent: embeddings, streams, Anthropic.

PROGRAMS = {
    "langchain_openai": """
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

async def program():
    vectors = await OpenAIEmbeddings(model="small", check_embedding_ctx_length=False).aembed_documents(["a"])
    assert len(vectors[0]) == 4
    pieces = [piece.content async for piece in ChatOpenAI(model="tiny").astream("Is 7 a prime?")]
    return "".join(pieces)
""",
    "langchain_anthropic": """
from langchain_anthropic import ChatAnthropic

async def program():
    return (await ChatAnthropic(model="tiny", max_tokens=9).ainvoke("Is 7 a prime?")).content
""",
}


@pytest.mark.parametrize("framework", PROGRAMS)
def test_a_frameworks_own_client_is_adopted(run: Inner, server: SdkServer, framework: str) -> None:
    if find_spec(framework) is None:
        pytest.skip("pip install -r .ci/servers.txt")
    server.answer = server.reply  # yes, without a tool
    run.file(
        PROGRAMS[framework] + '@pytest.mark.hypothesis(rate >= 0.5, clients="adopt", max_trials=20)\n'
        "async def test_adopted():\n"
        "    return await program() == 'yes'\n"
    )
    run.apart("--velo-mode=auto", "--velo-budget=none").assert_outcomes(passed=1)
    (result,) = run.record.results
    assert {call.reply.text for trial in result.trials for call in trial.calls} >= {"yes"}
    assert not result.outside
    asked = len(server.calls)
    assert asked

    run.apart("--velo-mode=auto", "--velo-budget=none").assert_outcomes(passed=1)
    assert len(server.calls) == asked
    server.close()
    run.apart("--velo-mode=replay").assert_outcomes(passed=1)
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]
