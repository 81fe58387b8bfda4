"""Applications and routers inside another are entered when they serve as written; else they are closed."""

from collections.abc import Callable
from typing import Any

import pytest
from asgi_kit import assert_refused, request
from fastapi import APIRouter, FastAPI
from sealgate import Gate
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Match, Mount, Router

LEAK = PlainTextResponse("leaked")


class AnswersItself:
    """A middleware that answers `/admin`, where no route is."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (LEAK if scope["path"].endswith("/admin") else self.app)(scope, receive, send)


class CallsFastAPI(FastAPI):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await AnswersItself(super().__call__)(scope, receive, send)


class CallsStarlette(Starlette):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await AnswersItself(super().__call__)(scope, receive, send)


class Builds(FastAPI):
    def build_middleware_stack(self) -> Any:
        return AnswersItself(super().build_middleware_stack())


class CallsRouter(Router):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await AnswersItself(super().__call__)(scope, receive, send)


class RoutesRouter(APIRouter):
    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await AnswersItself(super().app)(scope, receive, send)


class Mixin:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await LEAK(scope, receive, send)


class Mixed(Mixin, FastAPI):
    pass


def with_middleware() -> FastAPI:
    app = FastAPI()
    app.add_middleware(AnswersItself)
    return app


def built_by_hand() -> FastAPI:
    app = FastAPI()
    app.middleware_stack = AnswersItself(app.build_middleware_stack())
    return app


def builds_of_its_own() -> FastAPI:
    app = FastAPI()
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: AnswersItself(build())  # type: ignore[method-assign]
    return app


def with_another_router(router: Router) -> Starlette:
    app = Starlette()
    app.router = router
    return app


def switched() -> Router:
    router = Router()
    router.app = router.middleware_stack = AnswersItself(router.app)  # type: ignore[method-assign]
    return router


ANSWER_BEFORE_ROUTING: dict[str, Callable[[], Any]] = {
    "middleware": with_middleware,
    "middleware given": lambda: Starlette(middleware=[Middleware(AnswersItself)]),
    "a stack built by hand": built_by_hand,
    "building of its own": builds_of_its_own,
    "a FastAPI class": CallsFastAPI,
    "a Starlette class": CallsStarlette,
    "a class that builds": Builds,
    "a mixin": Mixed,
    "a router class": CallsRouter,
    "a router class that routes": RoutesRouter,
    "a router with middleware": lambda: Router(middleware=[Middleware(AnswersItself)]),
    "a router that was switched": switched,
    "an application with such a router": lambda: with_another_router(CallsRouter()),
    "an application in another": lambda: Router([Mount("/", app=with_middleware())]),
}


@pytest.mark.parametrize("kind", ANSWER_BEFORE_ROUTING)
async def test_what_answers_before_its_routes_are_asked_is_closed(gate: Gate, kind: str) -> None:
    app = FastAPI()
    app.mount("/sub", ANSWER_BEFORE_ROUTING[kind]())
    app.router.routes.append(Host("hosted.example", app=ANSWER_BEFORE_ROUTING[kind]()))
    app.router.routes.append(Host("127.0.0.1", app=ANSWER_BEFORE_ROUTING[kind]()))
    gate.install(app)
    for path in ("/sub/admin", "/admin", "/sub/nowhere"):
        assert_refused(await request(app, "GET", path))


async def test_middleware_of_a_mounted_application_never_runs_a_closed_handler(gate: Gate) -> None:
    ran: list[str] = []

    class Moves:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            moved = {**scope, "path": scope["path"].replace("/open", "/secret")}
            await self.app(moved, receive, send)

    sub = FastAPI()
    sub.add_middleware(Moves)

    @sub.get("/open", dependencies=[gate.public("open")])
    async def opened() -> str:
        return "open"

    @sub.get("/secret")
    async def secret() -> str:
        ran.append("secret")
        return "leaked"

    app = FastAPI()
    app.mount("/sub", sub)
    gate.install(app)
    assert_refused(await request(app, "GET", "/sub/open"))
    assert ran == []


async def test_middleware_that_a_mounted_application_gets_later_closes_it(gate: Gate) -> None:
    sub = FastAPI()
    app = FastAPI()
    app.mount("/sub", sub)
    gate.install(app)
    assert_refused(await request(app, "GET", "/sub/docs"))
    sub.add_middleware(AnswersItself)
    assert_refused(await request(app, "GET", "/sub/admin"))


async def test_a_mount_that_is_given_another_application_is_read_again(gate: Gate) -> None:
    sub = FastAPI()
    sub.get("/x", dependencies=[gate.public("open")])(lambda: "open")
    app = FastAPI()
    app.mount("/sub", sub)
    gate.install(app)
    assert (await request(app, "GET", "/sub/x")).status == 200
    mount = app.router.routes[-1]
    assert isinstance(mount, Mount)
    mount.app = LEAK
    assert_refused(await request(app, "GET", "/sub/x"))


async def test_a_mount_or_host_that_handles_by_itself_is_closed(gate: Gate) -> None:
    class HandlingMount(Mount):
        async def handle(self, scope: Any, receive: Any, send: Any) -> None:
            await LEAK(scope, receive, send)

    class HandlingHost(Host):
        async def handle(self, scope: Any, receive: Any, send: Any) -> None:
            await LEAK(scope, receive, send)

    app = FastAPI()
    app.router.routes.append(HandlingMount("/mount", app=Router()))
    app.router.routes.append(HandlingHost("127.0.0.1", app=Router()))
    gate.install(app)
    assert_refused(await request(app, "GET", "/mount/x"))
    assert_refused(await request(app, "GET", "/x"))


async def test_an_included_router_that_serves_by_itself_is_closed_or_only_a_list(gate: Gate) -> None:
    class Serving(APIRouter):
        def matches(self, scope: Any) -> Any:
            return Match.FULL, {}

        async def handle(self, scope: Any, receive: Any, send: Any) -> None:
            await LEAK(scope, receive, send)

    included = Serving()
    included.get("/x")(lambda: "leaked")
    outer = APIRouter()
    outer.include_router(included)
    app = FastAPI()
    app.include_router(outer, prefix="/api")
    gate.install(app)
    for path in ("/api/x", "/anything"):
        answer = await request(app, "GET", path)
        # Old versions copy the routes of the router, and never ask it.
        assert answer.status in (401, 404)
        assert b"leaked" not in answer.body


async def test_middleware_of_the_gated_application_itself_stays_allowed(gate: Gate) -> None:
    class Named(FastAPI):
        """A class of an application's own, with a call and a stack of its own."""

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await super().__call__(scope, receive, send)

        def build_middleware_stack(self) -> Any:
            return AnswersItself(super().build_middleware_stack())

    app = Named()
    app.get("/open", dependencies=[gate.public("open")])(lambda: "open")
    app.get("/closed")(lambda: "leaked")
    gate.install(app)
    app.add_middleware(AnswersItself)
    assert (await request(app, "GET", "/open")).status == 200
    assert (await request(app, "GET", "/admin")).body == b"leaked", "it answers outside of the gate"
    assert (await request(app, "GET", "/nowhere")).status == 404
    assert_refused(await request(app, "GET", "/closed"))


@pytest.mark.parametrize(
    "router",
    [CallsRouter, RoutesRouter, switched, lambda: Router(middleware=[Middleware(AnswersItself)])],
)
async def test_a_router_of_the_gated_application_must_serve_as_written(
    gate: Gate, router: Callable[[], Router]
) -> None:
    app = with_another_router(router())
    gate.install(app)
    assert_refused(await request(app, "GET", "/admin"))
    assert_refused(await request(app, "GET", "/nowhere"))


async def test_classes_that_change_no_serving_are_entered(gate: Gate) -> None:
    class Documented(FastAPI):
        def openapi(self) -> dict[str, Any]:
            return {**super().openapi(), "x-owner": "us"}

    class Prefixed(APIRouter):
        def add_api_route(self, path: str, *given: Any, **options: Any) -> None:
            super().add_api_route(f"/v1{path}", *given, **options)

    sub = Documented()
    router = Prefixed()
    router.get("/open", dependencies=[gate.public("open")])(lambda: "open")
    sub.include_router(router)
    sub.openapi = sub.openapi  # type: ignore[method-assign]
    app = FastAPI()
    app.mount("/sub", sub)
    app.mount("/router", router)
    gate.install(app)
    assert (await request(app, "GET", "/sub/v1/open")).status == 200
    assert (await request(app, "GET", "/router/v1/open")).status == 200
    assert (await request(app, "GET", "/sub/nowhere")).status == 404
