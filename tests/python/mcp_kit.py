"""What tests of MCP servers behind the gate share: tokens for them, and messages to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from asgi_kit import Answer, App, Fields, request
from lab import Client, ControlPlane

NOTES = "http://127.0.0.1:8000/mcp"
WORDS = {"notes:read": "Read notes", "notes:write": "Add notes", "notes:admin": "Delete notes"}

HANDSHAKE = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}


@dataclass(frozen=True)
class Caller:
    """A machine that may ask for tokens for an MCP server."""

    issuer: str
    client: Client
    resource: str

    def token(self, *scopes: str) -> str:
        form = {"grant_type": "client_credentials", "resource": self.resource, "scope": " ".join(scopes)}
        answer = httpx.post(
            f"{self.issuer}/oauth/token", data=form, auth=(self.client.id, self.client.secret)
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def revoke(self, token: str) -> None:
        auth = (self.client.id, self.client.secret)
        httpx.post(f"{self.issuer}/oauth/revoke", data={"token": token}, auth=auth).raise_for_status()


def add_resource(plane: ControlPlane, resource: str, serving: str) -> None:
    """Registers an MCP server, which the application `serving` serves."""
    scopes = [part for scope, words in WORDS.items() for part in ("--scope", f"{scope}={words}")]
    plane.cli("resource", "add", resource, "Notes", "--client", serving, *scopes)


def add_caller(plane: ControlPlane, resource: str, name: str) -> Caller:
    """Registers a machine that may have everything there."""
    client = plane.add_service(name, list(WORDS), ["--resource", resource])
    return Caller(plane.issuer, client, resource)


def message(method: str, params: Any = None, **more: Any) -> bytes:
    """One JSON-RPC request."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}, **more}).encode()


def call(tool: str, **arguments: Any) -> bytes:
    """A call of a tool."""
    return message("tools/call", {"name": tool, "arguments": arguments})


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


async def post(
    app: App, body: bytes, headers: Fields = (), path: str = "/mcp", root_path: str = ""
) -> Answer:
    """Sends a message as clients do."""
    always = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")]
    return await request(app, "POST", path, [*always, *headers], body, root_path=root_path)


def challenges(answer: Answer) -> list[str]:
    return [value for name, value in answer.headers if name == "www-authenticate"]


def error(answer: Answer) -> dict[str, Any]:
    """The JSON-RPC error in an answer."""
    found: dict[str, Any] = json.loads(answer.body)["error"]
    return found


def result(answer: Answer) -> Any:
    """The JSON-RPC result in an answer, as JSON or as the first event of a stream."""
    text = answer.body.decode()
    if not text.startswith("{"):
        text = next(line for line in text.splitlines() if line.startswith("data:")).removeprefix("data:")
    return json.loads(text)["result"]


def scopes_of(tools: Sequence[str]) -> dict[str, list[str]]:
    """Each tool with one scope: `add_note` with `notes:write`."""
    names = {"list": "notes:read", "add": "notes:write", "delete": "notes:admin"}
    return {tool: [names[tool.partition("_")[0]]] for tool in tools}
