"""The inventory of a running application has every way in, whatever form it takes."""

from __future__ import annotations

import functools
import inspect
import os
from pathlib import Path
from typing import Annotated, Any

import pytest
from asgi_kit import request
from fastapi import APIRouter, Depends, FastAPI, Security, WebSocket
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer, SecurityScopes
from inventory_kit import names, own, routes
from sealgate.inventory import frameworks, read
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).resolve()
MODULE = __name__

bearer = HTTPBearer()
lenient = HTTPBearer(auto_error=False)


def database() -> str:
    return "database"


def current_user(database: Annotated[str, Depends(database)], token: Annotated[Any, Depends(bearer)]) -> str:
    return database


def only(number: int, other: int = 0) -> int:
    return number


def scoped(scopes: SecurityScopes, user: Annotated[str, Depends(current_user)]) -> str:
    return user


class HasRole:
    def __init__(self, role: str) -> None:
        self.role = role

    # FastAPI did not always know the names in the annotations of such a method.
    def __call__(self, user: str = Depends(current_user)) -> str:
        return user


class Methods:
    def guard(self) -> None: ...

    @staticmethod
    def static_guard() -> None: ...


async def handler() -> str:
    return "x"


def function(request: Request) -> Response:
    return PlainTextResponse("x")


def line_of(thing: Any) -> int:
    return inspect.getsourcelines(thing)[1]


def file() -> str:
    here = str(HERE)
    return os.path.relpath(here) if here.startswith(os.getcwd() + os.sep) else here


def test_plain_routes_are_told_with_what_serves_them() -> None:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.get("/items/{item_id:path}")(handler)
    app.api_route("/many", methods=["POST", "DELETE", "GET"])(handler)
    found = routes(app)
    assert set(found) == {"GET /items/{item_id:path}", "DELETE,GET,POST /many"}
    route = found["GET /items/{item_id:path}"]
    assert route["app"] == "main:app"
    assert (route["kind"], route["endpoint"]) == ("http", f"{MODULE}:handler")
    assert (route["file"], route["line"]) == (file(), line_of(handler))
    assert (route["evidence"], route["reason"]) == ("OPEN", "nothing runs before it")
    assert (route["gates"], route["strength"]) == ([], {"level": "none"})
    assert "dependencies" not in route


def test_the_document_has_the_fields_of_the_shared_schema_in_their_order() -> None:
    app = FastAPI(dependencies=[Depends(database)])
    app.get("/x")(handler)
    document = read(app, "main:app")
    assert list(document) == ["schema", "lens", "target", "apps", "routes", "findings", "notes"]
    assert (document["schema"], document["lens"]) == ("sealgate-routes/1", "inspect")
    assert list(document["routes"][-1]) == [
        *("app", "path", "methods", "kind", "endpoint", "file", "line", "evidence", "gates", "strength"),
        *("reason", "dependencies"),
    ]
    assert document["apps"] == [{"name": "main:app", "place": None, "openapi_operations": 1}]


def test_an_application_is_called_what_its_module_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()
    import inventory_kit

    monkeypatch.setattr(inventory_kit, "application", app, raising=False)
    assert read(app)["target"] == "inventory_kit:application"
    assert read(FastAPI())["target"] == "fastapi.applications:FastAPI"


def test_documentation_pages_are_a_kind_of_their_own() -> None:
    found = routes(FastAPI())
    assert {route["kind"] for route in found.values()} == {"docs"}
    assert set(found) == {f"GET,HEAD /{p}" for p in ("docs", "docs/oauth2-redirect", "openapi.json", "redoc")}


def test_included_routers_bring_their_prefixes_and_dependencies() -> None:
    inner = APIRouter(prefix="/inner", dependencies=[Depends(database)])
    inner.get("/x", dependencies=[Depends(functools.partial(only, other=1))])(handler)
    inner.websocket("/ws")(handler)
    inner.add_route("/raw", function)
    outer = APIRouter(prefix="/outer", dependencies=[Depends(bearer)])
    outer.include_router(inner, prefix="/by")
    app = FastAPI(dependencies=[Depends(lenient)])
    app.include_router(outer, prefix="/v1")
    app.include_router(inner)
    found = own(app)
    # Where routes are copied, those without a prefix of their own do not get that of the router between.
    raw = "GET,HEAD /v1/by/raw" if frameworks.contexts is None else "GET,HEAD /v1/outer/by/raw"
    assert set(found) == {
        *("GET /v1/outer/by/inner/x", "WEBSOCKET /v1/outer/by/inner/ws", raw),
        *("GET /inner/x", "WEBSOCKET /inner/ws", "GET,HEAD /raw"),
    }
    lenient_name = "fastapi.security.http:HTTPBearer(auto_error=False).__call__"
    bearer_name = "fastapi.security.http:HTTPBearer.__call__"
    before = [lenient_name, bearer_name, f"{MODULE}:database"]
    assert names(found["GET /v1/outer/by/inner/x"]) == [*before, f"{MODULE}:only"]
    assert names(found["WEBSOCKET /v1/outer/by/inner/ws"]) == before
    assert names(found[raw]) == []
    placements = [part["placement"] for part in found["GET /inner/x"]["dependencies"]]
    assert placements == ["app", "route", "route"]


@pytest.mark.skipif(frameworks.contexts is None, reason="this FastAPI copies the routes of included routers")
def test_a_route_that_comes_after_the_include_is_there() -> None:
    router = APIRouter(prefix="/r")
    app = FastAPI()
    app.include_router(router, dependencies=[Depends(database)])
    router.get("/late")(handler)
    assert names(own(app)["GET /r/late"]) == [f"{MODULE}:database"]


@pytest.mark.skipif(
    frameworks.contexts is None, reason="this FastAPI leaves out the mounts of included routers"
)
def test_the_mount_of_an_included_router_is_entered() -> None:
    router = APIRouter()
    sub = FastAPI(openapi_url=None)
    sub.get("/x")(handler)
    router.mount("/sub", sub)
    app = FastAPI()
    app.include_router(router, prefix="/r", dependencies=[Depends(database)])
    found = own(app)
    assert set(found) == {"GET /r/sub/x"}
    assert names(found["GET /r/sub/x"]) == []


def test_dependencies_are_told_in_the_order_in_which_they_run() -> None:
    app = FastAPI()

    @app.get("/x")
    async def x(
        role: Annotated[str, Depends(HasRole("admin"))], again: Annotated[str, Depends(database)]
    ) -> None: ...

    parts = own(app)["GET /x"]["dependencies"]
    assert [part["name"] for part in parts] == [
        f"{MODULE}:database",
        "fastapi.security.http:HTTPBearer.__call__",
        f"{MODULE}:current_user",
        f"{MODULE}:HasRole.__call__",
    ]
    assert parts[0]["place"] == {"file": file(), "line": line_of(database)}
    assert Path(parts[1]["place"]["file"]).name == "http.py"
    assert parts[3]["place"] == {"file": file(), "line": line_of(HasRole.__call__)}


async def test_the_order_is_that_of_the_framework() -> None:
    ran: list[str] = []

    def note(name: str, *below: Any) -> Any:
        async def dependency(**_: Any) -> None:
            ran.append(f"{MODULE}:{name}")

        dependency.__qualname__ = name
        parameters = [
            inspect.Parameter(f"p{n}", inspect.Parameter.KEYWORD_ONLY, default=Depends(one))
            for n, one in enumerate(below)
        ]
        dependency.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return dependency

    shared = note("shared")
    first, second = note("first", shared, note("leaf")), note("second", shared)
    app = FastAPI(dependencies=[Depends(note("outer", second))])
    app.get("/x", dependencies=[Depends(first)])(handler)
    assert (await request(app, "GET", "/x")).status == 200
    assert names(own(app)["GET /x"]) == ran


def test_security_scopes_are_told_where_they_are_asked_for() -> None:
    app = FastAPI()

    @app.get("/x", dependencies=[Security(scoped, scopes=["items:read", "me"])])
    async def x(user: Annotated[str, Security(HasRole("a"), scopes=["admin"])]) -> None: ...

    told = {part["name"]: part.get("scopes") for part in own(app)["GET /x"]["dependencies"]}
    assert told[f"{MODULE}:scoped"] == ["items:read", "me"]
    assert told[f"{MODULE}:HasRole.__call__"] == ["admin"]
    assert told[f"{MODULE}:database"] is None


def test_methods_of_classes_partials_and_lambdas_have_names() -> None:
    app = FastAPI()
    everything: list[Any] = [
        Methods().guard,
        Methods.static_guard,
        functools.partial(functools.partial(only, 1), 2),
        lambda: None,
        Methods,
    ]
    app.get("/x", dependencies=[Depends(one) for one in everything])(handler)
    here = f"{MODULE}:test_methods_of_classes_partials_and_lambdas_have_names.<locals>.<lambda>"
    assert names(own(app)["GET /x"]) == [
        f"{MODULE}:Methods.guard",
        f"{MODULE}:Methods.static_guard",
        f"{MODULE}:only",
        here,
        f"{MODULE}:Methods",
    ]
    assert own(app)["GET /x"]["dependencies"][-1]["place"] == {"file": file(), "line": line_of(Methods)}


def test_a_dependency_that_is_its_own_type_is_told() -> None:
    class Page:
        def __init__(self, size: int = 10) -> None: ...

    app = FastAPI()

    async def x(page: Any) -> None: ...

    x.__annotations__ = {"page": Page}
    x.__defaults__ = (Depends(),)
    app.get("/x")(x)
    assert names(own(app)["GET /x"]) == [f"{MODULE}:{Page.__qualname__}"]


def test_decorators_around_a_handler_are_told() -> None:
    @requires("authenticated")
    async def closed(request: Request) -> Response:
        return PlainTextResponse("x")

    app = Starlette(routes=[Route("/x", closed)])
    route = own(app)["GET,HEAD /x"]
    assert (
        route["endpoint"] == f"{MODULE}:{test_decorators_around_a_handler_are_told.__name__}.<locals>.closed"
    )
    (part,) = route["dependencies"]
    assert part["placement"] == "decorator"
    assert part["name"] == "starlette.authentication:requires.<locals>.decorator.<locals>.async_wrapper"
    assert route["file"] == file()
    assert (route["evidence"], route["reason"]) == ("UNRESOLVED", "not judged yet")


def test_classes_of_handlers_have_the_methods_that_they_answer() -> None:
    class Read(HTTPEndpoint):
        def get(self, request: Request) -> Response:
            return PlainTextResponse("x")

        def delete(self, request: Request) -> Response:
            return PlainTextResponse("x")

    class Everything(HTTPEndpoint):
        async def dispatch(self) -> None: ...

    class Socket(WebSocketEndpoint): ...

    app = Starlette(
        routes=[
            Route("/read", Read),
            Route("/some", Read, methods=["GET"]),
            Route("/any", Everything),
            WebSocketRoute("/ws", Socket),
        ]
    )
    assert set(own(app)) == {"DELETE,GET,HEAD /read", "GET,HEAD /some", "* /any", "WEBSOCKET /ws"}
    assert own(app)["* /any"]["line"] == line_of(Everything)


def test_mounts_are_entered_and_their_prefixes_kept(tmp_path: Path) -> None:
    sub = FastAPI(openapi_url=None, dependencies=[Depends(bearer)])
    sub.get("/x")(handler)
    sub.mount("/files", StaticFiles(directory=tmp_path))
    app = FastAPI(openapi_url=None, dependencies=[Depends(database)])
    app.mount("/sub", sub)
    app.mount("/tenants/{tenant}", Starlette(routes=[Mount("/deep", routes=[Route("/y", function)])]))
    app.router.routes.append(Mount("/router", app=Router([Route("/z", function)])))
    app.router.routes.append(Host("api.example.org", Starlette(routes=[Route("/host", function)])))
    found = own(app)
    assert {name: route["kind"] for name, route in found.items()} == {
        "GET /sub/x": "http",
        "* /sub/files": "static",
        "GET,HEAD /tenants/{tenant}/deep/y": "http",
        "GET,HEAD /router/z": "http",
        "GET,HEAD /host": "http",
    }
    # The outer application's dependencies do not reach what is mounted.
    assert names(found["GET /sub/x"]) == ["fastapi.security.http:HTTPBearer.__call__"]
    assert found["* /sub/files"]["endpoint"] == "starlette.staticfiles:StaticFiles"
    assert found["* /sub/files"]["evidence"] == "OPEN"
    assert any("api.example.org" in note["text"] for note in read(app)["notes"])


def test_what_is_mounted_and_not_understood_is_unresolved() -> None:
    async def anything(scope: Any, receive: Any, send: Any) -> None: ...

    class Wsgi:
        def __call__(self, environ: Any, start: Any) -> list[bytes]:
            return []

    class OwnFiles(StaticFiles): ...

    app = FastAPI(openapi_url=None)
    app.mount("/function", anything)
    app.mount("/object", Wsgi())  # type: ignore[arg-type]
    app.mount("/files", OwnFiles(directory=HERE.parent))
    app.mount("", anything)
    found = own(app)
    assert {route["evidence"] for route in found.values()} == {"UNRESOLVED"}
    assert found["* /object"]["kind"] == "mount"
    assert str(found["* /object"]["endpoint"]).endswith("Wsgi.__call__")
    assert "not understood" in found["* /function"]["reason"]
    assert (found["* /files"]["kind"], found["* /files"]["reason"]) == ("static", "not judged yet")
    assert found["* "]["kind"] == "mount"


def test_an_application_inside_an_unknown_one_is_entered() -> None:
    class Both:
        """As Socket.IO's: an application of its own that hands on what it does not take."""

        def __init__(self, other: Any) -> None:
            self.other_asgi_app = other

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    inner = Starlette(routes=[Route("/x", function)])
    app = Starlette(routes=[Mount("/sub", app=Both(inner))])
    found = own(app)
    assert set(found) == {"* /sub", "GET,HEAD /sub/x"}
    assert names(found["GET,HEAD /sub/x"]) == [
        f"{MODULE}:test_an_application_inside_an_unknown_one_is_entered.<locals>.Both.__call__"
    ]
    whole = own(Both(inner))
    assert set(whole) == {"* ", "GET,HEAD /x"}


def test_middleware_is_told_from_the_outermost_to_the_innermost() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/x")(handler)
    app.add_middleware(GZipMiddleware)

    @app.middleware("http")
    async def checks(request: Request, call_next: Any) -> Any: ...

    app.add_middleware(CORSMiddleware)
    wrapped = GZipMiddleware(app)
    told = read(wrapped, "main:app")["apps"][0]["middleware"]
    assert [part["name"] for part in told] == [
        "starlette.middleware.gzip:GZipMiddleware",
        "starlette.middleware.cors:CORSMiddleware",
        f"{MODULE}:{checks.__qualname__}",
        "starlette.middleware.gzip:GZipMiddleware",
    ]
    assert told[2]["place"] == {"file": file(), "line": line_of(checks)}
    assert {part["placement"] for part in told} == {"middleware"}
    route = own(wrapped)["GET /x"]
    assert (route["evidence"], route["reason"]) == ("UNRESOLVED", "not judged yet")
    assert "dependencies" not in route


def test_middleware_of_inner_parts_is_told_with_their_routes() -> None:
    one = [Middleware(GZipMiddleware)]
    app = Starlette(
        routes=[
            Mount("/mount", routes=[Route("/x", function)], middleware=one),
            Mount("/app", app=Starlette(routes=[Route("/x", function)], middleware=one)),
            Mount("/router", app=Router([Route("/x", function)], middleware=one)),
            Route("/route", function, middleware=one),
            Mount("/wrapped", app=GZipMiddleware(Starlette(routes=[Route("/x", function)]))),
            Route("/bare", function),
        ]
    )
    found = own(app)
    bare = found.pop("GET,HEAD /bare")
    assert bare["evidence"] == "OPEN"
    assert len(found) == 5
    for route in found.values():
        assert names(route) == ["starlette.middleware.gzip:GZipMiddleware"], route
        assert route["evidence"] == "UNRESOLVED"


async def test_middleware_that_an_include_leaves_out_is_not_told() -> None:
    ran: list[str] = []

    class Around:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            ran.append("around")
            await self.app(scope, receive, send)

    router = APIRouter()
    router.routes.append(Route("/x", function, middleware=[Middleware(Around)]))
    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/r")
    app.router.routes += router.routes
    assert (await request(app, "GET", "/x")).status == 200
    assert len(ran) == 1
    assert (await request(app, "GET", "/r/x")).status == 200
    assert len(ran) == 1, "FastAPI makes the route anew, without what was around it"
    found = own(app)
    assert len(names(found["GET,HEAD /x"])) == 1
    assert names(found["GET,HEAD /r/x"]) == []
    assert found["GET,HEAD /r/x"]["evidence"] == "OPEN"


def test_code_of_its_own_around_routes_is_told() -> None:
    class OwnRoute(APIRoute):
        def get_route_handler(self) -> Any:
            return super().get_route_handler()

    class OwnApp(FastAPI):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    router = APIRouter(route_class=OwnRoute)
    router.get("/x")(handler)
    app = OwnApp(openapi_url=None)
    app.include_router(router)
    document = read(app, "main:app")
    here = f"{MODULE}:test_code_of_its_own_around_routes_is_told.<locals>"
    assert [part["name"] for part in document["apps"][0]["middleware"]] == [f"{here}.OwnApp.__call__"]
    assert names(document["routes"][0]) == [f"{here}.OwnRoute.get_route_handler"]


def test_routing_that_was_replaced_is_unresolved() -> None:
    class Versioned(APIRouter):
        async def app(self, scope: Any, receive: Any, send: Any) -> None: ...

    app = FastAPI(openapi_url=None)
    sub = Versioned()
    sub.get("/x")(handler)
    app.mount("/versioned", sub)

    async def fallback(scope: Any, receive: Any, send: Any) -> None: ...

    app.router.default = fallback
    found = own(app)
    assert set(found) == {"* /versioned", "GET /versioned/x", "* /{path:path}"}
    assert found["* /versioned"]["evidence"] == "UNRESOLVED"
    assert found["* /versioned"]["reason"].endswith(
        "Versioned.app decides where requests go, not the framework"
    )
    assert str(found["* /{path:path}"]["endpoint"]).endswith("fallback")


def test_routers_that_another_one_chooses_among_are_entered() -> None:
    class ByVersion(APIRouter):
        """As Cadwyn's: the version of a request decides which router it gets to."""

        def __init__(self) -> None:
            super().__init__()
            self.versions = {"1": APIRouter(), "2": APIRouter()}

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    app = FastAPI(openapi_url=None)
    by_version = ByVersion()
    by_version.get("/changes")(handler)
    by_version.versions["1"].get("/old")(handler)
    by_version.versions["2"].get("/new", dependencies=[Depends(database)])(handler)
    app.router = by_version
    found = own(app)
    assert set(found) == {"* ", "GET /changes", "GET /old", "GET /new"}
    decides = f"{MODULE}:test_routers_that_another_one_chooses_among_are_entered.<locals>.ByVersion.__call__"
    assert names(found["GET /new"]) == [decides, f"{MODULE}:database"]


def test_what_was_put_around_an_application_from_outside_is_told() -> None:
    app = FastAPI(openapi_url=None)

    def build_middleware_stack() -> Any: ...

    app.build_middleware_stack = build_middleware_stack  # type: ignore[method-assign]
    (part,) = read(app)["apps"][0]["middleware"]
    assert part["name"] == f"{MODULE}:{build_middleware_stack.__qualname__}"


def test_kinds_of_routes_that_are_not_understood_are_unresolved() -> None:
    class Odd(BaseRoute):
        path = "/odd"

    class Sneaky(Route):
        def matches(self, scope: Any) -> Any:
            return super().matches({**scope, "path": "/sneaky"})

    app = FastAPI(openapi_url=None)
    app.router.routes += [Odd(), Sneaky("/sneaky", function)]
    found = own(app)
    assert set(found) == {"* /odd", "GET,HEAD /sneaky"}
    assert found["* /odd"]["reason"].endswith("Odd is a kind of route that is not understood")
    assert found["GET,HEAD /sneaky"]["reason"].endswith("Sneaky decides itself which requests it takes")
    assert {route["evidence"] for route in found.values()} == {"UNRESOLVED"}


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI has no frontends")
class TestFrontends:
    def app(self, folder: Path) -> FastAPI:
        (folder / "index.html").write_text("x")
        app: Any = FastAPI(openapi_url=None, dependencies=[Depends(database)])
        app.frontend("/app", directory=folder)
        router: Any = APIRouter(prefix="/r", dependencies=[Depends(bearer)])
        router.frontend("/", directory=folder)
        app.include_router(router, prefix="/v1")
        return app  # type: ignore[no-any-return]

    def test_frontends_are_there_with_their_dependencies(self, tmp_path: Path) -> None:
        found = own(self.app(tmp_path))
        assert {name.rstrip("/"): route["kind"] for name, route in found.items()} == {
            "GET,HEAD /app": "frontend",
            "GET,HEAD /v1/r": "frontend",
        }
        inner = next(route for name, route in found.items() if "/v1/r" in name)
        assert names(inner) == [f"{MODULE}:database", "fastapi.security.http:HTTPBearer.__call__"]

    def test_frontends_that_cannot_be_listed_are_unresolved(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = self.app(tmp_path)
        monkeypatch.setattr(APIRouter, "_iter_low_priority_routes", None)
        (route,) = own(app).values()
        assert (route["kind"], route["evidence"]) == ("mount", "UNRESOLVED")
        assert route["reason"] == "this FastAPI does not show the frontends that it serves"


def test_an_override_runs_instead_and_is_told() -> None:
    def stand_in(database: Annotated[str, Depends(database)]) -> str:
        return "somebody"

    app = FastAPI(openapi_url=None)
    app.get("/x", dependencies=[Depends(current_user)])(handler)
    app.dependency_overrides[current_user] = stand_in
    here = f"{MODULE}:{stand_in.__qualname__}"
    assert names(own(app)["GET /x"]) == [f"{MODULE}:database", here]
    (note,) = read(app)["notes"]
    assert note["text"] == f"dependency_overrides has {here} run instead of {MODULE}:current_user"


def test_handlers_that_may_turn_a_denial_into_something_else_are_noted() -> None:
    async def swallow(request: Request, error: Exception) -> Response:
        return PlainTextResponse("fine")

    app = FastAPI()
    app.add_exception_handler(Exception, swallow)
    app.add_exception_handler(404, swallow)
    app.add_exception_handler(401, swallow)
    told = [note["text"] for note in read(app)["notes"]]
    assert told == [f"{MODULE}:{swallow.__qualname__} answers for {what}" for what in ("401", "Exception")]


def test_openapi_operations_are_counted_and_nothing_is_remembered() -> None:
    app = FastAPI()
    app.get("/x")(handler)
    app.post("/x")(handler)
    app.get("/hidden", include_in_schema=False)(handler)
    assert read(app)["apps"][0]["openapi_operations"] == 2
    assert app.openapi_schema is None
    app.get("/y")(handler)
    assert read(app)["apps"][0]["openapi_operations"] == 3
    assert "/y" in app.openapi()["paths"]


def test_a_document_that_cannot_be_made_is_a_note() -> None:
    app = FastAPI()

    def broken() -> Any:
        raise ValueError("no document")

    app.openapi = broken  # type: ignore[method-assign]
    document = read(app)
    assert "openapi_operations" not in document["apps"][0]
    assert [note["text"] for note in document["notes"]] == [
        "the OpenAPI document cannot be made: ValueError: no document"
    ]


def test_two_readings_are_equal_and_leave_the_application_as_it_was() -> None:
    app = FastAPI(dependencies=[Depends(current_user)])
    app.get("/b")(handler)
    app.get("/a")(handler)
    app.mount("/sub", FastAPI())
    app.add_middleware(GZipMiddleware)
    before = list(app.router.routes)
    first = read(app)
    assert first == read(app)
    assert app.router.routes == before
    assert app.middleware_stack is None
    paths = [route["path"] for route in first["routes"]]
    assert paths == sorted(paths)


def test_nothing_that_serves_is_called() -> None:
    called: list[str] = []

    def dependency() -> None:
        called.append("dependency")

    class Around:
        def __init__(self, app: Any) -> None:
            called.append("middleware")

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    app = FastAPI(dependencies=[Depends(dependency)])
    app.add_middleware(Around)
    app.get("/x")(lambda: called.append("handler"))
    read(app)
    assert called == []


async def test_a_socket_can_have_the_same_path_as_a_handler() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/x")(handler)

    @app.websocket("/x")
    async def socket(websocket: WebSocket, user: Annotated[str, Depends(database)]) -> None: ...

    assert set(own(app)) == {"GET /x", "WEBSOCKET /x"}
    assert names(own(app)["WEBSOCKET /x"]) == [f"{MODULE}:database"]


@pytest.mark.skipif(frameworks.contexts is None, reason="this FastAPI copies the routes of included routers")
def test_a_version_that_shows_no_included_routes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frameworks, "contexts", None)
    with pytest.raises(frameworks.UnreadableError, match=r"use 0\.137\.2 or later"):
        read(FastAPI())
