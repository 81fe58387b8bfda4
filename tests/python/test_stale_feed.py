"""When the feed breaks, and when claims change: gates before a control plane, on a line that a test cuts."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
from asgi_kit import http_scope
from connection_kit import Client
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from line import DistantControlPlane, Line, distant_control_plane
from sealgate import Gate, SettingsError, User
from sessions import BASE_URL, Realm, browser, session_cookie, sign_in
from starlette.routing import Route

BOUND = 2


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory, realm: Realm) -> Iterator[DistantControlPlane]:
    """A control plane at the end of a line. `realm` finds the program."""
    assert realm.plane.port
    with distant_control_plane(tmp_path_factory.mktemp("distant")) as plane:
        yield plane


@dataclass
class Signed:
    """Somebody with a session."""

    app: FastAPI
    gate: Gate
    realm: Realm
    client: httpx.AsyncClient
    line: Line

    async def get(self, path: str, method: str = "GET") -> tuple[int, str | None]:
        """Status and reason of a request by them."""
        answer = await self.client.request(method, f"{BASE_URL}{path}", headers={"origin": BASE_URL})
        if answer.is_error:
            assert (answer.status_code == 503) == ("retry-after" in answer.headers)
            return answer.status_code, answer.json()["reason"]
        return answer.status_code, None

    async def until(self, path: str, status: int, seconds: float = BOUND + 1) -> set[int]:
        """Asks until it is answered so; how it was answered before."""
        before: set[int] = set()
        async with asyncio.timeout(seconds):
            while (answered := (await self.get(path))[0]) != status:
                before.add(answered)
                await asyncio.sleep(0.02)
        return before

    async def is_ready(self, ready: bool, seconds: float = BOUND + 3) -> None:
        """Waits until the gate's view is fresh, or not."""
        await wait(lambda: self.gate._core.ready is ready, seconds)  # pyright: ignore[reportPrivateUsage]

    def update(self, *change: str) -> None:
        """Changes their account."""
        self.realm.plane.cli("user", "update", self.realm.user.email, *change)


async def wait(done: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 - what is waited for is another thread's, and no event.
            await asyncio.sleep(0.02)


def application(gate: Gate) -> FastAPI:
    app = FastAPI()

    @app.api_route("/me", methods=["GET", "POST"])
    async def me(user: Annotated[User, Depends(gate.user)]) -> str:
        return user.id

    @app.get("/prices")
    async def prices(user: Annotated[User, Depends(gate.user(stale="allow"))]) -> str:
        return user.id

    @app.get("/books")
    async def books(user: Annotated[User, Depends(gate.user(roles=["accountant"]))]) -> str:
        return user.id

    @app.websocket("/ws")
    async def ws(socket: WebSocket, user: Annotated[User, Depends(gate.user)]) -> None:
        await socket.accept()
        await socket.receive_text()

    gate.install(app)
    return app


@contextlib.asynccontextmanager
async def signed_in(plane: DistantControlPlane, **change: Any) -> AsyncGenerator[Signed]:
    """A new accountant, signed in to an application behind a gate with these settings."""
    name = secrets.token_hex(4)
    user = plane.add_user(f"{name}@example.com", "Ada", roles=["accountant"])
    client = plane.add_client(name, BASE_URL, scopes=["expenses:read"])
    realm = Realm(plane, user, client, secrets.token_urlsafe(32))
    gate = realm.gate(staleness_bound=BOUND, shared_view="off", **change)
    app = application(gate)
    try:
        async with browser(app) as http:
            await sign_in(http, realm)
            signed = Signed(app, gate, realm, http, plane.line)
            await signed.is_ready(True)
            yield signed
    finally:
        for path in ("/feed", "/oauth/introspect", "/oauth/token"):
            plane.line.mend(path)
        gate._core.stop()  # pyright: ignore[reportPrivateUsage]


async def test_a_role_that_changes_counts_in_the_next_request_and_nobody_signs_in_again(
    plane: DistantControlPlane,
) -> None:
    async with signed_in(plane) as ada:
        assert await ada.get("/books") == (200, None)
        ada.update("--no-roles")
        assert await ada.until("/books", 403, BOUND) <= {200}
        assert await ada.get("/books") == (403, "role_missing")
        assert await ada.get("/me") == (200, None)
        ada.update("--role", "accountant")
        assert await ada.until("/books", 200, BOUND) <= {403}


async def test_while_the_session_cannot_be_renewed_its_old_roles_count_for_nothing(
    plane: DistantControlPlane,
) -> None:
    async with signed_in(plane) as ada:
        ada.line.cut("/oauth/token")
        ada.update("--no-roles")
        assert await ada.until("/books", 503, BOUND) <= {200}
        assert await ada.get("/books") == (503, "renewal_unavailable")
        ada.line.mend("/oauth/token")
        assert await ada.until("/books", 403) <= {503}


async def test_a_socket_of_before_the_change_is_ended_and_comes_back(plane: DistantControlPlane) -> None:
    async with signed_in(plane) as ada:
        scope = http_scope("GET", "/ws", [session_cookie(ada.client), ("origin", BASE_URL)])
        scope.update(type="websocket", scheme="ws", subprotocols=[], extensions={})
        del scope["method"]
        socket = Client(ada.app, scope)
        socket.inbox.put_nowait({"type": "websocket.connect"})
        socket.task = asyncio.create_task(socket.run())
        await socket.until(lambda: "websocket.accept" in socket.kinds)
        ada.update("--no-roles")
        await socket.until(lambda: socket.closes, BOUND + 1)
        assert socket.closes == [(4401, "session_outdated")]
        await asyncio.wait([socket.task])
        assert await ada.get("/me") == (200, None)


async def test_with_a_silent_feed_nothing_passes_and_the_cookie_stays(plane: DistantControlPlane) -> None:
    async with signed_in(plane) as ada:
        cookie = session_cookie(ada.client)
        ada.line.cut("/feed")
        await ada.is_ready(False)
        for path in ("/me", "/prices"):
            assert await ada.get(path) == (503, "feed_stale")
        assert ada.line.count("/oauth/introspect") == 0
        ada.line.mend("/feed")
        await ada.is_ready(True, 5)
        assert await ada.get("/me") == (200, None)
        assert session_cookie(ada.client) == cookie


async def test_with_a_silent_feed_the_control_plane_is_asked(plane: DistantControlPlane) -> None:
    async with signed_in(plane, on_stale="introspect") as ada:
        ada.line.cut("/feed")
        await ada.is_ready(False)
        before = ada.line.count("/oauth/introspect")
        assert await ada.get("/me") == (200, None)
        assert await ada.get("/me", "POST") == (200, None)
        assert ada.line.count("/oauth/introspect") <= before + 2
        # A role that is taken away is told by the answer, and the session is renewed.
        ada.update("--no-roles")
        assert await ada.until("/books", 403) <= {200}
        assert await ada.get("/me") == (200, None)
        plane.cli("user", "sign-out", ada.realm.user.email)
        assert await ada.until("/me", 401) <= {200}
        assert await ada.get("/me") == (401, "session_revoked")


async def test_an_answer_that_does_not_come_is_not_waited_for_long(plane: DistantControlPlane) -> None:
    async with signed_in(plane, on_stale="introspect") as ada:
        ada.line.cut("/feed")
        ada.line.hold("/oauth/introspect")
        await ada.is_ready(False)
        began = time.monotonic()
        assert await ada.get("/me") == (503, "feed_stale")
        assert 1.5 < time.monotonic() - began < 4
        ada.line.cut("/oauth/introspect")
        for _ in range(4):
            assert await ada.get("/me") == (503, "feed_stale")
        asked = ada.line.count("/oauth/introspect")
        began = time.monotonic()
        for _ in range(20):
            assert await ada.get("/me") == (503, "feed_stale")
        if time.monotonic() - began < 0.2:
            assert ada.line.count("/oauth/introspect") == asked
        ada.line.mend("/oauth/introspect")
        assert await ada.until("/me", 200, 5) <= {503}


async def test_a_marked_route_goes_on_and_is_on_record(
    plane: DistantControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    async with signed_in(plane, on_stale="allow:60") as ada:
        ada.line.cut("/feed")
        await ada.is_ready(False)
        with caplog.at_level(logging.INFO, "sealgate.decisions"):
            assert await ada.get("/prices") == (200, None)
            assert await ada.get("/me") == (503, "feed_stale")
            assert await ada.get("/me", "POST") == (503, "feed_stale")
        records = [record for record in caplog.records if record.name == "sealgate.decisions"]
        told = [(r.levelname, r.__dict__["outcome"], r.__dict__["reason"]) for r in records]
        refused = ("INFO", "refused", "feed_stale")
        assert told == [("WARNING", "allowed", "feed_stale_allowed"), refused, refused]
        record = records[0].__dict__
        assert (record["path"], record["actor_kind"], record["status"]) == ("/prices", "user", None)
        assert record["session"]


async def test_the_mark_is_for_routes_that_only_read(gate: Gate) -> None:
    app = FastAPI()
    read = [Depends(gate.user(stale="allow"))]

    async def page() -> str:
        return ""

    async def ws(socket: WebSocket) -> None:
        await socket.accept()

    app.add_api_route("/read", page, methods=["GET", "HEAD", "OPTIONS"], dependencies=read)
    router = APIRouter(dependencies=read)
    router.add_api_route("/change", page, methods=["POST"])
    router.add_api_route("/both", page, methods=["GET", "DELETE"])
    router.add_api_websocket_route("/ws", ws)
    app.include_router(router)
    app.router.routes.append(Route("/plain", page))
    gate.install(app)
    with pytest.raises(SettingsError) as raised:
        async with app.router.lifespan_context(app), started(app):
            pass
    said = str(raised.value)
    assert said.count('says stale="allow", which is for GET, HEAD and OPTIONS alone') == 3
    for path in ("POST /change", "DELETE/GET /both", "ANY /ws"):
        assert path in said
    assert "/read" not in said


@contextlib.asynccontextmanager
async def started(app: FastAPI) -> AsyncGenerator[None]:
    """The application, started by its first request."""
    async with browser(app) as client:
        await client.get(f"{BASE_URL}/read")
        yield


def test_the_mark_is_said_in_one_way(gate: Gate) -> None:
    marked = gate.actor(stale="allow")
    assert repr(marked) == "gate.actor(stale='allow')"
    assert repr(gate.optional(stale="allow")) == "gate.optional(stale='allow')"
    assert marked is gate.actor(stale="allow")
    assert marked(roles=["admin"]).need.stale_ok
    for kind in (gate.user, gate.machine, gate.agent):
        assert kind(stale="allow").need.stale_ok
        assert not kind.need.stale_ok
    with pytest.raises(ValueError, match='stale is "allow" or nothing'):
        gate.user(stale="deny")  # type: ignore[call-overload]  # pyright: ignore

    async def anything(scope: Any, receive: Any, send: Any) -> None:
        pass

    with pytest.raises(ValueError, match="takes every method"):
        gate.wrap(anything, marked)
