"""An agent of pydantic-ai, over messages."""

from __future__ import annotations

from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from towns import population

agent = Agent(AnthropicModel("tiny"), tools=[population])


async def ask(question: str) -> str:
    return (await agent.run(question)).output


async def ask_streaming(question: str) -> str:
    async with agent.run_stream(question) as answer:
        return await answer.get_output()
