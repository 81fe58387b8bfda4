"""`sealgate doctor mcp` at the example MCP server, behind the gate and with our control plane."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from sealgate.testing.control_plane import program

from interop.agent_world import AgentWorld, agent_world


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentWorld]:
    """The example, and a control plane that welcomes agents."""
    with agent_world(tmp_path_factory.mktemp("agents")) as place:
        yield place


def doctor(url: str, *options: str, status: int = 0) -> dict[str, Any]:
    """What the doctor finds."""
    command = [program(), "doctor", "mcp", url, "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(*arguments: str) -> str:
    """What a command prints, however it ends."""
    done = subprocess.run([program(), *arguments], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout


def findings(found: dict[str, Any], verdict: str) -> list[str]:
    """What is said with that verdict."""
    told = [finding for finding in found["findings"] if finding["verdict"] == verdict]
    return [f"{finding['check']}: {finding['detail']}" for finding in told]


def test_every_client_finds_its_way_to_a_server_behind_the_gate(place: AgentWorld) -> None:
    found = doctor(place.server)
    assert findings(found, "fix") == []
    fates = {client["client"]: client["fate"] for client in found["clients"]}
    assert "fails" not in fates.values(), found["clients"]
    # The gate opens nothing to pages of other origins: that is the application's to decide.
    assert fates["inspector"] == "closed"
    doctor(place.server, "--client", "inspector", status=1)


def test_registration_really_works_and_counts(place: AgentWorld) -> None:
    found = doctor(place.server, "--client", "python-sdk", "--client", "codex", "--register")
    assert [client["fate"] for client in found["clients"]] == ["works", "works"]
    # Cursor registers three redirect URIs at once, one with a scheme of its own.
    found = doctor(place.server, "--client", "cursor", "--register")
    assert [client["fate"] for client in found["clients"]] == ["works"]


def test_the_wrong_url_is_told_for_what_it_is(place: AgentWorld) -> None:
    found = doctor(place.server.replace("/mcp", "/health"), status=1)
    assert findings(found, "fix")[0].startswith("door: a message without a token is answered ")


def test_nothing_is_registered_by_looking(place: AgentWorld) -> None:
    before = place.plane.cli("client", "list")
    doctor(place.server)
    assert place.plane.cli("client", "list") == before
