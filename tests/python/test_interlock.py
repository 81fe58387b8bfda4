"""No answer of a route leaves that no decision of the gate stood behind, however the gate was lost."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import httpx
import pytest
from asgi_kit import Answer, drive, http_scope, request, websocket
from fastapi import BackgroundTasks, Depends, FastAPI, WebSocket
from fastapi.routing import APIRoute
from sealgate import Actor, Gate, SettingsError, User
from sealgate.dependencies import ActorDependency
from sealgate.interlock import DECIDED_KEY
from sealgate.routes import RouteTable
from sealgate.targets import Target
from sealgate.testing import as_machine, as_nobody, as_user
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from unreachable import SETTINGS

RAN: list[str] = []


async def text(_: Request) -> PlainTextResponse:
    return PlainTextResponse("text")


def leaks(app: FastAPI, gate: Gate) -> None:
    """Adds an open route, and closed ones that leave no doubt that they ran. They are such that no dependency
    stands in the way, and that no middleware is missed by them.
    """
    RAN.clear()

    async def opened(_: Request) -> PlainTextResponse:
        return PlainTextResponse("open")

    async def unmarked(asked: Request) -> PlainTextResponse:
        RAN.append(asked.url.path)
        return PlainTextResponse("leaked")

    async def socket(socket: WebSocket) -> None:
        RAN.append("ws")
        await socket.accept()
        await socket.send_text("leaked")
        await socket.close()

    app.add_route("/open", opened)
    app.add_route("/unmarked", unmarked, methods=["GET", "POST"])
    app.router.routes.append(WebSocketRoute("/ws", socket))
    gate.public_path("/open", "everybody")


@pytest.fixture
def app(gate: Gate) -> FastAPI:
    app = FastAPI()
    leaks(app, gate)
    gate.install(app)
    return app


def withheld(gate: Gate) -> int:
    found = re.search(r"^sealgate_gate_withheld_total (\d+)$", gate.openmetrics(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def assert_withheld(answer: Answer) -> None:
    assert (answer.status, answer.reason) == (500, "interlock")
    assert b"leaked" not in answer.body
    assert answer.header("cache-control") == "no-store"


# The layer is not in the way.


def without_the_layer(app: FastAPI) -> Any:
    app.user_middleware.clear()
    return app


def with_a_stack_of_its_own(app: FastAPI) -> Any:
    app.middleware_stack = GZipMiddleware(ExceptionMiddleware(app.router))
    return app


def rebuilt_by_an_instrumentation(app: FastAPI) -> Any:
    build = app.build_middleware_stack

    def rebuilt() -> Any:
        build()
        return CORSMiddleware(ExceptionMiddleware(app.router), allow_origins=["https://app.example"])

    app.build_middleware_stack = rebuilt  # type: ignore[method-assign]
    return app


def served_by_its_router(app: FastAPI) -> Any:
    return app.router


def mounted_by_its_router(app: FastAPI) -> Any:
    return Starlette(routes=[Mount("/", app=app.router)])


def another_application_with_its_router(app: FastAPI) -> Any:
    outer = FastAPI()
    outer.router = app.router
    return outer


LOST: dict[str, Callable[[FastAPI], Any]] = {
    "taken out": without_the_layer,
    "another stack": with_a_stack_of_its_own,
    "an instrumentation": rebuilt_by_an_instrumentation,
    "its router served": served_by_its_router,
    "its router mounted": mounted_by_its_router,
    "its router in another application": another_application_with_its_router,
}


@pytest.mark.parametrize("how", LOST)
async def test_without_its_layer_an_application_answers_only_what_is_public(
    app: FastAPI, gate: Gate, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    served = LOST[how](app)
    with caplog.at_level(logging.ERROR, "sealgate"):
        for method in ("GET", "POST"):
            assert_withheld(await request(served, method, "/unmarked", body=b"x"))
        answer = await request(served, "GET", "/docs")
        assert_withheld(answer)
    assert RAN == []
    assert withheld(gate) == 3
    assert (await request(served, "GET", "/open")).body == b"open"
    assert (await request(served, "GET", "/nowhere")).status == 404
    assert (await request(served, "DELETE", "/unmarked")).status == 405
    head = await request(served, "HEAD", "/unmarked/")
    assert (head.status, head.body) in ((500, b""), (404, b""), (307, b""))
    told = [record for record in caplog.records if record.name == "sealgate.decisions"]
    assert [(record.levelno, record.__dict__["outcome"]) for record in told][:3] == [
        (logging.ERROR, "withheld")
    ] * 3
    assert told[0].__dict__ | {"path": "/unmarked", "reason": "interlock", "status": 500} == told[0].__dict__
    said = [record.getMessage() for record in caplog.records if record.name == "sealgate"]
    assert len(said) == 1, "it is told once"
    assert said[0].startswith("interlock: requests reach the application's router without its gate")


@pytest.mark.parametrize("how", LOST)
async def test_without_its_layer_no_socket_opens(app: FastAPI, how: str) -> None:
    served = LOST[how](app)
    if how == "another stack":
        served = Starlette(routes=[Mount("/", app=app.router)])
    answer = await websocket(served, "/ws")
    assert (answer.status, answer.reason) == (500, "interlock")
    assert (await websocket(served, "/ws", denial_response=False)).kinds == ["websocket.close"]
    assert RAN == []


async def test_a_router_below_a_path_is_held_to_its_own_routes(app: FastAPI) -> None:
    outer = Starlette(routes=[Mount("/app", app=app.router), Route("/free", text)])
    assert_withheld(await request(outer, "GET", "/app/unmarked"))
    assert (await request(outer, "GET", "/app/open")).body == b"open"
    assert (await request(outer, "GET", "/free")).body == b"text"


async def test_paths_that_lead_nowhere_stay_hidden() -> None:
    gate = Gate(**SETTINGS, unknown_paths="hide")
    app = FastAPI()
    leaks(app, gate)
    gate.install(app)
    for path in ("/nowhere", "/unmarked/"):
        assert_withheld(await request(app.router, "GET", path))
    assert (await request(app.router, "GET", "/open")).status == 200


async def test_a_router_that_comes_later_has_a_door_too(app: FastAPI, gate: Gate) -> None:
    other = FastAPI()
    leaks(other, gate)
    app.router = other.router
    assert (await request(app, "GET", "/unmarked")).status == 401
    assert_withheld(await request(app.router, "GET", "/unmarked"))


async def test_the_start_and_stop_pass_without_the_layer(app: FastAPI) -> None:
    messages: list[str] = []
    incoming = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Any:
        return {"type": next(incoming)}

    async def send(message: Any) -> None:
        messages.append(message["type"])

    await app.router({"type": "lifespan", "state": {}, "app": app}, receive, send)
    assert messages == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_version_that_goes_round_the_door_does_not_start(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call(self: Router, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

    app = FastAPI()
    leaks(app, gate)
    gate.install(app)
    monkeypatch.setattr(Router, "__call__", call)
    with pytest.raises(SettingsError, match="requests would go round the interlock"):
        await request(app, "GET", "/open")


async def test_two_gates_that_share_a_router_let_in_what_each_has_decided_about(gate: Gate) -> None:
    router = Router([Route("/x", text)])
    other = Gate(**SETTINGS)
    apps: list[Starlette] = []
    for one in (gate, other):
        app = Starlette()
        app.router = router
        one.install(app)
        apps.append(app)
    for app in apps:
        with as_user(app):
            assert (await request(app, "GET", "/x")).body == b"text"
        assert (await request(app, "GET", "/x")).status == 401
    assert_withheld(await request(router, "GET", "/x"))


# Nothing can be copied from another request.


@pytest.mark.parametrize("scope", ["the same", "a copy"])
async def test_a_handler_cannot_reach_another_route_with_what_was_decided_about_its_own(
    app: FastAPI, scope: str
) -> None:
    @app.get("/inside")
    async def inside(asked: Request) -> Any:
        given = asked.scope if scope == "the same" else {**asked.scope}
        given.update(path="/unmarked", raw_path=b"/unmarked")
        answer = await drive(app.router, given)
        return {"status": answer.status, "reason": answer.reason, "body": answer.body.decode()}

    with as_user(app):
        # The same scope tells afterwards that another route was reached, which the way out asks about.
        answer = await request(app, "GET", "/inside")
    assert b"leaked" not in answer.body
    assert RAN == []


async def test_what_was_decided_is_gone_before_the_application_runs(app: FastAPI) -> None:
    seen: list[bool] = []

    @app.get("/look")
    async def look(asked: Request) -> str:
        seen.append(DECIDED_KEY in asked.scope or DECIDED_KEY in asked.scope["state"])
        return "looked"

    with as_user(app):
        await request(app, "GET", "/look")
    assert seen == [False]


async def test_a_state_that_requests_share_opens_no_door(app: FastAPI) -> None:
    state: dict[str, Any] = {}
    with as_user(app):
        scope = {**http_scope("GET", "/unmarked"), "state": state}
        assert (await drive(app, scope)).status == 200
    again = {**http_scope("GET", "/unmarked"), "state": scope["state"]}
    assert_withheld(await drive(app.router, again))
    assert_withheld(await drive(app.router, {**scope, "path": "/unmarked"}))


# The layer is in the way, and routing goes elsewhere than it foretold.


@pytest.fixture
def broken(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """An application whose table takes every path for `/judged` or for what `x-judged` names, on a framework
    that runs no dependencies of the gate's.
    """
    app = FastAPI()
    leaks(app, gate)

    async def judged() -> str:
        return "judged"

    app.get("/judged", dependencies=[Depends(gate.user)])(judged)
    app.get("/marked", dependencies=[gate.public("everybody")])(lambda: "open")
    app.get("/same", dependencies=[Depends(gate.user)])(lambda: "same")
    app.get("/less", dependencies=[Depends(gate.actor)])(lambda: "less")
    app.get("/optional", dependencies=[Depends(gate.optional)])(lambda: "optional")
    app.get("/admin", dependencies=[Depends(gate.user(roles=["admin"]))])(lambda: "leaked")
    app.get("/shared", dependencies=[Depends(gate.user(roles=["admin"]))])(judged)
    app.get("/scoped", dependencies=[Depends(gate.user(scopes=["write"]))])(lambda: "leaked")
    app.get("/machine", dependencies=[Depends(gate.machine)])(lambda: "leaked")

    async def stream() -> AsyncIterator[str]:
        for _ in range(1000):
            yield "leaked"
            await asyncio.sleep(0)

    @app.get("/stream", dependencies=[Depends(gate.user(roles=["admin"]))])
    async def streamed() -> StreamingResponse:
        return StreamingResponse(stream())

    @app.websocket("/admin-ws", dependencies=[Depends(gate.user(roles=["admin"]))])
    async def admin_ws(socket: WebSocket) -> None:
        await socket.accept()
        for _ in range(1000):
            await socket.send_text("leaked")

    gate.install(app)
    find = RouteTable.find

    def lie(self: RouteTable, scope: Any) -> Target:
        told = dict(scope["headers"]).get(b"x-judged", b"/judged").decode()
        return find(self, {**scope, "type": "http", "method": "GET", "path": told})

    async def asks_nothing(self: ActorDependency[Any], **_: Any) -> Any:
        return None

    monkeypatch.setattr(RouteTable, "find", lie)
    monkeypatch.setattr(ActorDependency, "_resolve", asks_nothing)
    return app


@pytest.mark.parametrize("path", ["/admin", "/shared", "/scoped", "/machine"])
async def test_what_asks_for_more_than_was_decided_about_is_withheld(
    broken: FastAPI, gate: Gate, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with as_user(broken, id="ada"), caplog.at_level(logging.ERROR, "sealgate.decisions"):
        assert_withheld(await request(broken, "GET", path))
    assert withheld(gate) == 1
    assert (
        caplog.records[-1].__dict__ | {"outcome": "withheld", "actor": "ada"} == caplog.records[-1].__dict__
    )


async def test_what_asks_for_the_same_or_less_is_answered(broken: FastAPI, gate: Gate) -> None:
    with as_user(broken):
        for path in ("/judged", "/same", "/less", "/optional", "/marked", "/unmarked"):
            assert (await request(broken, "GET", path)).status == 200, path
    with as_user(broken, roles=["admin"]):
        assert (await request(broken, "GET", "/admin")).status == 200
    assert withheld(gate) == 0


async def test_nobody_who_was_let_in_for_an_optional_route_gets_another(broken: FastAPI) -> None:
    judged = [("x-judged", "/optional")]
    with as_nobody(broken):
        assert (await request(broken, "GET", "/optional", judged)).status == 200
        assert (await request(broken, "GET", "/marked", judged)).status == 200
        for path in ("/unmarked", "/admin", "/judged"):
            assert_withheld(await request(broken, "GET", path, judged))


async def test_what_is_not_in_the_table_counts_as_unmarked(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handle(self: APIRoute, scope: Any, receive: Any, send: Any) -> None:
        scope.update(endpoint=handle, route=None)
        await PlainTextResponse("leaked")(scope, receive, send)

    app = FastAPI()
    app.get("/job", dependencies=[Depends(gate.machine)])(lambda: "job")
    gate.install(app)
    with as_machine(app):
        assert (await request(app, "GET", "/job")).status == 200
        monkeypatch.setattr(APIRoute, "handle", handle)
        assert_withheld(await request(app, "GET", "/job"))


async def test_a_stream_that_is_withheld_ends(broken: FastAPI) -> None:
    with as_user(broken):
        answer = await asyncio.wait_for(request(broken, "GET", "/stream"), 5)
    assert_withheld(answer)


async def test_a_socket_that_is_withheld_ends(broken: FastAPI) -> None:
    with as_user(broken):
        answer = await asyncio.wait_for(websocket(broken, "/admin-ws"), 5)
        assert (answer.status, answer.reason) == (500, "interlock")
        answer = await asyncio.wait_for(websocket(broken, "/admin-ws", denial_response=False), 5)
    assert answer.kinds == ["websocket.close"]


# What keeps working.


async def test_every_kind_of_answer_passes(gate: Gate) -> None:
    done: list[str] = []
    app = FastAPI()

    @app.api_route("/plain", methods=["GET", "HEAD"])
    async def plain(user: Annotated[User, Depends(gate.user)], tasks: BackgroundTasks) -> str:
        tasks.add_task(done.append, user.id)
        return user.id

    @app.get("/optional")
    async def optional(actor: Annotated[Actor | None, Depends(gate.optional)]) -> bool:
        return actor is None

    async def pieces() -> AsyncIterator[str]:
        for piece in "abc":
            yield piece
            await asyncio.sleep(0)

    @app.get("/stream", dependencies=[Depends(gate.user)])
    async def stream() -> StreamingResponse:
        return StreamingResponse(pieces())

    @app.websocket("/ws", dependencies=[Depends(gate.user)])
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    @app.websocket("/no", dependencies=[Depends(gate.user)])
    async def no(socket: WebSocket) -> None:
        await socket.close()

    sub = FastAPI()
    sub.get("/x", dependencies=[Depends(gate.user)])(lambda: "x")
    wrapped = FastAPI()
    wrapped.get("/x")(lambda: "x")
    wrapped.add_middleware(GZipMiddleware)
    app.mount("/sub", sub)
    app.mount("/wrapped", wrapped)
    app.mount("/raw", Starlette(routes=[Route("/x", text)]))
    app.add_route("/route", text)
    gate.install(app)

    class Dispatched(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Any:
            answer = await call_next(request)
            answer.headers["x-seen"] = "yes"
            return answer

    app.add_middleware(Dispatched)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(CORSMiddleware, allow_origins=["https://pages.example"])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        assert (await http.get("/optional")).json() is True
        preflight = {"origin": "https://pages.example", "access-control-request-method": "GET"}
        assert (await http.options("/plain", headers=preflight)).status_code == 200
        with as_user(app, id="ada"):
            assert (await http.get("/plain")).json() == "ada"
            assert (await http.head("/plain")).status_code == 200
            assert (await http.get("/stream")).text == "abc"
            assert (await http.get("/optional")).json() is False
            for path in ("/sub/x", "/wrapped/x", "/raw/x", "/route"):
                answer = await http.get(path)
                assert (answer.status_code, answer.headers["x-seen"]) == (200, "yes"), path
            assert (await http.get("/nowhere")).status_code == 404
            assert (await http.post("/plain")).status_code == 405
            opened = await websocket(app, "/ws")
            assert opened.kinds == ["websocket.accept", "websocket.send", "websocket.close"]
            assert (await websocket(app, "/no", denial_response=False)).kinds == ["websocket.close"]
    assert done == ["ada", "ada"]
    assert withheld(gate) == 0


async def test_a_wrapped_application_of_any_kind_is_left_alone(gate: Gate) -> None:
    inner = Router([Route("/x", text)])
    layer = gate.wrap(inner, requires=gate.actor)
    with as_user(layer):
        assert (await request(layer, "GET", "/x")).body == b"text"
    assert (await request(layer, "GET", "/x")).status == 401


async def test_the_layer_is_put_in_again_where_the_stack_is_built_anew(app: FastAPI) -> None:
    with as_user(app):
        assert (await request(app, "GET", "/unmarked")).status == 200
        # As instrumentations do: everything is kept, and more is put around it.
        app.middleware_stack = GZipMiddleware(app.build_middleware_stack())
        assert (await request(app, "GET", "/unmarked")).status == 200
    assert (await request(app, "GET", "/unmarked")).status == 401
