"""Frameworks that make their own clients, adopted: what they ask a model is drawn, and read ever after."""

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
    "litellm": """
import litellm

async def program():
    asked = [{"role": "user", "content": "Is 7 a prime?"}]
    made = await litellm.acompletion("openai/tiny", messages=asked)
    more = await litellm.acompletion("anthropic/claude-sonnet-4-5", messages=asked, max_tokens=9)
    assert more.choices[0].message.content == "yes"
    return made.choices[0].message.content
""",
    "pydantic_ai": """
from pydantic_ai import Agent

async def program():
    agent = Agent("openai-chat:tiny")

    @agent.tool_plain
    def is_prime(number: int) -> bool:
        "Tell whether a number is a prime."
        return number == 7

    return (await agent.run("Is 7 a prime?")).output
""",
    "agents": """
from agents import Agent, Runner, set_tracing_disabled
set_tracing_disabled(True)

async def program():
    made = await Runner.run(Agent(name="A", model="tiny", instructions="Be brief."), "Is 7 a prime?")
    return made.final_output
""",
    "inspect_ai": """
from inspect_ai.model import get_model

async def program():
    async with get_model("openai/tiny", memoize=False) as model:
        return (await model.generate("Is 7 a prime?")).completion
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
        pytest.skip(f"{framework} is not installed")
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
