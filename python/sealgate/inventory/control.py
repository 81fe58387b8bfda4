"""The negative control: takes one gate away, to see whether a check notices.

It is taken away from the live application where that is understood, for as long as one reading takes, and
put back. Else it is taken away from a copy of what was read.
"""

from __future__ import annotations

import copy
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sealgate.asgi import GateLayer
from sealgate.dependencies import ActorDependency
from sealgate.inventory import Json, read
from sealgate.inventory.attributes import is_a, value
from sealgate.inventory.layers import declared_part
from sealgate.inventory.names import Names
from sealgate.inventory.trees import Node
from sealgate.inventory.walk import Walk

_GATED = ("GATED", "GATED-STATIC", "DENIED")
_PATH = "/sealgate-negative-control"
_MOST_TIMES = 16


@dataclass(frozen=True, slots=True)
class Weakened:
    """An application that lacks a gate."""

    inventory: Json
    route: Json
    """The route that lost it."""
    live: bool
    """Whether it was taken from the application itself."""


def weakened(app: Any, raw: Json, judged: Json) -> Weakened:
    """`raw` as it would be without one gate, where `judged` says which routes have some."""
    gated = [route for route in judged["routes"] if route["evidence"] in _GATED and route["gates"]]
    # One whose gates can be taken from the application comes first.
    for route in sorted(
        gated, key=lambda route: all(gate["placement"] == "handler" for gate in route["gates"])
    ):
        live = _live(app, raw, route)
        return Weakened(live, route, True) if live is not None else _copied(raw, route)
    return _opened(raw)


def same(one: Json, other: Json) -> bool:
    """Whether two documents tell of the same way in."""
    return all(one[name] == other[name] for name in ("app", "path", "methods", "kind"))


def _live(app: Any, raw: Json, route: Json) -> Json | None:
    """What is read while the route's gates are away from the application; `None` where they stayed."""
    names = frozenset(str(gate["name"]) for gate in route["gates"])
    try:
        with without(app, route, names):
            again = read(app, raw["apps"][0]["name"])
    except Exception:  # A copy is as good, if this application is not understood.
        return None
    left = [one for one in again["routes"] if same(one, route)]
    around = {part["name"] for part in again["apps"][0].get("middleware", ())}
    kept = around.union(*({part["name"] for part in one.get("dependencies", ())} for one in left))
    lost = bool(left) and not (names & kept) and not any(one["gates"] for one in left)
    return again if lost else None


@contextmanager
def without(app: Any, route: Json, names: frozenset[str]) -> Generator[None]:
    """Takes the gates of these names from a route of the application until the block ends.

    A gate of Sealgate's own stands in front of everything, so that its layer is away for as long.
    """
    # What stands in a list is put back in place: the application keeps the very lists that it has.
    lists: list[tuple[list[Any], list[Any]]] = []
    try:
        for _ in range(_MOST_TIMES):
            # A gate that stands there twice runs once, so that the second one shows when the first is gone.
            walk = Walk(Names())
            walk.run(app)
            around: list[Any] = [] if walk.root is None else walk.root.user_middleware
            gone = [(around, one) for one in around if _is_around(one, names, walk.names)]
            gone += [(node.holder, node.dependant) for node in _nodes(walk, route, names)]
            if not gone:
                break
            for holder, one in gone:
                lists.append((holder, list(holder)))
                holder[:] = [other for other in holder if other is not one]
        yield
    finally:
        for holder, before in reversed(lists):
            holder[:] = before


def _nodes(walk: Walk, route: Json, names: frozenset[str]) -> list[Node]:
    """The gates among the dependencies of a route, as they are right now."""
    wanted = (route["path"], route["methods"], route["kind"])
    found = [one for one in walk.found if (one.path, list(one.methods), one.kind) == wanted]
    return [node for one in found for node in one.nodes if _is_gate(node, names, walk.names)]


def _is_gate(node: Node, names: frozenset[str], named: Names) -> bool:
    return is_a(node.call, ActorDependency) or named.name(node.call) in names


def _is_around(middleware: Any, names: frozenset[str], named: Names) -> bool:
    return value(middleware, "cls") is GateLayer or declared_part(middleware, named).name in names


def _copied(raw: Json, route: Json) -> Weakened:
    """A copy in which nothing stands before the route, nor serves it that could be a gate itself."""
    inventory = copy.deepcopy(raw)
    for one in inventory["routes"]:
        if same(one, route):
            one.update(_OPEN)
            one.pop("dependencies", None)
    for app in inventory["apps"]:
        app.pop("middleware", None)
    return Weakened(inventory, route, False)


def _opened(raw: Json) -> Weakened:
    """A copy with an open route more, for an application without any gate."""
    name = raw["apps"][0]["name"]
    route: Json = {"app": name, "path": _PATH, "methods": ["GET"], "kind": "http", **_OPEN}
    return Weakened({**raw, "routes": [*raw["routes"], route]}, route, False)


_OPEN: Json = {
    "endpoint": None,
    "file": None,
    "line": None,
    "evidence": "OPEN",
    "gates": [],
    "strength": {"level": "none"},
    "reason": "a gate was taken away, to see whether the check notices",
}
