"""Installing the gate: where it stands, what it starts, and what it refuses."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgi_kit import Message, request
from fastapi import Depends, FastAPI
from sealgate import Gate, SettingsError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Router
from unreachable import SETTINGS


async def lifespan(app: Any) -> list[str]:
    """Starts and stops an application as a server would; what it said."""
    said: list[str] = []
    incoming: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        said.append(str(message["type"]))

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    await app(scope, receive, send)
    return said


def test_a_second_gate_is_refused(app: FastAPI, gate: Gate) -> None:
    with pytest.raises(RuntimeError, match="already has a gate"):
        gate.install(app)
    with pytest.raises(RuntimeError, match="already has a gate"):
        Gate(**SETTINGS).install(app)


async def test_an_application_that_serves_is_refused(gate: Gate) -> None:
    app = FastAPI()
    await request(app, "GET", "/")
    with pytest.raises(RuntimeError, match="already serves"):
        gate.install(app)


async def test_the_gate_stays_innermost_of_the_middleware(app: FastAPI) -> None:
    app.add_middleware(GZipMiddleware)
    app.user_middleware.append(Middleware(GZipMiddleware))
    with pytest.raises(SettingsError, match="innermost"):
        await request(app, "GET", "/")


async def test_the_gate_lives_with_the_application(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealgate.asgi._FIRST_VIEW_SECONDS", 0.01)
    happened: list[str] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncGenerator[None]:
        happened.append("started")
        yield
        happened.append("stopped")

    app = FastAPI(lifespan=own)
    gate.install(app)
    for _ in range(2):
        assert await lifespan(app) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert happened == ["started", "stopped"] * 2


async def test_a_contradiction_makes_the_start_fail(gate: Gate) -> None:
    app = FastAPI()

    @app.get("/torn", dependencies=[gate.public("open"), Depends(gate.user)])
    async def torn() -> str:
        return "leaked"

    gate.install(app)
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        said.append(message)

    with pytest.raises(SettingsError, match="GET /torn"):
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    assert [message["type"] for message in said] == ["lifespan.startup.failed"]
    assert "GET /torn" in said[0]["message"]


async def test_connections_of_an_unknown_kind_are_refused(app: FastAPI) -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing may be received or sent")

    with pytest.raises(RuntimeError, match="does not know"):
        await app({"type": "webtransport", "path": "/", "headers": []}, nothing, nothing)


async def test_signing_in_says_so_when_the_control_plane_is_away(app: FastAPI) -> None:
    answer = await request(app, "GET", "/auth/login", [("accept", "text/html")])
    assert answer.status == 503
    assert answer.received == 0


async def test_the_gates_own_routes_never_read_a_body(app: FastAPI) -> None:
    for method, path in [("POST", "/auth/logout"), ("POST", "/auth/login"), ("GET", "/auth/callback")]:
        answer = await request(app, method, path, body=b"x" * 1_000_000)
        assert answer.received == 0
        assert answer.status < 500 or answer.status == 503


async def test_many_callers_are_answered_at_once(app: FastAPI) -> None:
    answers = await asyncio.gather(*(request(app, "GET", "/auth/login") for _ in range(50)))
    assert {answer.status for answer in answers} == {503}


FORKING = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
from starlette.routing import Mount, Router
from unreachable import SETTINGS
from asgi_kit import request
from fastapi import FastAPI
from sealgate import Gate

gate = Gate(**SETTINGS)
app = FastAPI()
gate.install(app)

def ask():
    closed = asyncio.run(request(app, "GET", "/docs"))
    login = asyncio.run(request(app, "GET", "/auth/login"))
    return (closed.status, login.status) == (401, 503)

assert ask(), "before the fork"
child = os.fork()
if child == 0:
    os._exit(0 if ask() else 7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, "in the child"
assert ask(), "in the parent"
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system does not fork")
def test_a_fork_after_the_start_gets_a_gate_of_its_own() -> None:
    tests = __file__.rpartition("/")[0]
    done = subprocess.run(
        [sys.executable, "-c", FORKING.format(tests=tests)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


ENDING = """
import sys
sys.path.insert(0, {tests!r})
from starlette.routing import Mount, Router
from unreachable import SETTINGS
from sealgate import Gate

gates = [Gate(**SETTINGS) for _ in range(3)]
for gate in gates:
    gate._core.start()
del gates[0]
"""


@pytest.mark.parametrize("_", range(3))
def test_an_interpreter_that_ends_ends_the_gates_threads_first(_: int) -> None:
    tests = __file__.rpartition("/")[0]
    done = subprocess.run(
        [sys.executable, "-c", ENDING.format(tests=tests)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


EVERY_ORIGIN: list[dict[str, Any]] = [
    {"allow_origins": ["*"]},
    {"allow_origins": ["https://web.example", "*"]},
    {"allow_origins": ["null"]},
    {"allow_origin_regex": ".*"},
    {"allow_origin_regex": "https?://.*"},
    {"allow_origin_regex": r"https://[^/]+\.com"},
]


@pytest.mark.parametrize("allowed", EVERY_ORIGIN)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_credentials_for_every_origin_are_refused_at_the_start(
    gate: Gate, allowed: dict[str, Any], when: str
) -> None:
    app = FastAPI()
    if when == "after":
        gate.install(app)
    app.add_middleware(CORSMiddleware, **allowed, allow_credentials=True)
    if when == "before":
        gate.install(app)
    with pytest.raises(SettingsError, match=r"name them, allow_origins=\["):
        await request(app, "GET", "/")


@pytest.mark.parametrize("where", ["application", "mount", "router", "around"])
async def test_credentials_for_every_origin_are_refused_in_mounted_applications_too(
    gate: Gate, where: str
) -> None:
    cors = Middleware(CORSMiddleware, ["*"], allow_credentials=True)  # By position, as a list may be.
    mounted = {
        "application": Mount("/sub", Starlette(middleware=[cors])),
        "mount": Mount("/sub", FastAPI(), middleware=[cors]),
        "router": Mount("/sub", Router(middleware=[cors])),
        "around": Mount("/sub", CORSMiddleware(FastAPI(), ["*"], allow_credentials=True)),
    }
    app = FastAPI(routes=[mounted[where]])
    gate.install(app)
    with pytest.raises(SettingsError, match="CORSMiddleware"):
        await request(app, "GET", "/")


@pytest.mark.parametrize(
    "options",
    [
        {"allow_origins": ["*"]},
        {"allow_origins": ["https://web.example"], "allow_credentials": True},
        {"allow_origin_regex": r"https://.*\.web\.example", "allow_credentials": True},
        {"allow_credentials": True},
    ],
)
async def test_other_cors_settings_are_the_applications_own_choice(
    app: FastAPI, options: dict[str, Any]
) -> None:
    app.add_middleware(CORSMiddleware, **options)
    assert (await request(app, "GET", "/nowhere")).status == 404
