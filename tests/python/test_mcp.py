"""MCP servers behind the gate, in process: who gets there, and which messages go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgi_kit import Answer, Fields, Message, Scope, http_scope, request
from fastapi import Depends, FastAPI
from lab import wait_until
from mcp_kit import (
    HANDSHAKE,
    NOTES,
    Caller,
    add_caller,
    add_resource,
    bearer,
    call,
    challenges,
    error,
    message,
    post,
    result,
    scopes_of,
)
from sealgate import Gate
from sealgate.mcp import Mounted, actor
from sealgate.testing import as_agent, as_user, make_user
from sessions import BASE_URL, Realm, browser, session_cookie, sign_in
from starlette.applications import Starlette
from starlette.routing import Mount, Route

TOOLS = ["list_notes", "add_note", "delete_all_notes"]
METADATA = f"{BASE_URL}/.well-known/oauth-protected-resource/mcp"
BEARER = f'Bearer realm="sealgate", resource_metadata="{METADATA}"'


class Echo:
    """An application in place of a server, which keeps what it is told."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self.received = 0
        self.session: bytes | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError("it takes no lifespan")
        self.scopes.append(scope)
        body = b""
        if scope["method"] == "POST":
            more = True
            while more:
                got = await receive()
                self.received += 1
                body += got["body"]
                more = got["more_body"]
        self.bodies.append(body)
        headers = [(b"content-type", b"application/json")]
        if self.session is not None:
            headers.append((b"Mcp-Session-Id", self.session))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"result":{}}'})


@pytest.fixture(scope="module")
def nina(realm: Realm) -> Caller:
    add_resource(realm.plane, NOTES, realm.client.id)
    return add_caller(realm.plane, NOTES, "nina")


@pytest.fixture(scope="module")
def otto(realm: Realm, nina: Caller) -> Caller:
    return add_caller(realm.plane, NOTES, "otto")


@pytest.fixture
def notes_gate(realm: Realm) -> Generator[Gate]:
    gate = realm.gate()
    core = gate._core  # pyright: ignore[reportPrivateUsage]
    core.start()
    wait_until(lambda: core.ready, "the revocation view")
    yield gate
    gate._core.stop()  # pyright: ignore[reportPrivateUsage]


def build(gate: Gate, server: Any, **change: Any) -> tuple[FastAPI, Mounted]:
    app = FastAPI()
    gate.install(app)
    options: dict[str, Any] = {"scopes": ["notes:read"], "tools": scopes_of(TOOLS), **change}
    door = gate.mcp(app, server, **options)

    @app.get("/me")
    def me(user: Any = Depends(gate.actor)) -> str:
        return str(user.id)

    return app, door


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def app(notes_gate: Gate, echo: Echo, nina: Caller) -> FastAPI:
    return build(notes_gate, echo)[0]


async def test_a_stranger_is_told_where_tokens_come_from_and_nothing_is_read(
    app: FastAPI, echo: Echo
) -> None:
    dpop = f'DPoP realm="sealgate", resource_metadata="{METADATA}", algs="'
    for method in ("POST", "GET", "DELETE", "PUT"):
        answer = await request(app, method, "/mcp", body=b"{}")
        assert (answer.status, answer.received) == (401, 0)
        first, second = challenges(answer)
        assert first == f'{BEARER}, scope="notes:read"'
        assert second.startswith(dpop)
        assert second.endswith(', scope="notes:read"')
    assert echo.scopes == []


async def test_what_it_says_of_itself_is_at_the_root_of_the_host(app: FastAPI, realm: Realm) -> None:
    answer = await request(app, "GET", "/.well-known/oauth-protected-resource/mcp")
    said = json.loads(answer.body)
    assert said.pop("dpop_signing_alg_values_supported")
    assert said == {
        "resource": NOTES,
        "authorization_servers": [realm.plane.issuer],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["notes:read"],
    }
    assert answer.header("access-control-allow-origin") == "*"
    of_application = await request(app, "GET", "/.well-known/oauth-protected-resource")
    assert json.loads(of_application.body)["resource"] == BASE_URL
    for path in ("/mcp/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/other"):
        assert (await request(app, "GET", path)).status == 404


async def test_below_a_path_the_metadata_is_at_the_root_all_the_same(realm: Realm, echo: Echo) -> None:
    gate = realm.gate(base_url=f"{BASE_URL}/tools")
    app, door = build(gate, echo, root=True)
    resource = f"{BASE_URL}/tools/mcp"
    assert door.resource == resource
    assert door.metadata_url == f"{BASE_URL}/.well-known/oauth-protected-resource/tools/mcp"
    root = "/.well-known/oauth-protected-resource"
    for path, root_path in [
        (f"{root}/tools/mcp", ""),
        (f"{root}/mcp", "/tools"),  # A proxy that cuts the path, and a server that is told so.
        (f"/tools{root}/mcp", "/tools"),
        (root, ""),
    ]:
        answer = await request(app, "GET", path, root_path=root_path)
        assert json.loads(answer.body)["resource"] == resource, path
    for path, root_path in [
        (f"{root}/tools", ""),
        (f"{root}/tools", "/tools"),
        (f"/tools{root}/tools", "/tools"),
    ]:
        answer = await request(app, "GET", path, root_path=root_path)
        assert json.loads(answer.body)["resource"] == f"{BASE_URL}/tools", path
    for path, root_path in [("/mcp", "/tools"), ("/tools/mcp", "/tools"), ("/mcp", "")]:
        answer = await request(app, "POST", path, root_path=root_path)
        assert door.metadata_url in challenges(answer)[0]
    gate._core.stop()  # pyright: ignore[reportPrivateUsage]


async def test_its_tokens_are_taken_there_and_nowhere_else(
    app: FastAPI, realm: Realm, nina: Caller, echo: Echo
) -> None:
    token = bearer(nina.token("notes:read"))
    assert (await post(app, message("tools/list"), token)).status == 200
    elsewhere = await request(app, "GET", "/me", token)
    assert (elsewhere.status, elsewhere.reason) == (401, "token_audience_wrong")
    # Asked again, now that it is known at both.
    assert (await post(app, message("tools/list"), token)).status == 200
    assert (await request(app, "GET", "/me", token)).status == 401
    served = len(echo.scopes)
    add = "resource", "add", BASE_URL, "The application", "--client", realm.client.id
    realm.plane.cli(*add, "--scope", "expenses:read=Read")
    job = realm.plane.add_service("of-the-application", ["expenses:read"], ["--resource", BASE_URL])
    try:
        own = bearer(Caller(realm.plane.issuer, job, BASE_URL).token("expenses:read"))
        assert (await request(app, "GET", "/me", own)).status == 200
        refused = await post(app, message("tools/list"), own)
        assert (refused.status, refused.reason) == (401, "token_audience_wrong")
        assert challenges(refused)[0].startswith(f'{BEARER}, error="invalid_token"')
        assert 'scope="notes:read"' in challenges(refused)[0]
        assert len(echo.scopes) == served
    finally:
        # Others register it, too.
        realm.plane.cli("client", "remove", job.id, "--yes")
        realm.plane.cli("resource", "remove", BASE_URL, "--yes")


async def test_a_session_is_no_credential_there(app: FastAPI, realm: Realm, nina: Caller) -> None:
    async with browser(app) as person:
        await sign_in(person, realm)
        cookie = session_cookie(person)
        assert (await person.get(f"{BASE_URL}/me")).status_code == 200
    refused = await post(app, message("tools/list"), [cookie])
    assert (refused.status, refused.reason) == (401, "credential_missing")
    # Beside a token it is not looked at.
    with_both = await post(app, message("tools/list"), [cookie, *bearer(nina.token("notes:read"))])
    assert with_both.status == 200


async def test_each_tool_asks_for_its_scopes_and_is_told_all_of_them(
    app: FastAPI, nina: Caller, echo: Echo
) -> None:
    reader, writer = bearer(nina.token("notes:read")), bearer(nina.token("notes:read", "notes:write"))
    assert (await post(app, call("list_notes"), reader)).status == 200
    refused = await post(app, call("add_note", text="a"), reader)
    assert (refused.status, refused.reason) == (403, "scope_missing")
    description = 'error_description="This needs a scope that was not granted."'
    assert challenges(refused) == [
        f'{BEARER}, error="insufficient_scope", {description}, scope="notes:read notes:write"'
    ]
    assert (await post(app, call("add_note", text="a"), writer)).status == 200
    assert (await post(app, call("delete_all_notes"), writer)).status == 403
    assert [json.loads(body)["params"]["name"] for body in echo.bodies] == ["list_notes", "add_note"]
    # The base is for everything, also for somebody who has what a tool asks for.
    only_write = await post(app, call("add_note"), bearer(nina.token("notes:write")))
    assert only_write.status == 403
    for method in ("GET", "DELETE"):
        nobody = await request(app, method, "/mcp", bearer(nina.token("notes:write")))
        assert (nobody.status, nobody.reason) == (403, "scope_missing")
        assert 'scope="notes:read"' in challenges(nobody)[0]


async def test_a_tool_that_is_not_named_is_open_to_nobody(
    app: FastAPI, notes_gate: Gate, nina: Caller, echo: Echo
) -> None:
    everything = bearer(nina.token("notes:read", "notes:write", "notes:admin"))
    refused = await post(app, call("drop_tables"), everything)
    assert refused.status == 403
    assert error(refused)["data"] == {"reason": "mcp_not_open"}
    assert json.loads(refused.body)["id"] == 1
    assert challenges(refused) == []
    other, _ = build(notes_gate, echo, path="/other", default=["notes:admin"], tools=None)
    for name in TOOLS:
        assert (await post(app, call(name), everything)).status == 200
    # Tokens are for one of the two.
    wrong = await post(other, call("drop_tables"), everything, "/other")
    assert (wrong.status, wrong.reason) == (401, "token_audience_wrong")


MALFORMED: list[tuple[bytes, str, int, int]] = [
    (b"", "mcp_body_malformed", 400, -32700),
    (b"{", "mcp_body_malformed", 400, -32700),
    (b'\xef\xbb\xbf{"jsonrpc":"2.0"}', "mcp_body_malformed", 400, -32700),
    ('{"jsonrpc":"2.0","id":1,"method":"tools/list"}'.encode("utf-16"), "mcp_body_malformed", 400, -32700),
    (b"[" * 100_000, "mcp_body_malformed", 400, -32700),
    (b"[" + message("tools/list") + b"]", "mcp_message_invalid", 400, -32600),
    (b'{"jsonrpc":"2.0","id":1}', "mcp_message_invalid", 400, -32600),
    (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"x"}}',
        "mcp_message_invalid",
        400,
        -32600,
    ),
    (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes","n\\u0061me":"x"}}',
        "mcp_message_invalid",
        400,
        -32600,
    ),
    (message("tools/call", {"name": "list_notes", "a": "x" * 5_000}), "mcp_body_oversize", 413, -32600),
]


@pytest.mark.parametrize(("body", "reason", "status", "code"), MALFORMED)
async def test_what_cannot_be_read_in_one_way_does_not_pass(
    notes_gate: Gate, nina: Caller, echo: Echo, body: bytes, reason: str, status: int, code: int
) -> None:
    app, _ = build(notes_gate, echo, body_limit=4096)
    token = bearer(nina.token("notes:read"))
    for length in ([], [("content-length", str(len(body)))]):
        answer = await post(app, body, [*token, *length])
        assert answer.status == status or (len(body) > 4096 and answer.status == 413)
        if answer.status == status:
            assert (error(answer)["code"], error(answer)["data"]["reason"]) == (code, reason)
        if length and len(body) > 4096:
            assert answer.received == 0  # What is announced as too long is not read at all.
    assert echo.scopes == []


async def test_the_header_has_to_say_what_the_body_says(app: FastAPI, nina: Caller, echo: Echo) -> None:
    token = bearer(nina.token("notes:read"))
    same = [("mcp-method", "tools/call"), ("mcp-name", "list_notes")]
    assert (await post(app, call("list_notes"), [*token, *same])).status == 200
    for fields in (
        [("mcp-method", "tools/list")],
        [("mcp-name", "add_note")],
        [*same, *same],
        [("mcp-name", "=?base64?!?=")],
    ):
        refused = await post(app, call("list_notes"), [*token, *fields])
        assert (refused.status, error(refused)["code"]) == (400, -32020)
        assert error(refused)["data"] == {"reason": "mcp_header_mismatch"}
    # What the header says opens nothing that the body does not ask for.
    lying = [("mcp-method", "tools/call"), ("mcp-name", "list_notes")]
    assert (await post(app, call("add_note"), [*token, *lying])).status == 400
    assert len(echo.scopes) == 1


async def test_a_message_in_pieces_is_handed_on_in_one(app: FastAPI, nina: Caller, echo: Echo) -> None:
    """Else a body of single bytes would cost the server a message for each."""
    body = message("tools/list")
    scope = http_scope(
        "POST",
        "/mcp",
        [("host", "127.0.0.1:8000"), ("content-type", "application/json"), *bearer(nina.token("notes:read"))],
    )
    pieces = [body[at : at + 1] for at in range(len(body))]
    incoming: list[Message] = [
        *({"type": "http.request", "body": piece, "more_body": True} for piece in pieces),
        {"type": "http.request"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200
    assert (echo.bodies, echo.received) == ([body], 1)
    # One that breaks off is none.
    incoming[:] = [{"type": "http.request", "body": body, "more_body": True}, {"type": "http.disconnect"}]
    sent.clear()
    await app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert echo.received == 1


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_no_message_is_handed_on_that_was_not_judged(
    notes_gate: Gate, nina: Caller, method: str
) -> None:
    bodies: list[bytes] = []

    async def careless(scope: Scope, receive: Any, send: Any) -> None:
        """Takes a message from wherever it comes."""
        if scope["type"] == "lifespan":
            raise RuntimeError("it takes no lifespan")
        bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app, _ = build(notes_gate, careless)
    fields = [("content-type", "application/json"), *bearer(nina.token("notes:read"))]
    async with asyncio.timeout(10):
        answer = await request(app, method, "/mcp", fields, call("delete_all_notes"))
    assert (answer.status, bodies[-1]) == (200, b"")


async def test_other_bodies_and_methods_are_refused(app: FastAPI, nina: Caller, echo: Echo) -> None:
    token = bearer(nina.token("notes:read"))
    for kind in (None, "text/plain", "application/x-www-form-urlencoded"):
        fields = [*token, *([("content-type", kind)] if kind else [])]
        refused = await request(app, "POST", "/mcp", fields, message("tools/list"))
        assert (refused.status, refused.received) == (415, 0)
    packed = await post(app, message("tools/list"), [*token, ("content-encoding", "gzip")])
    assert packed.status == 415
    for method in ("PUT", "PATCH", "HEAD", "OPTIONS"):
        refused = await request(app, method, "/mcp", token)
        assert (refused.status, refused.header("allow")) == (405, "POST, GET, DELETE")
    assert echo.scopes == []


async def test_a_session_is_its_callers_alone(app: FastAPI, nina: Caller, otto: Caller, echo: Echo) -> None:
    hers, his = bearer(nina.token("notes:read")), bearer(otto.token("notes:read"))
    echo.session = b"s1"
    begun = await post(app, message("initialize", HANDSHAKE), hers)
    session = begun.header("mcp-session-id")
    assert session is not None
    assert session.startswith("s1.")
    echo.session = None
    known = ("mcp-session-id", session)
    for method, body in (("POST", message("tools/list")), ("GET", b""), ("DELETE", b"")):
        fields = [("content-type", "application/json"), known]
        assert (await request(app, method, "/mcp", [*hers, *fields], body)).status == 200
        assert dict(echo.scopes[-1]["headers"])[b"mcp-session-id"] == b"s1"
        served = len(echo.scopes)
        for foreign in (
            [*his, *fields],
            [*hers, *fields[:1], ("mcp-session-id", "s1")],
            [*hers, *fields, known],
        ):
            refused = await request(app, method, "/mcp", foreign, body)
            assert (refused.status, error(refused)["data"]["reason"]) == (404, "mcp_session_unknown")
        assert len(echo.scopes) == served
    # Another token of the same caller's is as good.
    again = [*bearer(nina.token("notes:read", "notes:write")), known]
    assert (await post(app, message("tools/list"), again)).status == 200


async def test_a_session_id_that_is_none_is_not_told(app: FastAPI, nina: Caller, echo: Echo) -> None:
    echo.session = b"not an id"
    answer = await post(app, message("initialize", HANDSHAKE), bearer(nina.token("notes:read")))
    assert (answer.status, answer.header("mcp-session-id")) == (200, None)


async def test_the_server_sees_the_actor_and_no_credential(app: FastAPI, nina: Caller, echo: Echo) -> None:
    token = nina.token("notes:read")
    fields = [
        ("authorization", f"Bearer {token}"),
        ("dpop", "a.b.c"),
        ("cookie", "a=b"),
        ("proxy-authorization", "Basic YTpi"),
        ("last-event-id", "7"),
        ("x-trace", "kept"),
    ]
    body = message("tools/list", {"_meta": {"x": "\u00e9" * 40_000}})
    assert (await post(app, body, fields)).status == 200
    (seen,) = echo.scopes
    assert echo.bodies == [body]
    names = {name for name, _ in seen["headers"]}
    assert b"x-trace" in names
    assert not names & {b"authorization", b"dpop", b"cookie", b"proxy-authorization", b"last-event-id"}
    assert token not in repr(seen)
    assert seen["state"]["sealgate"].id == nina.client.id
    assert seen["path"] == "/mcp"
    assert not {"app", "router", "endpoint", "sealgate.judged"} & set(seen)


async def test_events_are_resumed_only_where_that_was_said(
    notes_gate: Gate, nina: Caller, echo: Echo
) -> None:
    app, _ = build(notes_gate, echo, resumable=True)
    fields = [*bearer(nina.token("notes:read")), ("last-event-id", "7")]
    assert (await request(app, "GET", "/mcp", fields)).status == 200
    assert dict(echo.scopes[0]["headers"])[b"last-event-id"] == b"7"


async def test_pages_elsewhere_and_other_names_are_refused(
    notes_gate: Gate, nina: Caller, echo: Echo
) -> None:
    app, _ = build(notes_gate, echo, origins=["https://chat.example"])
    token = bearer(nina.token("notes:read"))
    for origin, status in [
        (BASE_URL, 200),
        ("https://chat.example", 200),
        ("https://evil.example", 403),
        ("null", 403),
    ]:
        answer = await post(app, message("tools/list"), [*token, ("origin", origin)])
        assert answer.status == status, origin
    rebound = await request(app, "GET", "/mcp", [*token, ("host", "evil.example:8000")])
    assert (rebound.status, error(rebound)["data"]["reason"]) == (421, "mcp_host_wrong")


async def test_a_revoked_token_makes_clients_ask_for_another(
    app: FastAPI, realm: Realm, nina: Caller
) -> None:
    token = nina.token("notes:read")
    assert (await post(app, message("tools/list"), bearer(token))).status == 200
    nina.revoke(token)
    answer = await _until_refused(app, bearer(token))
    assert (answer.status, answer.reason) == (401, "token_revoked")
    assert challenges(answer)[0].startswith(f'{BEARER}, error="invalid_token"')


async def _until_refused(app: FastAPI, fields: Fields) -> Answer:
    for _ in range(100):
        answer = await post(app, message("tools/list"), fields)
        if answer.status != 200:
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError("it was never refused")


async def test_a_door_whose_gate_has_not_decided_answers_nothing(
    notes_gate: Gate, echo: Echo, nina: Caller
) -> None:
    """Also where somebody else let the request in, for something else."""
    _, door = build(notes_gate, echo)
    bare = Starlette(routes=[Route("/mcp", door)])
    assert (await post(bare, message("tools/list"), bearer(nina.token("notes:read")))).status == 500
    outer = FastAPI()
    other_gate = Gate(
        issuer="https://id.example",
        client_id="o",
        client_secret="s3cret-s3cret",
        base_url=BASE_URL,
        seal_keys="AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
    )
    other_gate.install(outer)
    outer.router.routes.append(Route("/mcp", door))
    with as_user(outer, scopes=["notes:read"]):
        assert (await post(outer, message("tools/list"), [("origin", BASE_URL)])).status == 500
    other_gate._core.stop()  # pyright: ignore[reportPrivateUsage]
    assert echo.scopes == []


async def test_it_is_tried_with_actors_of_a_test(app: FastAPI, echo: Echo) -> None:
    with as_agent(app, user=make_user("ada"), scopes=["notes:read"]):
        assert (await post(app, call("list_notes"))).status == 200
        assert (await post(app, call("add_note"))).status == 403
    with as_user(app, scopes=[]):
        assert (await post(app, call("list_notes"))).status == 403
    assert echo.scopes[0]["state"]["sealgate"].user.id == "ada"


async def test_needs_can_be_more_than_scopes(notes_gate: Gate, echo: Echo) -> None:
    app, _ = build(
        notes_gate,
        echo,
        requires=notes_gate.user | notes_gate.agent,
        tools={"purge": notes_gate.user(roles=["admin"])},
        prompts={"review": ["notes:read"]},
        resources={"notes://public/*": []},
    )
    with as_user(app, scopes=["notes:read"]):
        assert (await post(app, call("purge"))).reason == "role_missing"
        assert (await post(app, message("prompts/get", {"name": "review"}))).status == 200
        assert (await post(app, message("prompts/get", {"name": "other"}))).status == 403
        assert (await post(app, message("resources/read", {"uri": "notes://public/1"}))).status == 200
        assert (await post(app, message("resources/read", {"uri": "notes://own/1"}))).status == 403
    with as_user(app, scopes=["notes:read"], roles=["admin"]):
        assert (await post(app, call("purge"))).status == 200
    with as_agent(app, user=make_user("ada"), scopes=["notes:read"], roles=["admin"]):
        assert (await post(app, call("purge"))).reason == "actor_wrong"


async def test_what_completes_or_watches_something_asks_for_what_it_asks_for(
    notes_gate: Gate, echo: Echo
) -> None:
    app, _ = build(
        notes_gate,
        echo,
        prompts={"review": ["notes:read"], "purge": ["notes:admin"]},
        resources={"notes://public/*": [], "notes://public/drafts/*": ["notes:write"]},
    )

    def complete(kind: str, **about: str) -> bytes:
        argument = {"name": "x", "value": ""}
        return message("completion/complete", {"ref": {"type": kind, **about}, "argument": argument})

    def listen(*uris: str, member: str = "resourceSubscriptions") -> bytes:
        return message("subscriptions/listen", {"notifications": {"toolsListChanged": True, member: [*uris]}})

    drafts = "notes://public/drafts/{day}"
    with as_user(app, scopes=["notes:read"]):
        for body in (
            complete("ref/prompt", name="review"),
            complete("ref/resource", uri="notes://public/drafts"),
            listen(),
            listen("notes://public/1", "notes://public/2"),
        ):
            assert (await post(app, body)).status == 200, body
        served = len(echo.bodies)
        for body in (
            complete("ref/prompt", name="purge"),
            complete("ref/prompt", name="other"),
            complete("ref/resource", uri=drafts),
            # What it stands for includes drafts.
            complete("ref/resource", uri="notes://public/{+path}"),
            complete("ref/resource", uri="notes://own/{id}"),
            listen("notes://public/1", "notes://public/drafts/1"),
            listen("notes://own/1"),
            listen("notes://own/1", member="resource_subscriptions"),
        ):
            assert (await post(app, body)).status == 403, body
        assert len(echo.bodies) == served
    with as_user(app, scopes=["notes:read", "notes:write"]):
        for body in (complete("ref/resource", uri=drafts), listen("notes://public/drafts/1")):
            assert (await post(app, body)).status == 200, body


async def test_a_tool_under_another_name_does_not_fall_to_the_default(notes_gate: Gate, echo: Echo) -> None:
    """FastMCP takes tools of its apps by a code and their name, too."""
    tools = {"purge": ["notes:admin"], "0123456789ab_list": ["notes:read"]}
    app, _ = build(notes_gate, echo, tools=tools, default=[])
    with as_user(app, scopes=["notes:read"]):
        for name, status in [
            ("anything", 200),
            ("purge", 403),
            ("d41d8cd98f00_purge", 403),
            ("0123456789ab_list", 200),
        ]:
            assert (await post(app, call(name))).status == status, name


def test_what_cannot_be_meant_is_refused(gate: Gate) -> None:
    app = FastAPI()

    def refused(kind: type[Exception], match: str, server: Any = None, **change: Any) -> None:
        with pytest.raises(kind, match=match):
            gate.mcp(app, server or Echo(), **change)

    refused(ValueError, "is no path", path="/mcp/")
    refused(ValueError, "is no path", path="/")
    refused(ValueError, "offline_access", scopes=["notes:read", "offline_access"])
    refused(TypeError, "is a list of names", scopes="notes:read")
    refused(TypeError, "is a list of names", tools={"a": "notes:read"})
    refused(ValueError, "never open", requires=gate.optional)
    refused(ValueError, "stale", requires=gate.user(stale="allow"))
    refused(ValueError, "tenant", tools={"a": gate.user(tenant_from="tenant")})
    refused(ValueError, "origin", origins=["https://a.example/x"])
    refused(ValueError, "is no name", tools={"delete_*": ["notes:admin"]}, default=[])
    refused(ValueError, "is no name", prompts={"*": []})
    refused(ValueError, "1024", body_limit=10)
    refused(TypeError, "no MCP server", server=object())
    refused(ValueError, "made with its own", stateless=True)
    many = Starlette(routes=[Route("/a", Echo()), Route("/b", Echo())])
    refused(ValueError, "server_path", server=many)
    assert not [route for route in app.routes if getattr(route, "path", "") == "/mcp"]
    gate.mcp(app, Echo())
    refused(ValueError, "already", path="/mcp")


async def test_an_application_that_listens_elsewhere_is_asked_there(
    notes_gate: Gate, nina: Caller, echo: Echo
) -> None:
    inner = Starlette(routes=[Route("/rpc", echo), Mount("/files", app=Echo())])
    app, _ = build(notes_gate, inner)
    assert (await post(app, message("tools/list"), bearer(nina.token("notes:read")))).status == 200
    assert echo.scopes[0]["path"] == "/rpc"


class Lifetimes:
    """An application with a lifespan, which says when that runs."""

    def __init__(self, said: list[str], fails: bool = False) -> None:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncGenerator[dict[str, str]]:
            if fails:
                raise RuntimeError("not today")
            said.append("in")
            yield {"pool": "open"}
            said.append("out")

        self.echo = Echo()
        self.app = Starlette(routes=[Route("/mcp", self.echo)], lifespan=lifespan)


async def test_the_lifespan_of_the_server_runs_with_that_of_the_application(
    notes_gate: Gate, nina: Caller
) -> None:
    said: list[str] = []
    inside = Lifetimes(said)

    @asynccontextmanager
    async def outer(_: FastAPI) -> AsyncGenerator[None]:
        said.append("application in")
        yield
        said.append("application out")

    app = FastAPI(lifespan=outer)
    notes_gate.mcp(app, inside.app, scopes=["notes:read"])
    notes_gate.install(app)
    for _ in range(2):
        async with _running(app):
            assert said[-1] == "in"
            answer = await post(app, message("tools/list"), bearer(nina.token("notes:read")))
            assert answer.status == 200
            assert inside.echo.scopes[-1]["state"]["pool"] == "open"
        assert said == ["application in", "in", "out", "application out"]
        said.clear()


async def test_a_server_that_is_cancelled_while_it_starts_is_not_waited_for(notes_gate: Gate) -> None:
    async def cancelled(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        raise asyncio.CancelledError

    app, _ = build(notes_gate, cancelled)
    async with asyncio.timeout(10):
        with pytest.raises(RuntimeError, match="cancelled"):
            async with _running(app):
                pass


async def test_a_server_that_cannot_start_keeps_the_application_from_starting(notes_gate: Gate) -> None:
    app, _ = build(notes_gate, Lifetimes([], fails=True).app)
    with pytest.raises(RuntimeError, match="not today"):
        async with _running(app):
            pass


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncGenerator[None]:
    """Starts and stops an application as a server does."""
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    outgoing: asyncio.Queue[Message] = asyncio.Queue()
    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    live = asyncio.create_task(app(scope, incoming.get, outgoing.put))
    await incoming.put({"type": "lifespan.startup"})
    told = await outgoing.get()
    if told["type"] == "lifespan.startup.failed":
        await asyncio.gather(live, return_exceptions=True)
        raise RuntimeError(told["message"])
    yield
    await incoming.put({"type": "lifespan.shutdown"})
    assert (await outgoing.get())["type"] == "lifespan.shutdown.complete"
    await live


def official() -> Any:
    server = pytest.importorskip("mcp.server.mcpserver").MCPServer("notes")
    return _with_tools(server)


def with_fastmcp() -> Any:
    return _with_tools(pytest.importorskip("fastmcp").FastMCP("notes"))


def _with_tools(server: Any) -> Any:
    def list_notes() -> str:
        return actor().id

    async def add_note() -> str:
        from mcp.server.auth.middleware.auth_context import get_access_token

        token = get_access_token()
        assert token is not None
        return json.dumps([actor().id, token.client_id, token.token, token.scopes, token.subject])

    for tool in (list_notes, add_note):
        server.tool()(tool)
    return server


@pytest.mark.parametrize("make", [official, with_fastmcp])
@pytest.mark.parametrize("stateless", [False, True])
@pytest.mark.parametrize("json_response", [False, True])
async def test_tools_know_who_calls(
    notes_gate: Gate, nina: Caller, make: Any, stateless: bool, json_response: bool
) -> None:
    app, _ = build(notes_gate, make(), stateless=stateless, json_response=json_response)
    scopes = ["notes:read", "notes:write"]
    token = bearer(nina.token(*scopes))
    for _ in range(2):  # A server of its own for each start.
        async with _running(app):
            begun = await post(app, message("initialize", HANDSHAKE), token)
            session = begun.header("mcp-session-id")
            fields = [*token, ("mcp-protocol-version", "2025-06-18")]
            assert (session is None) == stateless
            if session is not None:
                fields.append(("mcp-session-id", session))
            listed = result(await post(app, message("tools/list"), fields))
            assert {tool["name"] for tool in listed["tools"]} == {"list_notes", "add_note"}
            who = result(await post(app, call("list_notes"), fields))
            assert who["content"][0]["text"] == nina.client.id
            more = result(await post(app, call("add_note"), fields))
            client = nina.client.id
            assert json.loads(more["content"][0]["text"]) == [client, client, "", scopes, client]


async def test_the_users_of_one_client_are_told_apart_by_the_sdk_too(notes_gate: Gate) -> None:
    app, _ = build(notes_gate, official(), stateless=True, json_response=True)
    for user in (make_user("ada"), make_user("bob"), None):
        with as_agent(app, id="desktop", user=user, scopes=["notes:read", "notes:write"]):
            who = result(await post(app, call("add_note")))["content"][0]["text"]
            assert json.loads(who)[1:] == [
                "desktop",
                "",
                ["notes:read", "notes:write"],
                user.id if user else "desktop",
            ]


def test_nobody_calls_outside_of_a_call() -> None:
    with pytest.raises(LookupError, match="no call"):
        actor()
