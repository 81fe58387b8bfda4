"""One application calls another: for itself, and for the user who called, whose credential stays behind."""

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from sealgate import Actor, Gate, OnwardError, User
from sealgate.onward import OnBehalf
from sessions import BASE_URL, Realm, browser, session_cookie, sign_in

TWO = "http://127.0.0.1:8001"
THREE = "http://127.0.0.1:8002"
SCOPES = ["orders:read"]


@dataclass
class Called:
    """An application that is called, and what it saw."""

    url: str
    gate: Gate
    app: FastAPI
    seen: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    actors: list[Actor] = field(default_factory=list[Actor])

    @property
    def actor(self) -> Actor:
        return self.actors[-1]

    def client(self, **options: Any) -> httpx.AsyncClient:
        """A client for which this application is at its URL."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=self.url, **options)


@pytest.fixture(scope="session")
def registered(realm: Realm) -> dict[str, dict[str, str]]:
    """Both applications' settings, at the control plane of the whole run."""
    plane = realm.plane

    def add(name: str, url: str, resource: str | None) -> dict[str, str]:
        options = ["--id", name]
        if resource is not None:
            grants = ["authorization_code", "refresh_token", "client_credentials", "token_exchange"]
            options += ["--resource", resource, *(word for grant in grants for word in ("--grant", grant))]
        client = plane.add_client(name.title(), url, scopes=SCOPES, options=options)
        scope = "orders:read=Read orders"
        plane.cli("resource", "add", url, name.title(), "--client", name, "--scope", scope)
        return {"client_id": client.id, "client_secret": client.secret, "base_url": url}

    # From the last to the first: a resource is registered before whoever may call it.
    three = add("three", THREE, None)
    two = add("two", TWO, THREE)
    return {"three": three, "two": two, "one": add("one", BASE_URL, TWO)}


@asynccontextmanager
async def called(realm: Realm, settings: dict[str, str]) -> AsyncGenerator[Called]:
    it = Called(settings["base_url"], realm.gate(scopes=["openid"], **settings), FastAPI())

    @it.app.get("/orders")
    async def orders(
        request: Request, caller: Annotated[Actor, Depends(it.gate.actor(scopes=SCOPES))]
    ) -> str:
        it.seen.append(dict(request.headers))
        it.actors.append(caller)
        return caller.id

    it.gate.install(it.app)
    async with running(it.app):
        yield it


@pytest.fixture
async def two(realm: Realm, registered: dict[str, dict[str, str]]) -> AsyncIterator[Called]:
    async with called(realm, registered["two"]) as two:
        yield two


@pytest.fixture
async def three(realm: Realm, registered: dict[str, dict[str, str]]) -> AsyncIterator[Called]:
    async with called(realm, registered["three"]) as three:
        yield three


@pytest.fixture
async def one(realm: Realm, registered: dict[str, dict[str, str]]) -> AsyncIterator[tuple[Gate, FastAPI]]:
    gate = realm.gate(scopes=["openid", "email"], **registered["one"])
    app = FastAPI()
    gate.install(app)
    async with running(app):
        yield gate, app


@asynccontextmanager
async def running(app: FastAPI) -> AsyncGenerator[None]:
    async with app.router.lifespan_context(app):
        # The gate starts with the first request.
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL) as client:
            await client.get("/")
        yield


def test_the_package_needs_no_httpx() -> None:
    script = "import sys; sys.modules['httpx'] = None; import sealgate; sealgate.Gate"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def test_a_call_for_the_application_itself_arrives_as_a_machine(
    one: tuple[Gate, FastAPI], two: Called
) -> None:
    auth = one[0].client(audience=TWO, scopes=SCOPES)
    async with two.client(auth=auth) as http:
        for _ in range(3):
            assert (await http.get("/orders")).text == '"one"'
    assert type(two.actor).__name__ == "Machine"
    assert two.actor.scopes == {"orders:read"}
    # One token for all of them.
    assert len({seen["authorization"] for seen in two.seen}) == 1


def test_a_client_that_waits_is_served_too(one_sync: Gate) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200)

    auth = one_sync.client(audience=TWO, scopes=SCOPES)
    with httpx.Client(transport=httpx.MockTransport(answer), auth=auth) as http:
        for _ in range(3):
            http.get(f"{TWO}/orders").raise_for_status()
    assert len(set(seen)) == 1
    assert seen[0].startswith("Bearer ey")


@pytest.fixture
def one_sync(realm: Realm, registered: dict[str, dict[str, str]]) -> Any:
    gate = realm.gate(scopes=["openid", "email"], **registered["one"])
    yield gate
    gate._core.stop()  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("dpop", [False, True])
async def test_a_call_for_the_user_arrives_as_the_user_through_the_application(
    realm: Realm, one: tuple[Gate, FastAPI], two: Called, dpop: bool
) -> None:
    gate, app = one
    orders = gate.client(audience=TWO, scopes=SCOPES, on_behalf_of_user=True, dpop=dpop)

    @app.get("/shop")
    async def shop(user: Annotated[User, Depends(gate.user)]) -> list[str]:
        async with two.client() as http:
            answers = [await http.get("/orders", auth=orders.on_behalf_of(user)) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200], answers[-1].text
        return [user.id, *(answer.json() for answer in answers)]

    async with browser(app) as client:
        await sign_in(client, realm)
        answer = await client.get(f"{BASE_URL}/shop")
        cookie = session_cookie(client)[1]
    assert answer.status_code == 200, answer.text
    assert len(set(answer.json())) == 1
    assert isinstance(two.actor, User)
    assert two.actor.via == ("one",)
    assert two.actor.scopes == {"orders:read"}
    assert two.actor.roles == {"admin"}
    kind = "DPoP" if dpop else "Bearer"
    for seen in two.seen:
        assert seen["authorization"].startswith(f"{kind} ey")
        assert ("dpop" in seen) == dpop
        # What the browser came with is nowhere.
        assert "cookie" not in seen
        assert not any(cookie.split("=", 1)[1] in value for value in seen.values())
    if dpop:
        assert len({seen["dpop"] for seen in two.seen}) == 3


async def test_a_token_is_exchanged_at_each_hop_and_never_passed_on(
    realm: Realm, one: tuple[Gate, FastAPI], two: Called, three: Called
) -> None:
    gate, app = one
    orders = gate.client(audience=TWO, scopes=SCOPES, on_behalf_of_user=True)
    stock = two.gate.client(audience=THREE, scopes=SCOPES, on_behalf_of_user=True)
    elsewhere = two.gate.client(audience="https://four.example", on_behalf_of_user=True)

    @two.app.get("/stock")
    async def stocked(user: Annotated[User, Depends(two.gate.user)], request: Request) -> str:
        two.seen.append(dict(request.headers))
        with pytest.raises(OnwardError) as raised:
            async with httpx.AsyncClient(transport=httpx.MockTransport(unreachable)) as http:
                await http.get("https://four.example/", auth=elsewhere.on_behalf_of(user))
        assert (raised.value.reason, raised.value.temporary) == ("onward_refused", False)
        async with three.client() as http:
            return (await http.get("/orders", auth=stock.on_behalf_of(user))).raise_for_status().text

    @app.get("/shop")
    async def shop(user: Annotated[User, Depends(gate.user)]) -> str:
        async with two.client() as http:
            return (await http.get("/stock", auth=orders.on_behalf_of(user))).raise_for_status().text

    async with browser(app) as client:
        await sign_in(client, realm)
        answer = await client.get(f"{BASE_URL}/shop")
    assert answer.status_code == 200, answer.text
    assert isinstance(three.actor, User)
    assert three.actor.via == ("two", "one")
    assert two.seen[-1]["authorization"] != three.seen[-1]["authorization"]


async def test_revoking_the_session_ends_what_was_had_for_it(
    realm: Realm, one: tuple[Gate, FastAPI], two: Called
) -> None:
    gate, app = one
    orders = gate.client(audience=TWO, scopes=SCOPES, on_behalf_of_user=True)
    users: list[User] = []

    @app.get("/shop")
    async def shop(user: Annotated[User, Depends(gate.user)]) -> None:
        users.append(user)

    async with browser(app) as client:
        await sign_in(client, realm)
        await client.get(f"{BASE_URL}/shop")
    auth = orders.on_behalf_of(users[0])
    async with two.client() as http:
        answer = await http.get("/orders", auth=auth)
        assert answer.status_code == 200
        stolen = answer.request.headers["authorization"]
        session = users[0].session_id
        assert session is not None
        realm.plane.cli("session", "revoke", session, "--yes")
        started = time.monotonic()
        while (answer := await http.get("/orders", headers={"authorization": stolen})).status_code == 200:
            assert time.monotonic() - started < 1
            await asyncio.sleep(0.02)
        assert (answer.status_code, answer.json()["reason"]) == (401, "token_revoked")
        # The first application follows the feed by itself, and may hear of it a moment later.
        reason = None
        while reason != "onward_caller_refused":
            assert time.monotonic() - started < 1, reason
            try:
                assert (await http.get("/orders", auth=auth)).status_code == 401
            except OnwardError as error:
                reason = error.reason


async def test_forgetting_for_whom_cannot_be_done(one: tuple[Gate, FastAPI]) -> None:
    orders = one[0].client(audience=TWO, scopes=SCOPES, on_behalf_of_user=True)
    assert isinstance(orders, OnBehalf)
    async with httpx.AsyncClient(transport=httpx.MockTransport(unreachable)) as http:
        with pytest.raises(TypeError):
            await http.get(TWO, auth=orders)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    for nobody in (None, "ada", one[0]):
        with pytest.raises(TypeError, match="on_behalf_of takes the user or agent"):
            orders.on_behalf_of(nobody)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"audience": "two"}, "not an absolute URI"),
        ({"audience": "http://two.example"}, "plain http"),
        ({"audience": "urn:two"}, "say where its tokens may be sent"),
        ({"audience": TWO, "scopes": "a b"}, r"write scopes=\['a', 'b'\]"),
        ({"audience": TWO, "scopes": ["a b"]}, "not the name of one scope"),
        ({"audience": TWO, "places": ["ftp://two"]}, "not an http"),
    ],
)
def test_a_target_that_cannot_be_used_is_an_error_at_once(
    gate: Gate, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        gate.client(**options)


async def test_a_token_goes_nowhere_but_to_its_audience(gate: Gate) -> None:
    auth = gate.client(audience=TWO)
    async with httpx.AsyncClient(transport=httpx.MockTransport(unreachable), auth=auth) as http:
        with pytest.raises(OnwardError, match=r"evil\.example") as raised:
            await http.get("https://evil.example/?secret=1")
    assert raised.value.reason == "onward_elsewhere"
    assert "secret" not in str(raised.value)


async def test_while_the_control_plane_is_away_a_call_says_so(gate: Gate) -> None:
    auth = gate.client(audience=TWO)
    async with httpx.AsyncClient(transport=httpx.MockTransport(unreachable), auth=auth) as http:
        with pytest.raises(OnwardError) as raised:
            await http.get(TWO)
    assert (raised.value.reason, raised.value.temporary) == ("onward_unavailable", True)


async def test_what_the_other_side_asks_for_is_done_once(one: tuple[Gate, FastAPI]) -> None:
    sent: list[tuple[str, bytes]] = []

    class Other(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            assert isinstance(request.stream, httpx.AsyncByteStream)
            sent.append((request.headers["dpop"], b"".join([piece async for piece in request.stream])))
            fields = {"www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": f"n{len(sent)}"}
            return httpx.Response(401, headers=fields)

    auth = one[0].client(audience=TWO, scopes=SCOPES, dpop=True)
    async with httpx.AsyncClient(transport=Other(), auth=auth) as http:
        assert (await http.post(TWO, json={"a": 1})).status_code == 401
        assert len(sent) == 2
        assert sent[0][0] != sent[1][0]
        assert sent[1][1] == b'{"a":1}'

        async def stream() -> AsyncGenerator[bytes]:
            yield b"gone when it is sent"

        # It cannot be sent again, so the caller gets the answer.
        assert (await http.post(TWO, content=stream())).status_code == 401
    assert len(sent) == 3


async def test_the_latest_nonce_is_used_and_what_a_redirect_leads_to_has_no_say(
    one: tuple[Gate, FastAPI],
) -> None:
    proofs: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "elsewhere.example":
            assert "authorization" not in request.headers
            return httpx.Response(
                401, headers={"www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": "x"}
            )
        proofs.append(nonce(request.headers["dpop"]))
        fields = {"dpop-nonce": f"n{len(proofs)}"}
        if len(proofs) == 1:
            return httpx.Response(401, headers={**fields, "www-authenticate": 'DPoP error="use_dpop_nonce"'})
        if request.url.path == "/moved":
            return httpx.Response(307, headers={"location": "https://elsewhere.example/"})
        return httpx.Response(200, headers=fields)

    auth = one[0].client(audience=TWO, scopes=SCOPES, dpop=True)
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, auth=auth, follow_redirects=True) as http:
        assert [(await http.get(TWO)).status_code for _ in range(2)] == [200, 200]
        assert (await http.get(f"{TWO}/moved")).status_code == 401
    assert proofs == [None, "n1", "n2", "n3"]


def nonce(proof: str) -> str | None:
    payload = proof.split(".")[1]
    claims: dict[str, str] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims.get("nonce")


def unreachable(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was called")
