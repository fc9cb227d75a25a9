"""LangChain's own clients, adopted: embeddings, streams, Anthropic. For agents see `test_agents.py`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from e2e.conftest import CANARY, Inner
from e2e.conftest import run as run  # a fixture

from support.sdk_server import SdkServer

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

HYPOTHESIS = """
@pytest.mark.hypothesis(rate >= 0.5, clients="adopt", max_trials=20)
async def test_adopted():
    return await program() == "yes"
"""


@pytest.fixture
def server(run: Inner, monkeypatch: pytest.MonkeyPatch) -> Iterator[SdkServer]:
    serving = SdkServer()
    for name in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{name}_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{serving.address}/v1")
    for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL", "ANTHROPIC_API_BASE"):
        monkeypatch.setenv(name, serving.address)
    yield serving
    serving.close()


@pytest.mark.servers
@pytest.mark.parametrize("framework", PROGRAMS)
def test_a_framework_is_adopted(run: Inner, server: SdkServer, framework: str) -> None:
    if find_spec(framework) is None:
        pytest.skip(f"pip install {framework.replace('_', '-')}")
    run.file(PROGRAMS[framework] + HYPOTHESIS)
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
