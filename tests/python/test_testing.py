"""`sealgate.testing`: actors that a test puts in the gate itself."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import pytest
from asgi_kit import request, websocket
from fastapi import Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient
from sealgate import Actor, Gate, Machine, User
from sealgate.dependencies import STATE_KEY
from sealgate.testing import (
    as_agent,
    as_machine,
    as_nobody,
    as_user,
    make_agent,
    make_machine,
    make_user,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")


async def who(asked: Request) -> JSONResponse:
    actor: Actor | None = asked.scope["state"][STATE_KEY]
    return JSONResponse(None if actor is None else [type(actor).__name__, actor.id])


@pytest.fixture
def served(app: FastAPI, gate: Gate) -> FastAPI:
    @app.get("/mine")
    async def mine(user: Annotated[User, Depends(gate.user(scopes=["read"]))]) -> str | None:
        return user.email

    @app.get("/forgotten")
    async def forgotten(asked: Request) -> Any:
        return (await who(asked)).body

    @app.post("/change", dependencies=[Depends(gate.user)])
    async def change() -> str:
        return "changed"

    @app.websocket("/ws")
    async def ws(socket: WebSocket, actor: Annotated[Actor, Depends(gate.actor)]) -> None:
        await socket.accept()
        await socket.send_text(actor.id)
        await socket.close()

    app.mount("/mounted", Starlette(routes=[Route("/who", who)]))
    app.add_route("/raw", who)
    return app


@pytest.fixture
def client(served: FastAPI) -> Iterator[TestClient]:
    with as_nobody(served), TestClient(served, base_url="http://127.0.0.1:8000") as client:
        yield client


def test_everything_is_closed_to_nobody(client: TestClient) -> None:
    for path in ("/mine", "/forgotten", "/mounted/who", "/raw"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["reason"]) == (401, "credential_missing")


def test_the_actor_reaches_what_dependencies_do_not(served: FastAPI, client: TestClient) -> None:
    with as_user(served, id="u1", email="ada@example.com", scopes=["read"]) as user:
        assert client.get("/mine").json() == user.email == "ada@example.com"
        assert client.get("/mounted/who").json() == ["User", "u1"]
        assert client.get("/raw").json() == ["User", "u1"]
        with client.websocket_connect("/ws") as socket:
            assert socket.receive_text() == "u1"
        assert client.post("/change").json() == "changed", "no browser is in the way"
    assert client.get("/mounted/who").status_code == 401


def test_requirements_are_judged(served: FastAPI, client: TestClient) -> None:
    with as_user(served):
        assert client.get("/mine").json()["reason"] == "scope_missing"
    with as_machine(served, scopes=["read"]):
        assert client.get("/mine").json()["reason"] == "actor_wrong"


def test_unmarked_routes_stay_as_closed_as_the_settings_say(served: FastAPI) -> None:
    from unreachable import SETTINGS

    strict = FastAPI()
    Gate(**SETTINGS, unmarked="deny").install(strict)
    strict.add_route("/raw", who)
    with as_user(strict), TestClient(strict) as client:
        answer = client.get("/raw")
    assert (answer.status_code, answer.json()["reason"]) == (403, "route_unmarked")


def test_credentials_in_a_request_are_not_looked_at(served: FastAPI, client: TestClient) -> None:
    headers = {"authorization": "Bearer nonsense", "cookie": "sealgate=nonsense"}
    with as_user(served):
        assert client.get("/raw", headers=headers).status_code == 200
    assert client.get("/raw", headers=headers).json()["reason"] == "credential_missing"


def test_blocks_nest(served: FastAPI, client: TestClient) -> None:
    with as_user(served, id="outer"):
        with as_user(served, id="inner"):
            assert client.get("/raw").json() == ["User", "inner"]
            with as_nobody(served):
                assert client.get("/raw").status_code == 401
        assert client.get("/raw").json() == ["User", "outer"]
        with pytest.raises(ZeroDivisionError), as_user(served, id="failing"):
            raise ZeroDivisionError
        assert client.get("/raw").json() == ["User", "outer"]


def test_a_block_can_be_entered_again(served: FastAPI, client: TestClient) -> None:
    block = as_user(served, id="again")
    for _ in range(2):
        with block:
            assert client.get("/raw").json() == ["User", "again"]
        assert client.get("/raw").status_code == 401


async def test_tasks_do_not_disturb_each_other(served: FastAPI) -> None:
    everybody_is_in = asyncio.Barrier(3)

    async def call(name: str) -> Any:
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            with as_user(served, id=name):
                await everybody_is_in.wait()
                answers = [(await client.get("/raw")).json() for _ in range(3)]
                await everybody_is_in.wait()
            return answers

    names = ["a", "b", "c"]
    assert await asyncio.gather(*map(call, names)) == [[["User", name]] * 3 for name in names]


def test_a_server_in_another_thread_is_reached(served: FastAPI) -> None:
    answers: list[int] = []

    def serve() -> None:
        answers.append(asyncio.run(request(served, "GET", "/raw")).status)

    with as_user(served):
        thread = threading.Thread(target=serve)
        thread.start()
        thread.join()
    assert answers == [200]


async def test_blocks_may_end_in_any_order(served: FastAPI) -> None:
    first, second = as_user(served, id="first"), as_user(served, id="second")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert b"second" in (await request(served, "GET", "/raw")).body
    second.__exit__(None, None, None)
    assert (await request(served, "GET", "/raw")).status == 401


async def test_applications_are_kept_apart(served: FastAPI, gate: Gate) -> None:
    other = FastAPI()
    gate.install(other)
    other.add_route("/raw", who)
    with as_user(served):
        assert (await request(served, "GET", "/raw")).status == 200
        assert (await request(other, "GET", "/raw")).status == 401
        with as_user(other, id="other"):
            assert b"test-user" in (await request(served, "GET", "/raw")).body
            assert b"other" in (await request(other, "GET", "/raw")).body


async def test_the_gates_own_routes_and_public_ones_stay_as_they_are(served: FastAPI, gate: Gate) -> None:
    seen: list[Any] = []

    @served.get("/open", dependencies=[gate.public("open")])
    async def opened(asked: Request) -> None:
        seen.append(asked.scope["state"][STATE_KEY])

    with as_user(served):
        assert (await request(served, "GET", "/open")).status == 200
        assert (await request(served, "GET", "/auth/login")).status == 503
    assert seen == [None]


async def test_sockets_need_no_origin_and_are_judged(served: FastAPI) -> None:
    with as_machine(served, id="m"):
        assert "websocket.accept" in (await websocket(served, "/ws")).kinds
    with as_nobody(served):
        assert (await websocket(served, "/ws")).status == 401


async def test_plain_starlette_is_reached(gate: Gate) -> None:
    app = Starlette(routes=[Mount("/deep", routes=[Route("/who", who)])])
    gate.install(app)
    assert (await request(app, "GET", "/deep/who")).status == 401
    with as_user(app, id="u1"):
        assert (await request(app, "GET", "/deep/who")).body == b'["User","u1"]'
    with as_agent(app):
        assert (await request(app, "GET", "/deep/who")).reason == "actor_wrong"


def test_an_application_without_a_gate_is_refused(served: FastAPI) -> None:
    mounted: Any = next(route for route in served.routes if isinstance(route, Mount)).app
    for app in (FastAPI(), mounted, object()):
        with pytest.raises(RuntimeError, match=r"has no gate: call gate\.install\(app\)"):
            as_user(app)


def test_an_application_behind_a_wrapper_is_found(served: FastAPI) -> None:
    from starlette.middleware.gzip import GZipMiddleware

    wrapped = GZipMiddleware(served)
    with as_user(wrapped), TestClient(wrapped) as client:
        assert client.get("/raw").status_code == 200


def test_made_actors_have_what_they_were_given_and_nothing_else() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    user = make_user(
        "u1", name="Ada", roles=["admin"], tenant="acme", acr="strong", authenticated_at=now, via=["web"]
    )
    assert (user.id, user.name, user.tenant) == ("u1", "Ada", "acme")
    assert user.roles == {"admin"}
    assert (user.acr, user.authenticated_at, user.via) == ("strong", now, ("web",))
    assert (user.email, user.scopes, user.session_id, user.client_id) == (None, frozenset(), None, None)
    machine = make_machine("job")
    assert (machine.id, machine.client_id) == ("job", "job")
    assert isinstance(machine, Machine)
    agent = make_agent(user=user, scopes=["a"])
    assert agent.user == user
    assert make_agent().user is None
    assert make_user() == make_user() != make_user("other")
    assert make_user(issuer="https://id.example").issuer == "https://id.example"


async def test_the_gates_issuer_vouches_unless_another_is_named(served: FastAPI) -> None:
    with as_user(served) as user, as_machine(served, issuer="https://id.example") as machine:
        assert (user.issuer, machine.issuer) == ("http://127.0.0.1:9", "https://id.example")


def test_what_no_actor_can_have_is_refused() -> None:
    with pytest.raises(TypeError, match=r"scopes=\['a'\]"):
        make_user(scopes="a")
    with pytest.raises(ValueError, match="time zone"):
        make_user(authenticated_at=datetime(2026, 1, 1))
