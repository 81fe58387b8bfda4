"""The MCP server, made with the official SDK."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer

from mcp_notes.notes import Notes


def make(notes: Notes) -> MCPServer:
    """A server with three tools. Nothing in it knows of tokens."""
    server = MCPServer("notes")

    @server.tool()
    def list_notes() -> list[str]:
        """All of your notes."""
        return notes.list()

    @server.tool()
    def add_note(text: str) -> str:
        """Adds a note."""
        return f"There are {notes.add(text)} notes."

    @server.tool()
    def delete_all_notes() -> str:
        """Deletes all of your notes."""
        return f"{notes.delete_all()} notes are gone."

    return server
