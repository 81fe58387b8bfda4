"""The route table foretells what the application does, and a wrong prophecy gets nothing out."""

import logging
from typing import Any

import pytest
from asgi_kit import drive, http_scope, request, websocket
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.routing import APIRoute
from sealgate import Gate
from sealgate.dependencies import Marks
from sealgate.public_paths import PublicPaths
from sealgate.routes import RouteTable
from sealgate.targets import Target
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router


def named(name: str) -> Any:
    async def endpoint() -> str:
        return name

    endpoint.__name__ = name
    return endpoint


async def raw(request: Request) -> PlainTextResponse:
    return PlainTextResponse("raw")


def every_kind_of_route() -> FastAPI:
    """An application with overlapping routes of every kind."""
    app = FastAPI()
    app.get("/a/{x}")(named("a_x"))
    app.post("/a/b")(named("post_a_b"))
    app.get("/a/b")(named("shadowed"))
    app.get("/n/{x:int}")(named("n_int"))
    app.get("/n/{x}")(named("n_any"))
    app.get("/slash/")(named("slash"))
    inner = APIRouter()
    inner.get("/i/{x:path}")(named("i_path"))
    inner.put("/i/x")(named("put_i"))
    inner.add_route("/raw", raw)
    outer = APIRouter(prefix="/o")
    outer.get("/first")(named("first"))
    outer.include_router(inner)
    outer.include_router(inner, prefix="/again")
    app.include_router(outer, prefix="/r")
    app.get("/r/o/first")(named("never"))
    sub = FastAPI()
    sub.get("/x")(named("sub_x"))
    sub.get("/{y}")(named("sub_y"))
    app.mount("/sub", sub)
    app.mount("/own", FastAPI(root_path="/other", routes=[Route("/own/z", PlainTextResponse("z"))]))
    plain = [Route("/x", raw, methods=["GET"])]
    app.mount("/plain", Starlette(routes=plain))
    app.router.routes.append(Mount("/router", app=Router(plain)))
    return app


PATHS = [
    *("/a/b", "/a/c", "/n/1", "/n/x", "/slash", "/slash/", "/r/o/first", "/r/o/i/x", "/r/o/i/x/y"),
    *("/r/o/again/i/x", "/r/o/raw", "/r/o/nothing", "/sub/x", "/sub/q", "/sub", "/sub/", "/own/z"),
    *("/plain/x", "/plain/y", "/plain", "/router/x", "/router/x/", "/", "", "/docs", "//", "/a//b"),
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
async def test_every_prophecy_comes_true(gate: Gate, method: str, path: str) -> None:
    app = every_kind_of_route()
    table = RouteTable(app, Marks(gate._core), PublicPaths())  # pyright: ignore[reportPrivateUsage]
    target = table.find({**http_scope(method, path), "app": app})
    scope = http_scope(method, path)
    answer = await drive(app, scope)
    if target.verified:
        assert target.came_true(scope), (target, scope.get("endpoint"), answer.status)
    if target.public:
        # Nothing in this application is marked, so only what reaches no handler may pass. A redirect
        # into a mount is one, where nothing is behind it.
        assert answer.status in (307, 404, 405)
    assert table.find(http_scope(method, path)) == target


async def test_what_is_remembered_is_bounded(gate: Gate) -> None:
    app = every_kind_of_route()
    table = RouteTable(app, Marks(gate._core), PublicPaths())  # pyright: ignore[reportPrivateUsage]
    for number in range(10_000):
        table.find(http_scope("GET", f"/a/{number}"))
        table.find(http_scope("GET", f"/unknown/{number}"))
    for length in (300, 15_000):
        table.find(http_scope("M" * length, "/a/1"))
        table.find(http_scope("GET", "/a/1", root_path="/" + "r" * length))
    remembered = table._cache  # pyright: ignore[reportPrivateUsage]
    assert 0 < len(remembered) <= 4096
    assert not any("unknown" in key[3] for key in remembered)
    assert all(sum(map(len, key)) <= 256 for key in remembered)


@pytest.fixture
def lying(app: FastAPI, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """An application whose route table says of everything that it is the public route."""

    @app.get("/open", dependencies=[gate.public("open")])
    async def opened() -> str:
        return "open"

    @app.get("/closed")
    async def closed() -> str:
        return "leaked"

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("leaked")

    find = RouteTable.find

    def lie(self: RouteTable, scope: Any) -> Target:
        return find(self, {**scope, "type": "http", "method": "GET", "path": "/open"})

    monkeypatch.setattr(RouteTable, "find", lie)
    return app


async def test_the_interlock_withholds_what_was_let_in_by_mistake(
    lying: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await request(lying, "GET", "/open")).body == b'"open"'
    with caplog.at_level(logging.ERROR, "sealgate"):
        answer = await request(lying, "GET", "/closed")
    assert answer.status == 500
    assert answer.reason == "interlock"
    assert b"leaked" not in answer.body
    assert "interlock" in caplog.text


async def test_the_interlock_holds_for_sockets(lying: FastAPI) -> None:
    answer = await websocket(lying, "/ws")
    assert "websocket.accept" not in answer.kinds
    assert answer.status == 500
    answer = await websocket(lying, "/ws", denial_response=False)
    assert answer.kinds == ["websocket.close"]


@pytest.mark.parametrize("warm", ["/a", "/a/1", "/nowhere"])
@pytest.mark.parametrize("endpoint", ["the same", "another"])
async def test_a_route_that_replaces_another_is_read_before_it_runs(
    app: FastAPI, gate: Gate, warm: str, endpoint: str
) -> None:
    ran: list[str] = []

    async def shared() -> str:
        ran.append("shared")
        return "shared"

    async def other() -> str:
        ran.append("other")
        return "leaked"

    app.get("/a", dependencies=[gate.public("for now")])(shared)
    app.get("/a/{x}", dependencies=[gate.public("for now")])(shared)
    await request(app, "GET", warm)
    ran.clear()
    routes = app.router.routes
    # Both compare equal to what they replace when the function is the same.
    unmarked = shared if endpoint == "the same" else other
    routes[-2:] = [APIRoute("/a", unmarked, methods=["GET"]), APIRoute("/a/{x}", unmarked, methods=["GET"])]
    for path in ("/a", "/a/1", "/a/2"):
        assert (await request(app, "GET", path)).status == 401
    assert ran == []


async def test_a_list_of_routes_that_replaces_another_is_read(app: FastAPI, gate: Gate) -> None:
    app.get("/a", dependencies=[gate.public("for now")])(named("a"))
    assert (await request(app, "GET", "/a")).status == 200
    app.router.routes = [*app.router.routes[:-1], APIRoute("/a", named("unmarked"))]
    assert (await request(app, "GET", "/a")).status == 401


async def test_a_route_that_is_replaced_inside_a_mount_is_read_before_it_runs(
    app: FastAPI, gate: Gate
) -> None:
    endpoint = named("a")
    sub = FastAPI()
    sub.get("/a", dependencies=[gate.public("for now")])(endpoint)
    app.mount("/sub", sub)
    assert (await request(app, "GET", "/sub/a")).status == 200
    sub.router.routes[-1] = APIRoute("/a", endpoint, methods=["GET"])
    assert (await request(app, "GET", "/sub/a")).status == 401
