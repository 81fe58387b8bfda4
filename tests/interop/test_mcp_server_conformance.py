"""Behind the gate a server of tools does what it does without: the suite finds the same of both."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import Application, free_port, settings

from interop.agent_world import agent_world
from interop.node import PACKAGES, node
from interop.token_proxy import TokenProxy

PROGRAM = PACKAGES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
HERE = Path(__file__).resolve().parent

PASSES = {
    "server-initialize",
    "ping",
    "tools-list",
    "tools-call-simple-text",
    "tools-call-image",
    "tools-call-error",
    "tools-call-with-progress",
    "resources-list",
    "resources-read-text",
    "resources-read-binary",
    "resources-templates-read",
    "prompts-list",
    "prompts-get-simple",
    "prompts-get-with-args",
    "dns-rebinding-protection",
}
"""What passes with and without the gate; for the rest this server has not what the suite looks for."""


REFUSED_EARLIER = {
    f"sep-2575-http-server-method-not-found-404-resources-{what}" for what in ("subscribe", "unsubscribe")
}
"""Calls about a resource that name none: the gate refuses them before the server is asked."""


def run(url: str, results: Path) -> dict[str, list[tuple[str, str]]]:
    """Runs every scenario; for each the outcome of its checks."""
    command = [node(), str(PROGRAM), "server", "--url", f"{url}/mcp", "--suite", "all"]
    command += ["--output-dir", str(results), "--timeout", "60000"]
    subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    found: dict[str, list[tuple[str, str]]] = {}
    for report in results.rglob("checks.json"):
        name = re.sub(
            r"^server-(?=.+-\d{4}-)|-\d{4}-\d\d-\d\dT.*", "", str(report.parent.relative_to(results))
        )
        checks: list[dict[str, Any]] = json.loads(report.read_text())
        told = ((check["id"], check["status"]) for check in checks if check["status"] != "INFO")
        found[name] = sorted(told)
    return found


@pytest.mark.slow
def test_the_suite_finds_the_same_of_a_server_with_and_without_a_gate(tmp_path: Path) -> None:
    path = {"PYTHONPATH": ":".join(sys.path)}
    with agent_world(tmp_path / "world") as place:
        ports = free_port(), free_port()
        bare_url, gated_url = (f"http://127.0.0.1:{port}" for port in ports)
        notes = place.plane.add_client("Everything", gated_url, scopes=["notes:read"])
        scope = ["--scope", "notes:read=Use it"]
        place.plane.cli("resource", "add", f"{gated_url}/mcp", "Everything", "--client", notes.id, *scope)
        robot = place.plane.add_machine("Robot", ["notes:read"], ["--resource", f"{gated_url}/mcp"])
        env = settings(place.issuer, notes, gated_url, "c2VhbGdhdGUtdGVzdHMtc2VhbC1rZXktMzItYnl0ZSE")
        folder = tmp_path
        options: dict[str, Any] = {"folder": folder, "app_dir": HERE}
        with (
            Application("mcp_everything:app", port=ports[0], env=path, name="bare", **options),
            Application(
                "mcp_everything:app",
                port=ports[1],
                env={**path, **env, "GATED": "yes"},
                name="gated",
                **options,
            ),
        ):
            form = {"grant_type": "client_credentials", "resource": f"{gated_url}/mcp"}
            answer = httpx.post(f"{place.issuer}/oauth/token", data=form, auth=(robot.id, robot.secret))
            token = answer.raise_for_status().json()["access_token"]
            assert httpx.post(f"{gated_url}/mcp", json={}).status_code == 401
            proxies = TokenProxy(bare_url), TokenProxy(gated_url, token)
            try:
                bare, gated = (
                    run(proxy.url, tmp_path / name)
                    for proxy, name in zip(proxies, ("bare", "gated"), strict=True)
                )
            finally:
                for proxy in proxies:
                    proxy.stop()
    assert gated.keys() == bare.keys()
    differing = {
        check for name in bare for check, _ in set(bare[name]) ^ set(gated[name]) if gated[name] != bare[name]
    }
    assert differing <= REFUSED_EARLIER, differing
    passed = {name for name, checks in gated.items() if checks and all(one[1] == "SUCCESS" for one in checks)}
    assert passed >= PASSES, sorted(PASSES - passed)
