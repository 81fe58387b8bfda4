"""What one route asks for: the gate's marks in its tree of dependencies, put together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sealgate.dependencies import Marks, PublicMark, UserDependency


@dataclass(slots=True)
class Asked:
    """Everything that the marks of one route ask for."""

    reasons: list[str] = field(default_factory=list[str])
    scopes: set[str] = field(default_factory=set[str])
    roles: set[str] = field(default_factory=set[str])
    user: bool = False

    @property
    def contradictory(self) -> bool:
        """Whether the route is marked public and also asks for a user."""
        return self.user and bool(self.reasons)

    @property
    def public(self) -> bool:
        """Whether the route is marked public and nothing asks for a user."""
        return bool(self.reasons) and not self.user

    def number(self, marks: Marks) -> int:
        """The core's number for this. A contradiction asks for the user: the stricter mark wins."""
        if self.user:
            return marks.number(self.scopes, self.roles)
        if self.reasons:
            return marks.core.require_public("; ".join(dict.fromkeys(self.reasons)))
        return marks.core.UNMARKED


def asked_by(dependant: Any, marks: Marks) -> Asked:
    """What the tree of dependencies under `dependant` asks for; marks of other gates do not count.

    `dependant` is FastAPI's, or anything without `dependencies` for a route that has none.
    """
    asked = Asked()
    for node in _nodes(dependant):
        call = getattr(node, "call", None)
        if isinstance(call, UserDependency) and call.marks is marks:
            asked.user = True
            asked.scopes.update(call.scopes, _security_scopes(node))
            asked.roles.update(call.roles)
        elif isinstance(call, PublicMark) and call.marks is marks:
            asked.reasons.append(call.reason)
    return asked


def _nodes(root: Any) -> Iterator[Any]:
    """Every dependency below `root`. A tree shares its branches, so each is visited once."""
    waiting: list[Any] = list(getattr(root, "dependencies", None) or [])
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting.extend(getattr(node, "dependencies", None) or [])


def _security_scopes(node: Any) -> Iterator[str]:
    """The scopes of `Security(...)`, under the names that FastAPI has given them over time.

    Reading them here refuses early; the dependency enforces them in any case.
    """
    for name in ("security_scopes", "parent_oauth_scopes", "own_oauth_scopes"):
        yield from getattr(node, name, None) or ()
