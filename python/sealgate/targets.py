"""What a request will reach, as the layer is told, and the table of an application without known routes."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sealgate.public_paths import PublicPaths, route_path

if TYPE_CHECKING:
    from sealgate._core import Pins
    from sealgate.actors import Actor
    from sealgate.dependencies import Marks
    from sealgate.needs import Need

Scope = MutableMapping[str, Any]

Request = tuple[str, str, str, str]
"""Its type, method, the path that the application is under, and its path."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request will reach."""

    number: int
    """The core's number of the requirement."""
    public: bool = False
    """Whether it is let in without being asked for what the route asks for, so that the foretold has to
    come true.
    """
    endpoint: object = None
    """What routing will put in `scope["endpoint"]`."""
    route: object = None
    """The FastAPI route that routing will put in `scope["route"]`, when it is one."""
    verified: bool = True
    """Whether `endpoint` and `route` must come true: not when a path is public whatever serves it."""
    redirect: str | None = None
    """Where the layer sends the browser instead, once it is allowed: relative to the request's own URL."""
    template: str | None = None
    """The route's path with the names of its parameters, where it is known."""
    name: str | None = None
    """What policies and lock files call the route: its methods, and its whole path."""

    def came_true(self, scope: Scope) -> bool:
        """Whether routing put into `scope` what was foretold."""
        if not self.verified:
            return True
        if scope.get("endpoint") is not self.endpoint:
            return False
        return self.route is None or scope.get("route") is self.route


class Table(Protocol):
    """Whoever tells the layer what requests will reach."""

    @property
    def pins(self) -> Pins | None:
        """What has to hold before `known` counts; `None` where nothing is known."""
        ...

    @property
    def known(self) -> Mapping[Request, Target]:
        """What requests reach that ask for somebody."""
        ...

    def find(self, scope: Scope) -> Target:
        """What the request in `scope` will reach. Anything not understood is unmarked."""
        ...

    def stands(self, scope: Scope, target: Target, actor: Actor | None) -> bool:
        """Whether what was decided about `target` holds for what routing reached."""
        ...


class PathTable:
    """The table of any ASGI application: its paths ask for the same, unless they were declared public."""

    def __init__(self, marks: Marks, public_paths: PublicPaths, number: int | None = None) -> None:
        """Takes the gate's marks, the paths declared public, and the number of what the others ask for.

        Without a number they are unmarked.
        """
        self._marks = marks
        self._public_paths = public_paths
        self.pins: Pins | None = None
        self.known: dict[Request, Target] = {}
        self._asked = Target(marks.core.UNMARKED if number is None else number, verified=False)

    def find(self, scope: Scope) -> Target:
        """What the request in `scope` will reach."""
        return public_target(self._marks, self._public_paths, route_path(scope)) or self._asked

    @property
    def marks(self) -> Marks:
        """The gate's marks."""
        return self._marks

    @property
    def declared(self) -> PublicPaths:
        """The paths that were declared public."""
        return self._public_paths

    @property
    def need(self) -> Need | None:
        """What all other paths ask for; `None` where they are unmarked."""
        return self._marks.need(self._asked.number)

    def stands(self, scope: Scope, target: Target, actor: Actor | None) -> bool:
        """Whether it holds: a path asks for the same whatever serves it."""
        return True


def public_target(marks: Marks, public_paths: PublicPaths, path: str) -> Target | None:
    """The target of a path that was declared public, if it was."""
    reason = public_paths.reason(path)
    if reason is None:
        return None
    return Target(marks.core.require_public(reason), public=True, verified=False)
