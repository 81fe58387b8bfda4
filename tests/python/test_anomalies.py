"""What a gate tells the control plane of itself, and what the control plane finds worrying about it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from lab import wait_until
from sealgate import Gate
from sessions import Realm

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")

LOCK = """version = 1
lens = "inspect"

[route."main:app"."GET /me"]
class = "user"
requires = "user actors=user"
gates = ["sealgate:Gate.user"]
evidence = "GATED"

[route."main:app"."GET /health"]
class = "public"
evidence = "PUBLIC"
reason = "load balancers ask"
"""


def command(realm: Realm, *arguments: str) -> Any:
    environment = {**os.environ, "SEALGATE_DATA_DIR": str(realm.plane.data_dir)}
    done = subprocess.run(
        ["sealgate", "--json", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return json.loads(done.stdout)


def reported(realm: Realm, name: str) -> dict[str, Any] | None:
    gates = command(realm, "gate", "list", "--all")["gates"]
    return next((gate for gate in gates if gate["gate"] == name), None)


def open_anomalies(realm: Realm, rule: str) -> list[dict[str, Any]]:
    return list(command(realm, "anomaly", "list", "--rule", rule))


@contextmanager
def serving(gate: Gate, *, extra: bool = False) -> Generator[FastAPI]:
    """An application that has started: as it was reviewed, or with a route more."""
    app = FastAPI(openapi_url=None)
    app.get("/me", dependencies=[Depends(gate.user)])(lambda: "me")
    app.get("/health", dependencies=[gate.public("load balancers ask")])(lambda: "healthy")
    if extra:
        app.get("/unreviewed")(lambda: "new")
    gate.install(app)
    with TestClient(app):
        yield app


def test_a_gate_tells_of_its_routes_and_how_it_is_set_up(realm: Realm, tmp_path: Path) -> None:
    lock = tmp_path / "sealgate.routes.toml"
    lock.write_text(LOCK, "utf-8")
    gate = realm.gate(gate_name="told-1", routes=lock, on_stale="allow:90", staleness_bound=7)
    with serving(gate):
        wait_until(lambda: reported(realm, "told-1") is not None, "the report")
    one = reported(realm, "told-1")
    assert one is not None
    assert (one["client"], one["host"], one["state"]) == (realm.client.id, "asgi", "live")
    assert (one["bound"], one["on_stale"], one["beyond"]) == (7_000, "allow", 90_000)
    table = one["table"]
    assert table["agreement"] == "agrees"
    assert table["lock_digest"] == hashlib.sha256(LOCK.encode()).hexdigest()
    counted = {name: table[name] for name in ("routes", "gated", "unmarked", "public", "open", "unresolved")}
    assert counted == {"routes": 2, "gated": 1, "unmarked": 0, "public": 1, "open": 0, "unresolved": 0}
    shown = command(realm, "gate", "show", "told-1")
    routes = {route["template"]: route for route in shown["tables"][0]["routes"]}
    assert routes["/me"]["coverage"] == "gated"
    assert routes["/me"]["detail"] == "user actors=user"
    assert (routes["/health"]["coverage"], routes["/health"]["detail"]) == ("public", "load balancers ask")


def test_routes_that_differ_from_the_lock_file_are_an_anomaly_until_they_agree(
    realm: Realm, tmp_path: Path
) -> None:
    lock = tmp_path / "sealgate.routes.toml"
    lock.write_text(LOCK, "utf-8")
    # Under development an application starts all the same.
    gate = realm.gate(gate_name="told-2", routes=lock)
    about = f"client={realm.client.id} gate=told-2"

    def is_found() -> bool:
        return any(one["subject"] == about for one in open_anomalies(realm, "gate_routes_differ"))

    with serving(gate, extra=True):
        wait_until(is_found, "the anomaly")
    (one,) = [one for one in open_anomalies(realm, "gate_routes_differ") if one["subject"] == about]
    assert one["severity"] == "high"
    assert one["detail"] == "1 routes are not as the lock file has them"
    assert "sealgate gate show told-2" in one["advice"]
    told = reported(realm, "told-2")
    assert told is not None
    assert (told["table"]["agreement"], told["table"]["unmarked"]) == ("differs", 1)


def test_a_route_that_is_added_later_is_told_of(realm: Realm) -> None:
    gate = realm.gate(gate_name="told-3")
    with serving(gate) as app, TestClient(app) as client:
        wait_until(lambda: reported(realm, "told-3") is not None, "the report")
        first = reported(realm, "told-3")
        assert first is not None
        assert (first["table"]["agreement"], first["table"]["routes"]) == ("no_lock_file", 2)
        app.get("/later", dependencies=[Depends(gate.user)])(lambda: "later")
        assert client.get("/later").status_code == 401

        def is_told() -> bool:
            now = reported(realm, "told-3")
            return now is not None and now["table"]["routes"] == 3

        wait_until(is_told, "the route")
    now = reported(realm, "told-3")
    assert now is not None
    assert now["table"]["digest"] != first["table"]["digest"]


def test_a_burst_of_refusals_is_an_anomaly_with_advice(realm: Realm) -> None:
    client = realm.plane.add_client("bursting", "http://127.0.0.1:8001")
    endpoint = f"{realm.plane.issuer}/oauth/token"
    form = {"grant_type": "refresh_token", "refresh_token": "nothing"}
    for _ in range(30):
        answer = httpx.post(endpoint, data=form, auth=(client.id, client.secret))
        assert answer.status_code == 400
    wait_until(lambda: bool(open_anomalies(realm, "denied_burst_actor")), "the anomaly")
    one = open_anomalies(realm, "denied_burst_actor")[0]
    assert one["subject"] == f"actor=client:{client.id}"
    assert one["count"] == 30
    assert f"sealgate audit list --actor client:{client.id} --outcome denied" in one["advice"]
    done = command(realm, "anomaly", "acknowledge", str(one["id"]), "--why", "a test")
    assert (done["state"], done["acknowledged_by"]) == ("acknowledged", "operator")
