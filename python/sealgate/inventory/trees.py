"""The callables that run before a handler, from FastAPI's tree of dependencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sealgate.inventory.attributes import items, said, value
from sealgate.inventory.document import Part
from sealgate.inventory.held import held
from sealgate.inventory.names import Names

_DEEPEST = 256

_SCOPES = ("parent_oauth_scopes", "own_oauth_scopes", "security_scopes")
"""Where FastAPI keeps the scopes of `Security(...)`, under the names that it has given them over time."""


@dataclass(frozen=True, slots=True)
class Node:
    """A dependency of a route, where it first runs."""

    call: Any
    placement: str
    scopes: tuple[str, ...]
    dependant: Any
    """FastAPI's own of it."""
    holder: list[Any]
    """The list that this stands in."""


class TreeError(Exception):
    """A tree of dependencies that is not understood."""


def nodes(
    dependant: Any, of_app: frozenset[int], listed: list[Any], overrides: Mapping[Any, Any] | None = None
) -> list[Node]:
    """Every callable below `dependant`, in the order in which they run, each once.

    `listed` are the route's `dependencies=[...]`, which FastAPI puts first into the tree, and `of_app` the
    identities of those among them that are the application's. `overrides` are its `dependency_overrides`.
    """
    found: list[Node] = []
    walk = _Walk(found, overrides or {})
    below = _children(dependant)
    for index, child in enumerate(below):
        placement = "dependency"
        if index < len(listed):
            placement = "app" if id(listed[index]) in of_app else "route"
        walk.run(child, below, placement, (), ())
    return found


def parts(found: list[Node], names: Names) -> Iterator[Part]:
    """The same as the document has them."""
    for node in found:
        yield Part(
            names.name(node.call), node.placement, names.place(node.call), node.scopes, held(node.call)
        )


class _Walk:
    def __init__(self, found: list[Node], overrides: Mapping[Any, Any]) -> None:
        self._found = found
        self._seen: set[tuple[Any, tuple[str, ...]]] = set()
        self._overrides = overrides

    def run(
        self,
        node: Any,
        holder: list[Any],
        placement: str,
        asked: tuple[str, ...],
        path: tuple[int, ...],
    ) -> None:
        """Visits what `node` depends on, and then it. `asked` are the scopes that were asked for above it."""
        if id(node) in path:
            raise TreeError("its dependencies go round in a circle")
        if len(path) >= _DEEPEST:
            raise TreeError("its dependencies are too deep")
        dependant, call, scopes = node, value(node, "call"), _scopes(node)
        takes_scopes = value(node, "security_scopes_param_name") is not None
        instead = self._instead(call)
        if instead is not call:
            call, node = instead, _tree_of(instead)
        below = _children(node)
        for child in below:
            self.run(child, below, placement, scopes, (*path, id(node)))
        if not takes_scopes and set(scopes) <= set(asked):
            scopes = ()  # They are asked of what is above it.
        key = (_identity(call), scopes)
        if key not in self._seen:
            self._seen.add(key)
            self._found.append(Node(call, placement, scopes, dependant, holder))

    def _instead(self, call: Any) -> Any:
        try:
            return self._overrides.get(call, call)
        except TypeError:  # It cannot be hashed.
            return call


def _identity(call: Any) -> Any:
    """By what FastAPI remembers that a dependency ran already."""
    try:
        hash(call)
    except Exception:
        return id(call)
    return call


def _children(node: Any) -> list[Any]:
    return items(value(node, "dependencies"))


def _scopes(node: Any) -> tuple[str, ...]:
    told: dict[str, None] = {}
    for name in _SCOPES:
        told.update(dict.fromkeys(str(scope) for scope in items(value(node, name))))
    return tuple(told)


def _tree_of(call: Callable[..., Any]) -> Any:
    """The tree below what stands in for a dependency, as FastAPI would make it."""
    from fastapi.dependencies.utils import get_dependant

    try:
        return get_dependant(path="/", call=call)
    except Exception as error:
        raise TreeError(f"what overrides a dependency cannot be read: {said(error)}") from error
