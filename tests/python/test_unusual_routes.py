"""Ways into an application that are out of the ordinary: understood, or closed."""

from pathlib import Path
from typing import Any

import pytest
from asgi_kit import assert_refused, request
from fastapi import APIRouter, FastAPI, Request
from sealgate import Gate
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router


async def leak(request: Request) -> PlainTextResponse:
    return PlainTextResponse("leaked")


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI has no frontends")
async def test_frontends_are_closed_until_their_router_is_public(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("leaked")
    open_files = tmp_path / "open"
    open_files.mkdir()
    (open_files / "index.html").write_text("open")
    app: Any = FastAPI()
    app.frontend("/app", directory=tmp_path)
    router: Any = APIRouter(dependencies=[gate.public("the sign-in screen")])
    router.frontend("/welcome", directory=open_files)
    app.include_router(router)
    gate.install(app)
    assert_refused(await request(app, "GET", "/app/index.html"))
    assert (await request(app, "GET", "/welcome/index.html")).body == b"open"
    assert (await request(app, "GET", "/elsewhere")).status == 404


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI has no frontends")
async def test_unknown_paths_are_closed_where_frontends_cannot_be_listed(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await request(app, "GET", "/elsewhere")).status == 404
    monkeypatch.setattr(APIRouter, "_iter_low_priority_routes", None)
    assert_refused(await request(app, "GET", "/elsewhere"))


async def test_a_route_class_of_its_own_is_understood_or_closed(gate: Gate) -> None:
    class Sneaky(Route):
        def matches(self, scope: Any) -> Any:
            return super().matches({**scope, "path": "/sneaky"})

    app = FastAPI()

    @app.get("/open", dependencies=[gate.public("comes first")])
    async def opened() -> str:
        return "open"

    app.router.routes.append(Sneaky("/sneaky", leak))
    gate.install(app)
    assert (await request(app, "GET", "/open")).status == 200
    assert_refused(await request(app, "GET", "/anything"))


async def test_a_path_that_breaks_a_convertor_is_closed(app: FastAPI, gate: Gate) -> None:
    @app.get("/n/{number:int}", dependencies=[gate.public("numbers")])
    async def number(number: int) -> int:
        return 1

    assert (await request(app, "GET", "/n/7")).status == 200
    # Python refuses to read integers of more than 4,300 digits.
    assert_refused(await request(app, "GET", "/n/" + "9" * 5_000))


async def test_a_plain_starlette_application_is_gated_too(gate: Gate) -> None:
    app = Starlette(routes=[Route("/x", leak), Route("/health", leak)])
    gate.public_path("/health", "load balancers ask")
    gate.install(app)
    assert_refused(await request(app, "GET", "/x"))
    assert (await request(app, "GET", "/health")).status == 200
    assert (await request(app, "GET", "/nowhere")).status == 404


async def test_a_mounted_router_with_middleware_of_its_own_is_closed(gate: Gate) -> None:
    sub = FastAPI()
    open_route = sub.get("/open", dependencies=[gate.public("open")])

    @open_route
    async def opened() -> str:
        return "open"

    routes = sub.router.routes
    app = FastAPI()
    app.mount("/plain", Router(routes=routes))
    app.mount("/wrapped", Router(routes=routes, middleware=[Middleware(GZipMiddleware)]))
    app.router.routes.append(
        Mount("/around", app=Router(routes=routes), middleware=[Middleware(GZipMiddleware)])
    )
    gate.install(app)
    assert_refused(await request(app, "GET", "/wrapped/open"))
    assert_refused(await request(app, "GET", "/around/open"))
    assert (await request(app, "GET", "/plain/open")).status == 200


@pytest.mark.parametrize("path", ["/x", "/api/x"])
async def test_a_served_prefix_changes_nothing(gate: Gate, path: str) -> None:
    app = FastAPI(root_path="/api")

    @app.get("/x")
    async def x() -> str:
        return "leaked"

    @app.get("/open", dependencies=[gate.public("open")])
    async def opened() -> str:
        return "open"

    gate.install(app)
    assert_refused(await request(app, "GET", path))
    assert (await request(app, "GET", path.replace("/x", "/open"))).status == 200
