"""What the walk through an application finds, before it is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sealgate.dependencies import ActorDependency, Marks
from sealgate.inventory.attributes import is_a
from sealgate.inventory.document import Part, Place
from sealgate.inventory.trees import Node
from sealgate.mcp import Mounted
from sealgate.needs import Need
from sealgate.public_paths import PublicPaths
from sealgate.requirements import Asked


@dataclass(frozen=True, slots=True)
class View:
    """One of Sealgate's gates, as it sees the application behind it."""

    marks: Marks
    declared: PublicPaths
    prefix: int = 0
    """How many letters of a whole path it does not see, because it stands inside a mount."""
    need: Need | None = None
    """What it asks for everywhere, where it is in front of an application without known routes."""
    understands: bool = True
    """Whether it looks into the application down to here. Where it does not, everything is unmarked."""


@dataclass(frozen=True, slots=True)
class Below:
    """Where in the application the walk has come to."""

    prefix: str = ""
    parts: tuple[Part, ...] = ()
    """What runs around everything from here on, besides the application's own middleware."""
    views: tuple[View, ...] = ()
    inside: frozenset[int] = frozenset()
    """The identities of the applications that it is inside of."""
    depth: int = 0
    overrides: Any = None
    """The `dependency_overrides` of the application that the routes belong to."""
    of_app: frozenset[int] = frozenset()
    """The identities of the dependencies that this application asks for everywhere."""

    def blind(self) -> Below:
        """The same where no gate looks any further."""
        return replace(self, views=tuple(replace(view, understands=False) for view in self.views))

    def with_parts(self, parts: tuple[Part, ...]) -> Below:
        """The same with more that runs around it. A gate does not look behind middleware."""
        return replace(self.blind(), parts=self.parts + parts) if parts else self


@dataclass(frozen=True, slots=True)
class Seen:
    """What one gate reads from a route."""

    view: View
    asked: Asked | None
    """What its marks ask for; `None` where the gate takes it as unmarked."""
    docs: bool = False
    """Whether it is a documentation page of the framework's."""


@dataclass(frozen=True, slots=True)
class Found:
    """One way in."""

    path: str
    methods: tuple[str, ...]
    kind: str
    endpoint: str | None
    place: Place | None
    parts: tuple[Part, ...]
    seen: tuple[Seen, ...] = ()
    nodes: tuple[Node, ...] = ()
    """Its dependencies."""
    problem: str | None = None
    """Why it is not understood."""
    subtree: bool = False
    """Whether everything below the path belongs to it."""
    door: Mounted | None = None
    """The door of an MCP server, if that is what serves it."""

    def needs(self, marks: Marks | None = None) -> tuple[Need, ...]:
        """What Sealgate's marks among its dependencies ask for, each once: those of one gate, or of all."""
        told: dict[Need, None] = {}
        if self.door is not None and marks in (None, self.door.marks):
            told[self.door.need] = None
        for node in self.nodes:
            if is_a(node.call, ActorDependency) and marks in (None, node.call.marks):
                told[node.call.need.with_scopes(node.scopes)] = None
        return tuple(told)
