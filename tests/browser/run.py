"""Starts a control plane and applications, all on https, and drives Chromium through them.

Arguments name the files of tests to run; without any, all are run.
"""

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
NOTES = "https://notes.example/mcp"
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


def open_to_agents(control_plane: ControlPlane) -> None:
    """Registers what agents may ask for that nobody has registered."""
    scopes = [
        {"name": "notes:read", "description": "Read your notes"},
        {"name": "notes:write", "description": "Change your notes"},
    ]
    tools = [
        {"name": "find", "description": "Find notes", "scopes": ["notes:read"]},
        {"name": "add_note", "description": "Add a note", "scopes": ["notes:write"]},
    ]
    notes = {"uri": NOTES, "name": "Notes", "scopes": scopes, "tools": tools, "agents": True}
    control_plane.administer("POST", "/resources", notes)


def documented(control_plane: ControlPlane, folder: Path, tls: Tls) -> Application:
    """Starts an application whose documentation page signs in; closing it is the caller's."""
    port = free_port()
    base_url = f"https://127.0.0.1:{port}"
    scopes = [{"name": "notes:read", "description": "Read your notes"}]
    client = control_plane.add_client("Notes", base_url, scopes=["notes:read"])
    served = {"uri": base_url, "name": "Notes", "scopes": scopes, "client": client.id}
    control_plane.administer("POST", "/resources", served)
    control_plane.register(
        {
            "id": "docs",
            "name": "Notes, documentation",
            "kind": "public",
            "redirect_uris": [f"{base_url}/docs/oauth2-redirect"],
            "scopes": ["notes:read"],
            "resources": [base_url],
        }
    )
    seal_key = urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    env = settings(control_plane.issuer, client, base_url, seal_key)
    env |= {"SEALGATE_AUTHORITY_FILE": str(tls.authority)}
    env |= {"SEALGATE_DOCS": "open", "SEALGATE_DOCS_CLIENT_ID": "docs"}
    return Application(
        "documented:app", port=port, folder=folder, env=env, app_dir=_HERE, tls=tls, name="notes"
    )


def behind_a_proxy(control_plane: ControlPlane, folder: Path, tls: Tls, public: int) -> Application:
    """Starts an expense tracker that browsers see on the port `public`, where a test puts its own proxy;
    closing it is the caller's.
    """
    base_url = f"https://127.0.0.1:{public}"
    client = control_plane.add_client("Proxied", base_url)
    seal_key = urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    env = settings(control_plane.issuer, client, base_url, seal_key)
    env |= {"SEALGATE_AUTHORITY_FILE": str(tls.authority), "EXPENSES_DATABASE": str(folder / "p.db")}
    return Application(
        "expense_tracker.app:app",
        port=free_port(),
        folder=folder,
        env=env,
        app_dir=_EXAMPLE,
        tls=tls,
        name="proxied",
    )


def main() -> int:
    """Runs the tests; their exit status."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tls = Tls.make(folder / "tls")
        with ControlPlane(folder, tls=tls) as control_plane:
            port = free_port()
            base_url = f"https://127.0.0.1:{port}"
            user = control_plane.add_user("ada@example.com", "Ada Lovelace")
            client = control_plane.add_client("Expense tracker", base_url)
            seal_key = urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
            env = settings(control_plane.issuer, client, base_url, seal_key)
            env |= {"SEALGATE_AUTHORITY_FILE": str(tls.authority), "EXPENSES_DATABASE": str(folder / "e.db")}
            with (
                Application(
                    "expense_tracker.app:app", port=port, folder=folder, env=env, app_dir=_EXAMPLE, tls=tls
                ),
                documented(control_plane, folder, tls) as notes,
                behind_a_proxy(control_plane, folder, tls, public := free_port()) as proxied,
            ):
                invitation = control_plane.cli("user", "add", "grace@example.com", "--name", "Grace Hopper")
                asking = control_plane.add_user("alan@example.com", "Alan Turing")
                noting = control_plane.add_user("mary@example.com", "Mary Somerville")
                register(control_plane)
                open_to_agents(control_plane)
                world = {
                    "SEALGATE_TEST_APP": base_url,
                    "SEALGATE_TEST_DOCS": notes.url,
                    "SEALGATE_TEST_PROXIED": proxied.url,
                    "SEALGATE_TEST_PROXY_PORT": str(public),
                    "SEALGATE_TEST_ISSUER": control_plane.issuer,
                    "SEALGATE_TEST_EMAIL": user.email,
                    "SEALGATE_TEST_PASSWORD": user.password,
                    "SEALGATE_TEST_INVITATION": invitation["invitation"]["url"],
                    "SEALGATE_TEST_SETUP": control_plane.setup_url or "",
                    "SEALGATE_TEST_ASKED_EMAIL": asking.email,
                    "SEALGATE_TEST_ASKED_PASSWORD": asking.password,
                    "SEALGATE_TEST_RESOURCE": RESOURCE,
                    "SEALGATE_TEST_NOTES": NOTES,
                    "SEALGATE_TEST_AGENT_PORT": str(free_port()),
                    "SEALGATE_TEST_NOTING_EMAIL": noting.email,
                    "SEALGATE_TEST_NOTING_PASSWORD": noting.password,
                    "SEALGATE_TEST_TRAVEL_PORT": str(free_port()),
                    "SEALGATE_TEST_TLS_CERT": str(tls.cert),
                    "SEALGATE_TEST_TLS_KEY": str(tls.key),
                }
                chosen = sys.argv[1:] or ["*.test.mjs"]
                files = sorted(str(file) for name in chosen for file in _HERE.glob(name))
                return subprocess.call(
                    ["node", "--test", "--test-concurrency=1", *files], env=os.environ | world
                )


if __name__ == "__main__":
    sys.exit(main())
