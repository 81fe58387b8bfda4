"""Policies that the control plane hands out, judged in front of a real session."""

import asyncio
import json
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from lab import ControlPlane
from sealgate import Gate, Resource, User
from sealgate.testing.processes import environment
from sessions import BASE_URL, Realm, browser, sign_in

DECLARED: dict[str, Any] = {
    "resources": {
        "Note": {"attributes": {"owner": "User", "level": "Long"}, "actions": ["notes.read"]},
    },
    "actions": {"notes.list": {}},
}
OWN = """
@id("own") permit (principal is User, action == Action::"notes.read", resource)
when { resource.owner == principal };
"""
LIST = '@id("list") permit (principal in Role::"admin", action == Action::"notes.list", resource);'
NEVER = '@id("never") forbid (principal, action, resource is Note) when { resource.level > 1 };'


@pytest.fixture(scope="module")
def own_realm(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """A control plane whose policies are this file's; `realm` has put the program where it is found."""
    with ControlPlane(tmp_path_factory.mktemp("policies")) as plane:
        user = plane.add_user("ada@example.com", "Ada", roles=["admin"])
        client = plane.add_client("tests", BASE_URL, scopes=["expenses:read"])
        yield Realm(plane, user, client, secrets.token_urlsafe(32))


def apply(realm: Realm, *policies: str) -> httpx.Response:
    transport = httpx.HTTPTransport(uds=str(Path(realm.plane.data_dir) / "admin.sock"))
    document: dict[str, Any] = {
        "mapping": {"rules": [], "of": {}},
        "policies": {"files": {"notes.cedar": "\n".join(policies)}, **DECLARED},
    }
    with httpx.Client(transport=transport, base_url="http://socket") as operator:
        return operator.post("/api/v1/policies", json={"document": document})


def application(gate: Gate) -> FastAPI:
    app = FastAPI()
    gate.install(app)

    @app.get("/notes", dependencies=[Depends(gate.user(action="notes.list"))])
    async def notes() -> str:
        return "listed"

    @app.get("/mine")
    def mine(level: int, user: User = Depends(gate.user)) -> str:
        gate.require("notes.read", Resource("Note", "n1", {"owner": user, "level": level}))
        return "read"

    return app


async def until(client: httpx.AsyncClient, path: str, expected: tuple[int, str | None]) -> None:
    begun = time.monotonic()
    while (found := told(await client.get(f"{BASE_URL}{path}"))) != expected:
        assert time.monotonic() - begun < 10, (path, found, expected)
        await asyncio.sleep(0.02)


def told(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["reason"] if answer.is_error else None


def test_what_is_applied_decides_and_a_change_is_believed(own_realm: Realm) -> None:
    async def scenario() -> None:
        gate = own_realm.gate()
        try:
            async with browser(application(gate)) as client:
                assert (await sign_in(client, own_realm)).is_redirect
                assert told(await client.get(f"{BASE_URL}/notes")) == (403, "policy_missing")
                assert told(await client.get(f"{BASE_URL}/mine?level=1")) == (403, "policy_missing")

                assert apply(own_realm, OWN).is_success
                await until(client, "/mine?level=2", (200, None))
                assert told(await client.get(f"{BASE_URL}/notes")) == (403, "policy_denied")

                # The same question, which was answered and remembered, is answered by the new version.
                assert apply(own_realm, OWN, LIST, NEVER).is_success
                await until(client, "/mine?level=2", (403, "policy_denied"))
                assert told(await client.get(f"{BASE_URL}/mine?level=1")) == (200, None)
                assert told(await client.get(f"{BASE_URL}/notes")) == (200, None)

                assert apply(own_realm, OWN).is_success
                await until(client, "/mine?level=2", (200, None))
        finally:
            gate._core.stop()  # pyright: ignore[reportPrivateUsage]

    asyncio.run(scenario())


def test_unsound_policies_are_not_applied(own_realm: Realm) -> None:
    for policies in ("permit (principal, action, resource);", OWN.replace("owner", "ownr"), f"{OWN}{OWN}"):
        answer = apply(own_realm, policies)
        assert answer.status_code in (400, 422), answer.text
        assert answer.json()["reason"].startswith("policy_"), answer.text


def test_what_is_applied_can_be_explained(own_realm: Realm) -> None:
    assert apply(own_realm, OWN, LIST, NEVER).is_success
    asked = ["--actor", "user:u1", "--action", "notes.read", "--resource", "Note:n1"]
    told = ["--attribute", "owner=u1", "--attribute", "level=2"]
    place = ["--data-dir", str(own_realm.plane.data_dir)]
    done = subprocess.run(
        ["sealgate", "--json", "policy", "explain", "--applied", *asked, *told, *place],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )
    assert done.returncode == 1, done.stderr
    explained = json.loads(done.stdout)
    assert explained["allowed"] is False
    decided = [policy["policy"] for policy in explained["policies"] if policy["why"] == "decided"]
    assert decided == ["never"]
    overruled = [policy["policy"] for policy in explained["policies"] if policy["why"] == "overruled"]
    assert overruled == ["own"]
