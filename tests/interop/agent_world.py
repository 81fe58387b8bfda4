"""What AI clients of other people meet: a control plane, a server of tools behind the gate, and the
documents by which clients are known that nobody registered.
"""

from __future__ import annotations

import json
import secrets
import ssl
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from lab import Application, Browser, Client, ControlPlane, Tls, User, free_port, settings

from interop.person import come_back

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "mcp_notes"
SCOPES = ["notes:read", "notes:write", "notes:admin"]


class Documents:
    """Client metadata documents, served with https on the loopback."""

    def __init__(self, tls: Tls) -> None:
        """Starts it."""
        self.read = 0
        """How often one was asked for."""
        self._documents: dict[str, bytes] = {}
        documents = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                documents.read += 1
                body = documents._documents.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.cert, tls.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._url = f"https://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def publish(self, path: str, name: str, redirect_uri: str) -> str:
        """Publishes the document of a client; its URL, which is the client's id."""
        url = f"{self._url}{path}"
        document = {
            "client_id": url,
            "client_name": name,
            "client_uri": self._url,
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        self._documents[path] = json.dumps(document).encode()
        return url

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@dataclass(slots=True)
class AgentWorld:
    """Everything that an AI client meets."""

    plane: ControlPlane
    tls: Tls
    user: User
    notes: Client
    """The client that the server of tools is."""
    server: str
    """The URL of the server of tools: what tokens are for."""
    documents: Documents
    folder: Path
    asked: list[str] = field(default_factory=list[str])
    """Every authorization request that somebody was led to."""

    @property
    def issuer(self) -> str:
        """The issuer."""
        return self.plane.issuer

    def person(self, url: str, until: str, yes: bool = True) -> str:
        """Opens an authorization request as the person, who signs in and answers; where that leads."""
        self.asked.append(url)
        with Browser(until=until) as browser:
            return come_back(browser, url, self.user, yes)

    def withdraw(self, client: str) -> None:
        """The person takes back what they granted a client."""
        self.plane.cli("consent", "withdraw", self.user.email, client)

    def refused(self, token: str) -> httpx.Response:
        """What the server of tools says of a token, once it says no."""
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-11-25",
        }
        return httpx.post(self.server, json=call, headers=headers, timeout=20)


@contextmanager
def agent_world(folder: Path, server: str = "official") -> Generator[AgentWorld]:
    """Starts a control plane on which clients may register themselves, and `examples/mcp_notes`.

    `server` says with which package the server of tools is made.
    """
    tls = Tls.make(folder / "tls")
    env = {
        "SEALGATE_OUTBOUND_AUTHORITY_FILE": str(tls.authority),
        "SEALGATE_AGENTS_DOCUMENTS": "any",
        "SEALGATE_AGENTS_REGISTRATION": "open",
    }
    documents = Documents(tls)
    try:
        with ControlPlane(folder, env=env) as plane:
            user = plane.add_user("ada@example.com", "Ada Lovelace")
            port = free_port()
            base_url = f"http://127.0.0.1:{port}"
            url = f"{base_url}/mcp"
            notes = plane.add_client("Notes", base_url, scopes=SCOPES)
            words = ["--scope", "notes:read=Read your notes", "--scope", "notes:write=Write notes"]
            words += ["--scope", "notes:admin=Delete all of your notes"]
            plane.cli("resource", "add", url, "Notes", "--client", notes.id, "--agents", *words)
            told = settings(plane.issuer, notes, base_url, secrets.token_urlsafe(32))
            with Application(
                "mcp_notes.app:app",
                port=port,
                folder=folder,
                env=told | {"PYTHONPATH": ":".join(sys.path), "NOTES_SERVER": server},
                app_dir=EXAMPLE,
                name="mcp-notes",
            ):
                yield AgentWorld(plane, tls, user, notes, url, documents, folder)
    finally:
        documents.stop()
