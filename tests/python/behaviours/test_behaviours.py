"""What FastAPI and Starlette do that hurts authentication, one test for each.

Every test here fails for an application that is protected as tutorials do it: test_the_control.py runs
them in that guise, and sees each one fail.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from asgi_kit import drive, http_scope, request, websocket
from fastapi import APIRouter, BackgroundTasks, Body, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, StreamingResponse
from sessions import Realm
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from behaviours.guises import ORIGIN, Gated, Guise, Tutorial, TutorialMiddleware, is_control


@pytest.fixture
def guise(realm: Realm) -> Guise:
    return Tutorial() if is_control() else Gated(realm)


@pytest.fixture
def middleware(realm: Realm) -> Guise:
    return TutorialMiddleware() if is_control() else Gated(realm)


async def leak(request: Request) -> Response:
    return PlainTextResponse("leaked")


async def leak_socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("leaked")
    await websocket.close()


async def test_01_malformed_bodies_of_strangers_are_401_and_no_validation_error(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)

    @app.post("/expenses")
    async def add(
        user: Annotated[Any, Depends(guise.user)], content: Annotated[dict[str, int], Body()]
    ) -> str:
        return "leaked"

    for kind, body in [
        ("application/json", b"{malformed"),
        ("application/json", b"\xff"),
        ("multipart/form-data", b"x"),
    ]:
        answer = await request(app, "POST", "/expenses", [("content-type", kind)], body)
        assert answer.status == 401, (kind, body, answer.body)


async def test_02_the_body_of_a_stranger_is_not_read(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)

    @app.post("/upload")
    async def upload(user: Annotated[Any, Depends(guise.user)], content: Annotated[list[int], Body()]) -> str:
        return "leaked"

    body = b"[" + b"1," * 2_500_000 + b"1]"
    answer = await request(app, "POST", "/upload", [("content-type", "application/json")], body)
    assert (answer.status, answer.received) == (401, 0)


async def test_03_a_missing_credential_names_no_parameter(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)

    @app.get("/mine")
    async def mine(user: Annotated[Any, Depends(guise.from_cookie)]) -> str:
        return "leaked"

    answer = await request(app, "GET", "/mine")
    assert answer.status == 401
    assert b'"loc"' not in answer.body


async def test_04_the_callback_never_sends_back_what_it_was_sent(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)

    @app.get("/auth/callback")
    async def callback(code: int) -> str:
        return "leaked"

    answer = await request(app, "GET", "/auth/callback", query="code=SECRETCODE")
    assert answer.status == 400
    assert b"SECRETCODE" not in answer.body


async def test_05_no_dependency_runs_for_a_stranger_whatever_the_order(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)
    opened: list[str] = []

    def database() -> Iterator[str]:
        opened.append("a connection")
        yield "database"

    @app.get("/mine")
    async def mine(db: Annotated[str, Depends(database)], user: Annotated[Any, Depends(guise.user)]) -> str:
        return "leaked"

    assert (await request(app, "GET", "/mine")).status == 401
    assert opened == []


async def test_06_a_dependency_of_the_whole_application_serves_sockets_too(guise: Guise) -> None:
    app = FastAPI(dependencies=[Depends(guise.app_level)])
    guise.install(app)

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    answer = await websocket(app, "/ws", [await guise.session(), ORIGIN])
    assert answer.kinds[:2] == ["websocket.accept", "websocket.send"]


async def test_07_a_page_elsewhere_opens_no_socket_with_the_users_cookie(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)

    @app.websocket("/ws")
    async def ws(websocket: WebSocket, user: Annotated[Any, Depends(guise.user)]) -> None:
        await leak_socket(websocket)

    session = await guise.session()
    assert "websocket.accept" in (await websocket(app, "/ws", [session, ORIGIN])).kinds
    evil = await websocket(app, "/ws", [session, ("origin", "https://evil.example")])
    assert "websocket.accept" not in evil.kinds


async def test_08_what_dependencies_of_the_application_cannot_reach_is_closed(
    guise: Guise, tmp_path: Path
) -> None:
    (tmp_path / "file.txt").write_text("leaked")
    app = FastAPI(dependencies=[Depends(guise.user)])
    guise.install(app)
    app.mount("/mounted", Starlette(routes=[Route("/x", leak)]))
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.add_route("/added", leak)
    app.router.routes.append(WebSocketRoute("/socket", leak_socket))
    paths = [
        "/mounted/x",
        "/static/file.txt",
        "/added",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/docs/oauth2-redirect",
    ]
    open_paths = [path for path in paths if (await request(app, "GET", path)).status != 401]
    assert open_paths == []
    assert "websocket.accept" not in (await websocket(app, "/socket", [ORIGIN])).kinds


async def test_09_a_mount_in_an_included_router_is_closed(guise: Guise) -> None:
    router = APIRouter()
    router.mount("/mounted", Starlette(routes=[Route("/x", leak)]))
    app = FastAPI()
    guise.install(app)
    app.include_router(router, prefix="/in", dependencies=[Depends(guise.user)])
    for path in ("/in/mounted/x", "/mounted/x"):
        assert (await request(app, "GET", path)).body != b"leaked", path
    app.mount("/in/mounted", Starlette(routes=[Route("/x", leak)]))
    assert (await request(app, "GET", "/in/mounted/x")).status == 401


async def test_10_a_forgotten_route_is_closed_however_deep_it_stands(guise: Guise) -> None:
    deepest, middle, outer = APIRouter(), APIRouter(), APIRouter()
    deepest.add_api_route("/forgotten", lambda: "leaked")
    middle.include_router(deepest, prefix="/c")
    outer.include_router(middle, prefix="/b")
    app = FastAPI()
    guise.install(app)
    app.include_router(outer, prefix="/a")
    assert (await request(app, "GET", "/a/b/c/forgotten")).status == 401


async def test_11_routes_that_come_late_or_twice_are_closed(guise: Guise) -> None:
    router = APIRouter()
    router.add_api_route("/late", lambda: "leaked")
    app = FastAPI()
    guise.install(app)
    app.include_router(router, prefix="/v1", dependencies=[Depends(guise.user)])
    app.include_router(router, prefix="/v2")
    assert (await request(app, "GET", "/v1/late")).status == 401
    app.add_api_route("/later", lambda: "leaked")
    app.router.dependencies.append(Depends(guise.user))
    assert {path: (await request(app, "GET", path)).status for path in ("/v2/late", "/later")} == {
        "/v2/late": 401,
        "/later": 401,
    }


async def test_12_a_gated_route_behind_a_public_one_is_reported(
    guise: Guise, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    guise.install(app)

    @app.get("/u/{name}", dependencies=guise.public("profiles"))
    async def profile(name: str) -> str:
        return "public"

    @app.get("/u/admin")
    async def admin(user: Annotated[Any, Depends(guise.user)]) -> str:
        return "admin"

    with caplog.at_level(logging.WARNING):
        assert (await request(app, "GET", "/u/ada")).status == 200
    said = [record.getMessage() for record in caplog.records]
    assert any("/u/admin" in line and "/u/{name}" in line for line in said), said


async def test_13_however_many_requirements_the_credential_is_judged_once(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)
    asked = [Depends(guise.needing(scope)) for scope in ("openid", "profile", "email")]

    @app.get("/mine", dependencies=asked)
    async def mine() -> str:
        return "mine"

    session = await guise.session()
    with guise.checks() as seen:
        assert (await request(app, "GET", "/mine", [session])).status == 200
    assert len(seen) == 1, seen


async def test_14_a_synchronous_route_knows_who_calls(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)

    @app.get("/mine", dependencies=[Depends(guise.sets_current)])
    def mine(request: Request) -> str:
        return guise.current(request)

    answer = await request(app, "GET", "/mine", [await guise.session()])
    assert (answer.status, len(answer.body) > 2) == (200, True)


async def test_15_a_renewal_does_not_wait_for_the_end_of_the_request(realm: Realm) -> None:
    guise: Guise = Tutorial() if is_control() else Gated(realm, idle_limit=4)
    app = FastAPI()
    guise.install(app)
    order: list[str] = []

    @app.get("/stream")
    async def stream(
        user: Annotated[Any, Depends(guise.renewing)], tasks: BackgroundTasks
    ) -> StreamingResponse:
        tasks.add_task(order.append, "background")
        return StreamingResponse(iter(["a", "b"]), background=tasks)

    session = await guise.session()
    await asyncio.sleep(2.1)  # The control plane's clock is the real one.
    answer = await request(app, "GET", "/stream", [session])
    assert answer.body == b"ab"
    assert order == ["background"]
    assert answer.header("set-cookie"), "the renewed session was lost"


async def test_16_a_renewed_session_survives_every_kind_of_answer(realm: Realm) -> None:
    guise: Guise = Tutorial() if is_control() else Gated(realm, idle_limit=4)
    app = FastAPI()
    guise.install(app)

    @app.get("/{kind}")
    async def route(kind: str, user: Annotated[Any, Depends(guise.renewing)]) -> Any:
        if kind == "response":
            return PlainTextResponse("own")
        if kind == "error":
            raise HTTPException(418)
        return {"plain": True}

    session = await guise.session()
    await asyncio.sleep(2.1)
    lost = [
        kind
        for kind in ("plain", "response", "error")
        if not (await request(app, "GET", f"/{kind}", [session])).header("set-cookie")
    ]
    assert lost == []


async def test_17_a_stream_ends_when_the_session_does(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)
    ended = asyncio.Event()

    @app.get("/events")
    async def events(user: Annotated[Any, Depends(guise.user)]) -> StreamingResponse:
        async def each() -> AsyncIterator[str]:
            try:
                while True:
                    yield "data: x\n\n"
                    await asyncio.sleep(0.05)
            finally:
                ended.set()

        return StreamingResponse(each(), media_type="text/event-stream")

    session = await guise.session()
    streaming = asyncio.ensure_future(drive(app, http_scope("GET", "/events", [session])))
    try:
        await asyncio.sleep(0.2)
        assert not streaming.done()
        await guise.log_out(app, session)
        await asyncio.wait_for(ended.wait(), 1.0)
    finally:
        streaming.cancel()
        await asyncio.gather(streaming, return_exceptions=True)


async def test_18_refusals_have_a_challenge_and_duplicates_are_refused(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)

    @app.get("/mine")
    async def mine(user: Annotated[Any, Depends(guise.user)]) -> str:
        return "mine"

    stranger = await request(app, "GET", "/mine")
    assert (stranger.status, bool(stranger.header("www-authenticate"))) == (401, True)
    name, session = await guise.session()
    assert (await request(app, "GET", "/mine", [(name, session)])).status == 200
    twice = await request(app, "GET", "/mine", [(name, f"{session}; {session}")])
    assert twice.status == 401
    bearer = ("authorization", "Bearer x.y.z")
    assert (await request(app, "GET", "/mine", [bearer, bearer])).status == 400


async def test_19_cors_is_answered_before_the_gate_and_around_its_refusals(middleware: Guise) -> None:
    app = FastAPI()
    front = "https://front.example"
    app.add_middleware(CORSMiddleware, allow_origins=[front], allow_credentials=True)
    middleware.install(app)

    @app.get("/mine")
    async def mine(user: Annotated[Any, Depends(middleware.user)]) -> str:
        return "leaked"

    asked = [("origin", front), ("access-control-request-method", "GET")]
    assert (await request(app, "OPTIONS", "/mine", asked)).status == 200
    refused = await request(app, "GET", "/mine", [("origin", front)])
    assert (refused.status, refused.header("access-control-allow-origin")) == (401, front)
    wide = FastAPI()
    wide.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
    middleware.install(wide)
    with pytest.raises(ValueError, match="CORS"):
        await request(wide, "GET", "/")


async def test_20_no_handler_of_exceptions_turns_a_refusal_into_something_else(guise: Guise) -> None:
    inner = FastAPI()

    @inner.get("/x")
    async def inside(user: Annotated[Any, Depends(guise.raising)]) -> str:
        return "leaked"

    app = FastAPI()
    guise.install(app)
    app.mount("/inner", inner)

    @app.exception_handler(Exception)
    async def everything_is_fine(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"ok": True})

    @app.get("/x")
    async def outside(user: Annotated[Any, Depends(guise.raising)]) -> str:
        return "leaked"

    for path in ("/x", "/inner/x"):
        assert (await request(app, "GET", path)).status == 401, path


async def test_21_no_redirect_is_made_from_the_host_header(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)

    @app.get("/items/", dependencies=guise.public("a catalogue"))
    async def items() -> str:
        return "items"

    scope = http_scope("GET", "/items", [("host", "evil.example")])
    answer = await drive(app, scope)
    assert answer.status == 307
    assert answer.header("location") == "./items/", "relative, whatever a proxy cuts off the path"


async def test_22_strangers_do_not_learn_which_paths_there_are(realm: Realm) -> None:
    guise: Guise = Tutorial() if is_control() else Gated(realm, unknown_paths="hide")
    app = FastAPI()
    guise.install(app)

    @app.get("/mine")
    async def mine(user: Annotated[Any, Depends(guise.user)]) -> str:
        return "leaked"

    asked = [("GET", "/mine"), ("HEAD", "/mine"), ("POST", "/mine"), ("GET", "/nowhere"), ("GET", "/mine/")]
    told = {(await request(app, method, path)).status for method, path in asked}
    assert told == {401}


async def test_23_a_test_can_pretend_a_user_in_mounted_applications_too(guise: Guise) -> None:
    inner, app = FastAPI(), FastAPI()
    for target in (inner, app):

        @target.get("/who")
        async def who(user: Annotated[Any, Depends(guise.user)]) -> str:
            return str(user.id)

    guise.install(app)
    app.mount("/inner", inner)
    with guise.pretend(app):
        told = {path: (await request(app, "GET", path)).body for path in ("/who", "/inner/who")}
    assert told == {"/who": b'"pretended"', "/inner/who": b'"pretended"'}


async def test_24_a_dependency_that_was_made_is_awaited_and_declares_no_parameter(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)

    @app.get("/mine")
    async def mine(user: Annotated[Any, Depends(guise.wrapped)]) -> str:
        return str(user.id)

    assert "parameters" not in app.openapi()["paths"]["/mine"]["get"]
    answer = await request(app, "GET", "/mine", [await guise.session()])
    assert (answer.status, b"coroutine" in answer.body) == (200, False)


async def test_25_the_schema_says_that_a_route_is_gated(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)

    @app.get("/mine")
    async def mine(user: Annotated[Any, Depends(guise.user)]) -> str:
        return "mine"

    operation = app.openapi()["paths"]["/mine"]["get"]
    assert operation.get("security")
    assert "401" in operation["responses"]


async def test_26_a_page_elsewhere_changes_nothing_with_the_users_cookie(guise: Guise) -> None:
    app = FastAPI()
    guise.install(app)
    changed: list[str] = []

    @app.post("/change")
    async def change(user: Annotated[Any, Depends(guise.user)]) -> str:
        changed.append(user.id)
        return "changed"

    session = await guise.session()
    for kind in ([], [("content-type", "text/plain")]):
        evil = await request(app, "POST", "/change", [session, ("origin", "https://evil.example"), *kind])
        assert evil.status == 403
    assert changed == []
    assert (await request(app, "POST", "/change", [session, ORIGIN])).status == 200


async def test_27_what_this_version_of_fastapi_adds_is_closed_too(guise: Guise, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("leaked")
    app = FastAPI()
    guise.install(app)
    frontend: Any = getattr(app, "frontend", None)
    if frontend is None:  # Before there were frontends, this is how they were served.
        app.mount("/", StaticFiles(directory=tmp_path, html=True))
    else:
        frontend("/", directory=str(tmp_path))
    assert (await request(app, "GET", "/index.html")).status == 401
