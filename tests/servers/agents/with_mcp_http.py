"""An agent of pydantic-ai, over responses, whose tool a server serves over MCP's streamable HTTP."""

from __future__ import annotations

import os

from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIResponsesModel

agent = Agent(OpenAIResponsesModel("tiny"), toolsets=[MCPToolset(os.environ["REGISTER_URL"])])


async def ask(question: str) -> str:
    return (await agent.run(question)).output
