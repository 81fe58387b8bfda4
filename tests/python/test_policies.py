"""Policies behind the gate: `action=` in the layer, `gate.require` in handlers, and the page about both."""

import asyncio
import json
import logging
import os
import re
import shlex
import subprocess
import uuid
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.testclient import TestClient
from sealgate import Actor, Gate, PolicyQuestionError, Resource, SettingsError, User
from sealgate.dependencies import JUDGED_KEY, STATE_KEY, Refused
from sealgate.policies import Here, here
from sealgate.targets import Target
from sealgate.testing import as_agent, as_machine, as_nobody, as_user, make_user, with_policies
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-policies.md"
PROGRAMS = Path(__file__).parents[2] / "target" / "debug"

DECLARED = """
[policy]
files = ["*.cedar"]

[policy.actions]
"notes.list" = {}
"notes.socket" = {}
"notes.write" = { context = { "hurry?" = "Bool" } }

[policy.resource.Folder]
attributes = { "lead?" = "User" }

[policy.resource.Note]
actions = ["notes.read", "notes.write"]
parents = ["Folder"]

[policy.resource.Note.attributes]
owner = "User"
"size?" = "Long"
"price?" = "decimal"
"tags?" = "Set<String>"
"made_at?" = "datetime"
"lasts?" = "duration"
"place?" = "ipaddr"
"folder?" = "Folder"
"box?" = { colour = "String" }
"""

POLICIES = """
@id("list")
permit (principal in Role::"reader", action == Action::"notes.list", resource == Route::"GET /notes");
@id("mounted") permit (principal in Role::"reader", action == Action::"notes.list", resource)
when { resource.path == "/inner/notes" };
@id("socket")
permit (principal is User, action == Action::"notes.socket", resource == Route::"WEBSOCKET /ws");
@id("own") permit (principal is User, action == Action::"notes.read", resource)
when { resource.owner == principal };
@id("agent") permit (principal is Agent, action == Action::"notes.read", resource)
when { principal has user && principal.user == resource.owner };
@id("hurry") permit (principal, action == Action::"notes.write", resource is Note)
when { context has hurry && context.hurry };
@id("lead") permit (principal is User, action == Action::"notes.write", resource is Note)
when { resource has folder && resource.folder has lead && resource.folder.lead == principal };
@id("values") permit (principal is Machine, action == Action::"notes.read", resource is Note)
when {
  resource has size && resource.size == 3
  && resource has price && resource.price == decimal("1.50")
  && resource has tags && resource.tags.containsAll(["a", "b"])
  && resource has made_at && resource.made_at == datetime("2026-11-22T09:05:05.007Z")
  && resource has lasts && resource.lasts == duration("90s")
  && resource has place && resource.place == ip("10.0.0.1")
  && resource has box && resource.box.colour == "red"
  && resource in Folder::"f1"
};
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "notes.cedar").write_text(POLICIES)
    declaring = tmp_path / "sealgate.toml"
    declaring.write_text(DECLARED)
    return declaring


class Note:
    """A note of the application's own."""

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def __sealgate_resource__(self) -> Resource:
        return Resource("Note", "n1", {"owner": self.owner})


@pytest.fixture
def served(app: FastAPI, gate: Gate) -> FastAPI:
    @app.get("/notes", dependencies=[Depends(gate.actor(action="notes.list"))])
    def notes() -> str:
        return "listed"

    @app.get("/other", dependencies=[Depends(gate.actor(action="notes.list"))])
    def other() -> str:
        return "listed elsewhere"

    @app.get("/unknown", dependencies=[Depends(gate.actor(action="notes.burn"))])
    def unknown() -> str:
        return "burnt"

    @app.get("/maybe", dependencies=[Depends(gate.optional(action="notes.list"))])
    def maybe() -> str:
        return "maybe"

    @app.get("/plain/{owner}", dependencies=[Depends(gate.actor)])
    def plain(owner: str) -> str:
        gate.require("notes.read", Note(owner))
        return "read"

    @app.get("/async/{owner}", dependencies=[Depends(gate.actor)])
    async def of_async(owner: str) -> str:
        await asyncio.sleep(0)
        gate.require("notes.read", Note(owner))
        return "read"

    @app.get("/shown/{owner}", dependencies=[Depends(gate.actor)])
    def shown(owner: str) -> bool:
        return gate.permits("notes.read", Note(owner))

    @app.get("/route", dependencies=[Depends(gate.actor)])
    def route() -> str:
        gate.require("notes.list")
        return "listed"

    @app.get("/write", dependencies=[Depends(gate.actor)])
    def write(hurry: bool = False) -> str:
        gate.require("notes.write", Note("u9"), context={"hurry": hurry})
        return "written"

    @app.get("/open", dependencies=[gate.public("anybody may try")])
    def of_public() -> str:
        gate.require("notes.read", Note("u1"))
        return "read"

    @app.get("/stream/{owner}", dependencies=[Depends(gate.actor)])
    def stream(owner: str) -> StreamingResponse:
        async def pieces() -> AsyncGenerator[str]:
            yield str(gate.permits("notes.read", Note(owner)))

        return StreamingResponse(pieces())

    @app.websocket("/ws")
    async def ws(socket: WebSocket, user: Annotated[User, Depends(gate.user(action="notes.socket"))]) -> None:
        await socket.accept()
        await socket.send_text(str(gate.permits("notes.read", Note(user.id))))
        await socket.close()

    @app.websocket("/ws/denied", dependencies=[Depends(gate.user(action="notes.socket"))])
    async def denied(socket: WebSocket) -> None:
        await socket.accept()

    inner = FastAPI()

    @inner.get("/notes", dependencies=[Depends(gate.actor(action="notes.list"))])
    def of_inner() -> str:
        return "inner"

    @inner.get("/required/{owner}", dependencies=[Depends(gate.actor)])
    def required(owner: str) -> str:
        gate.require("notes.read", Note(owner))
        return "read"

    app.mount("/inner", inner)
    return app


@pytest.fixture
def client(served: FastAPI, file: Path) -> Iterator[TestClient]:
    with as_nobody(served), with_policies(served, file), TestClient(served) as client:
        yield client


def reason(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


def test_a_routes_action_is_judged_with_the_route(served: FastAPI, client: TestClient) -> None:
    with as_user(served, roles=["reader"]):
        assert client.get("/notes").json() == "listed"
        assert client.get("/inner/notes").json() == "inner"
        # Another route, which no policy permits.
        assert reason(client.get("/other")) == (403, "policy_denied")
        assert reason(client.get("/unknown")) == (403, "policy_action_unknown")
    with as_user(served):
        assert reason(client.get("/notes")) == (403, "policy_denied")
        assert reason(client.get("/inner/notes")) == (403, "policy_denied")
    assert client.get("/notes").status_code == 401
    assert client.get("/maybe").json() == "maybe"
    with as_user(served):
        assert reason(client.get("/maybe")) == (403, "policy_denied")


@pytest.mark.parametrize("path", ["/plain", "/async", "/inner/required"])
def test_a_handler_asks_for_a_resource(served: FastAPI, client: TestClient, path: str) -> None:
    with as_user(served, id="u1"):
        assert client.get(f"{path}/u1").json() == "read"
        answer = client.get(f"{path}/u2")
        problem = answer.json()
        # FastAPI makes an answer of its own of the same content in a mounted application.
        problem = problem.get("detail", problem)
        assert (answer.status_code, problem["reason"]) == (403, "policy_denied")
    user = make_user("u1")
    with as_agent(served, user=user):
        assert client.get(f"{path}/u1").json() == "read"
        assert client.get(f"{path}/u2").status_code == 403


def test_pages_ask_without_being_refused(served: FastAPI, client: TestClient) -> None:
    with as_user(served, id="u1"):
        assert client.get("/shown/u1").json() is True
        assert client.get("/shown/u2").json() is False
        assert client.get("/stream/u1").text == "True"
        assert client.get("/stream/u2").text == "False"


def test_without_a_resource_it_is_the_route(served: FastAPI, client: TestClient) -> None:
    with as_user(served, roles=["reader"]):
        assert reason(client.get("/route")) == (403, "policy_denied")


def test_what_is_told_beside_the_resource_counts(served: FastAPI, client: TestClient) -> None:
    with as_user(served):
        assert client.get("/write?hurry=true").json() == "written"
        assert reason(client.get("/write")) == (403, "policy_denied")


def test_where_nobody_is_signed_in_signing_in_is_asked_for(client: TestClient) -> None:
    assert reason(client.get("/open")) == (401, "credential_missing")


def test_sockets_are_judged_before_they_open(served: FastAPI, client: TestClient) -> None:
    with as_user(served), client.websocket_connect("/ws") as socket:
        assert socket.receive_text() == "True"
    with as_user(served), pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/denied"):
        pass


def test_a_socket_ends_when_the_policies_allow_its_action_no_more(
    served: FastAPI, gate: Gate, client: TestClient, file: Path, tmp_path: Path
) -> None:
    @served.websocket("/ws/lasting", dependencies=[Depends(gate.user(action="notes.list"))])
    async def lasting(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(await socket.receive_text())

    other = tmp_path / "other"
    other.mkdir()
    (other / "sealgate.toml").write_text(DECLARED)
    (other / "notes.cedar").write_text('@id("no") forbid (principal, action, resource);')
    permitting = '@id("lasting") permit (principal, action == Action::"notes.list", resource);'
    (file.parent / "notes.cedar").write_text(permitting)
    with (
        with_policies(served, file),
        as_user(served),
        client.websocket_connect("/ws/lasting") as socket,
    ):
        socket.send_text("a")
        assert socket.receive_text() == "a"
        with with_policies(served, other / "sealgate.toml"):
            with pytest.raises(WebSocketDisconnect) as ended:
                socket.receive_text()
            assert (ended.value.code, ended.value.reason) == (4401, "policy_denied")


def test_an_action_that_was_judged_with_another_route_is_not_judged(gate: Gate, client: TestClient) -> None:
    # As if routing had led elsewhere than the layer has foretold.
    asking = gate.actor(action="notes.list")
    core, number = asking.marks.core, asking.marks.number(asking.need, "GET /notes")
    actor = make_user("u1", roles=["reader"])
    state = {STATE_KEY: actor, JUDGED_KEY: (core, number)}
    scope: dict[str, Any] = {
        "type": "http",
        "path": "/notes",
        "method": "GET",
        "headers": [],
        "state": state,
    }
    foretold = Target(number, endpoint=test_resources_are_values, template="/notes", name="GET /notes")
    token = here.set(Here(core, scope, foretold, actor))
    try:
        scope["endpoint"] = foretold.endpoint
        assert asyncio.run(asking._resolve(connection=HTTPConnection(scope))) is actor  # pyright: ignore[reportPrivateUsage]
        scope["endpoint"] = test_requests_do_not_know_each_others_actors
        with pytest.raises(Refused) as refused:
            asyncio.run(asking._resolve(connection=HTTPConnection(scope)))  # pyright: ignore[reportPrivateUsage]
        assert refused.value.reason == "policy_denied"
    finally:
        here.reset(token)


def test_refusals_of_handlers_are_in_the_log(
    served: FastAPI, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "sealgate.decisions"), as_user(served, id="u1"):
        client.get("/plain/u2")
        client.get("/shown/u2")
    records = [record for record in caplog.records if record.name == "sealgate.decisions"]
    told = [(vars(record)["reason"], vars(record)["route"], vars(record)["actor"]) for record in records]
    assert told == [("policy_denied", "/plain/{owner}", "u1")]


def test_handlers_of_exceptions_do_not_come_between(served: FastAPI, file: Path) -> None:
    @served.exception_handler(HTTPException)
    async def of_http(_: Request, error: Exception) -> Response:
        return JSONResponse("swallowed", 200)

    @served.exception_handler(Exception)
    async def of_all(_: Request, error: Exception) -> Response:
        return JSONResponse("swallowed", 200)

    async def dispatch(request: Request, call_next: Any) -> Response:
        try:
            answer: Response = await call_next(request)
        except Exception:
            return JSONResponse("swallowed", 200)
        return answer

    served.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)
    with as_user(served, id="u1"), with_policies(served, file), TestClient(served) as client:
        assert reason(client.get("/plain/u2")) == (403, "policy_denied")
        assert reason(client.get("/async/u2")) == (403, "policy_denied")


def test_requests_do_not_know_each_others_actors(served: FastAPI, client: TestClient) -> None:
    with as_user(served, id="u1"):
        assert client.get("/plain/u1").status_code == 200
    with as_user(served, id="u2"):
        assert client.get("/plain/u1").status_code == 403
        assert client.get("/plain/u2").status_code == 200


def test_every_value_of_python_is_one_of_the_policies(
    served: FastAPI, gate: Gate, client: TestClient
) -> None:
    note = Resource(
        "Note",
        str(uuid.UUID(int=7)),
        {
            "owner": make_user("u1"),
            "size": 3,
            "price": Decimal("1.5"),
            "tags": {"a", "b", "c"},
            "made_at": datetime(2026, 11, 22, 9, 5, 5, 7000, UTC),
            "lasts": timedelta(seconds=90),
            "place": ip_address("10.0.0.1"),
            "box": {"colour": "red"},
            "folder": None,
        },
        (Resource("Folder", "f1"),),
    )
    with as_machine(served, id="m1") as machine:
        gate.require("notes.read", note, actor=machine)
        changes: list[dict[str, Any]] = [
            {"size": 4},
            {"price": Decimal("1.51")},
            {"tags": ["a"]},
            {"made_at": datetime(2026, 11, 22, tzinfo=UTC)},
            {"lasts": timedelta(seconds=91)},
            {"place": ip_address("::1")},
            {"box": {"colour": "blue"}},
            {"size": None},
        ]
        for change in changes:
            other = Resource(note.type, note.id, {**note.attributes, **change}, note.parents)
            assert gate.permits("notes.read", other, actor=machine) is False, change
        assert gate.permits("notes.read", Resource("Note", "n", note.attributes), actor=machine) is False


def test_what_lies_behind_a_reference_has_to_be_told(served: FastAPI, gate: Gate, client: TestClient) -> None:
    user = make_user("u1")

    def allowed(folder: object) -> bool:
        note = Resource("Note", "n1", {"owner": "u2", "folder": folder})
        return gate.permits("notes.write", note, actor=user)

    assert allowed(Resource("Folder", "f1", {"lead": user}))
    assert not allowed(Resource("Folder", "f1", {"lead": "u2"}))
    assert not allowed(Resource("Folder", "f1"))
    assert not allowed("f1")


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (Resource("Note", "n1"), "policy_attribute_wrong"),
        (Resource("Note", "n1", {"owner": 7}), "policy_attribute_wrong"),
        (Resource("Note", "n1", {"owner": "u1", "size": "3"}), "policy_attribute_wrong"),
        (Resource("Note", "n1", {"owner": "u1", "size": True}), "policy_attribute_wrong"),
        (Resource("Note", "n1", {"owner": "u1", "size": 2**63}), "policy_attribute_wrong"),
        (Resource("Note", "n1", {"owner": "u1", "price": 1.5}), "policy_attribute_wrong"),
        (Resource("Note", "n1", {"owner": "u1", "made_at": datetime(2026, 1, 1)}), "policy_attribute_wrong"),
        (Resource("Note", "n1", {"owner": "u1", "colour": "red"}), "policy_attribute_wrong"),
        (Resource("Note", "n1", {"owner": object()}), "policy_attribute_wrong"),
        (Resource("Note", "n1", {"owner": "u1"}, (Resource("Note", "n2"),)), "policy_attribute_wrong"),
        (Resource("Role", "reader"), "policy_resource_wrong"),
        (Resource("Invoice", "i1"), "policy_resource_wrong"),
        (Resource("Note", "n1", {"owner": "u1", "tags": ["a"] * 2000}), "policy_question_oversize"),
    ],
)
def test_what_does_not_fit_what_is_declared_is_an_error_and_never_an_answer(
    gate: Gate, client: TestClient, resource: Resource, code: str
) -> None:
    for ask in (gate.require, gate.permits):
        with pytest.raises(PolicyQuestionError) as raised:
            ask("notes.read", resource, actor=make_user("u1"))
        assert raised.value.code == code, str(raised.value)


def test_an_endless_resource_is_refused(gate: Gate, client: TestClient) -> None:
    class Endless:
        def __sealgate_resource__(self) -> Resource:
            return Resource("Note", "n1", {"owner": "u1", "folder": Endless()})

    with pytest.raises(PolicyQuestionError) as raised:
        gate.permits("notes.read", Endless(), actor=make_user("u1"))
    assert raised.value.code == "policy_question_oversize"


def test_what_is_no_question_is_refused_at_once(gate: Gate, client: TestClient) -> None:
    user = make_user("u1")
    with pytest.raises(ValueError, match="is no action"):
        gate.require("two words", Note("u1"), actor=user)
    with pytest.raises(TypeError, match="is no resource"):
        gate.require("notes.read", object(), actor=user)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="is no resource"):  # And not a route that is called so.
        gate.require("notes.list", "GET /notes", actor=user)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="write str"):
        Resource("Note", 7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(LookupError, match="name who asks"):
        gate.require("notes.read", Note("u1"))
    with pytest.raises(LookupError, match="name the resource"):
        gate.require("notes.read", actor=user)
    with pytest.raises(ValueError, match="is no action"):
        gate.user(action="two words")
    with pytest.raises(ValueError, match="action is for single routes"):
        gate.wrap(_nothing, requires=gate.user(action="notes.list"))


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError


def test_an_issuers_users_are_its_own(gate: Gate, client: TestClient) -> None:
    # As a test's actors have it: whoever another issuer vouches for is somebody else.
    assert gate.permits("notes.read", Note("u1"), actor=make_user("u1"))
    assert not gate.permits("notes.read", Note("u1"), actor=make_user("U1"))


def test_without_policies_what_asks_for_them_is_denied(served: FastAPI, gate: Gate) -> None:
    with as_user(served, id="u1", roles=["reader"]), TestClient(served) as client:
        assert reason(client.get("/notes")) == (403, "policy_missing")
        assert reason(client.get("/plain/u1")) == (403, "policy_missing")
        assert client.get("/shown/u1").json() is False


def test_other_policies_count_from_then_on(served: FastAPI, client: TestClient, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "sealgate.toml").write_text(DECLARED)
    with as_user(served, id="u1"):
        assert client.get("/plain/u1").status_code == 200
        forbidding = POLICIES + '@id("no") forbid (principal, action, resource);'
        (other / "notes.cedar").write_text(forbidding)
        with with_policies(served, other / "sealgate.toml"):
            # The very question that was answered otherwise before.
            assert reason(client.get("/plain/u1")) == (403, "policy_denied")
        (other / "notes.cedar").write_text("permit (principal, action, resource);")
        with (
            pytest.raises(SettingsError, match="id_missing"),
            with_policies(served, other / "sealgate.toml"),
        ):
            pass


def test_a_wrapped_applications_refusals_are_the_gates(gate: Gate, file: Path) -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        gate.require("notes.read", Note("u1"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    wrapped = gate.wrap(inner, requires=gate.user)
    with with_policies(wrapped, file):

        async def served(scope: Any, receive: Any, send: Any) -> None:
            await wrapped(scope, receive, send)

        client = TestClient(served)
        with as_user(wrapped, id="u1"):
            assert client.get("/x").status_code == 200
        with as_user(wrapped, id="u2"):
            assert reason(client.get("/x")) == (403, "policy_denied")


def test_resources_are_values() -> None:
    attributes = {"owner": "u1"}
    note = Resource("Note", "n1", attributes)
    attributes["owner"] = "u2"
    assert note.attributes["owner"] == "u1"
    assert note == Resource("Note", "n1", {"owner": "u1"})
    assert len({note, Resource("Note", "n1", {"owner": "u1"})}) == 1
    with pytest.raises(AttributeError):
        note.id = "n2"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The page's own files, and its own program."""
    text = PAGE.read_text()
    blocks = {
        kind: re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S) for kind in ("toml", "cedar", "python")
    }
    (tmp_path / "policies").mkdir()
    (tmp_path / "sealgate.toml").write_text(blocks["toml"][0])
    (tmp_path / "policies" / "expenses.cedar").write_text(blocks["cedar"][0])
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "ISSUER": "http://127.0.0.1:9",
        "CLIENT_ID": "tests",
        "CLIENT_SECRET": "tests-secret-tests-secret",
        "BASE_URL": "http://127.0.0.1:8000",
        "SEAL_KEYS": "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
    }.items():
        monkeypatch.setenv(f"SEALGATE_{name}", value)
    module = ModuleType("page")
    exec(compile("\n".join(blocks["python"]), str(PAGE), "exec"), module.__dict__)
    yield module
    module.__dict__["gate"]._core.stop()


def test_the_page_about_policies_is_right(page: ModuleType) -> None:
    members = page.__dict__
    members["test_nobody_approves_their_own"]()
    app: FastAPI = members["app"]
    with as_nobody(app), with_policies(app, "sealgate.toml"), TestClient(app) as client:
        with as_user(app, id="u1", roles=["employee"]):
            assert client.get("/expenses").json() == ["e1"]
            assert client.get("/expenses/e2").status_code == 403
            assert client.get("/expenses/none").status_code == 404
        with as_user(app, id="u3", roles=["approver"]):
            assert client.get("/expenses").status_code == 403
            assert client.post("/expenses/e1/approval").json() == "approved"
            # Too large.
            assert client.post("/expenses/e2/approval").status_code == 403
        with as_agent(app, user=make_user("u1"), scopes=["expenses:read"]):
            assert client.get("/expenses/e1").status_code == 200
            assert client.get("/expenses/e2").status_code == 403


def test_an_actor_is_named_by_type(gate: Gate, client: TestClient) -> None:
    actor: Actor = make_user("u1")
    assert gate.permits("notes.read", Note("u1"), actor=actor)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(
        ["sealgate", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_commands_on_the_page_print_what_it_shows(page: ModuleType, tmp_path: Path) -> None:
    shown = re.findall(r"^```console\n\$ sealgate (.*?)\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    assert len(shown) == 2
    for command, text in shown:
        done = run(tmp_path, *shlex.split(command))
        assert done.stdout == text, done.stderr
        assert done.returncode == (1 if "denied" in text else 0)


def test_the_check_finds_what_is_wrong_and_says_so_to_programs(page: ModuleType, tmp_path: Path) -> None:
    policies = tmp_path / "policies" / "expenses.cedar"
    policies.write_text(policies.read_text().replace('Role::"approver"', 'Role::"aprover"'))
    done = run(tmp_path, "policy", "check")
    assert done.returncode == 1
    assert 'error[role_unknown]: there is no role "aprover"' in done.stdout
    assert "policies/expenses.cedar:" in done.stdout
    told = json.loads(run(tmp_path, "--json", "policy", "check").stdout)
    assert (told["errors"], told["policies"]) == (1, 5)
    assert told["findings"][0]["span"]["line"] == 21
    # What is only a warning fails where that is asked for.
    policies.write_text(
        policies.read_text().replace('Role::"aprover"', 'Role::"approver"').partition("// Nobody")[0]
    )
    (tmp_path / "sealgate.toml").write_text(
        (tmp_path / "sealgate.toml").read_text() + "\n[policy.actions.more]\n"
    )
    assert run(tmp_path, "policy", "check").returncode == 0
    assert run(tmp_path, "policy", "check", "--strict").returncode == 1
    missing = run(tmp_path, "policy", "check", "missing.toml")
    assert (missing.returncode, "policy_file_unreadable" in missing.stderr) == (2, True)


def test_the_schema_is_printed(page: ModuleType, tmp_path: Path) -> None:
    schema = run(tmp_path, "policy", "schema")
    assert schema.returncode == 0
    assert 'action "expenses.approve" appliesTo {' in schema.stdout


def test_an_explanation_is_told_to_programs(page: ModuleType, tmp_path: Path) -> None:
    asked = ["--action", "expenses.list", "--resource", "GET /expenses"]
    done = run(tmp_path, "--json", "policy", "explain", "--actor", "user:u1,roles=employee", *asked)
    told = json.loads(done.stdout)
    assert (done.returncode, told["allowed"], told["policies"][0]["policy"]) == (0, True, "employees-list")
    assert run(tmp_path, "policy", "explain", "--actor", "user:u1", *asked).returncode == 1
    wrong = run(
        tmp_path, "policy", "explain", "--actor", "user:u1", "--action", "no", "--resource", "Expense:e"
    )
    assert (wrong.returncode, "policy_action_unknown" in wrong.stderr) == (2, True)


def test_tools_of_an_mcp_server_ask_for_actions(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "sealgate.toml").write_text(
        '[policy]\nfiles = ["p.cedar"]\n[policy.actions]\n"notes.add" = {}\n'
    )
    (tmp_path / "p.cedar").write_text(
        '@id("a") permit (principal in Role::"writer", action == Action::"notes.add", '
        'resource == Route::"* /mcp");'
    )

    async def server(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    app = FastAPI()
    gate.install(app)
    tools: dict[str, Any] = {"list": [], "add": gate.actor(action="notes.add")}
    gate.mcp(app, server, tools=tools)

    def call(client: TestClient, tool: str) -> int:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool}}
        headers = {"accept": "application/json, text/event-stream"}
        return client.post("/mcp", json=message, headers=headers).status_code

    with as_nobody(app), with_policies(app, tmp_path / "sealgate.toml"), TestClient(app) as client:
        with as_user(app, roles=["writer"]):
            assert (call(client, "list"), call(client, "add")) == (200, 200)
        with as_user(app):
            assert (call(client, "list"), call(client, "add")) == (200, 403)
