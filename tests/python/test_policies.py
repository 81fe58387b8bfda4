"""What the settings say about documentation pages and unknown paths, and what the log of decisions tells."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from asgi_kit import assert_refused, request, websocket
from fastapi import FastAPI
from sealgate import Gate
from sealgate.asgi import GateLayer
from sealgate.public_paths import PublicPaths
from sealgate.routes import RouteTable
from sealgate.targets import PathTable, Target
from sessions import Realm, browser, session_cookie, sign_in
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router
from unreachable import SETTINGS

PAGES = ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"]


async def leak() -> str:
    return "leaked"


async def leak_raw(_: Request) -> PlainTextResponse:
    return PlainTextResponse("leaked")


def by_default(**change: Any) -> dict[str, Any]:
    """Settings that say nothing of documentation pages."""
    return {name: value for name, value in {**SETTINGS, **change}.items() if name != "docs"}


def gated(**change: Any) -> tuple[FastAPI, Gate]:
    gate = Gate(**{**SETTINGS, **change})
    app = FastAPI()
    gate.install(app)
    return app, gate


@pytest.mark.parametrize("path", PAGES)
async def test_documentation_is_open_in_development_and_closed_in_production(path: str) -> None:
    opened, _ = gated(docs="open")
    assert (await request(opened, "GET", path)).status == 200
    closed, _ = gated(docs="closed")
    assert_refused(await request(closed, "GET", path))
    development = FastAPI()
    Gate(**by_default()).install(development)
    assert (await request(development, "GET", path)).status == 200
    production = FastAPI()
    Gate(**by_default(base_url="https://app.example", issuer="https://id.example")).install(production)
    assert_refused(await request(production, "GET", path))


async def test_open_documentation_is_noticed_once(caplog: pytest.LogCaptureFixture) -> None:
    app, _ = gated(docs="open")
    for path in PAGES:
        await request(app, "GET", path)
    notices = [record for record in caplog.records if "documentation pages are open" in record.message]
    assert len(notices) == 1
    assert "SEALGATE_DOCS=closed" in notices[0].message


async def test_documentation_pages_are_known_by_who_wrote_them() -> None:
    gate = Gate(**by_default())
    app = FastAPI(docs_url="/handbook", redoc_url=None, openapi_url="/api.json")
    app.add_route("/docs", leak_raw)
    app.add_route("/redoc", leak_raw)
    app.mount("/sub", FastAPI())
    gate.install(app)
    assert (await request(app, "GET", "/handbook")).status == 200
    assert (await request(app, "GET", "/api.json")).status == 200
    assert (await request(app, "GET", "/sub/docs")).status == 200
    for path in ("/docs", "/redoc"):
        assert_refused(await request(app, "GET", path))
    wrong_method = await request(app, "POST", "/handbook")
    assert wrong_method.status == 405


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/known", 405),
        ("HEAD", "/known", 405),
        ("GET", "/sub/nowhere", 404),
    ],
)
async def test_strangers_are_told_of_unknown_paths_unless_asked_to_hide_them(
    method: str, path: str, status: int
) -> None:
    for setting, expected in (("show", status), ("hide", 401)):
        app, _ = gated(unknown_paths=setting)
        app.get("/known")(leak)
        app.mount("/sub", FastAPI())
        answer = await request(app, method, path)
        assert answer.status == expected
        assert b"leaked" not in answer.body


async def test_hidden_paths_leave_public_routes_and_their_redirects_open() -> None:
    app, gate = gated(unknown_paths="hide")
    app.get("/open/", dependencies=[gate.public("open")])(leak)
    app.get("/closed/")(leak)
    assert (await request(app, "GET", "/open/")).status == 200
    assert (await request(app, "GET", "/open")).status == 307
    assert_refused(await request(app, "GET", "/closed"))
    assert_refused(await websocket(app, "/nowhere"))


async def test_a_signed_in_user_is_told_of_unknown_paths_even_when_they_are_hidden(realm: Realm) -> None:
    app = FastAPI()
    realm.gate(unknown_paths="hide").install(app)
    app.get("/known")(leak)
    async with browser(app) as client:
        await sign_in(client, realm)
        cookie = session_cookie(client)
    assert (await request(app, "GET", "/nowhere", [cookie])).status == 404
    assert (await request(app, "POST", "/known", [cookie, ("origin", "http://127.0.0.1:8000")])).status == 405
    assert_refused(await request(app, "GET", "/nowhere"))


async def test_a_route_that_appears_behind_a_hidden_path_is_not_reached(
    monkeypatch: pytest.MonkeyPatch, realm: Realm
) -> None:
    # The table foretold nothing there; when something answers all the same, its answer is withheld.
    app = FastAPI()
    realm.gate(unknown_paths="hide").install(app)
    async with browser(app) as client:
        await sign_in(client, realm)
        cookie = session_cookie(client)
    find = RouteTable.find
    app.get("/appeared")(leak)

    def outdated(self: RouteTable, scope: Any) -> Target:
        return find(self, {**scope, "path": "/no"})

    monkeypatch.setattr(RouteTable, "find", outdated)
    answer = await request(app, "GET", "/appeared", [cookie])
    assert answer.status == 500
    assert b"leaked" not in answer.body


async def test_any_asgi_application_is_closed_but_for_declared_paths(gate: Gate) -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(f"{scope['path']}")(scope, receive, send)

    paths = PublicPaths()
    paths.add("/health", "load balancers ask")
    paths.add("/static/*", "assets")
    marks = gate._marks  # pyright: ignore[reportPrivateUsage]
    layer = GateLayer(
        Router([Mount("/", page)]),
        core=gate._core,  # pyright: ignore[reportPrivateUsage]
        table=PathTable(marks, paths),
        on_startup=lambda: None,
        on_shutdown=lambda: None,
    )
    assert (await request(layer, "GET", "/health")).body == b"/health"
    assert (await request(layer, "GET", "/static/a.css")).status == 200
    for path in ("/", "/healthz", "/static/../secret", "/anything"):
        assert_refused(await request(layer, "GET", path))


async def test_refusals_are_in_the_log_of_decisions(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sealgate.decisions")
    app = FastAPI()
    gate.install(app)
    app.get("/items/{item}")(leak)
    app.get("/open", dependencies=[gate.public("open")])(leak)
    await request(app, "GET", "/items/7", query="token=secret")
    await request(app, "GET", "/open")
    refused, allowed = (vars(record) for record in caplog.records if record.name == "sealgate.decisions")
    assert (refused["levelno"], allowed["levelno"]) == (logging.INFO, logging.DEBUG)
    assert {name: refused[name] for name in ("outcome", "reason", "status", "method", "path", "route")} == {
        "outcome": "refused",
        "reason": "credential_missing",
        "status": 401,
        "method": "GET",
        "path": "/items/7",
        "route": "/items/{item}",
    }
    assert (allowed["outcome"], allowed["route"], allowed["actor"]) == ("allowed", "/open", None)
    assert "secret" not in caplog.text
    assert "secret" not in repr(refused)


async def test_the_log_of_decisions_names_the_actor_and_the_credential(
    realm: Realm, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sealgate.decisions")
    app = FastAPI()
    gate = realm.gate()
    gate.install(app)
    app.get("/closed")(leak)
    async with browser(app) as client:
        await sign_in(client, realm)
        cookie = session_cookie(client)
    caplog.clear()
    await request(app, "GET", "/closed", [cookie])
    (record,) = [vars(record) for record in caplog.records if record.name == "sealgate.decisions"]
    assert (record["outcome"], record["actor_kind"], record["credential"]) == ("allowed", "user", "session")
    assert record["client"] == realm.client.id
    assert record["actor"]
    assert record["session"]
    assert cookie[1].partition("=")[2] not in repr(record)


async def test_the_log_of_decisions_makes_nothing_when_nobody_listens(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sealgate import decisions

    def made(*_: object) -> None:
        raise AssertionError("a record was made")

    logging.getLogger("sealgate.decisions").setLevel(logging.WARNING)
    monkeypatch.setattr(decisions, "_request", made)
    app = FastAPI(routes=[Route("/x", leak_raw)])
    gate.install(app)
    try:
        assert_refused(await request(app, "GET", "/x"))
    finally:
        logging.getLogger("sealgate.decisions").setLevel(logging.NOTSET)
