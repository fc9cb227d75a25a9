"""Clients that outlive an event loop, or are used on several at once, as a program's own are."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from types import ModuleType

import openai
import pytest
from e2e.conftest import CANARY, Inner

from support.sdk_server import SdkServer

TRIALS = """
import asyncio
import openai

async def ask(client, question):
    asked = [{"role": "user", "content": question}]
    return (await client.chat.completions.create(model="tiny", messages=asked)).choices[0].message.content

shared = openai.AsyncOpenAI()

async def with_a_new_one():
    async with openai.AsyncOpenAI() as client:
        return await ask(client, "With a new one?")

@pytest.mark.hypothesis(rate >= 0.5, clients="adopt", max_trials=30)
def test_shared_by_loops():
    return asyncio.run(ask(shared, "Shared by loops?")) == "yes"

@pytest.mark.hypothesis(rate >= 0.5, clients="adopt", max_trials=30)
async def test_shared_with_the_sampling_loop():
    return await ask(shared, "Shared with the sampling loop?") == "yes"

@pytest.mark.hypothesis(rate >= 0.5, clients="adopt", max_trials=30)
def test_new_in_each_loop():
    return asyncio.run(with_a_new_one()) == "yes"
"""

KEPT = """
@pytest.mark.hypothesis(rate >= 0.5, clients="adopt", max_trials=30)
async def test_it():
    return await ask(shared, "And now?") == "yes"
"""


async def ask(client: openai.AsyncOpenAI, question: str) -> str | None:
    asked = [{"role": "user", "content": question}]
    return (await client.chat.completions.create(model="tiny", messages=asked)).choices[0].message.content


@pytest.fixture
def server(run: Inner, monkeypatch: pytest.MonkeyPatch) -> Iterator[SdkServer]:
    serving = SdkServer()
    serving.share = 0.5
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{serving.address}/v1")
    run.ini(f"velo_endpoints =\n    lab: api=openai-chat base_url={serving.address}/v1 price=free")
    yield serving
    serving.close()


def test_a_client_that_was_used_before_the_run_loses_no_call(
    run: Inner, server: SdkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its open connection belongs to a loop that is closed by then."""
    run.file("from elsewhere import ask, shared\n" + KEPT)
    elsewhere = ModuleType("elsewhere")
    elsewhere.shared = openai.AsyncOpenAI()
    elsewhere.ask = ask
    monkeypatch.setitem(sys.modules, "elsewhere", elsewhere)
    assert asyncio.run(ask(elsewhere.shared, "Before the run?")) in ("yes", "no")
    run("--velo-mode=auto")
    assert run.outcomes
    assert "error" not in run.outcomes  # the verdict hangs on the order in which calls arrive


@pytest.mark.slow
def test_one_client_serves_several_loops(run: Inner, server: SdkServer) -> None:
    run.file(TRIALS)
    run("--velo-mode=auto")
    assert len(run.outcomes) == 3
    assert "error" not in run.outcomes
    assert not any(result.outside for result in run.record.results)
    assert server.calls
