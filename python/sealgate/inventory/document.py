"""The document that an application's ways in are told in: the JSON that `sealgate routes` reads.

These are the fields of `sealgate-routes/1`, under the names and in the order that the program writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SCHEMA = "sealgate-routes/1"

Json = dict[str, Any]

_KINDS = ("http", "websocket", "mount", "static", "frontend", "docs")
_ACTORS = ("user", "machine", "agent")
NO_ACTOR = "no actor"
"""Among what else is asked: no kind of actor meets all of it."""

_LEVELS = ("none", "user", "privileged")

OPEN, UNRESOLVED, PUBLIC, GATED = "OPEN", "UNRESOLVED", "PUBLIC", "GATED"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written."""

    file: str
    """With `/`; absolute when it is outside of the working directory."""
    line: int
    """From 1."""

    def json(self) -> Json:
        """As the document has it."""
        return {"file": self.file, "line": self.line}


@dataclass(frozen=True, slots=True)
class Strength:
    """What is asked of a caller."""

    level: str = "none"
    """`none`, `user` or `privileged`."""
    actors: frozenset[str] = frozenset()
    """The kinds of actor that may pass; empty when that is not known."""
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    any_of: frozenset[str] = frozenset()
    """Scopes and roles of which one is enough, as `scope:a|scope:b`."""
    more: frozenset[str] = frozenset()
    """What else is asked, in words."""

    def and_(self, other: Strength) -> Strength:
        """Both have to be met."""
        more = self.more | other.more
        both = self.actors & other.actors if self.actors and other.actors else self.actors | other.actors
        if NO_ACTOR in more or (self.actors and other.actors and not both):
            # No actors at all would mean all of them.
            both, more = frozenset[str](), more | {NO_ACTOR}
        return Strength(
            max(self.level, other.level, key=_LEVELS.index),
            both,
            self.scopes | other.scopes,
            self.roles | other.roles,
            self.any_of | other.any_of,
            more,
        )

    def json(self) -> Json:
        """As the document has it."""
        said: Json = {"level": self.level}
        if self.actors:
            said["actors"] = sorted(self.actors, key=_ACTORS.index)
        for name in ("scopes", "roles", "any_of", "more"):
            values: frozenset[str] = getattr(self, name)
            if values:
                said[name] = sorted(values)
        return said


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate before a route."""

    name: str
    placement: str
    strength: Strength
    place: Place | None = None

    def json(self) -> Json:
        """As the document has it."""
        said: Json = {"name": self.name, "placement": self.placement, "strength": self.strength.json()}
        if self.place is not None:
            said["place"] = self.place.json()
        return said


@dataclass(frozen=True, slots=True)
class Part:
    """A callable that takes part before a handler, whether or not it is a gate."""

    name: str
    """As `module:qualname`."""
    placement: str
    """`dependency`, `route`, `app`, `middleware` or `decorator`."""
    place: Place | None = None
    scopes: tuple[str, ...] = ()
    """Those that `Security(...)` asks of it here."""
    held: tuple[tuple[str, str], ...] = ()
    """What it was made with, as far as that decides what it does."""

    def json(self) -> Json:
        """As the document has it."""
        said: Json = {"name": self.name, "placement": self.placement}
        if self.place is not None:
            said["place"] = self.place.json()
        if self.scopes:
            said["scopes"] = list(self.scopes)
        if self.held:
            said["held"] = dict(sorted(self.held))
        return said


@dataclass(frozen=True, slots=True)
class Route:
    """One way into an application, and what is known of it."""

    app: str
    path: str
    methods: tuple[str, ...]
    kind: str
    endpoint: str | None
    place: Place | None
    evidence: str
    gates: tuple[Gate, ...] = ()
    reason: str | None = None
    parts: tuple[Part, ...] = ()

    @property
    def order(self) -> tuple[Any, ...]:
        """Where it stands in the document: by path and methods, as the program sorts them. What comes after
        those makes two readings equal.
        """
        listed = "WEBSOCKET" if self.kind == "websocket" else ",".join(self.methods) or "*"
        place = (0, "", 0) if self.place is None else (1, self.place.file, self.place.line)
        return (self.app, self.path, listed, _KINDS.index(self.kind), place, self.endpoint or "")

    @property
    def strength(self) -> Strength:
        """What all gates together ask for."""
        whole = Strength()
        for gate in self.gates:
            whole = whole.and_(gate.strength)
        return whole

    def json(self) -> Json:
        """As the document has it."""
        said: Json = {
            "app": self.app,
            "path": self.path,
            "methods": list(self.methods),
            "kind": self.kind,
            "endpoint": self.endpoint,
            "file": None if self.place is None else self.place.file,
            "line": None if self.place is None else self.place.line,
            "evidence": self.evidence,
            "gates": [gate.json() for gate in self.gates],
            "strength": self.strength.json(),
            "reason": self.reason,
        }
        if self.parts:
            said["dependencies"] = [part.json() for part in self.parts]
        return said


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reviewer should know and that is no route."""

    text: str
    """One sentence without a full stop."""
    place: Place | None = None

    def json(self) -> Json:
        """As the document has it."""
        return {"place": None if self.place is None else self.place.json(), "text": self.text}


@dataclass(frozen=True, slots=True)
class App:
    """The application that was read."""

    name: str
    place: Place | None
    middleware: tuple[Part, ...]
    """From the outermost to the innermost."""
    openapi_operations: int | None

    def json(self) -> Json:
        """As the document has it."""
        said: Json = {"name": self.name, "place": None if self.place is None else self.place.json()}
        if self.middleware:
            said["middleware"] = [part.json() for part in self.middleware]
        if self.openapi_operations is not None:
            said["openapi_operations"] = self.openapi_operations
        return said


def inventory(target: str, app: App, routes: Iterable[Route], notes: Iterable[Note]) -> Json:
    """The whole document."""
    told = sorted({(note.text, note.place) for note in notes}, key=str)
    return {
        "schema": SCHEMA,
        "lens": "inspect",
        "target": target,
        "apps": [app.json()],
        "routes": [route.json() for route in sorted(routes, key=lambda route: route.order)],
        "findings": [],
        "notes": [Note(text, place).json() for text, place in told],
    }
