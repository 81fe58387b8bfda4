"""What the inventory says of routes behind Sealgate's own gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asgi_kit import request
from fastapi import APIRouter, Depends, FastAPI, Security
from inventory_kit import names, own, routes
from sealgate import Gate
from sealgate.inventory import read
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from unreachable import SETTINGS


async def handler() -> str:
    return "x"


async def raw(request: Request) -> Response:
    return PlainTextResponse("x")


def gate_of(route: dict[str, Any]) -> dict[str, Any]:
    """The only gate of a route that has one."""
    assert (route["evidence"], route["reason"]) == ("GATED", None), route
    (gate,) = route["gates"]
    assert gate["strength"] == route["strength"]
    return dict(gate)


def test_what_a_mark_asks_for_is_the_strength(app: FastAPI, gate: Gate) -> None:
    asked: dict[str, Any] = {
        "/user": gate.user,
        "/machine": gate.machine,
        "/either": gate.user | gate.agent,
        "/actor": gate.actor,
        "/scopes": gate.user(scopes=["openid", "reports:read"]),
        "/openid": gate.user(scopes=["openid"]),
        "/roles": gate.user(roles=["admin"]),
        "/any": gate.actor(any_scopes=["b:read", "a:read"], any_roles=["admin"]),
        "/again": gate.user(acr=["mfa", "hwk"], max_age=300),
        "/tenants/{tenant}": gate.user(tenant_from="tenant"),
        "/action": gate.user(action="reports.read"),
    }
    for path, dependency in asked.items():
        app.get(path, dependencies=[Depends(dependency)])(handler)
    told = {route["path"]: gate_of(route) for route in own(app).values()}
    assert {gate["placement"] for gate in told.values()} == {"layer"}
    assert {
        path: (gate["name"].removeprefix("sealgate:"), gate["strength"]) for path, gate in told.items()
    } == {
        "/user": ("Gate.user", {"level": "user", "actors": ["user"]}),
        "/machine": ("Gate.machine", {"level": "user", "actors": ["machine"]}),
        "/either": ("Gate.actor", {"level": "user", "actors": ["user", "agent"]}),
        "/actor": ("Gate.actor", {"level": "user", "actors": ["user", "machine", "agent"]}),
        "/scopes": (
            "Gate.user",
            {"level": "privileged", "actors": ["user"], "scopes": ["openid", "reports:read"]},
        ),
        "/openid": ("Gate.user", {"level": "user", "actors": ["user"], "scopes": ["openid"]}),
        "/roles": ("Gate.user", {"level": "privileged", "actors": ["user"], "roles": ["admin"]}),
        "/any": (
            "Gate.actor",
            {
                "level": "privileged",
                "actors": ["user", "machine", "agent"],
                "any_of": ["role:admin", "scope:a:read|scope:b:read"],
            },
        ),
        "/again": (
            "Gate.user",
            {"level": "user", "actors": ["user"], "more": ["acr=mfa|hwk", "max_age=300"]},
        ),
        "/tenants/{tenant}": (
            "Gate.user",
            {"level": "user", "actors": ["user"], "more": ["tenant_from=tenant"]},
        ),
        # What policies allow only some do.
        "/action": (
            "Gate.user",
            {"level": "privileged", "actors": ["user"], "more": ["action=reports.read"]},
        ),
    }
    assert names(own(app)["GET /user"]) == ["sealgate:Gate.user"]


def test_marks_along_the_way_come_together(app: FastAPI, gate: Gate) -> None:
    router = APIRouter(dependencies=[Depends(gate.user(roles=["staff"]))])
    asked = Security(gate.user, scopes=["reports:read"])

    @router.get("/x")
    async def x(user: Any = asked) -> None: ...

    app.include_router(router)
    route = own(app)["GET /x"]
    assert route["evidence"] == "GATED"
    assert [(gate["name"], gate["strength"]) for gate in route["gates"]] == [
        ("sealgate:Gate.user", {"level": "privileged", "actors": ["user"], "roles": ["staff"]}),
        ("sealgate:Gate.user", {"level": "privileged", "actors": ["user"], "scopes": ["reports:read"]}),
    ]
    assert route["strength"] == {
        "level": "privileged",
        "actors": ["user"],
        "scopes": ["reports:read"],
        "roles": ["staff"],
    }


def test_what_is_asked_only_of_those_who_are_there_counts_beside_another_mark(
    app: FastAPI, gate: Gate
) -> None:
    marks = [Depends(gate.optional(scopes=["x:read"])), Depends(gate.optional), Depends(gate.user)]
    app.get("/x", dependencies=marks)(handler)
    route = own(app)["GET /x"]
    assert [gate["name"] for gate in route["gates"]] == ["sealgate:Gate.optional", "sealgate:Gate.user"]
    assert route["strength"] == {"level": "privileged", "actors": ["user"], "scopes": ["x:read"]}


def test_unmarked_routes_ask_for_somebody(app: FastAPI, gate: Gate, tmp_path: Path) -> None:
    from starlette.staticfiles import StaticFiles

    app.get("/x")(handler)
    app.add_route("/raw", raw)
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.mount("/other", raw)  # type: ignore[arg-type]
    for route in routes(app).values():
        told = gate_of(route)
        assert (told["name"], told["placement"]) == ("sealgate:Gate", "layer")
        assert told["strength"] == {"level": "user", "actors": ["user"]}


def test_public_routes_are_told_with_their_reasons(app: FastAPI, gate: Gate, tmp_path: Path) -> None:
    from starlette.staticfiles import StaticFiles

    app.get("/health", dependencies=[gate.public("load balancers ask")])(handler)
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.add_route("/raw", raw)
    gate.public_path("/static/*", "assets")
    gate.public_path("/raw", "a webhook with a signature")
    found = own(app)
    told = {name: (route["evidence"], route["reason"], route["gates"]) for name, route in found.items()}
    assert told == {
        "GET /health": ("PUBLIC", "load balancers ask", []),
        "* /static": ("PUBLIC", "assets", []),
        "GET,HEAD /raw": ("PUBLIC", "a webhook with a signature", []),
    }
    assert names(found["GET /health"]) == ["sealgate:Gate.public"]


async def test_a_route_of_which_a_part_is_public_counts_as_public(app: FastAPI, gate: Gate) -> None:
    app.get("/files/{name}")(handler)
    app.get("/numbers/{number:int}")(handler)
    app.get("/pages/about")(handler)
    app.get("/pages/{page}")(handler)
    gate.public_path("/files/robots.txt", "crawlers read it")
    gate.public_path("/numbers/robots.txt", "no number")
    gate.public_path("/pages/about", "a page of its own")
    found = own(app)
    files = found["GET /files/{name}"]
    assert (files["evidence"], files["reason"]) == ("PUBLIC", "/files/robots.txt is public: crawlers read it")
    assert files["gates"][0]["name"] == "sealgate:Gate"
    assert found["GET /numbers/{number:int}"]["evidence"] == "GATED"
    assert found["GET /pages/{page}"]["evidence"] == "GATED"
    assert (await request(app, "GET", "/files/robots.txt")).status == 200
    assert (await request(app, "GET", "/files/other")).status == 401


def test_a_declared_path_opens_nothing_that_asks_for_somebody(app: FastAPI, gate: Gate) -> None:
    app.get("/open/admin", dependencies=[Depends(gate.user(roles=["admin"]))])(handler)
    app.get("/open/page")(handler)
    gate.public_path("/open/*", "pages")
    found = own(app)
    assert found["GET /open/admin"]["evidence"] == "GATED"
    assert found["GET /open/page"]["evidence"] == "PUBLIC"


def test_a_route_for_those_who_are_not_signed_in_too_is_open(app: FastAPI, gate: Gate) -> None:
    app.get("/x", dependencies=[Depends(gate.optional)])(handler)
    route = own(app)["GET /x"]
    assert (route["evidence"], route["gates"]) == ("OPEN", [])
    assert route["reason"] == "it lets in those who are not signed in, too: gate.optional"


def test_of_marks_that_contradict_each_other_the_stricter_one_counts(app: FastAPI, gate: Gate) -> None:
    app.get("/x", dependencies=[gate.public("for now"), Depends(gate.user)])(handler)
    assert gate_of(own(app)["GET /x"])["name"] == "sealgate:Gate.user"


@pytest.mark.parametrize(("docs", "evidence"), [("open", "PUBLIC"), ("closed", "GATED")])
def test_documentation_pages_follow_the_setting(docs: str, evidence: str) -> None:
    settings: dict[str, Any] = {**SETTINGS, "docs": docs}
    gate = Gate(**settings)
    app = FastAPI()
    gate.install(app)
    assert {route["evidence"] for route in routes(app).values()} == {evidence}


def test_what_the_gate_does_not_look_into_is_unmarked_for_it(app: FastAPI, gate: Gate) -> None:
    public = [gate.public("open")]
    sub = FastAPI(openapi_url=None)
    sub.get("/open", dependencies=public)(handler)
    wrapped = FastAPI(openapi_url=None, middleware=[Middleware(GZipMiddleware)])
    wrapped.get("/open", dependencies=public)(handler)
    app.mount("/sub", sub)
    app.mount("/wrapped", wrapped)
    found = own(app)
    assert found["GET /sub/open"]["evidence"] == "PUBLIC"
    assert gate_of(found["GET /wrapped/open"])["name"] == "sealgate:Gate"


async def test_what_is_told_as_gated_is_refused_and_what_is_told_as_public_is_not(
    app: FastAPI, gate: Gate
) -> None:
    public = [gate.public("open")]
    sub = Starlette(routes=[Mount("/deep", routes=[Route("/raw", raw)])])
    router = APIRouter(prefix="/r", dependencies=public)
    router.get("/open")(handler)
    app.include_router(router)
    app.get("/open", dependencies=public)(handler)
    app.get("/user", dependencies=[Depends(gate.user)])(handler)
    app.get("/unmarked")(handler)
    app.mount("/sub", sub)
    gate.public_path("/sub/deep/*", "open")
    found = own(app)
    assert len(found) == 5
    for route in found.values():
        answer = await request(app, "GET", route["path"])
        assert answer.status == (200 if route["evidence"] == "PUBLIC" else 401), route
    assert {route["evidence"] for route in found.values()} == {"PUBLIC", "GATED"}


def test_a_mark_without_a_gate_in_front_denies_by_itself(gate: Gate) -> None:
    app = FastAPI(openapi_url=None)
    app.get("/x", dependencies=[Depends(gate.user(roles=["admin"]))])(handler)
    app.get("/y")(handler)
    found = own(app)
    told = gate_of(found["GET /x"])
    assert (told["name"], told["placement"]) == ("sealgate:Gate.user", "dependency")
    assert found["GET /y"]["evidence"] == "OPEN"


def test_a_mounted_application_may_have_a_gate_of_its_own(gate: Gate) -> None:
    inner = FastAPI(openapi_url=None)
    inner.get("/x")(handler)
    inner.get("/open", dependencies=[gate.public("open")])(handler)
    inner.get("/declared")(handler)
    gate.install(inner)
    gate.public_path("/declared", "by its path inside")
    outer = FastAPI(openapi_url=None)
    outer.get("/y")(handler)
    outer.mount("/inner", inner)
    evidence = {name: route["evidence"] for name, route in own(outer).items()}
    assert evidence == {
        "GET /inner/x": "GATED",
        "GET /inner/open": "PUBLIC",
        "GET /inner/declared": "PUBLIC",
        "GET /y": "OPEN",
    }


def test_behind_two_gates_the_stricter_one_counts(gate: Gate) -> None:
    other = Gate(**SETTINGS)
    inner = FastAPI(openapi_url=None)
    inner.get("/open", dependencies=[other.public("open")])(handler)
    other.install(inner)
    outer = FastAPI(openapi_url=None)
    gate.install(outer)
    outer.mount("/inner", inner)
    assert own(outer)["GET /inner/open"]["evidence"] == "GATED"


def test_an_application_that_is_wrapped_is_gated_as_a_whole(gate: Gate) -> None:
    async def any_application(scope: Any, receive: Any, send: Any) -> None: ...

    gate.public_path("/metrics", "scraped from inside")
    machines = own(gate.wrap(any_application, requires=gate.machine(scopes=["m:read"])))["* "]
    assert machines["evidence"] == "PUBLIC"
    assert machines["reason"] == "/metrics is public: scraped from inside"
    other = Gate(**SETTINGS)
    told = gate_of(own(other.wrap(any_application, requires=other.machine(scopes=["m:read"])))["* "])
    assert told["name"] == "sealgate:Gate.machine"
    assert told["strength"] == {"level": "privileged", "actors": ["machine"], "scopes": ["m:read"]}
    assert gate_of(own(other.wrap(any_application))["* "])["name"] == "sealgate:Gate"


def test_routes_that_are_not_understood_are_closed_by_the_gate(app: FastAPI, gate: Gate) -> None:
    class Odd(BaseRoute):
        path = "/odd"

    app.router.routes.append(Odd())
    route = own(app)["* /odd"]
    assert gate_of(route)["name"] == "sealgate:Gate"


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI has no frontends")
def test_frontends_have_what_their_routers_say(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("x")
    app: Any = FastAPI(openapi_url=None)
    router: Any = APIRouter(dependencies=[gate.public("the sign-in screen")])
    router.frontend("/welcome", directory=tmp_path)
    app.include_router(router)
    gate.install(app)
    assert own(app)["GET,HEAD /welcome"]["reason"] == "the sign-in screen"
    app.frontend("/app", directory=tmp_path)
    # Which of several serves is not foretold: all of them have to agree.
    assert {route["evidence"] for route in own(app).values()} == {"GATED"}


def test_the_layer_is_told_among_the_middleware(app: FastAPI, gate: Gate) -> None:
    app.add_middleware(GZipMiddleware)
    told = [part["name"] for part in read(app, "main:app")["apps"][0]["middleware"]]
    assert told == ["starlette.middleware.gzip:GZipMiddleware", "sealgate.asgi:GateLayer"]


def test_the_document_of_the_gate_is_not_disturbed(app: FastAPI, gate: Gate) -> None:
    app.get("/x", dependencies=[Depends(gate.user)])(handler)
    expected = FastAPI.openapi
    assert read(app)["apps"][0]["openapi_operations"] == 1
    app.get("/y", dependencies=[Depends(gate.user)])(handler)
    paths = app.openapi()["paths"]
    assert "401" in paths["/x"]["get"]["responses"]
    assert "401" in paths["/y"]["get"]["responses"]
    assert FastAPI.openapi is expected
