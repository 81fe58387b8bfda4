"""What routes ask of the three kinds of actor, all of it judged in front of the handlers."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, assert_type

import pytest
from asgi_kit import Answer, Message, request, websocket
from fastapi import APIRouter, Depends, FastAPI, Security, WebSocket
from sealgate import Actor, Agent, Gate, Machine, SettingsError, User
from sealgate.dependencies import ActorDependency
from sealgate.testing import as_agent, as_machine, as_nobody, as_user, make_user
from starlette.requests import HTTPConnection


def serve(app: FastAPI, dependency: Any, path: str = "/it") -> None:
    @app.get(path, dependencies=[Depends(dependency)])
    async def handler() -> str:
        return "passed"


async def asked(app: FastAPI, block: Any, path: str = "/it") -> Answer:
    with block:
        return await request(app, "GET", path)


async def refused(app: FastAPI, block: Any, path: str = "/it") -> tuple[int, str]:
    answer = await asked(app, block, path)
    return answer.status, answer.reason if answer.status != 200 else "passed"


async def static_types(gate: Gate, connection: HTTPConnection) -> None:
    """Never run: what a type checker makes of the dependencies."""
    assert_type(gate.user, ActorDependency[User])
    assert_type(gate.user(scopes=["a"])(roles=["b"]), ActorDependency[User])
    assert_type(gate.machine, ActorDependency[Machine])
    assert_type(gate.agent, ActorDependency[Agent])
    assert_type(gate.actor, ActorDependency[Actor])
    assert_type(gate.optional, ActorDependency[Actor | None])
    assert_type(gate.user | gate.machine, ActorDependency[User | Machine])
    assert_type(await gate.machine(connection=connection), Machine)
    assert_type(await gate.optional(connection=connection), Actor | None)


async def test_each_kind_passes_where_it_is_asked_for_and_nowhere_else(app: FastAPI, gate: Gate) -> None:
    kinds = {"user": gate.user, "machine": gate.machine, "agent": gate.agent}
    blocks: dict[str, Any] = {"user": as_user, "machine": as_machine, "agent": as_agent}
    for name, dependency in kinds.items():
        serve(app, dependency, f"/{name}")
    serve(app, gate.actor, "/actor")
    serve(app, gate.user | gate.machine, "/two")
    for name, block in blocks.items():
        for other in kinds:
            expected = (200, "passed") if other == name else (403, "actor_wrong")
            assert await refused(app, block(app), f"/{other}") == expected
        assert await refused(app, block(app), "/actor") == (200, "passed")
        assert (await asked(app, block(app), "/two")).status == (403 if name == "agent" else 200)


async def test_handlers_get_the_actor_in_its_own_type(app: FastAPI, gate: Gate) -> None:
    seen: list[Actor | None] = []

    @app.get("/it")
    async def handler(
        actor: Annotated[Actor, Depends(gate.actor)],
        somebody: Annotated[Actor | None, Depends(gate.optional)],
    ) -> None:
        seen.extend([actor, somebody])

    human = make_user("u1", email="ada@example.com")
    with as_agent(app, id="helper", user=human, scopes=["a"]) as agent:
        await request(app, "GET", "/it")
    assert seen == [agent, agent]
    assert isinstance(agent, Agent)
    assert agent.user is not None
    assert (agent.id, agent.user.email) == ("helper", "ada@example.com")
    assert agent.scopes == {"a"}


async def test_nobody_is_fine_where_it_is_optional_and_somebody_has_to_meet_the_rest(
    app: FastAPI, gate: Gate
) -> None:
    seen: list[Actor | None] = []

    @app.get("/it")
    async def handler(actor: Annotated[Actor | None, Depends(gate.optional(scopes=["a"]))]) -> None:
        seen.append(actor)

    assert (await asked(app, as_nobody(app))).status == 200
    assert seen == [None]
    assert await refused(app, as_user(app)) == (403, "scope_missing")
    assert (await asked(app, as_machine(app, scopes=["a"]))).status == 200
    assert isinstance(seen[-1], Machine)
    assert (await request(app, "GET", "/it")).status == 200, "without a credential, outside of any block"


@pytest.mark.parametrize(
    ("keywords", "good", "bad", "reason"),
    [
        ({"scopes": ["a", "b"]}, {"scopes": ["b", "a", "c"]}, {"scopes": ["a"]}, "scope_missing"),
        ({"any_scopes": ["a", "b"]}, {"scopes": ["b"]}, {"scopes": ["c"]}, "scope_missing"),
        ({"roles": ["a", "b"]}, {"roles": ["b", "a"]}, {"roles": ["a"]}, "role_missing"),
        ({"any_roles": ["a", "b"]}, {"roles": ["b"]}, {}, "role_missing"),
        ({"tenant": "acme"}, {"tenant": "acme"}, {"tenant": "other"}, "tenant_wrong"),
        ({"tenant": "acme"}, {"tenant": "acme"}, {}, "tenant_wrong"),
    ],
)
async def test_what_is_asked_of_an_actor(
    app: FastAPI,
    gate: Gate,
    keywords: dict[str, Any],
    good: dict[str, Any],
    bad: dict[str, Any],
    reason: str,
) -> None:
    serve(app, gate.actor(**keywords))
    for block in (as_user, as_machine, as_agent):
        assert await refused(app, block(app, **good)) == (200, "passed")
        answer = await asked(app, block(app, **bad))
        assert (answer.status, answer.reason, answer.received) == (403, reason, 0)


async def test_a_sign_in_that_is_too_weak_or_too_old_is_challenged(app: FastAPI, gate: Gate) -> None:
    serve(app, gate.user(acr=["strong", "stronger"]), "/strong")
    serve(app, gate.user(max_age=60), "/recent")
    now = datetime.now(UTC)
    assert await refused(app, as_user(app, acr="stronger"), "/strong") == (200, "passed")
    assert await refused(app, as_user(app, acr="weak"), "/strong") == (401, "acr_missing")
    assert await refused(app, as_user(app), "/recent") == (401, "authentication_old")
    long_ago = now - timedelta(seconds=120)
    assert (await asked(app, as_user(app, authenticated_at=long_ago), "/recent")).status == 401
    assert (await asked(app, as_user(app, authenticated_at=now), "/recent")).status == 200
    answer = await asked(app, as_user(app), "/recent")
    assert answer.header("www-authenticate")


async def test_the_tenant_can_come_from_the_path(app: FastAPI, gate: Gate) -> None:
    serve(app, gate.actor(tenant_from="tenant"), "/tenants/{tenant}/it")
    assert await refused(app, as_user(app, tenant="acme"), "/tenants/acme/it") == (200, "passed")
    for tenant in ("other", None, ""):
        answer = await asked(app, as_user(app, tenant=tenant), "/tenants/acme/it")
        assert (answer.status, answer.reason) == (403, "tenant_wrong")
        assert answer.header("content-type") == "application/problem+json"
    assert await refused(app, as_nobody(app), "/tenants/acme/it") == (401, "credential_missing")


async def test_sockets_are_refused_by_dependencies_too(app: FastAPI, gate: Gate) -> None:
    @app.websocket("/tenants/{tenant}/ws")
    async def ws(socket: WebSocket, user: Annotated[User, Depends(gate.user(tenant_from="tenant"))]) -> None:
        await socket.accept()
        await socket.close()

    with as_user(app, tenant="acme"):
        assert "websocket.accept" in (await websocket(app, "/tenants/acme/ws")).kinds
        answer = await websocket(app, "/tenants/other/ws")
        assert (answer.status, answer.reason) == (403, "tenant_wrong")
        closed = await websocket(app, "/tenants/other/ws", denial_response=False)
        assert closed.messages[-1] == {"type": "websocket.close", "code": 1008, "reason": "tenant_wrong"}


async def test_a_path_without_the_tenant_refuses_everybody(
    app: FastAPI, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    serve(app, gate.actor(tenant_from="tenant"))
    for tenant in ("acme", "", None):
        assert await refused(app, as_user(app, tenant=tenant)) == (403, "tenant_wrong")
    assert "has no {tenant}" in caplog.text


async def test_all_marks_of_a_route_count_before_the_body_is_read(gate: Gate) -> None:
    router = APIRouter(prefix="/r", dependencies=[Depends(gate.actor(scopes=["a"]))])
    app = FastAPI(dependencies=[Depends(gate.user | gate.agent)])
    gate.install(app)

    @router.get("/it", dependencies=[Security(gate.user, scopes=["b"]), Depends(gate.actor(any_roles=["x"]))])
    async def handler() -> str:
        return "passed"

    app.include_router(router)
    everything: dict[str, Any] = {"scopes": ["a", "b"], "roles": ["x"]}
    assert await refused(app, as_user(app, **everything), "/r/it") == (200, "passed")
    for block in (
        as_agent(app, **everything),
        as_machine(app, **everything),
        as_user(app, scopes=["a"], roles=["x"]),
        as_user(app, scopes=["b"], roles=["x"]),
        as_user(app, scopes=["a", "b"]),
    ):
        answer = await asked(app, block, "/r/it")
        assert (answer.status, answer.received) == (403, 0)


async def test_alternatives_of_several_marks_all_have_to_be_met(app: FastAPI, gate: Gate) -> None:
    some = [Depends(gate.user(any_scopes=["a", "b"])), Depends(gate.user(any_scopes=["c", "d"]))]

    @app.get("/it", dependencies=some)
    async def handler() -> str:
        return "passed"

    assert await refused(app, as_user(app, scopes=["a", "d"])) == (200, "passed")
    for scopes in (["a", "b"], ["c", "d"], []):
        assert await refused(app, as_user(app, scopes=scopes)) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"kind": "user"}, {"kind": "machine"}, "asks for a user and for a machine|a machine and for a user"),
        ({"kind": "user", "tenant": "a"}, {"kind": "user", "tenant": "b"}, "tenant '[ab]' and for tenant"),
        ({"kind": "user", "acr": ["a"]}, {"kind": "user", "acr": ["b"]}, "acr"),
        ({"kind": "user"}, {"public": True}, "marked public and also asks for an actor"),
    ],
)
async def test_marks_that_nobody_can_meet_together_make_the_start_fail(
    gate: Gate, first: dict[str, Any], second: dict[str, Any], words: str
) -> None:
    app = FastAPI()
    gate.install(app)

    def mark(kind: str = "", public: bool = False, **keywords: Any) -> Any:
        return gate.public("open") if public else Depends(getattr(gate, kind)(**keywords))

    @app.get("/torn", dependencies=[mark(**first), mark(**second)])
    async def torn() -> str:
        raise AssertionError("somebody got in")

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        assert message["type"] == "lifespan.startup.failed"

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    with pytest.raises(SettingsError, match=rf"GET /torn .*({words})"):
        await app(scope, receive, send)


def test_what_nobody_can_meet_is_refused_at_once(gate: Gate) -> None:
    wrong: list[tuple[Any, str]] = [
        (lambda: gate.machine(max_age=60), "only users sign in"),
        (lambda: gate.agent(acr=["strong"]), "only users sign in"),
        (lambda: gate.user(tenant="a")(tenant="b"), "tenant 'a' and for tenant 'b'"),
        (lambda: gate.user(acr=["a"])(acr=["b"]), "acr"),
        (lambda: gate.user(any_scopes=["a"])(any_scopes=["b"]), "any_scopes is asked for twice"),
        (lambda: gate.user(max_age=0), "1 or more"),
        (lambda: gate.user(max_age=True), "1 or more"),
        (lambda: gate.user(tenant=""), "tenant is a name"),
        (lambda: gate.user(scopes=["a b"]), "which is no name"),
        (lambda: gate.user(roles=[""]), "which is no name"),
        (lambda: gate.user(scopes=["a"]) | gate.machine, "different things"),
        (lambda: gate.user | gate.optional, "different things"),
    ]
    for make, words in wrong:
        with pytest.raises(ValueError, match=words):
            make()
    for name in ("any_scopes", "any_roles", "acr"):
        text: dict[str, Any] = {name: "text"}
        with pytest.raises(TypeError, match=rf"{name}=\['text'\]"):
            gate.user(**text)


def test_stricter_askings_add_up(gate: Gate) -> None:
    assert gate.user(max_age=60)(max_age=30) is gate.user(max_age=30)
    assert gate.user(acr=["a", "b"])(acr=["b", "c"]) is gate.user(acr=["b"])
    assert gate.user(any_scopes=["a", "b"])(any_scopes=["a"]) is gate.user(any_scopes=["a"])
    assert gate.user | gate.machine is gate.machine | gate.user
    assert gate.user | gate.machine | gate.agent is gate.actor


async def test_a_dependency_answers_as_the_gate_does(app: FastAPI, gate: Gate) -> None:
    @app.get("/it", dependencies=[Depends(gate.user)])
    async def handler(connection: Any = None) -> str:
        return "passed"

    checked = gate.user(scopes=["missing"])

    async def later(connection: HTTPConnection) -> User:
        return await checked(connection=connection)

    @app.get("/later")
    async def asks_later(user: Annotated[User, Depends(later)]) -> str:
        return "passed"

    early = FastAPI()
    gate.install(early)
    serve(early, checked)
    by_the_layer = await asked(early, as_user(early))
    by_the_dependency = await asked(app, as_user(app), "/later")
    assert by_the_dependency.status == 403
    assert by_the_dependency.body == by_the_layer.body
    assert sorted(by_the_dependency.headers) == sorted(by_the_layer.headers)


async def test_overriding_a_dependency_is_said_not_to_reach_the_gate(
    app: FastAPI, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    serve(app, gate.user)
    app.dependency_overrides[gate.user] = make_user
    with caplog.at_level(logging.WARNING, "sealgate"):
        assert (await request(app, "GET", "/it")).status == 401
    assert "sealgate.testing.as_user" in caplog.text
