"""What the tests of inventories share."""

from __future__ import annotations

from typing import Any

from sealgate.inventory import read

Json = dict[str, Any]


def routes(app: Any) -> dict[str, Json]:
    """The ways in by methods and path: `GET /x`, `WEBSOCKET /ws`, `* /static`."""
    found = [(key(route), route) for route in read(app, "main:app")["routes"]]
    assert len(dict(found)) == len(found), "two ways in have the same name"
    return dict(found)


def key(route: Json) -> str:
    if route["kind"] == "websocket":
        return f"WEBSOCKET {route['path']}"
    return f"{','.join(route['methods']) or '*'} {route['path']}"


def own(app: Any) -> dict[str, Json]:
    """The same without the framework's documentation pages."""
    return {name: route for name, route in routes(app).items() if route["kind"] != "docs"}


def names(route: Json) -> list[str]:
    """What runs before a route."""
    return [part["name"] for part in route.get("dependencies", [])]
