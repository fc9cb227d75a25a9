"""An agent of pydantic-ai, over chat completions."""

from __future__ import annotations

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from towns import population

agent = Agent(OpenAIChatModel("tiny"), instructions="Look the number up.", tools=[population])


async def ask(question: str) -> str:
    return (await agent.run(question)).output


def ask_blocking(question: str) -> str:
    return agent.run_sync(question).output


async def ask_streaming(question: str) -> str:
    async with agent.run_stream(question) as answer:
        return await answer.get_output()
