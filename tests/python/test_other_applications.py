"""The gate in front of plain Starlette, by `install`, and of any ASGI application, by `wrap`."""

from typing import Any

import pytest
from asgi_kit import assert_refused, request, websocket
from fastapi import FastAPI
from sealgate import Gate
from sealgate.testing import as_agent, as_machine, as_user
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from unreachable import SETTINGS


async def shown(asked: Request) -> PlainTextResponse:
    return PlainTextResponse(asked.state.sealgate.id)


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """An application as small as they come."""
    if scope["type"] == "lifespan":
        raise RuntimeError("it has no lifespan")
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    actor = scope["state"]["sealgate"]
    body = b"nobody" if actor is None else actor.id.encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def test_plain_starlette_is_closed_and_opened_by_path(gate: Gate, tmp_path: Any) -> None:
    (tmp_path / "style.css").write_text("p {}")
    app = Starlette(
        routes=[
            Route("/who", shown),
            Mount("/static", StaticFiles(directory=tmp_path)),
            Mount("/private", StaticFiles(directory=tmp_path)),
        ]
    )
    gate.install(app)
    gate.public_path("/static/*", "styles")
    assert_refused(await request(app, "GET", "/who"))
    assert_refused(await request(app, "GET", "/private/style.css"))
    assert (await request(app, "GET", "/static/style.css")).status == 200
    assert (await request(app, "GET", "/auth/login")).status == 503
    with as_user(app, id="u1"):
        assert (await request(app, "GET", "/who")).body == b"u1"


async def test_any_application_can_be_wrapped(gate: Gate) -> None:
    app = gate.wrap(plain)
    gate.public_path("/health", "load balancers ask")
    for method, path in [("GET", "/"), ("POST", "/deep/er"), ("DELETE", "/health/not")]:
        assert_refused(await request(app, method, path, body=b"x" * 100_000))
    assert (await websocket(app, "/ws")).status == 401
    assert (await request(app, "GET", "/health")).body == b"nobody"
    assert (await request(app, "GET", "/auth/login")).status == 503, "the gate's own routes are there"
    with as_user(app, id="u1"):
        assert (await request(app, "GET", "/")).body == b"u1"
        assert "websocket.accept" in (await websocket(app, "/ws")).kinds
    with as_machine(app):
        assert (await request(app, "GET", "/")).reason == "actor_wrong"


async def test_a_wrapped_application_says_who_may_call(gate: Gate) -> None:
    app = gate.wrap(plain, requires=(gate.machine | gate.agent)(scopes=["tools"]))
    with as_agent(app, id="helper", scopes=["tools"]):
        assert (await request(app, "GET", "/")).body == b"helper"
    with as_agent(app):
        assert (await request(app, "GET", "/")).reason == "scope_missing"
    with as_user(app, scopes=["tools"]):
        assert (await request(app, "GET", "/")).reason == "actor_wrong"
    assert_refused(await request(app, "GET", "/"))


async def test_a_wrapped_application_without_lifespan_works(gate: Gate) -> None:
    app = gate.wrap(plain)

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing is received or sent")

    with pytest.raises(RuntimeError, match="no lifespan"):
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, nothing, nothing)
    assert_refused(await request(app, "GET", "/"))


async def test_unmarked_can_mean_nobody_for_wrapped_applications_too() -> None:
    gate = Gate(**SETTINGS, unmarked="deny")
    app = gate.wrap(plain)
    with as_user(app):
        assert (await request(app, "GET", "/")).reason == "route_unmarked"
    gate._core.stop()  # pyright: ignore[reportPrivateUsage]


def test_what_install_understands_is_not_wrapped(gate: Gate) -> None:
    for app in (FastAPI(), Starlette(), gate.wrap(plain)):
        with pytest.raises(TypeError, match=r"gate\.install\(app\)"):
            gate.wrap(app)
