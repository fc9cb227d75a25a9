"""An agent of pydantic-ai, over responses, whose tool a process of its own serves over MCP."""

from __future__ import annotations

import sys
from pathlib import Path

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIResponsesModel

REGISTER = Path(__file__).with_name("mcp_register.py")

register = MCPToolset(StdioTransport(sys.executable, [str(REGISTER)]), init_timeout=60)
agent = Agent(OpenAIResponsesModel("tiny"), toolsets=[register])


async def ask(question: str) -> str:
    return (await agent.run(question)).output
