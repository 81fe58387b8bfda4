"""The route table: tells what an incoming request will reach before the application routes it.

Each route is asked by its own public `matches(scope)`, in the application's order; mounts and FastAPI's
included routers are entered. Whatever is not understood counts as unmarked, which is closed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi.routing import APIRoute, APIRouter, APIWebSocketRoute
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute

from sealgate.dependencies import Marks
from sealgate.public_paths import PublicPaths, route_path
from sealgate.requirements import Asked, asked_by

try:  # FastAPI 0.137.2 and later, where included routers are routes of their own.
    from fastapi.routing import iter_route_contexts
except ImportError:  # Before, including a router copied its routes: each is its own context.
    iter_route_contexts = None  # type: ignore[assignment]

Scope = MutableMapping[str, Any]

_log = logging.getLogger("sealgate")

_CACHED_TARGETS = 4096
_CACHED_PATH_LENGTH = 256
_DEEPEST_MOUNT = 16


@dataclass(frozen=True, slots=True)
class Target:
    """What a request will reach."""

    number: int
    """The core's number of the requirement."""
    public: bool = False
    """Whether that requirement is "everybody"."""
    endpoint: object = None
    """What routing will put in `scope["endpoint"]`."""
    route: object = None
    """The FastAPI route that routing will put in `scope["route"]`, when it is one."""
    verified: bool = True
    """Whether `endpoint` and `route` must come true: not when a path is public whatever serves it."""

    def came_true(self, scope: Scope) -> bool:
        """Whether routing put into `scope` what was foretold."""
        if not self.verified:
            return True
        if scope.get("endpoint") is not self.endpoint:
            return False
        return self.route is None or scope.get("route") is self.route


@dataclass(frozen=True, slots=True)
class _Entry:
    """One way into an application, as its router will try it."""

    matches: Callable[[Scope], tuple[Match, Scope]]
    target: Target
    asked: Asked
    label: str
    app: Any = None
    """The application behind a mount."""
    steady: bool = True
    """Whether `matches` reads nothing but kind, method and path."""
    plain: bool = True
    """Whether a match of the path with another method is answered 405 without running anything."""


class RouteTable:
    """The routes of one application, and what each asks for."""

    def __init__(self, app: Starlette, marks: Marks, public_paths: PublicPaths) -> None:
        """Takes the application that the gate is installed on."""
        self._app = app
        self._marks = marks
        self._public_paths = public_paths
        self._unmarked = Target(marks.core.UNMARKED, verified=False)
        self._entries: dict[int, list[_Entry]] = {}
        self._top: list[BaseRoute] | None = None
        self._lists: list[list[BaseRoute]] = []
        self._stamp = -1
        self._cache: dict[tuple[str, str, str, str], Target] = {}

    def find(self, scope: Scope) -> Target:
        """What the request in `scope` will reach. Anything not understood is unmarked."""
        if self._changed():
            self._forget()
        key = (scope["type"], scope.get("method", ""), scope.get("root_path", ""), scope["path"])
        target = self._cache.get(key)
        if target is not None:
            return target
        try:
            target, steady = _Walk(self, scope).run()
        except Exception:
            # A route that cannot even be asked, for instance a convertor that refuses a number.
            _log.warning("a route could not be asked whether it matches", exc_info=True)
            return self._unmarked
        if steady and len(key[3]) <= _CACHED_PATH_LENGTH and not self._changed():
            if len(self._cache) >= _CACHED_TARGETS:
                self._cache.clear()
            self._cache[key] = target
        return target

    def contradictions(self) -> list[str]:
        """The routes that are marked public and also ask for a user, in words."""
        return sorted({entry.label for entry in self._every_entry() if entry.asked.contradictory})

    def _every_entry(self) -> Iterator[_Entry]:
        waiting: list[tuple[Any, int]] = [(self._app, 0)]
        while waiting:
            router = router_of(waiting[-1][0])
            depth = waiting.pop()[1]
            if router is not None and depth <= _DEEPEST_MOUNT:
                for entry in self.entries(router):
                    yield entry
                    waiting.append((entry.app, depth + 1))

    def entries(self, router: Router) -> list[_Entry]:
        """The ways in that `router` tries, in order."""
        entries = self._entries.get(id(router))
        if entries is None:
            entries = [entry for route in router.routes for entry in self._read(route)]
            self._watch(router.routes)
            self._entries[id(router)] = entries
        return entries

    def _changed(self) -> bool:
        # Routes are lists that grow: their lengths together tell that one was added anywhere.
        if self._top is not self._app.router.routes:
            return True
        return self._stamp != sum(map(len, self._lists)) + len(self._public_paths)

    def _forget(self) -> None:
        self._entries.clear()
        self._cache.clear()
        self._lists.clear()
        self._top = self._app.router.routes
        self.entries(self._app.router)
        self._stamp = sum(map(len, self._lists)) + len(self._public_paths)

    def _watch(self, routes: list[BaseRoute]) -> None:
        self._lists.append(routes)
        for route in routes:
            included = getattr(route, "original_router", None)
            if isinstance(included, Router):
                self._watch(included.routes)
        if self._stamp >= 0:
            self._stamp = sum(map(len, self._lists)) + len(self._public_paths)

    def _read(self, route: BaseRoute) -> Iterator[_Entry]:
        if iter_route_contexts is None:
            yield self._read_route(route, route, True)
            return
        contexts = list(iter_route_contexts([route]))
        if len(contexts) == 1 and contexts[0].route is route:
            yield self._read_route(route, route, True)
            return
        for context in contexts:
            yield self._read_route(context, context.original_route, False)

    def _read_route(self, effective: Any, original: BaseRoute, direct: bool) -> _Entry:
        """Reads one route: `effective` is it with its include's prefix and dependencies."""
        matches: Callable[[Scope], tuple[Match, Scope]] | None = getattr(effective, "matches", None)
        label = f"{_methods(effective)} {getattr(effective, 'path', None) or repr(original)}"
        if matches is None or not (direct or _matches_as_written(original)):
            # Nothing can be told about it, nor about routes after it.
            return _Entry(_may_match, self._unmarked, Asked(), label, steady=False, plain=False)
        if isinstance(original, Mount):
            return _Entry(matches, self._unmarked, Asked(), label, app=_mounted(original))
        if isinstance(original, Host) and direct:
            return _Entry(matches, self._unmarked, Asked(), label, app=original.app, steady=False)
        if not isinstance(original, Route | WebSocketRoute):
            return _Entry(matches, self._unmarked, Asked(), label, steady=False, plain=False)
        asked = asked_by(_dependant(effective), self._marks)
        shown = original if isinstance(original, APIRoute) or (direct and _is_api_socket(original)) else None
        target = Target(asked.number(self._marks), public=asked.public, route=shown)
        steady = _matches_as_written(original)
        plain = type(original).handle in _KNOWN_HANDLES
        return _Entry(matches, target, asked, label, steady=steady, plain=plain)

    def public_path(self, path: str) -> Target | None:
        """The target of a path that was declared public, if it was."""
        reason = self._public_paths.reason(path)
        if reason is None:
            return None
        number = self._marks.core.require_public(reason)
        return Target(number, public=True, verified=False)

    def frontend(self, router: Router, scope: Scope) -> Target | None:
        """What `app.frontend()` serves at the request's path; `None` when it serves nothing there.

        Frontends are tried after all routes and no public function lists them. Where FastAPI has them
        and they cannot be listed, one may be there: that is unmarked.
        """
        if not hasattr(router, "frontend"):
            return None
        candidates = getattr(router, "_iter_low_priority_routes", None)
        if not callable(candidates):
            return self._unmarked
        found: list[Asked] = []
        listed: Any = candidates()
        for candidate in listed:
            if candidate.matches(dict(scope))[0] is not Match.NONE:
                found.append(asked_by(getattr(candidate, "dependant", None), self._marks))
        if not found:
            return None
        # The most specific one will serve it. Rather than guess which, all of them must agree.
        first = found[0]
        if all(asked == first for asked in found):
            return Target(first.number(self._marks), public=first.public, endpoint=scope.get("endpoint"))
        return self._unmarked

    def nothing(self, endpoint: object) -> Target:
        """The target of a request that reaches no handler: the application answers 404 or 405."""
        number = self._marks.core.require_public("no route is there")
        return Target(number, public=True, endpoint=endpoint)

    @property
    def unmarked(self) -> Target:
        """The target of whatever nobody marked."""
        return self._unmarked

    @property
    def app(self) -> Starlette:
        """The application that the gate is installed on."""
        return self._app


class _Walk:
    """One request on its way down through routers and mounts."""

    def __init__(self, table: RouteTable, scope: Scope) -> None:
        self._table = table
        self._scope = dict(scope)
        self._steady = True

    def run(self) -> tuple[Target, bool]:
        """The target, and whether it holds for every request of this kind, method and path."""
        target = self._through(self._table.app.router, self._scope, 0)
        if target.number == self._table.unmarked.number:
            target = self._table.public_path(route_path(self._scope)) or target
        return target, self._steady

    def _through(self, router: Router, scope: Scope, depth: int) -> Target:
        entries = self._table.entries(router)
        partial: tuple[_Entry, Scope] | None = None
        for entry in entries:
            self._steady = self._steady and entry.steady
            match, child = entry.matches(scope)
            if match is Match.FULL:
                return self._enter(entry, scope, child, depth)
            if match is Match.PARTIAL and partial is None:
                partial = entry, child
        if partial is not None:
            entry, child = partial
            return self._table.nothing(child.get("endpoint")) if entry.plain else self._table.unmarked
        # From here on nothing is remembered: unknown paths are endless.
        self._steady = False
        return (
            self._slash_redirect(router, scope, depth)
            or self._table.frontend(router, scope)
            or self._unknown(router, scope)
        )

    def _enter(self, entry: _Entry, scope: Scope, child: Scope, depth: int) -> Target:
        if entry.app is None:
            return replace(entry.target, endpoint=child.get("endpoint"))
        router = router_of(entry.app)
        if router is None or depth >= _DEEPEST_MOUNT:
            return self._table.unmarked
        inner = {**scope, **child}
        root_path = getattr(entry.app, "root_path", "")
        if root_path:  # FastAPI(root_path=...) replaces the mount's own.
            inner["root_path"] = root_path
        return self._through(router, inner, depth + 1)

    def _slash_redirect(self, router: Router, scope: Scope, depth: int) -> Target | None:
        """A router redirects to the path with, or without, its last slash, if a route is there. The
        redirect tells that it is, so it asks for what the route asks for.
        """
        path = route_path(scope)
        if scope["type"] != "http" or not router.redirect_slashes or path == "/":
            return None
        whole: str = scope["path"]
        moved = {**scope, "path": whole.rstrip("/") if path.endswith("/") else whole + "/"}
        for entry in self._table.entries(router):
            match, child = entry.matches(moved)
            if match is Match.NONE:
                continue
            found = (
                self._table.unmarked if match is Match.PARTIAL else self._enter(entry, moved, child, depth)
            )
            if found.number == self._table.unmarked.number:
                top = {"path": moved["path"], "root_path": self._scope.get("root_path", "")}
                found = self._table.public_path(route_path(top)) or found
            return replace(found, endpoint=scope.get("endpoint"), route=None)
        return None

    def _unknown(self, router: Router, scope: Scope) -> Target:
        if type(router).not_found is Router.not_found and router.default == router.not_found:
            return self._table.nothing(scope.get("endpoint"))
        return self._table.unmarked


_KNOWN_MATCHES = {
    Route.matches,
    WebSocketRoute.matches,
    Mount.matches,
    Host.matches,
    APIRoute.matches,
    APIWebSocketRoute.matches,
}
_KNOWN_HANDLES = {Route.handle, WebSocketRoute.handle, APIRoute.handle, APIWebSocketRoute.handle}
_KNOWN_ROUTERS = {Router.app, APIRouter.app}


def router_of(app: Any) -> Router | None:
    """The router of an application whose routing is understood, else `None`."""
    router = app.router if isinstance(app, Starlette) else app
    if not isinstance(router, Router) or type(router).app not in _KNOWN_ROUTERS:
        return None
    # Middleware of a router's own may move the request elsewhere.
    return router if router.middleware_stack == router.app else None


def _matches_as_written(route: BaseRoute) -> bool:
    return type(route).matches in _KNOWN_MATCHES


def _dependant(effective: Any) -> Any:
    """The tree of dependencies of a route, or `None`. FastAPI 0.137.2 shows that of an included socket
    only on the route that it made for the include.
    """
    made_for_include = getattr(effective, "starlette_route", None)
    return getattr(effective, "dependant", None) or getattr(made_for_include, "dependant", None)


def _is_api_socket(route: BaseRoute) -> bool:
    return isinstance(route, APIWebSocketRoute)


def _may_match(_scope: Scope) -> tuple[Match, Scope]:
    return Match.FULL, {}


def _mounted(mount: Mount) -> Any:
    """What is mounted. With middleware around it, or a `handle` of its own, it could be anything."""
    return mount.app if type(mount).handle is Mount.handle else object()


def _methods(route: Any) -> str:
    methods = getattr(route, "methods", None)
    return "/".join(sorted(methods)) if methods else "ANY"
