"""Notes that AI clients keep for their users: an MCP server behind the gate."""
