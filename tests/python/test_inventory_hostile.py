"""Applications that do not want to be read: everything is found, nothing is believed, and it ends."""

from __future__ import annotations

import json
import time
from typing import Any
from unittest.mock import MagicMock

import pytest
from fastapi import APIRouter, Depends, FastAPI
from inventory_kit import own
from sealgate import Gate
from sealgate.inventory import read
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router


async def handler() -> str:
    return "x"


def function(request: Request) -> Response:
    return PlainTextResponse("x")


class Raises:
    """Answers every question with an exception."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"do not ask for {name}")


class Agrees:
    """Has every attribute that it is asked for, and each of them has, too."""

    def __getattr__(self, name: str) -> Any:
        return Agrees()

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing of it may be called")


def test_a_route_that_raises_when_it_is_matched_is_read() -> None:
    class Explodes(Route):
        def matches(self, scope: Any) -> Any:
            raise AssertionError("reading does not match")

    app = Starlette(routes=[Explodes("/x", function), Route("/y", function)])
    found = own(app)
    assert found["GET,HEAD /x"]["evidence"] == "UNRESOLVED"
    assert found["GET,HEAD /y"]["evidence"] == "OPEN"


def test_a_route_that_cannot_be_read_is_found_and_hides_no_other() -> None:
    class NoPath(Route):
        @property
        def path(self) -> Any:
            raise ValueError("no path")

        @path.setter
        def path(self, value: str) -> None: ...

    class Secretive(BaseRoute):
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError("nothing to see")

    app = Starlette(routes=[NoPath("/x", function), Secretive(), Route("/y", function)])
    found = read(app, "main:app")["routes"]
    unresolved = [route["reason"] for route in found if route["evidence"] == "UNRESOLVED"]
    assert len(found) == 3
    assert len(unresolved) == 2
    assert any("NoPath could not be read: TypeError: its path is no text" in reason for reason in unresolved)
    assert any("Secretive" in reason for reason in unresolved)


@pytest.mark.parametrize("thing", [Agrees(), MagicMock(), MagicMock(spec=FastAPI), MagicMock(spec=Starlette)])
def test_an_object_that_agrees_to_everything_is_no_application(thing: Any) -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/sub", thing)
    app.get("/x")(handler)
    found = own(app)
    assert set(found) == {"* /sub", "GET /x"}
    assert found["* /sub"]["evidence"] == "UNRESOLVED"
    json.dumps(found)
    (whole,) = read(thing, "main:app")["routes"]
    assert whole["evidence"] == "UNRESOLVED"


def test_an_object_that_raises_at_every_question_is_found() -> None:
    app = Starlette(routes=[Mount("/sub", app=PlainTextResponse("x"))])
    mount: Any = app.routes[0]
    mount.app = Raises()
    (route,) = own(app).values()
    assert (route["kind"], route["path"], route["evidence"]) == ("mount", "/sub", "UNRESOLVED")


def test_a_dependency_that_agrees_to_everything_is_told() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/x")(handler)
    route_itself: Any = app.routes[0]
    dependant = route_itself.dependant
    dependant.dependencies.append(Agrees())
    route = own(app)["GET /x"]
    assert route["evidence"] == "UNRESOLVED"
    json.dumps(route)


def test_dependencies_that_go_round_in_a_circle_are_unresolved() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/x", dependencies=[Depends(handler)])(handler)
    route_itself: Any = app.routes[0]
    dependant = route_itself.dependant
    dependant.dependencies[0].dependencies.append(dependant.dependencies[0])
    route = own(app)["GET /x"]
    assert (route["evidence"], route["reason"]) == ("UNRESOLVED", "its dependencies go round in a circle")


def test_what_cannot_be_read_is_not_taken_as_gated(app: FastAPI, gate: Gate) -> None:
    app.add_route("/x", function)
    app.routes[-1].path = b"/x"  # type: ignore[attr-defined]
    app.mount("/again", app)
    app.get("/open", dependencies=[gate.public("open")])(handler)
    found = own(app)
    assert found["* /again"]["evidence"] == "UNRESOLVED"
    assert found["* "]["evidence"] == "UNRESOLVED"
    assert found["GET /open"]["evidence"] == "PUBLIC"


def test_dependencies_that_share_their_branches_are_told_once() -> None:
    def level(below: Any, number: int) -> Any:
        def dependency(one: Any = Depends(below), two: Any = Depends(below)) -> None: ...

        dependency.__qualname__ = f"level{number}"
        return dependency

    call: Any = handler
    for number in range(8):
        call = level(call, number)
    app = FastAPI(openapi_url=None)
    app.get("/x", dependencies=[Depends(call)])(handler)
    assert len(own(app)["GET /x"]["dependencies"]) == 9


def test_an_application_that_is_mounted_inside_itself_ends() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/x")(handler)
    app.mount("/again", app)
    found = own(app)
    assert set(found) == {"GET /x", "* /again"}
    assert found["* /again"]["reason"] == "it is mounted inside itself"


def test_fifty_mounts_deep_is_read_to_the_ground() -> None:
    app = Starlette(routes=[Route("/ground", function)])
    for _ in range(50):
        app = Starlette(routes=[Mount("/m", app=app)])
    assert set(own(app)) == {f"GET,HEAD {'/m' * 50}/ground"}


def test_deeper_than_that_ends_with_a_reason() -> None:
    app = Starlette(routes=[Route("/ground", function)])
    for _ in range(300):
        app = Starlette(routes=[Mount("/m", app=app)])
    (route,) = own(app).values()
    assert (route["kind"], route["evidence"]) == ("mount", "UNRESOLVED")
    assert route["reason"] == "it is more than 64 mounts deep"


def test_mounts_that_multiply_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from sealgate.inventory import walk

    monkeypatch.setattr(walk, "_MOST_ROUTES", 1_000)
    app = Starlette(routes=[Route("/ground", function)])
    for _ in range(40):
        app = Starlette(routes=[Mount("/a", app=app), Mount("/b", app=app)])
    document = read(app, "main:app")
    assert 1_000 <= len(document["routes"]) < 1_100
    (rest,) = (route for route in document["routes"] if route["evidence"] == "UNRESOLVED")
    assert rest["reason"] == "there are more than 1000 ways in: the rest was not read"


def test_a_handler_that_is_wrapped_around_itself_ends() -> None:
    async def endless(scope: Any, receive: Any, send: Any) -> None: ...

    endless.__wrapped__ = endless  # type: ignore[attr-defined]
    router = Router()
    router.routes.append(Mount("/x", app=endless))
    (route,) = own(router).values()
    assert str(route["endpoint"]).endswith("endless")


def test_paths_that_are_no_text_are_not_believed() -> None:
    app = Starlette(routes=[Route("/x", function)])
    app.routes[0].path = b"/x"  # type: ignore[attr-defined]
    app.routes[0].methods = {1, 2}  # type: ignore[attr-defined]
    (route,) = read(app, "main:app")["routes"]
    assert route["evidence"] == "UNRESOLVED"


def test_five_thousand_routes_are_read_in_reasonable_time() -> None:
    app = FastAPI(dependencies=[Depends(handler)])
    for part in range(50):
        router = APIRouter(prefix=f"/r{part}")
        for number in range(100):
            router.add_api_route(f"/x{number}/{{item}}", handler, operation_id=f"o{part}x{number}")
        app.include_router(router)
    started = time.process_time()
    document = read(app, "main:app")
    spent = time.process_time() - started
    assert len(document["routes"]) == 5_004
    assert document["apps"][0]["openapi_operations"] == 5_000
    assert spent < 60, f"{spent:.1f} s of processor time"
