"""`sealgate routes probe` on an application with Sealgate's own gate: everybody who must be denied is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from probe_kit import environment, identities, probe
from sealgate.testing import ControlPlane

BASE_URL = "http://127.0.0.1:8000"

SOURCE = """
from fastapi import Depends, FastAPI, WebSocket
from pydantic import BaseModel
from sealgate import Gate, User

gate = Gate.from_env()
app = FastAPI()
gate.install(app)


class Report(BaseModel):
    title: str


@app.get("/me")
def me(user: User = Depends(gate.user)): ...


@app.post("/reports")
def add(report: Report, user: User = Depends(gate.user)): ...


@app.get("/admin", dependencies=[Depends(gate.user(roles=["admin"]))])
def admin(): ...


@app.get("/forgotten/{name}")
def forgotten(name: str): ...


@app.get("/health", dependencies=[gate.public("load balancers ask")])
def health(): ...


@app.websocket("/live")
async def live(socket: WebSocket):
    await socket.accept()
"""

FILE = """
[[identity]]
name = "ada"
kind = "valid"
headers = { Cookie = "sealgate=${ADA}" }
routes = ["/me"]

[[identity]]
name = "bob"
kind = "revoked"
headers = { Cookie = "sealgate=${BOB}" }

[[identity]]
name = "cid"
kind = "demoted"
headers = { Cookie = "sealgate=${ADA}" }
routes = ["/admin"]
"""


def signed_in(plane: ControlPlane, *emails: str) -> list[str]:
    """Sealed sessions of people, made by the application itself."""
    names: dict[str, Any] = {}
    exec(SOURCE, names)
    sessions: list[str] = []
    for email in emails:
        with TestClient(names["app"], base_url=BASE_URL) as client:
            plane.sign_in(client, plane.add_user(email, email.title()))
            sessions.append(str(client.cookies["sealgate"]))
    names["gate"]._core.stop()
    return sessions


def test_everything_behind_the_gate_is_denied_to_everybody_who_must_be(
    sealgate_control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = sealgate_control_plane
    settings = plane.settings_for(BASE_URL)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    ada, bob = signed_in(plane, "ada@probe.example.com", "bob@probe.example.com")
    plane.cli("user", "sign-out", "bob@probe.example.com")
    file = identities(tmp_path, FILE)
    env = environment(**settings, ADA=ada, BOB=bob)
    probed = probe(tmp_path, SOURCE, *file, "--host", "127.0.0.1:8000", base="", env=env)
    assert probed.rules() == set(), probed.messages
    public = {route for route, evidence in probed.evidence.items() if evidence == "PUBLIC"}
    assert "GET /health" in public
    others = {evidence for route, evidence in probed.evidence.items() if route not in public}
    assert others == {"DENIED"}
    assert probed.reason("GET /me").endswith("and ada was answered 200")
