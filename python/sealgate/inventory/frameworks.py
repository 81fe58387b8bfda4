"""What FastAPI shows of its routes, over its versions."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute, Router

from sealgate.inventory.attributes import items, text, value

_routing: Any = importlib.import_module("fastapi.routing")

contexts: Any = getattr(_routing, "iter_route_contexts", None)
"""FastAPI 0.137.2 and later, where included routers are routes of their own. Before, including a router
copied its routes.
"""


class UnreadableError(RuntimeError):
    """The installed FastAPI does not show its routes, so that nothing at all can be said of them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One route as it answers: with the prefix and the dependencies of what includes it."""

    effective: Any
    original: Any
    direct: bool
    """Whether it was included by nothing."""


def check() -> None:
    """Raises `UnreadableError` for FastAPI 0.137.0 and 0.137.1, which list no routes of included routers."""
    if contexts is None and hasattr(_routing, "_IncludedRouter"):
        version = importlib.import_module("fastapi").__version__
        raise UnreadableError(
            f"FastAPI {version} does not show the routes of included routers: use 0.137.2 or later"
        )


def shown(route: BaseRoute) -> list[Shown]:
    """The routes that `route` stands for: itself, or those of the router that was included."""
    if contexts is None:
        return [Shown(route, route, True)]
    told = list(contexts([route]))
    if len(told) == 1 and told[0].route is route:
        return [Shown(route, route, True)]
    # FastAPI 0.137.2 shows what it made for the include of anything but its own routes only here.
    return [
        Shown(value(context, "starlette_route") or context, context.original_route, False) for context in told
    ]


def included(route: BaseRoute) -> Iterator[Router]:
    """The routers below a route that stands for an included one."""
    waiting: list[Any] = [route]
    seen: set[int] = set()
    while waiting:
        router = value(waiting.pop(), "original_router")
        if isinstance(router, Router) and id(router) not in seen:
            seen.add(id(router))
            yield router
            waiting.extend(router.routes)


@dataclass(frozen=True, slots=True)
class Frontend:
    """A single-page application that `app.frontend()` serves."""

    path: str
    group: Any
    """What has its dependencies."""


def frontends(router: Router) -> list[Frontend] | None:
    """The frontends of a router, in order; `None` where it may have some and they cannot be listed.

    No public function lists them, so nothing here is taken for granted.
    """
    if not hasattr(router, "frontend"):
        return []
    candidates = value(router, "_iter_low_priority_routes")
    if not callable(candidates):
        return None
    found: list[Frontend] = []
    listed: Any = candidates()
    for candidate in listed:
        routes = items(value(value(candidate, "original_route") or candidate, "routes"))
        prefix = text(candidate, "frontend_prefix") or ""
        if not routes:
            return None
        for route in routes:
            path = text(route, "path")
            if path is None:
                return None
            whole = f"{prefix}{path}" if path != "/" or not prefix else prefix
            found.append(Frontend(whole, candidate))
    return found


def dependant(effective: Any) -> Any:
    """The tree of dependencies of a route, or `None`."""
    return value(effective, "dependant")


def listed(effective: Any) -> list[Any]:
    """The `dependencies=[...]` of a route and of all that includes it."""
    return items(value(effective, "dependencies"))
