"""What OpenAPI documents say of gated and public operations, and how the documentation page signs in."""

import json
from typing import Annotated, Any

import pytest
from asgi_kit import request
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.security import APIKeyHeader
from sealgate import Gate, User
from unreachable import SETTINGS

SESSION, SIGN_IN, TOKEN = "Sealgate session", "Sealgate sign-in", "Sealgate token"
GATED: list[dict[str, list[str]]] = [{SESSION: []}, {SIGN_IN: []}, {TOKEN: []}]


def operation(app: FastAPI, path: str, method: str = "get") -> dict[str, Any]:
    found: dict[str, Any] = app.openapi()["paths"][path][method]
    return found


async def handler() -> str:
    return "passed"


def test_marked_and_unmarked_operations_show_the_ways_in_and_the_refusals(app: FastAPI, gate: Gate) -> None:
    app.get("/marked", dependencies=[Depends(gate.user)])(handler)
    app.get("/unmarked")(handler)
    app.post("/unmarked")(handler)
    for path in ("/marked", "/unmarked"):
        told = operation(app, path)
        assert told["security"] == GATED
        for status in ("401", "503"):
            schema = told["responses"][status]["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/SealgateProblem"}
        assert "WWW-Authenticate" in told["responses"]["401"]["headers"]
        assert "`actor_wrong`" in told["responses"]["403"]["description"]
    assert "`cross_origin`" in operation(app, "/unmarked", "post")["responses"]["403"]["description"]
    components = app.openapi()["components"]
    assert set(components["securitySchemes"]) == {SESSION, SIGN_IN, TOKEN}
    assert set(components["schemas"]["SealgateProblem"]["required"]) == {"type", "title", "status", "reason"}


def test_public_operations_show_nothing(app: FastAPI, gate: Gate) -> None:
    app.get("/open", dependencies=[gate.public("open")])(handler)
    app.get("/assets/{name}")(handler)
    gate.public_path("/assets/*", "assets")
    for path in ("/open", "/assets/{name}"):
        told = operation(app, path)
        assert "security" not in told
        assert set(told["responses"]) <= {"200", "422"}
    assert "SealgateProblem" not in json.dumps(app.openapi())


def test_what_is_asked_is_shown(app: FastAPI, gate: Gate) -> None:
    app.get("/scopes", dependencies=[Depends(gate.user(scopes=["b", "a"]))])(handler)
    app.get("/any", dependencies=[Security(gate.actor(any_scopes=["x", "y"]), scopes=["a"])])(handler)
    app.get("/machine", dependencies=[Depends(gate.machine(roles=["r"], tenant="t"))])(handler)
    app.get("/optional", dependencies=[Depends(gate.optional)])(handler)
    assert operation(app, "/scopes")["security"] == [{SESSION: []}, {SIGN_IN: ["a", "b"]}, {TOKEN: []}]
    alternatives: list[dict[str, list[str]]] = [
        {SESSION: []},
        {SIGN_IN: ["a", "x"]},
        {SIGN_IN: ["a", "y"]},
        {TOKEN: []},
    ]
    assert operation(app, "/any")["security"] == alternatives
    assert operation(app, "/machine")["security"] == [{TOKEN: []}]
    assert operation(app, "/optional")["security"] == [*GATED, {}]
    assert "403" not in operation(app, "/optional")["responses"]
    refused = operation(app, "/machine")["responses"]["403"]["description"]
    for reason in ("actor_wrong", "role_missing", "tenant_wrong"):
        assert f"`{reason}`" in refused
    flow = app.openapi()["components"]["securitySchemes"][SIGN_IN]["flows"]["authorizationCode"]
    assert flow["authorizationUrl"] == f"{SETTINGS['issuer']}/oauth/authorize"
    assert flow["tokenUrl"] == f"{SETTINGS['issuer']}/oauth/token"
    assert set(flow["scopes"]) == {"openid", "a", "b", "x", "y"}


def test_what_the_application_declares_stays(app: FastAPI, gate: Gate) -> None:
    own: dict[int | str, dict[str, Any]] = {
        401: {"description": "own words"},
        503: {"description": "own words"},
    }
    key = APIKeyHeader(name="x-key", scheme_name="own key", auto_error=False)

    @app.get("/own", responses=own, dependencies=[Depends(key)])
    async def declared(user: Annotated[User, Depends(gate.user)]) -> str:
        return "passed"

    told = operation(app, "/own")
    assert told["security"] == [{"own key": []}, *GATED]
    assert told["responses"]["401"] == told["responses"]["503"] == {"description": "own words"}
    assert set(app.openapi()["components"]["securitySchemes"]) == {"own key", SESSION, SIGN_IN, TOKEN}


def test_included_routes_are_described_with_the_marks_of_their_includes(app: FastAPI, gate: Gate) -> None:
    inner = APIRouter(prefix="/inner")
    inner.get("/it")(handler)
    outer = APIRouter(prefix="/outer", dependencies=[Depends(gate.machine)])
    outer.include_router(inner)
    app.include_router(outer, prefix="/v1")
    app.include_router(inner, dependencies=[gate.public("open")])
    assert operation(app, "/v1/outer/inner/it")["security"] == [{TOKEN: []}]
    assert "security" not in operation(app, "/inner/it")


async def test_mounted_applications_are_described_too(app: FastAPI, gate: Gate) -> None:
    sub = FastAPI()
    sub.get("/it", dependencies=[Depends(gate.user)])(handler)
    sub.get("/shown")(handler)
    app.mount("/sub", sub)
    gate.public_path("/sub/shown", "shown")
    await request(app, "GET", "/")  # The start is when everything is there.
    assert operation(sub, "/it")["security"] == GATED
    assert "security" not in operation(sub, "/shown")


async def test_an_own_openapi_function_is_completed(app: FastAPI, gate: Gate) -> None:
    app.get("/it", dependencies=[Depends(gate.user)])(handler)
    app.get("/hidden", include_in_schema=False)(handler)

    def own() -> dict[str, Any]:
        return {"openapi": "3.1.0", "paths": {"/it": {"get": {}}, "/elsewhere": {"get": {}}}}

    app.openapi = own  # type: ignore[method-assign]
    await request(app, "GET", "/")
    assert operation(app, "/it")["security"] == GATED
    assert operation(app, "/elsewhere") == {}
    assert "/hidden" not in app.openapi()["paths"]


def test_the_document_is_made_once(app: FastAPI, gate: Gate) -> None:
    app.get("/it", dependencies=[Depends(gate.user)])(handler)
    assert app.openapi() is app.openapi()
    assert operation(app, "/it")["security"] == GATED


async def test_the_documentation_page_signs_in_with_pkce(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    settings: dict[str, Any] = {**SETTINGS, "docs": "open", "docs_client_id": "docs"}
    docs = Gate(**settings, audiences=["https://api.example"])
    app = FastAPI()
    docs.install(app)
    app.get("/it", dependencies=[Depends(docs.user(scopes=["expenses:read"]))])(handler)
    await request(app, "GET", "/")
    assert app.swagger_ui_init_oauth == {
        "clientId": "docs",
        "usePkceWithAuthorizationCodeGrant": True,
        "scopes": "expenses:read openid",
        "additionalQueryStringParams": {"resource": "https://api.example"},
    }
    page = await request(app, "GET", "/docs")
    assert page.status == 200
    assert b'"clientId": "docs"' in page.body
    assert b"oauth2RedirectUrl: window.location.origin + '/docs/oauth2-redirect'" in page.body
    assert (await request(app, "GET", "/docs/oauth2-redirect")).status == 200
    docs._core.stop()  # pyright: ignore[reportPrivateUsage]


def test_other_providers_are_named_by_their_discovery_document(app: FastAPI) -> None:
    foreign = Gate(**SETTINGS, provider="openid")
    other = FastAPI()
    foreign.install(other)
    other.get("/it", dependencies=[Depends(foreign.user(scopes=["a"]))])(handler)
    assert other.openapi()["components"]["securitySchemes"][SIGN_IN] == {
        "type": "openIdConnect",
        "openIdConnectUrl": f"{SETTINGS['issuer']}/.well-known/openid-configuration",
        "description": "Access tokens for users, by signing in.",
    }


def test_own_settings_of_the_documentation_page_stay(gate: Gate) -> None:
    app = FastAPI(swagger_ui_init_oauth={"clientId": "own"})
    Gate(**SETTINGS, docs_client_id="docs").install(app)
    assert app.swagger_ui_init_oauth == {"clientId": "own"}
    plain = FastAPI()
    gate.install(plain)
    assert plain.swagger_ui_init_oauth is None
