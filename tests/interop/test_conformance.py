"""The Model Context Protocol's conformance suite finds nothing wrong with the authorization server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lab import free_port

from interop.node import PACKAGES, node
from interop.person import browser, come_back
from interop.world import RESOURCE, World

PROGRAM = PACKAGES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"

EXPECTED = {
    "authorization-server-metadata": "SUCCESS",
    "authorization-server-metadata-cimd": "SUCCESS",
    "authorization-code-grant": "SUCCESS",
}


def run(world: World, results: Path, *options: str) -> dict[str, str]:
    """Runs every scenario, signing in where the suite asks for it; the outcome of each check."""
    port = free_port()
    command = [node(), str(PROGRAM), "authorization", "--url", world.issuer, "--port", str(port)]
    command += ["--client-id", world.clients["native"].id, "--output-dir", str(results), *options]
    env = os.environ | {"NODE_EXTRA_CA_CERTS": str(world.tls.authority)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as suite:
        try:
            assert suite.stdout is not None
            printed: list[str] = []
            for line in suite.stdout:
                printed.append(line)
                if line.startswith(f"{world.issuer}/oauth/authorize?"):
                    with browser(world, f"http://127.0.0.1:{port}/callback") as person:
                        back = come_back(person, line.strip(), world.user)
                        person.until = None
                        person.open(back)
            assert suite.wait(60) == 0, "".join(printed)
        finally:
            suite.kill()
    found: list[dict[str, Any]] = []
    for report in results.rglob("checks.json"):
        found += json.loads(report.read_text())
    return {check["id"]: check["status"] for check in found if check["status"] != "INFO"}


@pytest.mark.parametrize("options", [(), ("--resource", RESOURCE)], ids=["plain", "with a resource"])
def test_every_check_of_the_suite_passes(world: World, tmp_path: Path, options: tuple[str, ...]) -> None:
    assert run(world, tmp_path, *options) == EXPECTED


def test_an_issuer_with_a_path_passes_too(tenant_world: World, tmp_path: Path) -> None:
    assert run(tenant_world, tmp_path) == EXPECTED
