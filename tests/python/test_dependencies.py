"""`gate.user` as FastAPI sees it, and as a developer calls it."""

import asyncio
import logging
from typing import Annotated, Any

import pytest
from asgi_kit import Answer, drive, http_scope, request, websocket
from fastapi import Depends, FastAPI, Security, WebSocket
from sealgate import Actor, Gate, User
from sealgate.testing import as_machine, as_nobody, as_user


async def test_it_is_awaited_and_refuses_where_no_gate_is_installed(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()

    @app.get("/mine")
    async def mine(user: Annotated[User, Depends(gate.user)]) -> str:
        return "leaked"

    @app.get("/stricter")
    async def stricter(user: Annotated[User, Depends(gate.user(scopes=["a"], roles=["b"]))]) -> str:
        return "leaked"

    for path in ("/mine", "/stricter"):
        with caplog.at_level(logging.ERROR, "sealgate"):
            answer = await request(app, "GET", path)
        assert answer.status == 401
        assert b"credential_missing" in answer.body
        assert "gate.install(app)" in caplog.text


async def test_it_works_on_sockets_too(gate: Gate) -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def ws(websocket: WebSocket, user: Annotated[User, Depends(gate.user)]) -> None:
        await websocket.accept()

    assert "websocket.accept" not in (await websocket(app, "/ws")).kinds


async def test_a_refused_handshake_names_no_field_twice(app: FastAPI, gate: Gate) -> None:
    """Granian 2.8 ends with all of its connections where one does."""

    @app.websocket("/ws")
    async def ws(websocket: WebSocket, _: Annotated[User, Depends(gate.user)]) -> None:
        await websocket.accept()

    @app.websocket("/tenants/{tenant}")
    async def tenant(_: Annotated[Actor, Depends(gate.actor(tenant_from="tenant"))]) -> None:
        pass

    by_layer = await websocket(app, "/ws")
    with as_machine(app, id="job"):
        by_dependency = await websocket(app, "/tenants/acme")
    assert (by_layer.status, by_dependency.status) == (401, 403)
    challenge = by_layer.header("www-authenticate") or ""
    assert challenge.startswith("Bearer realm=")
    assert ", DPoP realm=" in challenge
    for refused in (by_layer, by_dependency):
        names = [name for name, _ in refused.headers]
        assert len(names) == len(set(names)), refused.headers


async def test_a_state_that_requests_share_mixes_up_nobody(app: FastAPI, gate: Gate) -> None:
    """Servers give each request a copy (ASGI, Lifespan State). One may forget it."""
    here, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        here.set()
        await go_on.wait()

    @app.get("/who", dependencies=[Depends(slow)])
    async def who(actor: Annotated[Actor | None, Depends(gate.optional)]) -> str | None:
        return actor.id if actor else None

    shared: dict[str, Any] = {"pool": 1}

    async def ask() -> Answer:
        return await drive(app, {**http_scope("GET", "/who"), "state": shared})

    async with asyncio.TaskGroup() as group:
        answers: list[asyncio.Task[Answer]] = []
        for block in (as_user(app, id="ada"), as_nobody(app), as_user(app, id="eve")):
            with block:
                here.clear()
                answers.append(group.create_task(ask()))
                await here.wait()
        go_on.set()
    assert [answer.result().body for answer in answers] == [b'"ada"', b"null", b'"eve"']


async def test_it_declares_no_parameter_that_could_be_missing(app: FastAPI, gate: Gate) -> None:
    @app.get("/mine")
    async def mine(user: Annotated[User, Depends(gate.user)]) -> str:
        return "leaked"

    operation: dict[str, Any] = app.openapi()["paths"]["/mine"]["get"]
    assert "parameters" not in operation


def test_equal_requirements_are_one_dependency(gate: Gate) -> None:
    assert gate.user() is gate.user
    assert gate.user(scopes=["b", "a"]) is gate.user(scopes=["a", "b", "a"])
    assert gate.user(scopes=["a"]) is not gate.user(roles=["a"])
    assert gate.user(scopes=["a"])(scopes=["b"]) is gate.user(scopes=["a", "b"])
    assert gate.machine() is gate.machine
    assert gate.optional(any_roles=["a"]) is not gate.actor(any_roles=["a"])
    assert repr(gate.user) == "gate.user"
    assert repr(gate.user(scopes=["a"], max_age=60)) == "gate.user(scopes=['a'], max_age=60)"
    assert repr((gate.machine | gate.user)(roles=["a"])) == "(gate.user | gate.machine)(roles=['a'])"


def test_a_text_is_no_list_of_names(gate: Gate) -> None:
    with pytest.raises(TypeError, match=r"scopes=\['expenses:read'\]"):
        gate.user(scopes="expenses:read")
    with pytest.raises(TypeError, match=r"roles=\['admin'\]"):
        gate.user(roles="admin")


async def test_scopes_of_security_are_read_by_the_layer(app: FastAPI, gate: Gate) -> None:
    from sealgate.requirements import asked_by

    @app.get("/mine")
    async def mine(user: Annotated[User, Security(gate.user, scopes=["expenses:write"])]) -> str:
        return "leaked"

    route: Any = app.routes[-1]
    marks = gate._marks  # pyright: ignore[reportPrivateUsage]
    assert asked_by(route.dependant, marks).scopes == {"expenses:write"}


async def test_marks_deep_in_the_tree_count(app: FastAPI, gate: Gate) -> None:
    from sealgate.requirements import asked_by

    async def inner(user: Annotated[User, Depends(gate.user(scopes=["a"]))]) -> User:
        return user

    async def outer(user: Annotated[User, Depends(inner)]) -> User:
        return user

    @app.get("/mine", dependencies=[Depends(gate.user(roles=["r"]))])
    async def mine(user: Annotated[User, Depends(outer)]) -> str:
        return "leaked"

    route: Any = app.routes[-1]
    asked = asked_by(route.dependant, gate._marks)  # pyright: ignore[reportPrivateUsage]
    assert asked.need is not None
    assert asked.need.kinds == {"user"}
    assert (asked.scopes, asked.roles) == (frozenset("a"), frozenset("r"))
    assert (await request(app, "GET", "/mine")).status == 401
