"""A foreign verifier reads in the status list which tokens are revoked."""

from __future__ import annotations

import ssl
import subprocess
import time
from pathlib import Path

import httpx

from interop.node import node
from interop.world import World

REPORTS = "https://reports.example/api"


def status(world: World, here: Path, token: str) -> str:
    """The bit of a token: `0`, or `1` if it is revoked."""
    env = {"NODE_EXTRA_CA_CERTS": str(world.tls.authority)}
    command = [node(), "status_list.mjs", world.issuer, token]
    told = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_a_foreign_verifier_sees_that_a_token_was_revoked_and_another_was_not(
    world: World, here: Path
) -> None:
    api: dict[str, object] = {"uri": REPORTS, "name": "Reports", "scopes": [], "status_list": True}
    world.plane.administer("POST", "/resources", api)
    body = {
        "id": "reporter",
        "name": "The reporter",
        "kind": "confidential",
        "grants": ["client_credentials"],
        "scopes": ["reports:read"],
        "resources": [REPORTS],
    }
    made = world.plane.administer("POST", "/clients", body)
    client = (made["client"]["id"], made["secret"])
    form = {"grant_type": "client_credentials", "resource": REPORTS}
    trusted = ssl.create_default_context(cafile=str(world.tls.authority))
    with httpx.Client(verify=trusted, timeout=20) as http:
        tokens = [
            http.post(f"{world.issuer}/oauth/token", data=form, auth=client).json()["access_token"]
            for _ in range(2)
        ]
        assert [status(world, here, token) for token in tokens] == ["0", "0"]
        given_up = http.post(f"{world.issuer}/oauth/revoke", data={"token": tokens[0]}, auth=client)
        assert given_up.status_code == 200
    deadline = time.monotonic() + 15
    while status(world, here, tokens[0]) == "0":
        assert time.monotonic() < deadline, "the list does not tell of it"
        time.sleep(0.5)
    assert status(world, here, tokens[1]) == "0"
