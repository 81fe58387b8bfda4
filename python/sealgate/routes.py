"""The route table: tells what an incoming request will reach before the application routes it.

Each route is asked by its own public `matches(scope)`, in the application's order; mounts and FastAPI's
included routers are entered. Whatever is not understood counts as unmarked, which is closed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute

from sealgate._core import Pins
from sealgate._place import of_endpoint
from sealgate.dependencies import REFUSED_KEY, Marks
from sealgate.interlock import guard
from sealgate.mcp import Mounted
from sealgate.public_paths import PublicPaths, route_path
from sealgate.requirements import Asked, asked_by
from sealgate.reviewed import Way
from sealgate.shadows import shadowed
from sealgate.slashes import slash_redirect
from sealgate.targets import Target, public_target
from sealgate.understood import (
    documents,
    entered,
    handles_as_written,
    included_as_written,
    matches_as_written,
    not_found_as_written,
    router_of,
    routes_as_written,
)

if TYPE_CHECKING:
    from sealgate._core import Core
    from sealgate.actors import Actor
    from sealgate.reviewed import Closed, Reviewed

try:  # FastAPI 0.137.2 and later, where included routers are routes of their own.
    from fastapi.routing import iter_route_contexts
except ImportError:  # Before, including a router copied its routes: each is its own context.
    iter_route_contexts = None  # type: ignore[assignment]

Scope = MutableMapping[str, Any]

_log = logging.getLogger("sealgate")

_CACHED_TARGETS = 4096
_CACHED_LETTERS = 256
"""Of method, path and all, in one cache entry: strangers choose them, up to what a server lets through."""
_DEEPEST_MOUNT = 16

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ANY_ACTOR = ["user", "machine", "agent"]


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
    endpoint: Any = None
    """What serves it, to say where it is written."""
    path: str | None = None
    """Its path below that of its router, if it shows one."""
    way: frozenset[str] | None = None
    """Its methods as a lock file has them, where the routes are held to one."""
    methods: str | None = None
    """The same in one text, where it asks for somebody."""

    def __str__(self) -> str:
        """The route in words, with the file and line of what serves it."""
        place = of_endpoint(self.endpoint)
        return f"{self.label} ({place})" if place else self.label


class RouteTable:
    """The routes of one application, and what each asks for."""

    def __init__(self, app: Starlette, marks: Marks, public_paths: PublicPaths) -> None:
        """Takes the application that the gate is installed on."""
        self._app = app
        self._marks = marks
        self._public_paths = public_paths
        self._unmarked = Target(marks.core.UNMARKED, verified=False)
        self._entries: dict[int, list[_Entry]] = {}
        self.pins: Pins | None = None
        """What all of this was read from. Whether it is still there is asked before any of it counts."""
        self.known: dict[tuple[str, str, str, str], Target] = {}
        """What requests reach that ask for somebody, as `admit_known` looks it up."""
        self._read_from: list[tuple[object, str, object]] = []
        self._watched: set[int] = set()
        self._mounts: list[Mount | Host] = []
        self._cache: dict[tuple[str, str, str, str], Target] = {}
        self._docs_told = False
        self._is_guarded = False
        self._review: Reviewed | None = None
        self._not_reviewed: Closed | None = None
        self.on_change: Callable[[], None] | None = None
        """Whom to tell that the routes were read anew."""

    def hold_to(self, review: Reviewed) -> None:
        """From now on the routes have to be as they were reviewed. Those that are not are closed."""
        self._review = review
        self._forget()

    def reviewed(self, target: Target, prefix: str, entry: _Entry) -> Target:
        """`target`, which is reached by a way in below `prefix`, or what nobody may reach: when it is not as
        it was reviewed. Of what is not understood nothing below it may be otherwise.
        """
        if self._not_reviewed is None:
            return target
        path = f"{prefix}{entry.path or ''}"
        is_open = entry.way is None and not self._not_reviewed.reaches(path)
        if is_open or (entry.way is not None and not self._not_reviewed.has(Way(entry.way, path))):
            return target
        return self._unreviewed(target.template)

    def named(self, target: Target, prefix: str, entry: _Entry) -> Target:
        """`target` with the name that policies have for the route, by which they judge its actions."""
        if entry.methods is None:
            return target
        name = f"{entry.methods} {prefix}{entry.path or ''}"
        need = entry.asked.need
        number = target.number if need is None or not need.actions else entry.asked.number(self._marks, name)
        return replace(target, name=name, number=number)

    def _unreviewed(self, template: str | None) -> Target:
        return Target(self._marks.core.UNREVIEWED, verified=False, template=template)

    def guard(self) -> None:
        """From now on the application's router has a door, whichever router it is given."""
        self._is_guarded = True
        guard(self._app.router, self)

    def find(self, scope: Scope) -> Target:
        """What the request in `scope` will reach. Anything not understood is unmarked."""
        if not self._read_from or self._changed():
            self._forget()
        key = (scope["type"], scope.get("method", ""), scope.get("root_path", ""), scope["path"])
        return self._cache.get(key) or self._walk(scope, key)

    def _walk(self, scope: Scope, key: tuple[str, str, str, str]) -> Target:
        try:
            target, steady = _Walk(self, scope).run()
        except Exception:
            # A route that cannot even be asked, for instance a convertor that refuses a number.
            _log.warning("a route could not be asked whether it matches", exc_info=True)
            return self._unmarked
        if steady and sum(map(len, key)) <= _CACHED_LETTERS and not self._changed():
            if len(self._cache) >= _CACHED_TARGETS:
                self._cache.clear()
                self.known.clear()
            self._cache[key] = target
            if not target.public and target.redirect is None:
                self.known[key] = target
        return target

    def stands(self, scope: Scope, target: Target, actor: Actor | None) -> bool:
        """Whether what was decided about `target` holds for what routing reached instead: whatever that asks
        for, `actor` meets it. What is not in the table counts as unmarked. What asked for nothing has to come
        true to the letter.
        """
        if target.came_true(scope) or REFUSED_KEY in scope:
            return True
        if target.public:
            return False
        if not self._read_from or self._changed():
            self._forget()
        endpoint, route = scope.get("endpoint"), scope.get("route")
        here = [entry.target for entry in self._every_entry() if entry.endpoint is endpoint]
        if endpoint is None:
            here = []
        here = [reached for reached in here if reached.route is route] or here or [self._unmarked]
        core = self._marks.core
        return all(core.refusal(actor, reached.number) is None for reached in here)

    def is_open(self, target: Target) -> bool:
        """Whether everybody is let in there. Paths that lead nowhere may be kept from strangers."""
        return target.public and target.number != self._hidden()

    def _hidden(self) -> int | None:
        core = self._marks.core
        return core.require(_ANY_ACTOR) if core.hide_unknown_paths else None

    def contradictions(self) -> list[str]:
        """The routes whose marks cannot stand together, in words."""
        return sorted(
            {f"{entry} {wrong}" for entry in self._every_entry() if (wrong := entry.asked.contradiction)}
        )

    def closed_route(self) -> str | None:
        """A route of the application's own that is not open to everybody, in words."""
        own = (entry for entry in self._every_entry() if entry.target.route is not None)
        closed = (entry for entry in own if not entry.target.public)
        return next(map(str, closed), None)

    def shadowed(self) -> list[str]:
        """Gated routes that no request reaches, and the public ones that take their requests, in words."""
        routers = [self._app.router, *(router_of(mounted) for mounted in self.mounted())]
        known = [router for router in routers if router is not None]
        pairs = (pair for router in known for pair in shadowed(self.entries(router)))
        return [
            f"{hidden} is never reached: {first} stands before it, and is public" for hidden, first in pairs
        ]

    def asked(self) -> list[Asked]:
        """What each of the ways in asks for."""
        return [entry.asked for entry in self._every_entry()]

    def mounted(self) -> list[object]:
        """The applications inside this one, down to those that are not understood."""
        for _ in self._every_entry():
            pass  # Reading the ways in finds the mounts.
        return [mount.app for mount in self._mounts]

    def _every_entry(self) -> Iterator[_Entry]:
        waiting: list[tuple[Router | None, int]] = [(self._app.router, 0)]
        while waiting:
            router, depth = waiting.pop()
            if router is not None and depth <= _DEEPEST_MOUNT:
                for entry in self.entries(router):
                    yield entry
                    waiting.append((router_of(entry.app), depth + 1))

    def entries(self, router: Router) -> list[_Entry]:
        """The ways in that `router` tries, in order."""
        entries = self._entries.get(id(router))
        if entries is None:
            self._watch(router)
            entries = [entry for route in router.routes for entry in self._read(route)]
            self._entries[id(router)] = entries
        return entries

    def _changed(self) -> bool:
        """Whether a route was added, removed or replaced anywhere. Every request asks."""
        pins = self.pins
        if pins is None:
            pins = self.pins = Pins(self._read_from)
        return not pins.hold()

    def _forget(self) -> None:
        self._entries.clear()
        self._cache.clear()
        self.known.clear()
        self._watched.clear()
        self._mounts.clear()
        self.pins = None
        if self._is_guarded:
            # Whatever router the application has now: before it is read, so that what is read holds.
            guard(self._app.router, self)
        self._read_from = [
            (self._app, "router", self._app.router),
            (self._public_paths, "changes", self._public_paths.changes),
        ]
        self.entries(self._app.router)
        if self._review is not None:
            self._not_reviewed = self._review.look()
        if self.on_change is not None:
            self.on_change()

    def _relies_on(self, *attributes: tuple[object, str, object]) -> None:
        """What is cached counts as long as these are the very values; of a list, the very items."""
        self._read_from.extend(attributes)
        self.pins = None

    def _watch(self, router: Router) -> None:
        if id(router) in self._watched:
            return
        self._watched.add(id(router))
        routes = list(router.routes)
        stack = router.middleware_stack
        self._relies_on((router, "routes", routes), (router, "middleware_stack", stack))
        for route in routes:
            included = getattr(route, "original_router", None)
            if isinstance(included, Router):
                self._watch(included)

    def _read(self, route: BaseRoute) -> Iterator[_Entry]:
        if iter_route_contexts is None:
            yield self._read_route(route, route, True)
            return
        contexts = list(iter_route_contexts([route]))
        if len(contexts) == 1 and contexts[0].route is route:
            yield self._read_route(route, route, True)
            return
        if not included_as_written(route):
            yield self._closed(type(route).__name__)
            return
        for context in contexts:
            yield self._read_route(context, context.original_route, False)

    def _read_route(self, effective: Any, original: BaseRoute, direct: bool) -> _Entry:
        """Reads one route: `effective` is it with its include's prefix and dependencies."""
        matches: Callable[[Scope], tuple[Match, Scope]] | None = getattr(effective, "matches", None)
        path: str | None = getattr(effective, "path", None)
        label = f"{_methods(effective)} {path or repr(original)}"
        if matches is None or not (direct or matches_as_written(original)):
            return self._closed(label)
        steady = matches_as_written(original) and not isinstance(original, Host)
        if isinstance(original, Mount) or (isinstance(original, Host) and direct):
            self._mounts.append(original)
            self._relies_on(*_inside(original))
            if self._review is not None:
                self._watch_below(original.app, 0)
            inside = entered(original)
            return _Entry(matches, self._unmarked, Asked(), label, app=inside, steady=steady, path=path)
        if not isinstance(original, Route | WebSocketRoute):
            return _Entry(matches, self._unmarked, Asked(), label, steady=False, plain=False, path=path)
        if self._marks.core.docs_open and documents(original):
            page = self._open_page(matches, label, effective.path, steady)
            return replace(page, path=path, way=self._way(effective, original))
        door: Any = original.endpoint
        if isinstance(door, Mounted) and door.marks is self._marks and isinstance(original, Route):
            target = Target(door.number, template=path)
            way = self._way(effective, original)
            asked = Asked(need=door.need)
            return _Entry(matches, target, asked, label, steady=steady, endpoint=door, path=path, way=way)
        asked = asked_by(_dependant(effective), self._marks)
        if asked.need is not None and asked.need.stale_ok and not _only_reads(effective):
            asked.problem = asked.problem or 'says stale="allow", which is for GET, HEAD and OPTIONS alone'
        shown = original if isinstance(original, APIRoute) or (direct and _is_api_socket(original)) else None
        target = Target(asked.number(self._marks), public=asked.public, route=shown, template=path)
        plain = handles_as_written(original)
        endpoint = getattr(effective, "endpoint", None) or original.endpoint
        way = self._way(effective, original)
        methods = _methods_text(effective, original) if asked.user else None
        return _Entry(
            matches,
            target,
            asked,
            label,
            steady=steady,
            plain=plain,
            endpoint=endpoint,
            path=path,
            way=way,
            methods=methods,
        )

    def _way(self, effective: Any, original: BaseRoute) -> frozenset[str] | None:
        """The methods of a way in as a lock file has them."""
        if self._review is None:
            return None
        return self._review.methods(effective, original)

    def _watch_below(self, app: Any, depth: int) -> None:
        """Notices routes that are added below what is not understood, as far as they can be seen."""
        router = app.router if isinstance(app, Starlette) else app
        if isinstance(router, Router) and depth <= _DEEPEST_MOUNT:
            self._watch(router)
            for route in list(router.routes):
                if isinstance(route, Mount | Host):
                    self._watch_below(route.app, depth + 1)

    def _closed(self, label: str) -> _Entry:
        """A way in of which nothing can be told, nor of those after it."""
        return _Entry(_may_match, self._unmarked, Asked(), label, steady=False, plain=False)

    def _open_page(self, matches: Any, label: str, template: str, steady: bool) -> _Entry:
        """The way to a documentation page, where the settings open those to everybody."""
        if not self._docs_told:
            self._docs_told = True
            _log.warning(
                "the documentation pages are open to everybody, as is usual in development: "
                "SEALGATE_DOCS=closed closes them"
            )
        number = self._marks.core.require_public("the documentation pages are open")
        target = Target(number, public=True, template=template)
        return _Entry(matches, target, Asked(), label, steady=steady)

    def public_path(self, path: str) -> Target | None:
        """The target of a path that was declared public, if it was."""
        return public_target(self._marks, self._public_paths, path)

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
        if self._not_reviewed is not None and self._not_reviewed.frontends:
            return self._unreviewed(None)
        # The most specific one will serve it. Rather than guess which, all of them must agree.
        first = found[0]
        if all(asked == first for asked in found):
            return Target(first.number(self._marks), public=first.public, endpoint=scope.get("endpoint"))
        return self._unmarked

    def nothing(self, endpoint: object) -> Target:
        """The target of a request that reaches no handler: the application answers 404 or 405, if the
        settings say so to everybody.
        """
        hidden = self._hidden()
        number = self._marks.core.require_public("no route is there") if hidden is None else hidden
        return Target(number, public=True, endpoint=endpoint)

    @property
    def core(self) -> Core:
        """The gate's core."""
        return self._marks.core

    @property
    def unmarked(self) -> Target:
        """The target of whatever nobody marked."""
        return self._unmarked

    @property
    def app(self) -> Starlette:
        """The application that the gate is installed on."""
        return self._app

    @property
    def marks(self) -> Marks:
        """The gate's marks, by which its routes are read."""
        return self._marks

    @property
    def declared(self) -> PublicPaths:
        """The paths that were declared public."""
        return self._public_paths


class _Walk:
    """One request on its way down through routers and mounts."""

    def __init__(self, table: RouteTable, scope: Scope) -> None:
        self._table = table
        self._scope = dict(scope)
        self._steady = True

    def run(self) -> tuple[Target, bool]:
        """The target, and whether it holds for every request of this kind, method and path."""
        target = self._table.unmarked
        router = self._table.app.router
        if routes_as_written(router):
            target = self._through(router, self._scope, 0, "")
        if target.number == self._table.unmarked.number:
            target = self._table.public_path(route_path(self._scope)) or target
        return target, self._steady

    def _through(self, router: Router, scope: Scope, depth: int, prefix: str) -> Target:
        entries = self._table.entries(router)
        partial: tuple[_Entry, Scope] | None = None
        for entry in entries:
            self._steady = self._steady and entry.steady
            match, child = entry.matches(scope)
            if match is Match.FULL:
                return self._enter(entry, scope, child, depth, prefix)
            if match is Match.PARTIAL and partial is None:
                partial = entry, child
        if partial is not None:
            entry, child = partial
            return self._table.nothing(child.get("endpoint")) if entry.plain else self._table.unmarked
        # From here on nothing is remembered: unknown paths are endless.
        self._steady = False
        return (
            self._slash_redirect(router, scope, depth, prefix)
            or self._table.frontend(router, scope)
            or self._unknown(router, scope)
        )

    def _enter(self, entry: _Entry, scope: Scope, child: Scope, depth: int, prefix: str) -> Target:
        if entry.app is None:
            target = replace(entry.target, endpoint=child.get("endpoint"))
            return self._table.reviewed(self._table.named(target, prefix, entry), prefix, entry)
        router = router_of(entry.app)
        if router is None or depth >= _DEEPEST_MOUNT:
            return self._table.reviewed(self._table.unmarked, prefix, entry)
        inner = {**scope, **child}
        root_path = getattr(entry.app, "root_path", "")
        if root_path:  # FastAPI(root_path=...) replaces the mount's own.
            inner["root_path"] = root_path
        return self._through(router, inner, depth + 1, f"{prefix}{entry.path or ''}")

    def _slash_redirect(self, router: Router, scope: Scope, depth: int, prefix: str) -> Target | None:
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
                self._table.unmarked
                if match is Match.PARTIAL
                else self._enter(entry, moved, child, depth, prefix)
            )
            if found.number == self._table.unmarked.number:
                top = {"path": moved["path"], "root_path": self._scope.get("root_path", "")}
                found = self._table.public_path(route_path(top)) or found
            location = slash_redirect(whole, scope.get("query_string", b""))
            return replace(found, endpoint=scope.get("endpoint"), route=None, redirect=location)
        return None

    def _unknown(self, router: Router, scope: Scope) -> Target:
        if not_found_as_written(router):
            return self._table.nothing(scope.get("endpoint"))
        return self._table.unmarked


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


def _inside(mount: Mount | Host) -> list[tuple[object, str, object]]:
    """What makes a mounted application understood or not, to be compared later."""
    app: object = mount.app
    inside: list[tuple[object, str, object]] = [(mount, "app", app)]
    if isinstance(app, Starlette):
        names = ("router", "middleware_stack", "user_middleware")
        inside += [(app, name, getattr(app, name)) for name in names]
    return inside


def _only_reads(route: Any) -> bool:
    """Whether a route takes none but safe methods (RFC 9110, section 9.2.1), and opens no socket."""
    methods = frozenset[str](getattr(route, "methods", None) or ())
    return bool(methods) and methods <= _SAFE_METHODS


def _methods_text(effective: Any, original: BaseRoute) -> str:
    """The methods of a route as lock files write them: `HEAD` is not told beside `GET`."""
    if isinstance(original, WebSocketRoute):
        return "WEBSOCKET"
    # Imported here: the inventory reads gates, and this with them.
    from sealgate.inventory.endpoints import methods

    told = frozenset(methods(effective, getattr(original, "endpoint", None)))
    told = told - {"HEAD"} if "GET" in told else told
    return ",".join(sorted(told)) or "*"


def _methods(route: Any) -> str:
    methods = getattr(route, "methods", None)
    return "/".join(sorted(methods)) if methods else "ANY"
