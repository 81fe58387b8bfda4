"""What stands around applications, routers and routes."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter, APIWebSocketRoute
from starlette.applications import Starlette
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from sealgate.asgi import GateLayer
from sealgate.interlock import served_by
from sealgate.inventory.attributes import class_of, is_a, items, options, own, text, value
from sealgate.inventory.document import Part
from sealgate.inventory.names import Names, class_name

_MOST_LAYERS = 64

_FRAMEWORK: frozenset[type[Any]] = frozenset(
    {FastAPI, Starlette, APIRouter, Router, APIRoute, APIWebSocketRoute, Route, WebSocketRoute, Mount, Host}
)
_AROUND = frozenset({"__call__", "__getattribute__", "build_middleware_stack", "get_route_handler"})
"""What runs around the routes: replaced, it is one more callable before each of them."""
_ROUTING = frozenset({"app", "handle", "matches", "routes", "router", "middleware_stack"})
"""What decides which route serves: replaced, there may be ways in that no route shows."""

_PLUMBING = ("starlette.", "fastapi.")
_LIMITS = "starlette.middleware.body_limit"


def peeled(app: Any) -> tuple[list[Any], Any]:
    """The middleware that was put around an application, outermost first, and what is inside of it.

    A middleware keeps what it wraps as `app`, by convention; Sealgate's own layer as `_app`.
    """
    around: list[Any] = []
    for _ in range(_MOST_LAYERS):
        if is_a(app, Starlette, Router, StaticFiles, types.FunctionType, type):
            break
        inner = own(app).get("_app" if is_a(app, GateLayer) else "app")
        if inner is None or not callable(inner):
            break
        if type(app).__module__ != _LIMITS:
            around.append(app)
        app = inner
    return around, app


def peeled_stack(router: Router) -> tuple[list[Any], bool]:
    """The middleware of a router itself, outermost first, and whether its routes are all that is inside."""
    around: list[Any] = []
    stack: Any = served_by(router)  # Sealgate's own interlock hides nothing.
    for _ in range(_MOST_LAYERS):
        if stack == router.app:
            return around, True
        inner = own(stack).get("app")
        if inner is None:
            break
        if type(stack).__module__ != _LIMITS:
            around.append(stack)
        stack = inner
    return around, False


def held(app: Any) -> list[Any]:
    """The applications that an unknown one holds, as that of Socket.IO does in `other_asgi_app`; also in a
    list or a dictionary, as Cadwyn's router does with that of each version.
    """
    kinds = (Starlette, Router, StaticFiles)
    kept = own(app).values()
    inside = (thing for one in kept for thing in (*items(one), *options(one).values()))
    return list({id(thing): thing for thing in (*kept, *inside) if is_a(thing, *kinds)}.values())


def middleware_part(layer: Any, names: Names) -> Part:
    """A middleware that is there already: what it dispatches to, if it was made of a function."""
    dispatch = own(layer).get("dispatch_func")
    if is_a(dispatch, types.FunctionType):
        return Part(names.name(dispatch), "middleware", names.place(dispatch))
    cls = class_of(layer)
    return Part(names.name(cls), "middleware", names.place(cls))


def declared_part(middleware: Any, names: Names) -> Part:
    """A middleware as `add_middleware` keeps it. That of `@app.middleware("http")` is its function."""
    dispatch = options(value(middleware, "kwargs")).get("dispatch")
    shown = dispatch if callable(dispatch) else value(middleware, "cls")
    return Part(names.name(shown), "middleware", names.place(shown))


def replaced(thing: Any, *, routing: bool) -> Iterator[tuple[str, Any]]:
    """What a subclass, or the object itself, has instead of the framework's own: its name, and it.

    With `routing` what decides about routes, else what runs around them.
    """
    wanted = _ROUTING if routing else _AROUND
    if is_a(thing, Router):
        wanted = _ROUTING | {"__call__"} if routing else _AROUND - {"__call__"}
    classes = class_of(thing).__mro__
    known = {name for cls in classes if cls in _FRAMEWORK for name in vars(cls)}
    told: set[str] = set()
    for cls in classes:
        if cls in _FRAMEWORK:
            break
        for name, made in vars(cls).items():
            private = routing and name.startswith("_") and not name.startswith("__")
            if name not in told and (name in wanted or private) and name in known:
                told.add(name)
                yield f"{cls.__module__}:{cls.__qualname__}.{name}", made
    for name, made in own(thing).items():
        if name in wanted and name in _methods(classes) and name not in told:
            yield f"{class_name(thing)}.{name}", made


def around_parts(thing: Any, placement: str, names: Names) -> Iterator[Part]:
    """What runs around the routes of `thing` because it was replaced."""
    for name, made in replaced(thing, routing=False):
        shown = names.name(made) if is_a(made, types.FunctionType) else name
        yield Part(shown, placement, names.place(made))


def around_handler(app: Any, names: Names) -> Iterator[Part]:
    """What was put around one route's handler."""
    around, inner = peeled(app)
    for layer in around:
        yield middleware_part(layer, names)
    if is_a(inner, types.FunctionType) and not (text(inner, "__module__") or "").startswith(_PLUMBING):
        yield Part(names.name(inner), "decorator", names.place(inner))


def _methods(classes: tuple[type[Any], ...]) -> set[str]:
    """The methods of the framework's classes: an object that holds one of that name has replaced it."""
    return {
        name
        for cls in classes
        if cls in _FRAMEWORK
        for name, made in vars(cls).items()
        if is_a(made, types.FunctionType)
    }
