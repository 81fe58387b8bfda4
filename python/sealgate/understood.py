"""What serves requests exactly as Starlette and FastAPI wrote it.

The route table foretells what their own code does. Whatever replaces a part of that code could answer
before any route is asked, or ask another one. It is not understood, and that closes it.
"""

from __future__ import annotations

from types import CodeType
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter, APIWebSocketRoute
from starlette.applications import Starlette
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import BaseRoute, Host, Mount, Route, Router, WebSocketRoute

from sealgate.interlock import served_by

_FRAMEWORK = {FastAPI, Starlette, APIRouter, Router, object}
_SERVING = {"__call__", "__getattribute__", "app", "build_middleware_stack", "handle", "matches"}
_STATE = {"default", "middleware_stack", "router", "routes", "user_middleware"}

_MATCHES = {
    Route.matches,
    WebSocketRoute.matches,
    Mount.matches,
    Host.matches,
    APIRoute.matches,
    APIWebSocketRoute.matches,
}
_HANDLES = {Route.handle, WebSocketRoute.handle, APIRoute.handle, APIWebSocketRoute.handle}
_PAGES = {part for part in FastAPI.setup.__code__.co_consts if isinstance(part, CodeType)}
"""What FastAPI serves as `/docs`, `/redoc`, `/openapi.json` and `/docs/oauth2-redirect`."""
_ENTERS = {Mount.handle, Host.handle}


def router_of(app: Any) -> Router | None:
    """The router that answers whatever reaches a mounted application, or `None` when anything else may.

    Middleware of the mounted application stands behind the gate, so with any it is not understood. The
    application that the gate is installed on is another matter: its middleware is outside.
    """
    if isinstance(app, Starlette):
        if _replaced(app) or not is_bare(app):
            return None
        app = app.router
    return app if isinstance(app, Router) and routes_as_written(app) else None


def is_bare(app: Any) -> bool:
    """Whether no middleware was put around the router of `app`."""
    if not isinstance(app, Starlette):
        return True
    stack = app.middleware_stack
    return not app.user_middleware and (stack is None or type(stack) is ServerErrorMiddleware)


def routes_as_written(router: Router) -> bool:
    """Whether nothing but the routes of `router` decides what serves a request."""
    return not _replaced(router) and served_by(router) == router.app


def included_as_written(route: BaseRoute) -> bool:
    """The same for the routers below a route that stands for an included one, where FastAPI has those."""
    waiting: list[Any] = [route]
    seen: set[int] = set()
    while waiting:
        router = getattr(waiting.pop(), "original_router", None)
        if isinstance(router, Router) and id(router) not in seen:
            if not routes_as_written(router):
                return False
            seen.add(id(router))
            waiting.extend(router.routes)
    return True


def not_found_as_written(router: Router) -> bool:
    """Whether `router` answers 404 where none of its routes matches."""
    return getattr(router.default, "__func__", None) is Router.not_found


def matches_as_written(route: BaseRoute) -> bool:
    """Whether a route is found by what its class in the framework reads: kind, method, path, host."""
    return type(route).matches in _MATCHES and "matches" not in vars(route)


def handles_as_written(route: BaseRoute) -> bool:
    """Whether a route answers 405 to a method that is not its own."""
    return type(route).handle in _HANDLES and "handle" not in vars(route)


def documents(route: BaseRoute) -> bool:
    """Whether a route serves a documentation page, or the document behind it, that FastAPI wrote."""
    return (
        type(route) is Route
        and handles_as_written(route)
        and getattr(route.endpoint, "__code__", None) in _PAGES
    )


def entered(mount: Mount | Host) -> Any:
    """What is mounted. With a `handle` of the mount's own it could be anything."""
    return mount.app if type(mount).handle in _ENTERS and "handle" not in vars(mount) else object()


def _replaced(thing: Starlette | Router) -> bool:
    """Whether a subclass, or the object itself, replaces anything that takes part in serving."""
    classes = type(thing).__mro__
    for cls in classes:
        if cls not in _FRAMEWORK and any(_serves(name, classes) for name in vars(cls)):
            return True
    return not _SERVING.isdisjoint(vars(thing))


def _serves(name: str, classes: tuple[type, ...]) -> bool:
    if name in _SERVING or name in _STATE:
        return True
    # Which of its private methods a framework calls while it serves may change with its version.
    private = name.startswith("_") and not name.startswith("__")
    return private and any(name in vars(cls) for cls in classes if cls in _FRAMEWORK)
