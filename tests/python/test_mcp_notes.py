"""The example of an MCP server: it runs as it is documented, made with either package."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import Application, ControlPlane, free_port, settings
from mcp_kit import HANDSHAKE, Caller, add_caller, add_resource, call, message
from sealgate.testing.control_plane import program

_ROOT = Path(__file__).resolve().parents[2]
_EXAMPLE = _ROOT / "examples" / "mcp_notes"
_PAGE = _ROOT / "docs" / "how-to" / "protect-an-mcp-server.md"


@contextmanager
def served(kind: str, folder: Path) -> Generator[tuple[str, Caller, Caller]]:
    """The example's URL, and two callers of it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with ControlPlane(folder) as plane:
        client = plane.add_client("notes", url)
        add_resource(plane, f"{url}/mcp", client.id)
        env = settings(plane.issuer, client, url, secrets.token_urlsafe(32))
        env |= {"NOTES_SERVER": kind, "SEALGATE_ROUTES": str(_EXAMPLE / "sealgate.routes.toml")}
        env["PYTHONPATH"] = ":".join(sys.path)
        with Application("mcp_notes.app:app", port=port, folder=folder, env=env, app_dir=_EXAMPLE):
            callers = [add_caller(plane, f"{url}/mcp", name) for name in ("ada", "bob")]
            yield url, callers[0], callers[1]


class Session:
    """One caller's session with the server."""

    def __init__(self, url: str, token: str) -> None:
        self.url = f"{url}/mcp"
        self.fields = {
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }
        begun = self.post(message("initialize", HANDSHAKE))
        self.fields["mcp-session-id"] = begun.headers["mcp-session-id"]

    def post(self, body: bytes) -> httpx.Response:
        return httpx.post(self.url, content=body, headers=self.fields, timeout=20)

    def result(self, body: bytes) -> Any:
        answer = self.post(body)
        assert answer.status_code == 200, answer.text
        event = next(line for line in answer.text.splitlines() if line.startswith("data:"))
        return json.loads(event.removeprefix("data:"))["result"]

    def notes(self) -> list[str]:
        notes: list[str] = self.result(call("list_notes"))["structuredContent"]["result"]
        return notes


@pytest.mark.parametrize("kind", ["official", "fastmcp"])
def test_everybody_has_their_own_notes_as_far_as_their_scopes_go(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("fastmcp" if kind == "fastmcp" else "mcp.server.mcpserver")
    with served(kind, tmp_path) as (url, ada, bob):
        reading = Session(url, ada.token("notes:read"))
        writing = Session(url, ada.token("notes:read", "notes:write"))
        of_bob = Session(url, bob.token("notes:read", "notes:write", "notes:admin"))
        assert writing.result(call("add_note", text="milk"))["isError"] is False
        of_bob.result(call("add_note", text="bread"))
        assert (reading.notes(), of_bob.notes()) == (["milk"], ["bread"])
        for session, tool, scopes in [
            (reading, "add_note", "notes:read notes:write"),
            (writing, "delete_all_notes", "notes:read notes:admin"),
        ]:
            refused = session.post(call(tool, text="x"))
            assert refused.status_code == 403
            assert f'scope="{scopes}"' in refused.headers["www-authenticate"]
        of_bob.result(call("delete_all_notes"))
        assert (reading.notes(), of_bob.notes()) == (["milk"], [])
        # One caller's session is worth nothing to another one.
        stolen = {**of_bob.fields, "mcp-session-id": reading.fields["mcp-session-id"]}
        assert httpx.post(f"{url}/mcp", content=call("list_notes"), headers=stolen).status_code == 404


def test_the_page_works_as_it_is_written(tmp_path: Path) -> None:
    pytest.importorskip("mcp.server.mcpserver")
    if shutil.which("curl") is None:
        pytest.skip("the page uses curl")
    text = _PAGE.read_text("utf-8")
    (tmp_path / "notes.py").write_text("".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)))
    script = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with ControlPlane(tmp_path) as plane:
        client = plane.add_client("notes", url)
        env = settings(plane.issuer, client, url, secrets.token_urlsafe(32))
        env["PYTHONPATH"] = ":".join(sys.path)
        with Application("notes:app", port=port, folder=tmp_path, env=env, app_dir=tmp_path):
            for written, here in (
                ("SEALGATE_DATA_DIR=sealgate-data", f"SEALGATE_DATA_DIR={plane.data_dir}"),
                ("http://127.0.0.1:8420", plane.issuer),
                ("http://127.0.0.1:8000", url),
            ):
                assert written in script
                script = script.replace(written, here)
            path = f"{Path(program()).parent}:{os.environ['PATH']}"
            told = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=tmp_path,
                env={"PATH": path},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
    assert told.returncode == 0, told.stderr
    assert re.findall(r"HTTP/1.1 (\d+)", told.stdout) == ["401", "200", "403"]
    metadata = f'resource_metadata="{url}/.well-known/oauth-protected-resource/mcp"'
    challenges = re.findall(r"^www-authenticate: (Bearer .*)$", told.stdout, re.MULTILINE)
    assert challenges[0] == f'Bearer realm="sealgate", {metadata}, scope="notes:read"'
    assert challenges[1].endswith('scope="notes:read notes:write"')
    assert f'"resource":"{url}/mcp"' in told.stdout


def test_its_routes_are_as_they_were_reviewed(tmp_path: Path) -> None:
    folder = tmp_path / "mcp_notes"
    shutil.copytree(_EXAMPLE, folder)
    told = subprocess.run(
        [program(), "routes", "check"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    app = folder / "mcp_notes" / "app.py"
    app.write_text(app.read_text().replace('scopes=["notes:read"],', ""))
    told = subprocess.run(
        [program(), "routes", "check"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert told.returncode == 1
    assert "/mcp" in told.stdout
