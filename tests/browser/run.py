"""Starts a control plane and the expense tracker, both on https, and drives Chromium through them."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from lab import Application, ControlPlane, Tls, free_port, settings

RESOURCE = "https://api.example/expenses"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"

_HERE = Path(__file__).resolve().parent
_EXAMPLE = _HERE.parent.parent / "examples" / "expense_tracker"


def register(control_plane: ControlPlane) -> None:
    """Registers clients whose users are asked: by a page, and for a device."""
    scopes = [{"name": "expenses:read", "description": "See your expenses"}]
    control_plane.administer("POST", "/resources", {"uri": RESOURCE, "name": "Expenses", "scopes": scopes})
    of_api: dict[str, Any] = {"scopes": ["expenses:read", "expenses:write"], "resources": [RESOURCE]}
    travel = {"id": "travel", "name": "Travel planner", "kind": "public"}
    control_plane.register({**travel, "redirect_uris": ["https://travel.example/cb"], **of_api})
    display = {"id": "display", "name": "Kitchen display", "kind": "public"}
    control_plane.register({**display, "redirect_uris": [], "grants": [DEVICE], **of_api})


def main() -> int:
    """Runs the tests; their exit status."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tls = Tls.make(folder / "tls")
        with ControlPlane(folder, tls=tls) as control_plane:
            port = free_port()
            base_url = f"https://127.0.0.1:{port}"
            user = control_plane.add_user("ada@example.com", "Ada Lovelace")
            client = control_plane.add_client("Expense tracker", base_url)
            seal_key = urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
            env = settings(control_plane.issuer, client, base_url, seal_key)
            env |= {"SEALGATE_AUTHORITY_FILE": str(tls.authority), "EXPENSES_DATABASE": str(folder / "e.db")}
            with Application(
                "expense_tracker.app:app", port=port, folder=folder, env=env, app_dir=_EXAMPLE, tls=tls
            ):
                invitation = control_plane.cli("user", "add", "grace@example.com", "--name", "Grace Hopper")
                asking = control_plane.add_user("alan@example.com", "Alan Turing")
                register(control_plane)
                world = {
                    "SEALGATE_TEST_APP": base_url,
                    "SEALGATE_TEST_ISSUER": control_plane.issuer,
                    "SEALGATE_TEST_EMAIL": user.email,
                    "SEALGATE_TEST_PASSWORD": user.password,
                    "SEALGATE_TEST_INVITATION": invitation["invitation"]["url"],
                    "SEALGATE_TEST_SETUP": control_plane.setup_url or "",
                    "SEALGATE_TEST_ASKED_EMAIL": asking.email,
                    "SEALGATE_TEST_ASKED_PASSWORD": asking.password,
                    "SEALGATE_TEST_RESOURCE": RESOURCE,
                    "SEALGATE_TEST_TRAVEL_PORT": str(free_port()),
                    "SEALGATE_TEST_TLS_CERT": str(tls.cert),
                    "SEALGATE_TEST_TLS_KEY": str(tls.key),
                }
                files = sorted(str(file) for file in _HERE.glob("*.test.mjs"))
                return subprocess.call(
                    ["node", "--test", "--test-concurrency=1", *files], env=os.environ | world
                )


if __name__ == "__main__":
    sys.exit(main())
