"""An application with an MCP server whose tool tells what it does, for tests on real servers."""

import os
from typing import Any

import anyio
from fastapi import FastAPI
from sealgate import Gate

gate = Gate.from_env()
app = FastAPI()
gate.install(app)


def _official() -> Any:
    from mcp.server.mcpserver import Context, MCPServer

    server = MCPServer("streams")

    async def watch(ctx: Context[Any]) -> str:
        """Tells of its progress until nobody listens any more."""
        for at in range(1_000):
            await ctx.report_progress(at, 1_000)
            await anyio.sleep(0.05)
        return "done"

    server.tool()(watch)
    return server


def _fastmcp() -> Any:
    from fastmcp import Context, FastMCP

    server = FastMCP("streams")

    async def watch(ctx: Context) -> str:
        """Tells of its progress until nobody listens any more."""
        for at in range(1_000):
            await ctx.report_progress(at, 1_000)
            await anyio.sleep(0.05)
        return "done"

    server.tool()(watch)
    return server


gate.mcp(
    app,
    _fastmcp() if os.environ["MCP_KIND"] == "fastmcp" else _official(),
    scopes=["notes:read"],
    tools={"watch": ["notes:read"]},
)


@app.get("/health", dependencies=[gate.public("the test asks whether it answers")])
def health() -> str:
    """Whether it answers."""
    return "ok"
