"""The application: pages or an API of its own, and the MCP server at `/mcp`.

`NOTES_SERVER=fastmcp` takes the server that is made with FastMCP; else it is the official SDK's.
"""

from __future__ import annotations

import os
from typing import Any

from fastapi import Depends, FastAPI
from sealgate import Gate

from mcp_notes.notes import Notes


def _server(kind: str) -> Any:
    """The server of that kind: only its own package is imported."""
    if kind == "fastmcp":
        from mcp_notes import with_fastmcp

        return with_fastmcp.make(Notes())
    if kind == "official":
        from mcp_notes import official

        return official.make(Notes())
    raise ValueError(f"NOTES_SERVER is official or fastmcp, and not {kind!r}")


gate = Gate.from_env()
app = FastAPI(title="Notes")
gate.install(app)
gate.mcp(
    app,
    _server(os.environ.get("NOTES_SERVER", "official")),
    path="/mcp",
    scopes=["notes:read"],
    tools={
        "list_notes": ["notes:read"],
        "add_note": ["notes:write"],
        "delete_all_notes": ["notes:admin"],
    },
)


@app.get("/health", dependencies=[gate.public("load balancers ask")])
def health() -> dict[str, str]:
    """Whether the application answers."""
    return {"status": "ok"}


@app.get("/me", dependencies=[Depends(gate.user)])
def me() -> dict[str, str]:
    """A route like any other: sessions and the application's own tokens are taken here."""
    return {"hello": "you"}
