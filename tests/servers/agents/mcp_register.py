"""An MCP server with one tool, over stdio."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from towns import population

server = MCPServer("register")
server.tool()(population)

if __name__ == "__main__":
    server.run()
