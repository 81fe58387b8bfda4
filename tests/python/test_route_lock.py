"""An application is held to its lock file of routes: when it starts, and whenever its routes change."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgi_kit import Answer, request, websocket
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from sealgate import Gate, SettingsError
from sealgate.testing import as_user
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from unreachable import SETTINGS

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")

PRODUCTION: dict[str, Any] = {"base_url": "https://app.example", "issuer": "https://id.example"}

Entry = dict[str, Any]

USER: Entry = {"class": "user", "requires": "user actors=user", "gates": ["sealgate:Gate.user"]}
UNMARKED: Entry = {"class": "user", "requires": "user actors=user", "gates": ["sealgate:Gate"]}
ADMIN: Entry = {
    "class": "privileged",
    "requires": "privileged actors=user roles=admin",
    "gates": ["sealgate:Gate.user"],
}
PUBLIC: Entry = {"class": "public", "evidence": "PUBLIC", "reason": "load balancers ask"}


async def text(_: Request) -> PlainTextResponse:
    return PlainTextResponse("text")


def written(path: Path, routes: dict[str, Entry], app: str = "main:app", *more: str) -> Path:
    """A lock file with these routes."""
    lines = ["version = 1", 'lens = "inspect"', *more]
    for name, entry in routes.items():
        lines.append(f'\n[route."{app}"."{name}"]')
        lines += [f"{key} = {json.dumps(value)}" for key, value in ({"evidence": "GATED"} | entry).items()]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """What was reviewed of `application`."""
    return written(
        tmp_path / "sealgate.routes.toml",
        {
            "GET /me": USER,
            "GET /admin": ADMIN,
            "GET /health": PUBLIC,
            "WEBSOCKET /ws": USER,
            "* /sub": UNMARKED,
        },
    )


@pytest.fixture
def gates() -> Iterator[list[Gate]]:
    made: list[Gate] = []
    yield made
    for gate in made:
        gate._core.stop()  # pyright: ignore[reportPrivateUsage]


def application(gates: list[Gate], lock: Path | str, **settings: Any) -> tuple[FastAPI, Gate]:
    """An application as it was reviewed."""
    given: dict[str, Any] = {**SETTINGS, **settings, "routes": lock}
    gate = Gate(**given)
    gates.append(gate)
    app = FastAPI(openapi_url=None)
    app.get("/me", dependencies=[Depends(gate.user)])(lambda: "me")
    app.get("/admin", dependencies=[Depends(gate.user(roles=["admin"]))])(lambda: "admin")
    app.get("/health", dependencies=[gate.public("load balancers ask")])(lambda: "healthy")

    @app.websocket("/ws", dependencies=[Depends(gate.user)])
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    gate.install(app)
    return app, gate


def assert_unreviewed(answer: Answer) -> None:
    assert (answer.status, answer.reason) == (500, "route_unreviewed")
    assert answer.received == 0, "the body was asked for"


async def started(app: FastAPI) -> int:
    """Starts it, by its first request."""
    return (await request(app, "GET", "/health")).status


async def test_an_application_as_it_was_reviewed_starts(gates: list[Gate], lock: Path) -> None:
    app, _ = application(gates, lock, **PRODUCTION)
    assert await started(app) == 200
    assert (await request(app, "GET", "/me")).status == 401


def changed(how: str, app: FastAPI, gate: Gate) -> None:
    routes = app.router.routes
    match how:
        case "new":
            app.post("/new", dependencies=[Depends(gate.user)])(lambda: 1)
        case "new and unmarked":
            app.get("/new")(lambda: 1)
        case "another method":
            app.delete("/me", dependencies=[Depends(gate.user)])(lambda: 1)
        case "weaker":
            routes[:] = [route for route in routes if getattr(route, "path", "") != "/admin"]
            app.get("/admin", dependencies=[Depends(gate.user)])(lambda: 1)
        case "wider":
            routes[:] = [route for route in routes if getattr(route, "path", "") != "/me"]
            app.get("/me", dependencies=[Depends(gate.actor)])(lambda: 1)
        case "public":
            routes[:] = [route for route in routes if getattr(route, "path", "") != "/me"]
            app.get("/me", dependencies=[gate.public("why not")])(lambda: 1)
        case "public by its path":
            routes[:] = [route for route in routes if getattr(route, "path", "") != "/me"]
            app.add_route("/me", text, methods=["GET"])
            gate.public_path("/me", "why not")
        case "optional":
            routes[:] = [route for route in routes if getattr(route, "path", "") != "/me"]
            app.get("/me", dependencies=[Depends(gate.optional)])(lambda: 1)
        case "a mount":
            app.mount("/files", Starlette(routes=[Route("/x", text)]))
        case "a mount behind middleware":
            sub = Starlette(routes=[Route("/x", text)])
            sub.add_middleware(GZipMiddleware)
            app.mount("/files", sub)
        case _:
            router = APIRouter(prefix="/plugin")
            router.get("/x")(lambda: 1)
            app.include_router(router)


CHANGES = {
    "new": ("POST", "/new", "`POST /new` is not in"),
    "new and unmarked": ("GET", "/new", "`GET /new` is not in"),
    "another method": ("DELETE", "/me", "`DELETE /me` is not in"),
    "weaker": ("GET", "/admin", "the role `admin` is not asked for"),
    "wider": ("GET", "/me", "the actor `machine` may pass too"),
    "public": ("GET", "/me", "`GET /me` asked for `user actors=user`, and is public now: why not"),
    "public by its path": (
        "GET",
        "/me",
        "`GET /me` asked for `user actors=user`, and is public now: why not",
    ),
    "optional": ("GET", "/me", "`GET /me` asked for `user actors=user`, and is open now"),
    "a mount": ("GET", "/files/x", "/files/x` is not in"),
    "a mount behind middleware": ("GET", "/files/x", "/files/x` is not in"),
    "a router": ("GET", "/plugin/x", "`GET /plugin/x` is not in"),
}


@pytest.mark.parametrize("how", CHANGES)
async def test_what_was_not_reviewed_does_not_start_in_production(
    gates: list[Gate], lock: Path, how: str
) -> None:
    app, gate = application(gates, lock, **PRODUCTION)
    changed(how, app, gate)
    with pytest.raises(SettingsError) as refused:
        await started(app)
    told = str(refused.value)
    assert CHANGES[how][2] in told
    assert "run `sealgate routes lock`" in told
    assert len(told.splitlines()) == 2, told


@pytest.mark.parametrize("how", CHANGES)
async def test_what_changes_later_is_closed_in_production(
    gates: list[Gate], lock: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, gate = application(gates, lock, **PRODUCTION)
    assert await started(app) == 200
    changed(how, app, gate)
    method, path, said = CHANGES[how]
    caplog.clear()
    with caplog.at_level(logging.INFO, "sealgate"):
        for _ in range(2):
            assert_unreviewed(await request(app, method, path))
        with as_user(app, roles=["admin"]):
            assert_unreviewed(await request(app, method, path))
    assert await started(app) == 200
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1, "it is told once"
    assert said in errors[0]
    refused = [record.__dict__ for record in caplog.records if record.name == "sealgate.decisions"]
    assert [(record["outcome"], record["reason"], record["status"]) for record in refused] == [
        ("refused", "route_unreviewed", 500)
    ] * 3


async def test_a_late_socket_is_closed_too(gates: list[Gate], lock: Path) -> None:
    app, _ = application(gates, lock, **PRODUCTION)
    assert await started(app) == 200

    @app.websocket("/late")
    async def late(socket: WebSocket) -> None:
        await socket.accept()

    answer = await websocket(app, "/late")
    assert (answer.status, answer.reason) == (500, "route_unreviewed")
    assert (await websocket(app, "/ws")).status == 401


async def test_what_is_reviewed_again_by_going_away_is_open_again(gates: list[Gate], lock: Path) -> None:
    app, gate = application(gates, lock, **PRODUCTION)
    assert await started(app) == 200
    before = list(app.router.routes)
    changed("weaker", app, gate)
    assert_unreviewed(await request(app, "GET", "/admin"))
    app.router.routes[:] = before
    with as_user(app, roles=["admin"]):
        assert (await request(app, "GET", "/admin")).status == 200


async def test_a_route_added_below_what_is_not_understood_is_noticed(
    gates: list[Gate], tmp_path: Path
) -> None:
    sub = Starlette(routes=[Route("/x", text)])
    sub.add_middleware(GZipMiddleware)
    entry = {**UNMARKED, "class": "user"}
    lock = written(
        tmp_path / "lock.toml",
        {
            "GET /me": USER,
            "GET /admin": ADMIN,
            "GET /health": PUBLIC,
            "WEBSOCKET /ws": USER,
            "* /files/x": entry,
            "GET /files/x": entry,
        },
    )
    app, _ = application(gates, lock, **PRODUCTION)
    app.mount("/files", sub)
    assert await started(app) == 200
    with as_user(app):
        assert (await request(app, "GET", "/files/x")).status == 200
        sub.add_route("/y", text)
        # Which of them a request is for cannot be told there, so all of them are closed.
        assert_unreviewed(await request(app, "GET", "/files/y"))


@pytest.mark.parametrize("how", CHANGES)
async def test_under_development_it_is_said_once_and_nothing_is_closed(
    gates: list[Gate], lock: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, gate = application(gates, lock)
    changed(how, app, gate)
    method, path, said = CHANGES[how]
    with caplog.at_level(logging.WARNING, "sealgate"):
        for _ in range(2):
            with as_user(app, roles=["admin"]):
                assert (await request(app, method, path)).status == 200
    told = [
        message
        for message in map(logging.LogRecord.getMessage, caplog.records)
        if "It would not start" in message
    ]
    assert len(told) == 1
    assert said in told[0]
    assert "run `sealgate routes lock`" in told[0]


async def test_what_asks_for_more_or_is_gone_is_no_error(
    gates: list[Gate], lock: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app, gate = application(gates, lock, **PRODUCTION)
    app.router.routes[:] = [
        one for one in app.router.routes if getattr(one, "path", "") not in ("/me", "/health")
    ]
    app.get("/me", dependencies=[Depends(gate.user(scopes=["more"]))])(lambda: 1)
    app.get("/health", dependencies=[gate.public("another reason")])(lambda: 1)
    assert await started(app) == 200
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []


def admin_only(request: Request) -> None:
    """A gate of the application's own."""


async def test_gates_that_are_not_sealgates_are_known_by_their_names(
    gates: list[Gate], tmp_path: Path
) -> None:
    name = f"{admin_only.__module__}:admin_only"
    entry = {**ADMIN, "gates": [name, "sealgate:Gate"]}
    for depends, starts in ((True, True), (False, False)):
        lock = written(tmp_path / "lock.toml", {"GET /x": entry})
        given: dict[str, Any] = {**SETTINGS, **PRODUCTION, "routes": lock}
        gate = Gate(**given)
        gates.append(gate)
        app = FastAPI(openapi_url=None, dependencies=[Depends(admin_only)] if depends else [])
        app.get("/x")(lambda: 1)
        gate.install(app)
        if starts:
            assert (await request(app, "GET", "/x")).status == 401
        else:
            with pytest.raises(SettingsError, match=f"was behind `{name}`, and is not now"):
                await request(app, "GET", "/x")


def test_the_start_that_a_server_sees_is_refused(gates: list[Gate], lock: Path) -> None:
    app, gate = application(gates, lock, **PRODUCTION)
    changed("new", app, gate)
    with pytest.raises(SettingsError), TestClient(app):
        pass


# The file


@pytest.mark.parametrize("settings", [{}, PRODUCTION], ids=["development", "production"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "which is not there: run `sealgate routes lock`"),
        ('version = 1\nlens = "inspect"\n<<<<<<< ours\n', "which cannot be read: line 3"),
        ('version = 99\nlens = "inspect"\n', "which cannot be read: line 1: version 99 is not known"),
        (b"\xff", "which cannot be read: 'utf-8'"),
        ("x = 1\n", "which cannot be read"),
    ],
)
async def test_a_file_that_is_no_help_stops_the_start(
    gates: list[Gate], tmp_path: Path, content: str | bytes | None, says: str, settings: dict[str, str]
) -> None:
    file = tmp_path / "sealgate.routes.toml"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    app, _ = application(gates, file, **settings)
    with pytest.raises(SettingsError) as refused:
        await started(app)
    assert str(refused.value).startswith(f"SEALGATE_ROUTES names {file}, ")
    assert says in str(refused.value)


async def test_an_empty_file_has_no_route_at_all(gates: list[Gate], tmp_path: Path) -> None:
    app, _ = application(gates, written(tmp_path / "lock.toml", {}), **PRODUCTION)
    with pytest.raises(SettingsError) as refused:
        await started(app)
    assert len(str(refused.value).splitlines()) == 5


async def test_of_several_applications_one_is_named(gates: list[Gate], tmp_path: Path) -> None:
    file = tmp_path / "lock.toml"
    entries = {"GET /me": USER, "GET /admin": ADMIN, "GET /health": PUBLIC, "WEBSOCKET /ws": USER}
    first = written(file, entries).read_text("utf-8")
    second = written(file, {"GET /other": USER}, "other:app").read_text("utf-8").partition("\n\n")[2]
    file.write_text(f"{first}\n{second}", "utf-8")
    app, _ = application(gates, f"{file}#main:app", **PRODUCTION)
    assert await started(app) == 200
    for setting, says in (
        (f"{file}#third:app", "has no application third:app, but main:app, other:app: name it"),
        (f"{file}", "has no application fastapi.applications:FastAPI, but main:app, other:app"),
    ):
        app, _ = application(gates, setting, **PRODUCTION)
        with pytest.raises(SettingsError, match=says):
            await started(app)


async def test_an_application_is_found_by_the_name_that_its_module_gives_it(
    gates: list[Gate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lock.toml"
    entries = {"GET /me": USER, "GET /admin": ADMIN, "GET /health": PUBLIC, "WEBSOCKET /ws": USER}
    first = written(file, entries, f"{__name__}:SERVED").read_text("utf-8")
    second = written(file, {"GET /other": USER}, "other:app").read_text("utf-8").partition("\n\n")[2]
    file.write_text(f"{first}\n{second}", "utf-8")
    app, _ = application(gates, file, **PRODUCTION)
    monkeypatch.setitem(globals(), "SERVED", app)
    assert await started(app) == 200


@pytest.mark.parametrize("setting", ["#main:app", "lock.toml#main", "lock\0.toml"])
def test_what_is_no_lock_file_is_refused_at_once(setting: str) -> None:
    with pytest.raises(SettingsError, match=r"^SEALGATE_ROUTES is no path of a lock file.*routes=… in Gate"):
        Gate(**SETTINGS, routes=setting)


async def test_the_file_can_be_named_beside_the_other_settings(
    tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"docs": "closed", **{key: value for key, value in SETTINGS.items() if key != "docs"}}
    lines = [f"SEALGATE_{name.upper()}={value}" for name, value in names.items()]
    (tmp_path / ".env").write_text("\n".join([*lines, "SEALGATE_ROUTES=sealgate.routes.toml"]))
    gate = Gate.from_env(file=tmp_path / ".env")
    core = gate._core  # pyright: ignore[reportPrivateUsage]
    assert (core.routes, core.development) == (str(lock), True)
    monkeypatch.setenv("SEALGATE_ROUTES", "other.toml#main:app")
    core = Gate.from_env(file=tmp_path / ".env")._core  # pyright: ignore[reportPrivateUsage]
    assert core.routes == "other.toml#main:app"


async def test_a_gate_that_is_only_wrapped_around_does_not_start_with_a_lock_file(
    gates: list[Gate], lock: Path
) -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("inner")(scope, receive, send)

    alone = Gate(**SETTINGS, routes=lock)
    gates.append(alone)
    with pytest.raises(SettingsError, match="a wrapped application shows no routes"):
        await request(alone.wrap(inner), "GET", "/")
    # Beside an application with routes the same gate may be wrapped around others.
    _, both = application(gates, lock)
    assert (await request(both.wrap(inner), "GET", "/")).status in {401, 503}


@pytest.fixture(params=["crlf", "link"])
def odd_lock(request: pytest.FixtureRequest, lock: Path) -> Path:
    """The same file, with other ends of lines or somewhere else."""
    if request.param == "crlf":
        lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))
    else:
        lock.symlink_to(lock.rename(lock.with_name("real.toml")))
    return lock


async def test_a_lock_file_is_read_however_it_lies_there(gates: list[Gate], odd_lock: Path) -> None:
    app, _ = application(gates, odd_lock, **PRODUCTION)
    assert await started(app) == 200
