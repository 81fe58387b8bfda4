"""On a real server, streams of an MCP server end within a second of what ends their token."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import Application, ControlPlane, free_port, settings, wait_until
from mcp_kit import HANDSHAKE, Caller, add_caller, add_resource, message

pytest.importorskip("mcp.server.mcpserver")

FOLDER = Path(__file__).parent
WITHIN = 1.0
"""Seconds from the operator's command to the last stream's end."""


@dataclass
class Site:
    """An application with an MCP server on uvicorn, and a machine that may call it."""

    plane: ControlPlane
    url: str
    caller: Caller

    def fields(self, token: str) -> dict[str, str]:
        return {
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }

    def begin(self, token: str) -> dict[str, str]:
        """A session with what is to be sent along."""
        fields = self.fields(token)
        answer = httpx.post(f"{self.url}/mcp", content=message("initialize", HANDSHAKE), headers=fields)
        assert answer.status_code == 200, answer.text
        return {**fields, "mcp-session-id": answer.headers["mcp-session-id"]}

    def stream(self, method: str, fields: dict[str, str], body: bytes | None, begun: list[str]) -> float:
        """Reads a stream to its end; when that was."""
        with httpx.stream(method, f"{self.url}/mcp", headers=fields, content=body, timeout=20) as answer:
            assert answer.status_code == 200, answer.read()
            begun.append(method)
            with pytest.raises(httpx.RemoteProtocolError):
                for _ in answer.iter_raw():
                    pass
        return time.perf_counter()


@contextmanager
def served(kind: str, folder: Path) -> Generator[Site]:
    pytest.importorskip("fastmcp" if kind == "fastmcp" else "mcp")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with ControlPlane(folder) as plane:
        client = plane.add_client("streams", url)
        add_resource(plane, f"{url}/mcp", client.id)
        env = settings(plane.issuer, client, url, secrets.token_urlsafe(32))
        env |= {"MCP_KIND": kind, "PYTHONPATH": ":".join(sys.path)}
        target = "mcp_streams:app"
        with Application(target, port=port, folder=folder, env=env, app_dir=FOLDER):
            yield Site(plane, url, add_caller(plane, f"{url}/mcp", "watcher"))


def progress(**more: Any) -> bytes:
    return message("tools/call", {"name": "watch", "arguments": {}, "_meta": {"progressToken": 1, **more}})


@pytest.mark.parametrize("kind", ["official", "fastmcp"])
def test_streams_end_within_a_second_of_a_revocation(kind: str, tmp_path: Path) -> None:
    with served(kind, tmp_path) as site, ThreadPoolExecutor(2) as pool:
        token, other = site.caller.token("notes:read"), site.caller.token("notes:read")
        fields, begun = site.begin(token), list[str]()
        ends: list[Future[float]] = [
            pool.submit(site.stream, "GET", fields, None, begun),
            pool.submit(site.stream, "POST", fields, progress(), begun),
        ]
        wait_until(lambda: len(begun) == 2, "both streams to begin")
        time.sleep(0.3)  # They go on, and nothing of their being there was ended by itself.
        assert not any(end.done() for end in ends)
        since = time.perf_counter()
        site.caller.revoke(token)
        took = [end.result(20) - since for end in ends]
        assert max(took) < WITHIN, took
        refused = httpx.post(f"{site.url}/mcp", content=message("tools/list"), headers=fields)
        assert refused.status_code == 401
        assert refused.json()["reason"] == "token_revoked"
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        # The session is the caller's and not the token's: another one of theirs goes on with it.
        again = {**fields, **site.fields(other)}
        answer = httpx.post(f"{site.url}/mcp", content=message("tools/list"), headers=again)
        assert answer.status_code == 200, answer.text


def test_a_single_exchange_of_the_newest_protocol_streams_and_ends(tmp_path: Path) -> None:
    """Without a session: one request, one stream (2026-07-28)."""
    with served("official", tmp_path) as site, ThreadPoolExecutor(1) as pool:
        token = site.caller.token("notes:read")
        known = "io.modelcontextprotocol"
        version = "2026-07-28"
        meta: dict[str, Any] = {f"{known}/protocolVersion": version, f"{known}/clientCapabilities": {}}
        fields = {
            **site.fields(token),
            "mcp-protocol-version": version,
            "mcp-method": "tools/call",
            "mcp-name": "watch",
        }
        begun: list[str] = []
        end = pool.submit(site.stream, "POST", fields, progress(**meta), begun)
        wait_until(lambda: bool(begun), "the stream to begin")
        wrong = httpx.post(
            f"{site.url}/mcp", content=progress(**meta), headers={**fields, "mcp-name": "other"}
        )
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, -32020)
        since = time.perf_counter()
        site.caller.revoke(token)
        assert end.result(20) - since < WITHIN


def test_a_large_message_is_refused_in_words(tmp_path: Path) -> None:
    with served("official", tmp_path) as site:
        fields = site.fields(site.caller.token("notes:read"))
        body = json.dumps({"a": "x" * (5 * 1024 * 1024)}).encode()
        answer = httpx.post(f"{site.url}/mcp", content=body, headers=fields, timeout=20)
        assert answer.status_code == 413
        assert answer.json()["error"]["message"] == "The message is longer than is taken here."
