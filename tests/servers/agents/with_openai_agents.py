"""Two agents of the OpenAI Agents SDK, over responses: one hands the question to the other."""

from __future__ import annotations

from agents import Agent, Runner, function_tool
from towns import population

clerk = Agent(
    name="Clerk",
    instructions="You are the clerk. Look the number up.",
    model="clerk",
    tools=[function_tool(population)],
)
porter = Agent(
    name="Porter", instructions="You are the porter. Send people on.", model="porter", handoffs=[clerk]
)


async def ask(question: str) -> str:
    return (await Runner.run(porter, question)).final_output


def ask_blocking(question: str) -> str:
    return Runner.run_sync(porter, question).final_output


async def ask_streaming(question: str) -> str:
    running = Runner.run_streamed(porter, question)
    async for _ in running.stream_events():
        pass
    return running.final_output
