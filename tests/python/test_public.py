"""What is marked public is open to everybody, and nothing beside it."""

from pathlib import Path
from typing import Annotated

import pytest
from asgi_kit import request, websocket
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from sealgate import Gate, SettingsError, User
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.staticfiles import StaticFiles


async def test_a_public_route_is_open(app: FastAPI, gate: Gate) -> None:
    @app.get("/health", dependencies=[gate.public("load balancers ask")])
    async def health() -> dict[str, str]:
        return {"status": "up"}

    answer = await request(app, "GET", "/health")
    assert (answer.status, answer.body) == (200, b'{"status":"up"}')


async def test_a_public_route_stays_open_whatever_credential_comes_along(app: FastAPI, gate: Gate) -> None:
    @app.get("/health", dependencies=[gate.public("load balancers ask")])
    async def health() -> str:
        return "up"

    for headers in (
        [("cookie", "sealgate=v1.broken")],
        [("authorization", "Bearer x")],
        [("cookie", "sealgate=" + "x" * 8000)],
    ):
        assert (await request(app, "GET", "/health", headers)).status == 200


async def test_a_router_is_marked_as_a_whole(gate: Gate) -> None:
    app = FastAPI()
    inner = APIRouter()
    outer = APIRouter(prefix="/outer", dependencies=[gate.public("a public corner")])

    @inner.get("/x/{name}")
    async def x(name: str) -> str:
        return name

    outer.include_router(inner, prefix="/inner")
    app.include_router(outer, prefix="/api")

    @app.get("/api/outer/beside")
    async def beside() -> str:
        return "leaked"

    gate.install(app)
    assert (await request(app, "GET", "/api/outer/inner/x/1")).body == b'"1"'
    assert (await request(app, "GET", "/api/outer/inner/x/2")).body == b'"2"'
    assert (await request(app, "GET", "/api/outer/beside")).status == 401


async def test_a_mark_inside_a_mounted_application_counts(gate: Gate) -> None:
    sub = FastAPI()

    @sub.get("/open", dependencies=[gate.public("of the sub-application")])
    async def opened() -> str:
        return "open"

    @sub.get("/closed")
    async def closed() -> str:
        return "leaked"

    app = FastAPI()
    app.mount("/sub", sub)
    gate.install(app)
    assert (await request(app, "GET", "/sub/open")).status == 200
    assert (await request(app, "GET", "/sub/closed")).status == 401
    assert (await request(app, "GET", "/sub/docs")).status == 401
    assert (await request(app, "GET", "/sub/nowhere")).status == 404


async def test_another_gates_mark_does_not_open(app: FastAPI) -> None:
    from unreachable import SETTINGS

    other = Gate(**SETTINGS)

    @app.get("/x", dependencies=[other.public("not this gate's to say")])
    async def x() -> str:
        return "leaked"

    assert (await request(app, "GET", "/x")).status == 401


async def test_one_function_at_two_paths_is_judged_by_path(app: FastAPI, gate: Gate) -> None:
    async def shared() -> str:
        return "shared"

    app.get("/open", dependencies=[gate.public("this way in")])(shared)
    app.get("/closed")(shared)
    assert (await request(app, "GET", "/open")).status == 200
    assert (await request(app, "GET", "/closed")).status == 401


async def test_streams_and_own_responses_pass(app: FastAPI, gate: Gate) -> None:
    @app.get("/stream", dependencies=[gate.public("a public stream")])
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter(["a", "b", "c"]))

    assert (await request(app, "GET", "/stream")).body == b"abc"


async def test_a_public_socket_is_open(app: FastAPI, gate: Gate) -> None:
    @app.websocket("/ws", dependencies=[gate.public("a public ticker")])
    async def ticker(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    router = APIRouter()
    router.websocket("/included", dependencies=[gate.public("a public ticker")])(ticker)
    app.include_router(router, prefix="/api")
    for path in ("/ws", "/api/included"):
        answer = await websocket(app, path)
        assert answer.kinds == ["websocket.accept", "websocket.send", "websocket.close"], path


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_reason_is_required(gate: Gate, reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        gate.public(reason)
    with pytest.raises(ValueError, match="reason"):
        gate.public_path("/x", reason)


async def test_public_and_user_on_one_route_is_an_error_at_the_start(app: FastAPI, gate: Gate) -> None:
    @app.get("/torn", dependencies=[gate.public("open")])
    async def torn(user: Annotated[User, Depends(gate.user)]) -> str:
        return user.id

    with pytest.raises(SettingsError, match="/torn"):
        await request(app, "GET", "/torn")


async def test_the_stricter_mark_wins_on_a_contradiction_added_late(app: FastAPI, gate: Gate) -> None:
    assert (await request(app, "GET", "/torn")).status == 404

    @app.get("/torn", dependencies=[gate.public("open")])
    async def torn(user: Annotated[User, Depends(gate.user)]) -> str:
        return user.id

    assert (await request(app, "GET", "/torn")).status == 401


async def test_public_paths_open_what_cannot_carry_a_mark(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "app.css").write_text("body {}")
    app = FastAPI()
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.mount("/private", StaticFiles(directory=tmp_path))
    gate.public_path("/static/*", "style sheets")
    gate.public_path("/docs", "the API is documented in public")
    gate.install(app)
    assert (await request(app, "GET", "/static/app.css")).body == b"body {}"
    assert (await request(app, "GET", "/static/nothing.css")).status == 404
    assert (await request(app, "GET", "/docs")).status == 200
    assert (await request(app, "GET", "/openapi.json")).status == 401
    assert (await request(app, "GET", "/private/app.css")).status == 401
    assert (await request(app, "GET", "/staticx")).status == 404


async def test_a_public_path_does_not_open_a_route_that_asks_for_a_user(app: FastAPI, gate: Gate) -> None:
    gate.public_path("/area/*", "mostly public")

    @app.get("/area/mine")
    async def mine(user: Annotated[User, Depends(gate.user)]) -> str:
        return user.id

    @app.get("/area/any")
    async def anybody() -> str:
        return "open"

    assert (await request(app, "GET", "/area/any")).status == 200
    assert (await request(app, "GET", "/area/mine")).status == 401


@pytest.mark.parametrize(
    "path", ["/raw/../secret", "/raw/./x", "/raw//x", "/raw/..", "/raw/a\\..\\b", "/raw/%2e%2e/x"]
)
async def test_a_path_that_may_be_read_as_another_is_not_public(gate: Gate, path: str) -> None:
    async def raw(scope: object, receive: object, send: object) -> None:
        await PlainTextResponse("leaked")(scope, receive, send)  # type: ignore[arg-type]

    app = FastAPI()
    app.mount("/raw", raw)
    gate.public_path("/raw/*", "a raw application")
    gate.install(app)
    assert (await request(app, "GET", "/raw/x")).status == 200
    assert (await request(app, "GET", path)).status == 401


@pytest.mark.parametrize("path", ["", "static", "/*", "/a/*/b", "/a/../b/*", "//a", "*"])
def test_paths_that_cannot_be_meant_are_refused(gate: Gate, path: str) -> None:
    with pytest.raises(ValueError, match="/"):
        gate.public_path(path, "a reason")
