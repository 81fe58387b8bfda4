"""A person signs in, and the sealed session opens what it should and nothing more."""

import asyncio
import secrets
from typing import Annotated, Any

import pytest
from asgi_kit import drive, http_scope, request, websocket
from fastapi import Depends, FastAPI, Security, WebSocket
from sealgate import Gate, User
from sealgate.routes import RouteTable
from sealgate.targets import Target
from sessions import BASE_URL, Realm, browser, session_cookie, sign_in
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse


def application(gate: Gate) -> FastAPI:
    app = FastAPI()

    @app.get("/me")
    async def me(user: Annotated[User, Depends(gate.user)]) -> dict[str, Any]:
        return {
            "id": user.id,
            "email": user.email,
            "name": user.name,
            "scopes": sorted(user.scopes),
            "roles": sorted(user.roles),
            "session": user.session_id,
        }

    @app.get("/unmarked")
    async def unmarked(request: Request) -> str:
        return str(request.state.sealgate.id)

    @app.get("/read", dependencies=[Depends(gate.user(scopes=["expenses:read"]))])
    async def read() -> str:
        return "read"

    @app.get("/write", dependencies=[Depends(gate.user(scopes=["expenses:write"]))])
    async def write() -> str:
        return "leaked"

    @app.get("/secured")
    async def secured(user: Annotated[User, Security(gate.user, scopes=["expenses:write"])]) -> str:
        return "leaked"

    @app.get("/admin", dependencies=[Depends(gate.user(roles=["admin"]))])
    async def admin() -> str:
        return "admin"

    @app.get("/auditor", dependencies=[Depends(gate.user(roles=["auditor"]))])
    async def auditor() -> str:
        return "leaked"

    @app.get("/stream")
    async def stream(user: Annotated[User, Depends(gate.user)]) -> StreamingResponse:
        return StreamingResponse(iter([user.id]))

    @app.post("/change")
    async def change(user: Annotated[User, Depends(gate.user)]) -> str:
        return "changed"

    @app.websocket("/ws")
    async def ws(websocket: WebSocket, user: Annotated[User, Depends(gate.user)]) -> None:
        await websocket.accept()
        await websocket.send_text(user.id)
        await websocket.close()

    @app.get("/open", dependencies=[gate.public("open")])
    async def opened(request: Request) -> str:
        return "open"

    app.mount("/raw", PlainTextResponse("raw"))
    gate.install(app)
    return app


@pytest.fixture
def app(realm: Realm) -> FastAPI:
    return application(realm.gate())


async def test_signing_in_leads_back_with_a_session(app: FastAPI, realm: Realm) -> None:
    async with browser(app) as client:
        ended = await sign_in(client, realm, "/me?x=1")
        assert ended.status_code == 303
        assert ended.headers["location"] in ("/me?x=1", f"{BASE_URL}/me?x=1")
        me = (await client.get(f"{BASE_URL}/me")).json()
    assert me["email"] == "ada@example.com"
    assert me["name"] == "Ada"
    assert "expenses:read" in me["scopes"]
    assert me["roles"] == ["admin"]
    assert me["id"]
    assert me["session"]


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/me", 200, None),
        ("/unmarked", 200, None),
        ("/read", 200, None),
        ("/admin", 200, None),
        ("/stream", 200, None),
        ("/raw/", 200, None),
        ("/docs", 200, None),
        ("/open", 200, None),
        ("/write", 403, "scope_missing"),
        ("/secured", 403, "scope_missing"),
        ("/auditor", 403, "role_missing"),
        ("/nowhere", 404, None),
    ],
)
async def test_each_route_gets_what_it_asks_for(
    app: FastAPI, realm: Realm, path: str, status: int, reason: str | None
) -> None:
    async with browser(app) as client:
        await sign_in(client, realm)
        answer = await request(app, "GET", path, [session_cookie(client)])
    assert answer.status == status
    if reason is not None:
        assert answer.reason == reason
        assert answer.received == 0


async def test_the_dependency_checks_again_what_the_layer_decided(
    app: FastAPI, realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Were the layer to let it in as something weaker, the dependency still refuses.
    find = RouteTable.find
    async with browser(app) as client:
        await sign_in(client, realm)
        cookie = session_cookie(client)

    def weaker(self: RouteTable, scope: Any) -> Target:
        return find(self, {**scope, "path": "/me"})

    monkeypatch.setattr(RouteTable, "find", weaker)
    for path in ("/write", "/auditor", "/secured"):
        answer = await request(app, "GET", path, [cookie])
        assert answer.status == 403
        assert b"leaked" not in answer.body


async def test_a_session_of_one_user_is_one_user(app: FastAPI, realm: Realm) -> None:
    users: list[User] = []

    @app.get("/keep")
    async def keep(request: Request) -> None:
        users.append(request.state.sealgate)

    async with browser(app) as client:
        await sign_in(client, realm)
        for _ in range(2):
            await client.get(f"{BASE_URL}/keep")
    first, second = users
    assert first == second
    assert hash(first) == hash(second)
    assert first != "ada@example.com"
    assert repr(first) == f'User(id="{first.id}")'
    assert isinstance(first.scopes, frozenset)
    with pytest.raises(AttributeError):
        first.id = "someone else"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def test_state_changing_requests_from_another_site_are_refused(app: FastAPI, realm: Realm) -> None:
    async with browser(app) as client:
        await sign_in(client, realm)
        cookie = session_cookie(client)
    own = await request(app, "POST", "/change", [cookie, ("origin", BASE_URL)])
    assert own.status == 200
    foreign = await request(app, "POST", "/change", [cookie, ("origin", "https://evil.example")])
    assert (foreign.status, foreign.reason) == (403, "cross_origin")


async def test_sockets_need_the_session_and_the_own_origin(app: FastAPI, realm: Realm) -> None:
    async with browser(app) as client:
        await sign_in(client, realm)
        cookie = session_cookie(client)
    answer = await websocket(app, "/ws", [cookie, ("origin", BASE_URL)])
    assert answer.kinds == ["websocket.accept", "websocket.send", "websocket.close"]
    foreign = await websocket(app, "/ws", [cookie, ("origin", "https://evil.example")])
    assert (foreign.status, foreign.reason) == (403, "cross_origin")
    assert (await websocket(app, "/ws", [cookie])).status == 403


async def test_a_copied_cookie_is_refused_after_logout(app: FastAPI, realm: Realm) -> None:
    async with browser(app) as client:
        await sign_in(client, realm)
        copy = session_cookie(client)
        assert (await request(app, "GET", "/me", [copy])).status == 200
        left = await client.post(f"{BASE_URL}/auth/logout", headers={"origin": BASE_URL})
        assert left.status_code in (200, 204, 303)
    answer = await request(app, "GET", "/me", [copy])
    async with asyncio.timeout(5):
        while answer.status == 200:  # The revocation is on its way from another process.
            await asyncio.sleep(0.005)
            answer = await request(app, "GET", "/me", [copy])
    assert (answer.status, answer.reason) == (401, "session_revoked")


@pytest.mark.parametrize("change", ["flip", "cut", "double", "oversize"])
async def test_a_changed_cookie_is_refused(app: FastAPI, realm: Realm, change: str) -> None:
    async with browser(app) as client:
        await sign_in(client, realm)
        name, cookie = session_cookie(client)
    middle = len(cookie) // 2
    flipped = "A" if cookie[middle] != "A" else "B"
    changed = {
        "flip": cookie[:middle] + flipped + cookie[middle + 1 :],
        "cut": cookie[:-10],
        "double": f"{cookie}; {cookie}",
        "oversize": cookie + "A" * 5000,
    }[change]
    answer = await request(app, "GET", "/me", [(name, changed)])
    assert answer.status == 401
    assert answer.reason in ("credential_invalid", "credential_duplicate", "credential_oversize")


async def test_another_applications_seal_key_opens_nothing(app: FastAPI, realm: Realm) -> None:
    async with browser(app) as client:
        await sign_in(client, realm)
        cookie = session_cookie(client)
    other = application(realm.gate(seal_keys=secrets.token_urlsafe(32)))
    answer = await request(other, "GET", "/me", [cookie])
    assert (answer.status, answer.reason) == (401, "credential_invalid")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
        "/..//evil.example",
    ],
)
async def test_a_sign_in_never_leads_to_another_site(app: FastAPI, realm: Realm, target: str) -> None:
    async with browser(app) as client:
        ended = await sign_in(client, realm, target)
    location = ended.headers["location"]
    # A percent sign does not make a path lead away: browsers do not decode it there.
    assert location in ("/", f"{BASE_URL}/", "/%09/evil.example")


async def test_unmarked_routes_stay_closed_for_users_when_settings_say_deny(realm: Realm) -> None:
    app = application(realm.gate(unmarked="deny"))
    async with browser(app) as client:
        await sign_in(client, realm)
        cookie = session_cookie(client)
    assert (await request(app, "GET", "/me", [cookie])).status == 200
    answer = await request(app, "GET", "/unmarked", [cookie])
    assert (answer.status, answer.reason) == (403, "route_unmarked")


async def test_a_user_does_not_stay_behind_for_the_next_request(app: FastAPI, realm: Realm) -> None:
    shared: dict[str, Any] = {"pool": 1}

    def scope(path: str, *headers: tuple[str, str]) -> Any:
        return {**http_scope("GET", path, headers), "state": shared}

    async with browser(app) as client:
        await sign_in(client, realm)
        cookie = session_cookie(client)
    mine, public = scope("/me", cookie), scope("/open")
    assert (await drive(app, mine)).status == 200
    assert (await drive(app, public)).status == 200
    assert isinstance(mine["state"]["sealgate"], User)
    assert public["state"]["sealgate"] is None
    assert public["state"]["pool"] == 1
    assert (await drive(app, scope("/me"))).status == 401


COOKIE = (b"set-cookie", b"sealgate=new")
NO_STORE = (b"cache-control", b"no-store")


async def renewed(message: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """The header fields of a message that passes while a renewed cookie is written."""
    from sealgate.answers import with_fields

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await with_fields(send, [(b"set-cookie", b"sealgate=new")])(message)
    return list(sent[0].get("headers", []))


async def test_a_renewed_cookie_is_written_on_every_kind_of_answer() -> None:
    other = (b"x", b"y")
    start = {"type": "http.response.start", "status": 200}
    assert await renewed({**start, "headers": [other]}) == [other, NO_STORE, COOKIE]
    assert await renewed(start) == [NO_STORE, COOKIE]
    assert await renewed({**start, "type": "websocket.http.response.start"}) == [NO_STORE, COOKIE]
    assert await renewed({"type": "websocket.accept"}) == [COOKIE]
    assert await renewed({"type": "http.response.body", "body": b""}) == []


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ([("cache-control", "public, max-age=60")], ["no-store"]),
        ([("Cache-Control", "max-age=60")], ["no-store"]),
        ([("cache-control", "s-maxage=60"), ("cache-control", "must-revalidate")], ["no-store"]),
        ([("cache-control", 'private="x-field", max-age=60')], ["no-store"]),
        ([("cache-control", "private, public")], ["no-store"]),
        ([("cache-control", "private, max-age=60")], ["private, max-age=60"]),
        ([("cache-control", "No-Store")], ["No-Store"]),
        ([("cache-control", "max-age=60"), ("cache-control", "no-store")], ["max-age=60", "no-store"]),
        ([("CDN-Cache-Control", "max-age=60"), ("surrogate-control", "max-age=60")], ["no-store"]),
    ],
)
async def test_no_shared_cache_may_keep_a_renewed_cookie(
    fields: list[tuple[str, str]], kept: list[str]
) -> None:
    headers = [(name.encode(), value.encode()) for name, value in fields]
    written = await renewed({"type": "http.response.start", "status": 200, "headers": headers})
    assert written == [*((b"cache-control", value.encode()) for value in kept), COOKIE]
