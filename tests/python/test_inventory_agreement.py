"""The source and the running application say the same of Sealgate's own gates.

A lock file that one of them writes is held to the other: what the two call by different names, or read as
another strength, would be drift that nobody made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from routes_kit import routes
from unreachable import SEAL_KEY

APPLICATION = """
from fastapi import APIRouter, Depends, FastAPI, Security, WebSocket
from fastapi.staticfiles import StaticFiles
from sealgate import Gate

gate = Gate(
    issuer="http://127.0.0.1:9",
    client_id="tests",
    client_secret="tests-secret-tests-secret",
    base_url="http://127.0.0.1:8000",
    seal_keys="SEAL_KEY",
    docs="closed",
)
app = FastAPI()
gate.install(app)
gate.public_path("/files/*", "style sheets")
gate.public_path("/status", "load balancers ask")


def nothing() -> None: ...


@app.get("/user")
def user(actor=Depends(gate.user)): ...


@app.get("/machine", dependencies=[Depends(gate.machine)])
def machine(): ...


@app.get("/agent", dependencies=[Depends(gate.agent)])
def agent(): ...


@app.get("/actor", dependencies=[Depends(gate.actor)])
def actor(): ...


@app.get("/optional", dependencies=[Depends(gate.optional)])
def optional(): ...


@app.get("/either", dependencies=[Depends(gate.user | gate.agent)])
def either(): ...


@app.get("/three", dependencies=[Depends(gate.user | gate.agent | gate.machine)])
def three(): ...


@app.get("/either-asked", dependencies=[Depends((gate.user | gate.machine)(scopes=["a:read"]))])
def either_asked(): ...


@app.get("/scopes", dependencies=[Depends(gate.user(scopes=["openid", "reports:read"]))])
def scopes(): ...


@app.get("/openid", dependencies=[Depends(gate.user(scopes=["openid", "email"]))])
def openid(): ...


any_gate = gate.actor(any_scopes=["b:read", "a:read"], any_roles=["admin", "owner"])


@app.get("/any", dependencies=[Depends(any_gate)])
def any_of(): ...


@app.get("/any-everyday", dependencies=[Depends(gate.actor(any_scopes=["b:read", "openid"]))])
def any_everyday(): ...


@app.get("/any-one", dependencies=[Depends(gate.actor(any_scopes=["b:read"], any_roles=["admin"]))])
def any_one(): ...


@app.get("/roles", dependencies=[Depends(gate.user(roles=["admin", "auditor"]))])
def roles(): ...


@app.get("/again", dependencies=[Depends(gate.user(acr=["mfa", "hwk"], max_age=300))])
def again(): ...


@app.get("/tenant", dependencies=[Depends(gate.user(tenant="acme"))])
def tenant(): ...


@app.get("/tenants/{tenant}", dependencies=[Depends(gate.user(tenant_from="tenant"))])
def tenants(tenant: str): ...


@app.get("/action", dependencies=[Depends(gate.user(action="reports.read"))])
def action(): ...


@app.get("/stale", dependencies=[Depends(gate.user(stale="allow"))])
def stale(): ...


@app.get("/twice", dependencies=[Depends(gate.user(scopes=["a:read"])(roles=["admin"]))])
def twice(): ...


@app.get("/security")
def security(actor=Security(gate.user, scopes=["reports:read"])): ...


@app.get("/security-openid")
def security_openid(actor=Security(gate.user(roles=["admin"]), scopes=["openid"])): ...


@app.get("/public", dependencies=[gate.public("everybody may")])
def public(): ...


@app.get("/status")
def status(): ...


@app.get("/unmarked")
def unmarked(): ...


@app.get("/unmarked-dependency", dependencies=[Depends(nothing)])
def unmarked_dependency(): ...


@app.websocket("/ws")
async def ws(socket: WebSocket, actor=Depends(gate.user)): ...


@app.websocket("/ws-unmarked")
async def ws_unmarked(socket: WebSocket): ...


async def server(scope, receive, send): ...


gate.mcp(app, server, scopes=["notes:read"], tools={"add": ["notes:write"]})
gate.mcp(app, server, "/mcp-plain")
gate.mcp(app, server, path="/mcp-users", requires=gate.user(roles=["admin"]), scopes=["openid"], tools={})

app.mount("/files", StaticFiles(directory="."))
app.mount("/private", StaticFiles(directory="."))

staff = APIRouter(prefix="/staff", dependencies=[Depends(gate.user(roles=["staff"]))])


@staff.get("/plain")
def staff_plain(): ...


@staff.get("/more", dependencies=[Depends(gate.user(acr=["mfa"], max_age=60))])
def staff_more(): ...


again = [Depends(gate.user(acr=["hwk", "mfa"], max_age=60)), Depends(gate.user(max_age=30))]


@staff.get("/age", dependencies=[Depends(gate.user(acr=["mfa"])), *again])
def staff_age(): ...


@staff.get("/optional", dependencies=[Depends(gate.optional(scopes=["x:read"]))])
def staff_optional(): ...


app.include_router(staff)
"""
"""Every form in which something is asked of an actor."""

Said = dict[str, Any]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Said], dict[str, Said]]:
    """What the scan and the inspection say of each route."""
    folder = tmp_path_factory.mktemp("marks")
    (folder / "main.py").write_text(APPLICATION.replace("SEAL_KEY", SEAL_KEY))
    scan, inspect = routes(folder, "scan"), routes(folder, "inspect", "main:app")
    assert [finding["rule"] for finding in inspect.findings] == ["open-route"], inspect.text
    return told(scan.document), told(inspect.document)


def told(inventory: dict[str, Any]) -> dict[str, Said]:
    """The gates and the strength of each route. Where a gate stands only one of the two may know."""
    return {
        f"{','.join(route['methods']) or '*'} {route['path']}": {
            "evidence": route["evidence"].removesuffix("-STATIC"),
            "reason": route["reason"],
            "gates": sorted(
                (gate["name"], repr(sorted(gate["strength"].items()))) for gate in route["gates"]
            ),
            "strength": route["strength"],
        }
        for route in inventory["routes"]
    }


def test_both_say_the_same_of_every_form(both: tuple[dict[str, Said], dict[str, Said]]) -> None:
    scan, inspect = both
    assert scan.keys() == inspect.keys()
    assert {name: said for name, said in scan.items() if said != inspect[name]} == {}


def test_what_they_say_is_what_was_asked(both: tuple[dict[str, Said], dict[str, Said]]) -> None:
    scan, _ = both
    strength = {name.partition(" ")[2]: said["strength"] for name, said in scan.items()}
    assert strength["/openid"] == {"level": "user", "actors": ["user"], "scopes": ["email", "openid"]}
    assert strength["/any-everyday"]["level"] == "user"
    assert strength["/any"]["any_of"] == ["role:admin|role:owner", "scope:a:read|scope:b:read"]
    assert strength["/again"]["more"] == ["acr=mfa|hwk", "max_age=300"]
    everybody = ["user", "machine", "agent"]
    assert strength["/mcp"] == {"level": "privileged", "actors": everybody, "scopes": ["notes:read"]}
    assert strength["/mcp-plain"] == {"level": "user", "actors": everybody}
    assert strength["/mcp-users"]["roles"] == ["admin"]
    assert scan["* /mcp"]["evidence"] == "GATED"
    assert strength["/unmarked"] == {"level": "user", "actors": ["user"]}
    assert scan["GET /optional"]["evidence"] == "OPEN"
    assert scan["GET /status"]["evidence"] == scan["* /files"]["evidence"] == "PUBLIC"


def test_a_lock_file_of_the_source_holds_for_the_running_application(tmp_path: Path) -> None:
    application = APPLICATION.replace("SEAL_KEY", SEAL_KEY).replace(
        "Depends(gate.optional)", "Depends(gate.user)"
    )
    (tmp_path / "main.py").write_text(application)
    assert routes(tmp_path, "lock", json=False).status == 0
    scan = routes(tmp_path, "check")
    inspect = routes(tmp_path, "check", "--lens", "inspect", "--target", "main:app")
    assert (scan.status, inspect.status) == (0, 0), scan.text + inspect.text
