"""Whatever nobody marked is closed, however it was added to the application."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from asgi_kit import assert_refused, request, websocket
from fastapi import APIRouter, Body, Depends, FastAPI, Request, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from sealgate import Gate, User
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

NAVIGATION = [("accept", "text/html"), ("sec-fetch-mode", "navigate")]


async def leak(request: Request) -> PlainTextResponse:
    return PlainTextResponse("leaked")


async def leak_socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("leaked")
    await websocket.close()


async def leak_asgi(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("leaked")(scope, receive, send)


async def test_a_route_without_any_mark_is_refused(app: FastAPI) -> None:
    @app.get("/forgotten")
    async def forgotten() -> str:
        return "leaked"

    assert_refused(await request(app, "GET", "/forgotten"))


async def test_a_route_that_asks_for_a_user_is_refused(app: FastAPI, gate: Gate) -> None:
    @app.get("/mine")
    async def mine(user: Annotated[User, Depends(gate.user)]) -> str:
        return user.id

    assert_refused(await request(app, "GET", "/mine"))


async def test_a_browser_is_led_to_sign_in_and_back(app: FastAPI) -> None:
    @app.get("/mine")
    async def mine() -> str:
        return "leaked"

    answer = await request(app, "GET", "/mine", NAVIGATION, query="page=2")
    assert answer.status == 303
    location = answer.header("location") or ""
    assert location.startswith("/auth/login?return_to=")
    assert "mine" in location
    assert answer.received == 0


async def test_a_script_is_told_401_and_not_redirected(app: FastAPI) -> None:
    @app.get("/mine")
    async def mine() -> str:
        return "leaked"

    fetched = [("accept", "*/*"), ("sec-fetch-mode", "cors")]
    assert_refused(await request(app, "GET", "/mine", fetched))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"a":' + b"x" * 5_000_000),
        ("application/json", b"{malformed"),
        ("application/json", b"\xff\xfe"),
        ("multipart/form-data", b"no boundary"),
        ("text/plain", b"a" * 3_000_000),
    ],
)
async def test_the_body_of_an_anonymous_request_is_never_read(
    app: FastAPI, gate: Gate, content_type: str, body: bytes
) -> None:
    @app.post("/upload")
    async def upload(
        content: Annotated[dict[str, Any], Body()], user: Annotated[User, Depends(gate.user)]
    ) -> str:
        return "leaked"

    assert_refused(await request(app, "POST", "/upload", [("content-type", content_type)], body))


async def test_refusals_name_no_parameter_of_the_route(app: FastAPI, gate: Gate) -> None:
    @app.get("/search")
    async def search(secret_parameter: int, user: Annotated[User, Depends(gate.user)]) -> str:
        return "leaked"

    answer = await request(app, "GET", "/search")
    assert_refused(answer)
    assert b"secret_parameter" not in answer.body


async def test_documentation_pages_are_closed(app: FastAPI) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"):
        assert_refused(await request(app, "GET", path))


async def test_everything_that_dependencies_cannot_reach_is_closed(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("leaked")
    app = FastAPI(dependencies=[Depends(gate.user)])
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.mount("/sub", Starlette(routes=[Route("/x", leak)]))
    app.mount("/raw", leak_asgi)
    app.add_route("/added", leak)
    router = APIRouter()
    router.add_route("/added", leak)
    router.mount("/mounted", Starlette(routes=[Route("/x", leak)]))
    app.include_router(router, prefix="/included")
    app.router.routes.append(Mount("/nested", routes=[Mount("/deep", routes=[Route("/x", leak)])]))
    app.router.routes.append(Host("127.0.0.1", Starlette(routes=[Route("/hosted", leak)])))
    gate.install(app)
    for path in (
        "/static/file.txt",
        "/sub/x",
        "/raw",
        "/raw/x",
        "/added",
        "/included/added",
        "/nested/deep/x",
        "/hosted",
    ):
        answer = await request(app, "GET", path)
        assert answer.body != b"leaked", path
        if answer.status not in (307, 404):
            assert_refused(answer)
    # Old versions leave mounts out when a router is included; new ones serve them, without dependencies.
    assert (await request(app, "GET", "/included/mounted/x")).status in (401, 404)


@pytest.mark.parametrize("path", ["/static/file.txt", "/sub/x", "/raw/x", "/added", "/nested/deep/x"])
async def test_each_of_those_answers_401_itself(gate: Gate, tmp_path: Path, path: str) -> None:
    (tmp_path / "file.txt").write_text("leaked")
    app = FastAPI()
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.mount("/sub", Starlette(routes=[Route("/x", leak)]))
    app.mount("/raw", leak_asgi)
    app.add_route("/added", leak)
    app.router.routes.append(Mount("/nested", routes=[Mount("/deep", routes=[Route("/x", leak)])]))
    gate.install(app)
    assert_refused(await request(app, "GET", path))


async def test_a_route_added_late_is_closed_and_then_found(app: FastAPI, gate: Gate) -> None:
    router = APIRouter()
    app.include_router(router, prefix="/api")
    assert (await request(app, "GET", "/late")).status == 404

    @app.get("/late")
    async def late() -> str:
        return "leaked"

    @router.get("/late")
    async def included_late() -> str:
        return "leaked"

    assert_refused(await request(app, "GET", "/late"))
    # Old versions copy routes when a router is included, so a later one is not served at all.
    assert (await request(app, "GET", "/api/late")).status in (401, 404)

    @app.get("/open", dependencies=[gate.public("added late, on purpose")])
    async def opened() -> str:
        return "open"

    assert (await request(app, "GET", "/open")).body == b'"open"'


async def test_a_router_included_again_without_its_mark_is_closed(gate: Gate) -> None:
    app = FastAPI()
    router = APIRouter()

    @router.get("/x")
    async def x() -> str:
        return "x"

    app.include_router(router, prefix="/v1", dependencies=[gate.public("first version")])
    app.include_router(router, prefix="/v2")
    gate.install(app)
    assert (await request(app, "GET", "/v1/x")).status == 200
    assert_refused(await request(app, "GET", "/v2/x"))


@pytest.mark.parametrize("denial_response", [True, False])
async def test_sockets_are_refused_before_the_handshake(gate: Gate, denial_response: bool) -> None:
    app = FastAPI()
    app.add_api_websocket_route("/ws", leak_socket)
    app.router.routes.append(WebSocketRoute("/plain", leak_socket))
    app.mount("/sub", Starlette(routes=[WebSocketRoute("/ws", leak_socket)]))
    gate.install(app)
    for path in ("/ws", "/plain", "/sub/ws"):
        answer = await websocket(app, path, denial_response=denial_response)
        assert answer.received == 0
        if denial_response:
            assert answer.kinds == ["websocket.http.response.start", "websocket.http.response.body"]
            assert answer.status == 401
            assert answer.reason == "credential_missing"
        else:
            assert answer.kinds == ["websocket.close"]


async def test_a_socket_nobody_serves_is_closed_by_the_application(app: FastAPI) -> None:
    answer = await websocket(app, "/nothing")
    assert "websocket.accept" not in answer.kinds


async def test_unknown_paths_keep_404_and_wrong_methods_405(app: FastAPI) -> None:
    ran: list[str] = []

    @app.post("/only-post")
    async def only_post() -> str:
        ran.append("post")
        return "leaked"

    assert (await request(app, "GET", "/nowhere")).status == 404
    for method in ("GET", "HEAD", "OPTIONS", "DELETE", "TRACE"):
        assert (await request(app, method, "/only-post")).status == 405
    assert ran == []


async def test_head_is_gated_like_get_and_has_no_body(app: FastAPI) -> None:
    app.add_route("/added", leak)
    answer = await request(app, "HEAD", "/added")
    assert answer.status == 401
    assert answer.body == b""
    assert answer.received == 0


async def test_options_is_gated_like_any_method(app: FastAPI) -> None:
    @app.options("/opts")
    async def opts() -> str:
        return "leaked"

    preflight = [("origin", "https://evil.example"), ("access-control-request-method", "POST")]
    assert_refused(await request(app, "OPTIONS", "/opts", preflight))


async def test_cors_added_later_stays_outside_and_marks_refusals_too(app: FastAPI) -> None:
    @app.get("/mine")
    async def mine() -> str:
        return "leaked"

    app.add_middleware(CORSMiddleware, allow_origins=["https://web.example"], allow_methods=["*"])
    preflight = [("origin", "https://web.example"), ("access-control-request-method", "GET")]
    assert (await request(app, "OPTIONS", "/mine", preflight)).status == 200
    answer = await request(app, "GET", "/mine", [("origin", "https://web.example")])
    assert_refused(answer)
    assert answer.header("access-control-allow-origin") == "https://web.example"


async def test_cors_added_before_the_gate_stays_outside_too(gate: Gate) -> None:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["https://web.example"])
    gate.install(app)
    app.add_route("/added", leak)
    answer = await request(app, "GET", "/added", [("origin", "https://web.example")])
    assert_refused(answer)
    assert answer.header("access-control-allow-origin") == "https://web.example"


async def test_a_slash_redirect_asks_for_what_its_target_asks(app: FastAPI, gate: Gate) -> None:
    @app.get("/closed/")
    async def closed() -> str:
        return "leaked"

    @app.get("/open/", dependencies=[gate.public("shown to everybody")])
    async def opened() -> str:
        return "open"

    assert_refused(await request(app, "GET", "/closed"))
    assert (await request(app, "GET", "/open")).status == 307


async def test_the_first_matching_route_decides(app: FastAPI, gate: Gate) -> None:
    @app.get("/u/{name}", dependencies=[gate.public("profiles are public")])
    async def profile(name: str) -> str:
        return name

    @app.get("/u/admin")
    async def shadowed() -> str:
        return "leaked"

    @app.get("/w/admin")
    async def first() -> str:
        return "leaked"

    @app.get("/w/{name}", dependencies=[gate.public("profiles are public")])
    async def second(name: str) -> str:
        return name

    assert (await request(app, "GET", "/u/admin")).body == b'"admin"'
    assert_refused(await request(app, "GET", "/w/admin"))
    assert (await request(app, "GET", "/w/other")).status == 200


async def test_unmarked_routes_are_refused_whoever_comes_when_settings_say_deny() -> None:
    from unreachable import SETTINGS

    gate = Gate(**SETTINGS, unmarked="deny")
    app = FastAPI()

    @app.get("/forgotten")
    async def forgotten() -> str:
        return "leaked"

    gate.install(app)
    assert (await request(app, "GET", "/forgotten")).status in (401, 403)
