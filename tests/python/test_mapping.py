"""Claims become roles and scopes by rules: by those that are applied, and by `sealgate policy map`."""

import asyncio
import json
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from lab import Client, ControlPlane
from sealgate import Actor, Gate, User
from sealgate.testing.processes import environment
from sessions import BASE_URL, Realm, browser, sign_in

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "map-claims.md"

RULES: list[dict[str, Any]] = [
    {
        "name": "administrators",
        "when": {"issuer": "own", "role": "admin", "actor": "user"},
        "give": {"roles": ["approver"], "scopes": ["expenses:approve"]},
    },
    {
        "when": {"issuer": "own", "actor": "machine", "scope": "expenses:read"},
        "give": {"roles": ["nightly"], "scopes": ["reports:read"]},
    },
    {"when": {"issuer": "own", "actor": "machine"}, "give": {"scopes": ["expenses:approve"]}},
]


@pytest.fixture(scope="module")
def job(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Realm, Client]]:
    """A control plane of this file's own, with a machine; `realm` has put the program where it is found."""
    with ControlPlane(tmp_path_factory.mktemp("mapping")) as plane:
        user = plane.add_user("ada@example.com", "Ada", roles=["admin"])
        client = plane.add_client("tests", BASE_URL, scopes=["expenses:read"])
        plane.add_resource(BASE_URL, "Expenses", ["expenses:read"], ["--client", client.id])
        machine = plane.add_service("nightly", ["expenses:read"], ["--resource", BASE_URL])
        yield Realm(plane, user, client, secrets.token_urlsafe(32)), machine


def apply(realm: Realm, rules: list[dict[str, Any]]) -> int:
    document: dict[str, Any] = {"mapping": {"rules": rules}, "policies": {"files": {}}}
    return int(realm.plane.administer("POST", "/policies", {"document": document})["version"])


def application(gate: Gate) -> FastAPI:
    app = FastAPI()
    gate.install(app)

    @app.get("/approve", dependencies=[Depends(gate.user(roles=["approver"], scopes=["expenses:approve"]))])
    async def approve() -> str:
        return "approved"

    @app.get("/whoami")
    async def whoami(actor: Actor = Depends(gate.actor)) -> dict[str, Any]:
        return {"kind": type(actor).__name__, "roles": sorted(actor.roles), "scopes": sorted(actor.scopes)}

    @app.get("/roles")
    async def roles(user: User = Depends(gate.user)) -> list[str]:
        return sorted(user.roles)

    return app


def token(realm: Realm, machine: Client) -> str:
    form = {"grant_type": "client_credentials", "resource": BASE_URL, "scope": "expenses:read"}
    answer = httpx.post(
        f"{realm.plane.issuer}/oauth/token", data=form, auth=(machine.id, machine.secret), timeout=20
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def until(client: httpx.AsyncClient, path: str, expected: int) -> None:
    begun = time.monotonic()
    while (found := (await client.get(f"{BASE_URL}{path}")).status_code) != expected:
        assert time.monotonic() - begun < 10, (path, found, expected)
        await asyncio.sleep(0.02)


def test_rules_that_are_applied_count_for_sessions_and_tokens(job: tuple[Realm, Client]) -> None:
    realm, machine = job

    async def scenario() -> None:
        gate = realm.gate(audiences=[BASE_URL])
        try:
            app = application(gate)
            async with browser(app) as client:
                assert (await sign_in(client, realm)).is_redirect
                denied = await client.get(f"{BASE_URL}/approve")
                assert (denied.status_code, denied.json()["reason"]) == (403, "scope_missing")

                apply(realm, RULES)
                await until(client, "/approve", 200)
                told = (await client.get(f"{BASE_URL}/roles")).json()
                assert told == ["admin", "approver"]

                bearer = {"authorization": f"Bearer {token(realm, machine)}"}
                async with browser(app) as program:
                    answer = await program.get(f"{BASE_URL}/whoami", headers=bearer)
                # It was granted one scope. A rule says what that means here, and no rule adds to it.
                assert answer.json() == {
                    "kind": "Machine",
                    "roles": ["nightly"],
                    "scopes": ["expenses:read", "reports:read"],
                }

                apply(realm, [])
                await until(client, "/approve", 403)
                assert (await client.get(f"{BASE_URL}/roles")).json() == ["admin"]
        finally:
            gate._core.stop()  # pyright: ignore[reportPrivateUsage]

    asyncio.run(scenario())


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sealgate", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )


def test_what_is_applied_can_be_asked_about(job: tuple[Realm, Client], tmp_path: Path) -> None:
    realm, _ = job
    version = apply(realm, RULES)
    claims = {"iss": realm.plane.issuer, "sub": "ada", "client_id": "tests", "roles": ["admin"]}
    (tmp_path / "ada.json").write_text(json.dumps(claims))
    place = ["--data-dir", str(realm.plane.data_dir), "--own"]
    done = run(
        "--json", "policy", "map", "--applied", "--claims", "ada.json", "--session", *place, folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["version"] == version
    assert found["outcome"]["roles"] == [
        {"name": "admin", "told": True, "rules": []},
        {"name": "approver", "told": False, "rules": [1]},
    ]
    assert [rule.get("missed") for rule in found["rules"]] == [None, "actor", "actor"]


@pytest.mark.usefixtures("realm")
def test_the_page_shows_what_the_program_prints(tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    rules = next(
        block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "accountants" in block
    )
    (tmp_path / "sealgate.toml").write_text(rules)
    shown = next(block for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL))
    first, claims, command, expected = shown.split("\n", 3)
    assert first == "$ cat ada.json"
    (tmp_path / "ada.json").write_text(claims)
    done = run(*command.removeprefix("$ sealgate ").split(), folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, expected), done.stderr
    # As a token it was granted no scope by anybody.
    done = run(*command.removeprefix("$ sealgate ").replace(" --session", "").split(), folder=tmp_path)
    assert "Scopes  none" in done.stdout
    assert "(not granted to the token)" in done.stdout


@pytest.mark.usefixtures("realm")
def test_every_example_of_the_pages_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "nobody.json").write_text('{"iss": "https://id.example"}')
    pages = [PAGE, PAGE.parents[1] / "reference" / "mapping.md"]
    examples = [
        one for page in pages for one in re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    ]
    assert len(examples) >= 6
    for example in examples:
        (tmp_path / "sealgate.toml").write_text(example)
        done = run("policy", "map", "--claims", "nobody.json", folder=tmp_path)
        assert done.returncode == 0, f"{example}\n{done.stderr}"


@pytest.mark.usefixtures("realm")
def test_what_cannot_be_meant_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "nobody.json").write_text('{"iss": "https://id.example"}')
    (tmp_path / "odd.json").write_text('{"iss": "https://id.example", "secret-value": }')
    rule = '# who\n[[mapping]]\nwhen = { issuer = "own", groups = "a" }\ngive.roles = ["r"]\n'
    (tmp_path / "sealgate.toml").write_text(rule)
    done = run("policy", "map", "--claims", "nobody.json", folder=tmp_path)
    assert done.returncode == 1
    assert "sealgate.toml: line 3, column 26: mapping[1].when.groups" in done.stderr
    assert "(mapping_malformed)" in done.stderr
    (tmp_path / "sealgate.toml").write_text("")
    for claims, reason in [("odd.json", "claims_malformed"), ("none.json", "claims_unreadable")]:
        done = run("policy", "map", "--claims", claims, folder=tmp_path)
        assert done.returncode == 2
        assert reason in done.stderr
        assert "secret-value" not in done.stderr


@pytest.mark.usefixtures("realm")
def test_a_contradiction_is_said(tmp_path: Path) -> None:
    kinds = [
        f'[[mapping]]\nwhen = {{ issuer = "own", client = "odd" }}\ngive.actor = "{kind}"\n'
        for kind in ("machine", "agent")
    ]
    (tmp_path / "sealgate.toml").write_text("".join(kinds))
    (tmp_path / "odd.json").write_text('{"iss": "https://id.example", "sub": "ada", "client_id": "odd"}')
    done = run("--json", "policy", "map", "--claims", "odd.json", "--own", folder=tmp_path)
    found = json.loads(done.stdout)
    assert (found["refused"], found.get("outcome")) == ("actor_contradictory", None)
    done = run("--json", "policy", "map", "--claims", "odd.json", folder=tmp_path)
    assert json.loads(done.stdout)["outcome"]["actor"] == "user"
