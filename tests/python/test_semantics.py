"""tests/semantics.json through the ASGI layer: the same table drives the layer for tower services."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from asgi_kit import Answer, request
from fastapi import Depends, FastAPI, Request
from lab import Browser, Client
from lab import sign_in as sign_in_at
from sealgate import Gate
from sessions import Realm, browser, session_cookie, sign_in

TABLE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "semantics.json").read_text("utf-8"))
BASE_URL = "http://127.0.0.1:8000"
RESOURCE = "http://127.0.0.1:8003"

Fields = list[tuple[str, str]]


def build(gate: Gate) -> FastAPI:
    """The table's routes."""
    app = FastAPI()
    for route in TABLE["routes"]:
        app.router.add_api_route(
            route["path"], who, methods=["GET", "HEAD", "POST"], dependencies=dependencies(gate, route)
        )
    gate.install(app)
    return app


def dependencies(gate: Gate, route: dict[str, Any]) -> list[Any]:
    if "public" in route:
        return [gate.public(route["public"])]
    if "kinds" not in route:
        return []
    if route.get("optional"):
        return [Depends(gate.optional)]
    named: dict[str, Any] = {"user": gate.user, "machine": gate.machine, "agent": gate.agent}
    asked = named[route["kinds"][0]]
    for kind in route["kinds"][1:]:
        asked = asked | named[kind]
    needs = {name: value for name, value in route.items() if name not in ("path", "kinds")}
    return [Depends(asked(**needs) if needs else asked)]


async def who(request: Request) -> str:
    """The kind of the caller, as the layer left it."""
    actor = request.scope["state"]["sealgate"]
    return "nobody" if actor is None else type(actor).__name__.lower()


def user_token(realm: Realm, client: Client) -> str:
    """A token of the realm's person for `RESOURCE`, by a sign-in at the control plane."""
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    redirect = f"{RESOURCE}/auth/callback"
    asked = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": redirect,
        "scope": "openid expenses:read",
        "resource": RESOURCE,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    with Browser(until=redirect) as person:
        url = f"{realm.plane.issuer}/oauth/authorize?{urlencode(asked)}"
        page = sign_in_at(person, url, realm.user.email, realm.user.password)
    form = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(page.url).query)["code"][0],
        "code_verifier": verifier,
        "redirect_uri": redirect,
    }
    return token(realm, client, form)


def token(realm: Realm, client: Client, form: dict[str, str]) -> str:
    answer = httpx.post(f"{realm.plane.issuer}/oauth/token", data=form, auth=(client.id, client.secret))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


@pytest.fixture(scope="module")
def tokens(realm: Realm) -> dict[str, str]:
    plane = realm.plane
    scope = "expenses:read=Read expenses"
    plane.cli("resource", "add", RESOURCE, "The table", "--client", realm.client.id, "--scope", scope)
    options = ["--id", "table-cli", "--resource", RESOURCE]
    cli = plane.add_client("The table's client", RESOURCE, ["expenses:read"], options)
    machine = plane.add_service("The table's machine", ["expenses:read"], ["--resource", RESOURCE])
    form = {"grant_type": "client_credentials", "resource": RESOURCE, "scope": "expenses:read"}
    return {"user": user_token(realm, cli), "machine": token(realm, machine, form)}


def credentials(cookie: str, tokens: dict[str, str]) -> Callable[[str | None], tuple[Fields, str]]:
    """What `with` stands for: header fields, and a query."""
    name, sealed = cookie.split("=", 1)
    bearer = ("authorization", f"Bearer {tokens['user']}")
    basic = ("authorization", "Basic YTpi")
    fields: dict[str | None, Fields] = {
        None: [],
        "session": [("cookie", cookie)],
        "broken session": [("cookie", f"{name}={sealed[1:]}x")],
        "session twice": [("cookie", cookie), ("cookie", cookie)],
        "session and basic": [("cookie", cookie), basic],
        "session and user token": [("cookie", cookie), bearer],
        "user token": [bearer],
        "user token as DPoP": [("authorization", f"DPoP {tokens['user']}")],
        "machine token": [("authorization", f"Bearer {tokens['machine']}")],
        "broken token": [("authorization", "Bearer a.b.c")],
        "token twice": [bearer, bearer],
        "token in the query": [],
        "basic": [basic],
    }

    def named(with_: str | None) -> tuple[Fields, str]:
        query = f"access_token={tokens['user']}" if with_ == "token in the query" else ""
        return fields[with_], query

    return named


@pytest.fixture
async def ask(realm: Realm, tokens: dict[str, str]) -> Any:
    gate = realm.gate(audiences=[RESOURCE])
    app = build(gate)
    async with browser(app) as client:
        await sign_in(client, realm)
        named = credentials(session_cookie(client)[1], tokens)

    async def ask(case: dict[str, Any]) -> Answer:
        fields, query = named(case.get("with"))
        told = [(name, value.replace("{app}", BASE_URL)) for name, value in case.get("headers", [])]
        body = case.get("body", "").encode()
        method = case.get("method", "GET")
        return await request(app, method, case["path"], [*fields, *told], body, query=query)

    yield ask
    gate._core.stop()  # pyright: ignore[reportPrivateUsage]


async def test_the_gate_answers_as_the_table_says(ask: Any) -> None:
    for case in TABLE["cases"]:
        answer: Answer = await ask(case)
        name = case["name"]
        assert answer.status == case["status"], (name, answer.body)
        if "actor" in case:
            assert json.loads(answer.body) == case["actor"], name
        if "reason" in case:
            assert answer.reason == case["reason"], name
