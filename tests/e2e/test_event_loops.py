"""Clients that outlive an event loop, or are used on several at once: a program's own loops in plain bodies."""

from __future__ import annotations

from collections.abc import Iterator

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


@pytest.fixture
def server(run: Inner, monkeypatch: pytest.MonkeyPatch) -> Iterator[SdkServer]:
    serving = SdkServer()
    serving.share = 0.5
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{serving.address}/v1")
    run.ini(f"velo_endpoints =\n    lab: api=openai-chat base_url={serving.address}/v1 price=free")
    yield serving
    serving.close()


def test_one_client_serves_several_loops(run: Inner, server: SdkServer) -> None:
    run.file(TRIALS)
    run("--velo-mode=auto")
    assert {outcome for outcome in run.outcomes} == {"inconclusive"}
    assert not any(result.outside for result in run.record.results)
    assert server.calls
