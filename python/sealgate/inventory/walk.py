"""The walk through a live application: every way in, mounts and included routers entered.

Nothing is called that serves requests. What is not understood is found all the same, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from sealgate.asgi import GateLayer
from sealgate.inventory import endpoints, frameworks, layers, trees
from sealgate.inventory.attributes import class_of, is_a, items, options, said, text, value
from sealgate.inventory.document import Note, Part, Place
from sealgate.inventory.found import Below, Found, Seen, View
from sealgate.inventory.gates import installed, view_of
from sealgate.inventory.names import Names, bare, class_name
from sealgate.mcp import Mounted
from sealgate.requirements import Asked, asked_by
from sealgate.understood import (
    documents,
    entered,
    included_as_written,
    is_bare,
    matches_as_written,
    not_found_as_written,
    router_of,
    routes_as_written,
)

_DEEPEST_MOUNT = 64
_DEEPEST_FOR_GATES = 16
_MOST_ROUTES = 100_000


class Walk:
    """One reading of an application."""

    def __init__(self, names: Names) -> None:
        """Starts with nothing."""
        self.names = names
        self.found: list[Found] = []
        self.notes: list[Note] = []
        self.middleware: list[Part] = []
        """What runs around the whole application, outermost first."""
        self._is_full = False
        self.root: Starlette | None = None
        """The application itself, behind what was wrapped around it."""

    def run(self, app: Any) -> None:
        """Reads the application."""
        around, inner = layers.peeled(app)
        self.middleware += [layers.middleware_part(layer, self.names) for layer in around]
        below = Below(views=_layers(around))
        if is_a(inner, Starlette):
            self.root = inner
            self.middleware += self._middleware(inner)
            self._starlette(inner, below)
        else:
            self._inside(inner, below)

    def _app(self, app: Any, below: Below) -> None:
        """Enters what is mounted."""
        around, inner = layers.peeled(app)
        if around:
            parts = tuple(layers.middleware_part(layer, self.names) for layer in around)
            below = below.with_parts(parts)
            below = replace(below, views=below.views + _layers(around, len(below.prefix)))
        if is_a(inner, Starlette):
            below = below.with_parts(tuple(self._middleware(inner)))
            self._starlette(inner, below)
        else:
            self._inside(inner, below)

    def _middleware(self, app: Starlette) -> Iterator[Part]:
        yield from layers.around_parts(app, "middleware", self.names)
        for middleware in app.user_middleware:
            yield layers.declared_part(middleware, self.names)
        self._handlers(app)

    def _starlette(self, app: Starlette, below: Below) -> None:
        below = replace(below, views=below.views + tuple(installed(app, len(below.prefix))))
        self._replaced(app, below)
        overrides = options(value(app, "dependency_overrides"))
        for call, instead in overrides.items():
            names = (self.names.name(call), self.names.name(instead))
            self._note(f"dependency_overrides has {names[1]} run instead of {names[0]}", instead)
        of_app = frozenset(id(depends) for depends in items(value(app.router, "dependencies")))
        self._enter(app, app.router, replace(below, overrides=overrides, of_app=of_app))

    def _inside(self, app: Any, below: Below) -> None:
        """Enters what is no application with middleware of its own."""
        if is_a(app, Router):
            self._enter(app, app, below)
        elif is_a(app, StaticFiles):
            problem = None if type(app) is StaticFiles else "not judged yet"
            self._add(below, "static", problem=problem, endpoint=class_of(app), subtree=True)
        else:
            name = self.names.name(app)
            self._unknown(below, app, f"{name} is an application that is not understood")
            inner = layers.held(app)
            part = Part(name, "middleware", self.names.place(app))
            for one in inner:
                self._app(one, below.with_parts((part,)))

    def _enter(self, app: Any, router: Router, below: Below) -> None:
        if id(app) in below.inside:
            self._unread(below, app, "it is mounted inside itself")
        elif below.depth > _DEEPEST_MOUNT:
            self._unknown(below, app, f"it is more than {_DEEPEST_MOUNT} mounts deep")
        else:
            if below.depth > _DEEPEST_FOR_GATES:
                below = below.blind()
            below = replace(below, inside=below.inside | {id(app)}, depth=below.depth + 1)
            self._guarded(partial(self._router, router, below), below, router)

    def _router(self, router: Router, below: Below) -> None:
        around, inner = layers.peeled_stack(router)
        below = below.with_parts(tuple(layers.middleware_part(layer, self.names) for layer in around))
        if not inner:
            self._unknown(below, router, "what stands around its router is not understood")
        below = below.with_parts(tuple(layers.around_parts(router, "middleware", self.names)))
        routing = self._replaced(router, below)
        for one in layers.held(router) if routing else ():
            self._app(one, below.with_parts(routing))
        if not routes_as_written(router):
            below = below.blind()
        for route in list(router.routes):
            below = self._guarded(partial(self._route, route, below), below, route)
        self._guarded(partial(self._frontends, router, below), below, router)
        if not not_found_as_written(router):
            default = value(router, "default")
            self._add(
                replace(below, prefix=f"{below.prefix}/{{path:path}}").blind(),
                "http",
                endpoint=default,
                subtree=True,
            )

    def _replaced(self, thing: Starlette | Router, below: Below) -> tuple[Part, ...]:
        """What was replaced of that which decides where requests go: there may be more ways in."""
        parts = tuple(
            Part(name, "middleware", self.names.place(made))
            for name, made in layers.replaced(thing, routing=True)
        )
        if parts:
            names = " and ".join(part.name for part in parts)
            decide = "decides" if len(parts) == 1 else "decide"
            self._unknown(below, thing, f"{names} {decide} where requests go, not the framework")
        return parts

    def _guarded(self, read: Callable[[], Below | None], below: Below, thing: Any) -> Below:
        """Whatever a route does when it is looked at, it is found."""
        if len(self.found) >= _MOST_ROUTES:
            if not self._is_full:
                self._is_full = True
                self._unread(
                    Below(), thing, f"there are more than {_MOST_ROUTES} ways in: the rest was not read"
                )
            return below
        try:
            return read() or below
        except Exception as error:
            where = replace(below, prefix=below.prefix + (text(thing, "path") or ""))
            self._unread(where, thing, f"{class_name(thing)} could not be read: {said(error)}")
            return below

    def _route(self, route: BaseRoute, below: Below) -> Below:
        """Reads one route; where the gate does not look past it, what comes after it is unmarked."""
        told = frameworks.shown(route)
        direct = len(told) == 1 and told[0].direct
        if not direct:
            for router in frameworks.included(route):
                around, _ = layers.peeled_stack(router)
                self._replaced(router, below.blind())
                parts = [layers.middleware_part(layer, self.names) for layer in around]
                below = below.with_parts((*parts, *layers.around_parts(router, "middleware", self.names)))
            if not included_as_written(route):
                below = below.blind()
        for one in told:
            closed = not (direct or matches_as_written(one.original))
            if closed:
                below = below.blind()
            self._guarded(partial(self._one, one, below), below, one.effective)
        return below

    def _one(self, shown: frameworks.Shown, below: Below) -> None:
        effective, original = shown.effective, shown.original
        if is_a(original, Mount):
            self._mount(effective, original, below)
        elif is_a(original, Host):
            self._host(effective, original, below if shown.direct else below.blind())
        elif is_a(original, WebSocketRoute):
            self._handler("websocket", (), effective, original, below)
        elif is_a(original, Route):
            kind = "docs" if documents(original) else "http"
            methods = endpoints.methods(effective, value(original, "endpoint"))
            self._handler(kind, methods, effective, original, below)
        else:
            reason = f"{class_name(original)} is a kind of route that is not understood"
            path = text(effective, "path") or ""
            self._unknown(replace(below, prefix=below.prefix + path).blind(), original, reason)

    def _handler(
        self, kind: str, methods: tuple[str, ...], effective: Any, original: Any, below: Below
    ) -> None:
        path = text(effective, "path")
        if path is None:
            raise TypeError("its path is no text")
        problem = None
        if not matches_as_written(original):
            problem = f"{class_name(original)} decides itself which requests it takes"
        endpoint = value(effective, "endpoint") or value(original, "endpoint")
        dependant = frameworks.dependant(effective)
        listed = frameworks.listed(effective)
        try:
            found = trees.nodes(dependant, below.of_app, listed, below.overrides)
        except trees.TreeError as error:
            found, problem = [], str(error)
        app = value(effective, "app")
        parts = [
            *layers.around_parts(original, "decorator", self.names),
            *layers.around_handler(app, self.names),
            *trees.parts(found, self.names),
        ]
        for name, place in self.names.wrappers(endpoint):
            parts.append(Part(name, "decorator", place))
        door = endpoint if is_a(endpoint, Mounted) else None
        if problem is None and door is None and not endpoints.is_handler(endpoint):
            problem = f"{self.names.name(endpoint)} is an application that is not understood"
        asked = [_asked(door, dependant, view) for view in below.views]
        docs = kind == "docs"
        seen = tuple(Seen(view, one, docs) for view, one in zip(below.views, asked, strict=True))
        self._add(
            replace(below, prefix=below.prefix + path, parts=below.parts + tuple(parts)),
            kind,
            methods=methods,
            endpoint=endpoint,
            problem=problem,
            seen=seen,
            nodes=tuple(found),
            door=door,
        )

    def _mount(self, effective: Any, mount: Mount, below: Below) -> None:
        path = text(effective, "path")
        if path is None:
            raise TypeError("its path is no text")
        below = replace(below, prefix=below.prefix + path)
        self._mounted(mount, value(effective, "app") or mount.app, below)

    def _host(self, effective: Any, host: Host, below: Below) -> None:
        self._note(f"routes of the host {host.host} are told by their paths alone")
        self._mounted(host, value(effective, "app") or host.app, below)

    def _mounted(self, mount: Mount | Host, app: Any, below: Below) -> None:
        parts = tuple(layers.around_parts(mount, "middleware", self.names))
        below = below.with_parts(parts)
        if entered(mount) is not mount.app or any(layers.replaced(mount, routing=True)):
            self._unknown(below.blind(), mount, f"{class_name(mount)} decides itself what it hands on")
            below = below.blind()
        if router_of(mount.app) is None or not is_bare(mount.app):
            below = below.blind()
        self._app(app, below)

    def _frontends(self, router: Router, below: Below) -> None:
        told = frameworks.frontends(router)
        if told is None:
            reason = "this FastAPI does not show the frontends that it serves"
            self._unknown(below.blind(), router, reason)
            return
        every = [
            [asked_by(frameworks.dependant(one.group), view.marks) for one in told] for view in below.views
        ]
        for number, one in enumerate(told):
            dependant = frameworks.dependant(one.group)
            found = trees.nodes(dependant, below.of_app, frameworks.listed(one.group), below.overrides)
            # The gate lets somebody in as the marks say where all frontends that may serve agree.
            seen = tuple(
                Seen(view, asked[number] if view.understands and all(a == asked[0] for a in asked) else None)
                for view, asked in zip(below.views, every, strict=True)
            )
            self._add(
                replace(
                    below,
                    prefix=below.prefix + one.path,
                    parts=below.parts + tuple(trees.parts(found, self.names)),
                ),
                "frontend",
                methods=("GET", "HEAD"),
                endpoint=None,
                seen=seen,
                nodes=tuple(found),
                subtree=True,
            )

    def _unread(self, below: Below, thing: Any, reason: str) -> None:
        """What could be open for all that is known: a gate may understand it, and find a mark there."""
        self._unknown(replace(below, views=()), thing, reason)

    def _unknown(self, below: Below, thing: Any, reason: str) -> None:
        self._add(below, "mount", endpoint=thing, problem=reason, subtree=True)

    def _add(
        self,
        below: Below,
        kind: str,
        *,
        endpoint: Any,
        methods: tuple[str, ...] = (),
        problem: str | None = None,
        seen: tuple[Seen, ...] | None = None,
        nodes: tuple[trees.Node, ...] = (),
        subtree: bool = False,
        door: Mounted | None = None,
    ) -> None:
        name, place = self._told(endpoint)
        if seen is None:
            seen = tuple(Seen(view, None) for view in below.views)
        self.found.append(
            Found(below.prefix, methods, kind, name, place, below.parts, seen, nodes, problem, subtree, door)
        )

    def _told(self, endpoint: Any) -> tuple[str | None, Place | None]:
        """The name and place of what serves; of an object that is no function, those of its class."""
        endpoint = bare(endpoint)
        if endpoint is None:
            return None, None
        is_shown = text(endpoint, "__qualname__") is not None or hasattr(class_of(endpoint), "__call__")  # noqa: B004
        shown = (
            endpoint if is_shown and not is_a(endpoint, BaseRoute, Router, Starlette) else class_of(endpoint)
        )
        return self.names.name(shown), self.names.place(shown)

    def _handlers(self, app: Starlette) -> None:
        for kind, handler in app.exception_handlers.items():
            module = text(bare(handler), "__module__") or ""
            if not module.startswith(("fastapi.", "starlette.", "sealgate.")):
                kinds: Any = kind
                what = kinds.__name__ if isinstance(kinds, type) else str(kinds)
                if what in _DENIALS:
                    self._note(f"{self.names.name(handler)} answers for {what}", handler)

    def _note(self, words: str, thing: Any = None) -> None:
        self.notes.append(Note(words, None if thing is None else self.names.place(thing)))


_DENIALS = frozenset({"401", "403", "500", "HTTPException", "Exception"})
"""Handlers of these may turn a denial into something else."""


def _asked(door: Mounted | None, dependant: Any, view: View) -> Asked | None:
    """What a gate reads from a route, if it looks at it. A door is a mark of the gate's that mounted it."""
    if not view.understands:
        return None
    if door is not None and door.marks is view.marks:
        return Asked(need=door.need)
    return asked_by(dependant, view.marks)


def _layers(around: list[Any], prefix: int = 0) -> tuple[View, ...]:
    views = (view_of(layer, prefix) for layer in around if is_a(layer, GateLayer))
    return tuple(view for view in views if view is not None)
