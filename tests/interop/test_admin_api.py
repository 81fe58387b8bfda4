"""schemathesis finds no fault in the administration's API: no 5xx, and no answer that is not declared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from lab import ControlPlane

from interop.world import RESOURCE

AREAS = ["users", "clients", "sessions", "keys", "signals"]
SCOPES = [f"sealgate:{area}:{right}" for area in AREAS for right in ("read", "write")] + [
    "sealgate:feed:read",
    "sealgate:audit:read",
]


@dataclass(frozen=True, slots=True)
class Api:
    """A control plane and the client that administers it."""

    plane: ControlPlane
    client: str
    secret: str

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"{self.plane.issuer}/api/v1"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A control plane with a few people on it."""
    settings = {"SEALGATE_ADMIN_HTTP": "true"}
    with ControlPlane(tmp_path_factory.mktemp("admin-api"), env=settings) as plane:
        plane.add_user("ada@example.com", "Ada", roles=["admin"])
        plane.add_user("grace@example.com", "Grace")
        client = {
            "id": "administrator",
            "name": "Administrator",
            "kind": "confidential",
            "redirect_uris": [],
            "grants": ["client_credentials"],
            "scopes": SCOPES,
            "resources": [f"{plane.issuer}/api/v1"],
        }
        plane.administer("POST", "/resources", {"uri": RESOURCE, "name": "Expenses", "scopes": []})
        made = plane.register(client)
        yield Api(plane, made["client"]["id"], made["secret"])


def test_the_api_is_described_to_whoever_asks(api: Api) -> None:
    described = httpx.get(f"{api.url}/openapi.json").json()
    assert described["openapi"].startswith("3.")
    assert httpx.get(f"{api.url}/users").status_code == 401


@pytest.mark.slow
def test_no_request_is_answered_by_a_fault_or_in_a_way_that_is_not_declared(
    api: Api, here: Path, tmp_path: Path, told: list[str]
) -> None:
    env = os.environ | {
        "SCHEMATHESIS_HOOKS": "interop.admin_api_hooks",
        "PYTHONPATH": str(here.parent),
        "SEALGATE_INTEROP_ISSUER": api.plane.issuer,
        "SEALGATE_INTEROP_CLIENT": api.client,
        "SEALGATE_INTEROP_SECRET": api.secret,
        "SEALGATE_INTEROP_SCOPES": " ".join(SCOPES),
    }
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(here / "schemathesis.toml")]
    command += [
        "run",
        f"{api.url}/openapi.json",
        "--checks",
        "all",
        "--max-examples",
        "40",
        "--seed",
        "20261122",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=1500
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    cases = re.search(r"\d+ generated.*", done.stdout)
    assert cases is not None
    told.append(f"schemathesis: {cases[0]}")
    log = (api.plane.folder / "control-plane.log").read_text("utf-8")
    assert "panicked" not in log
