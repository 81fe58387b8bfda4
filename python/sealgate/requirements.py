"""What one route asks for: the gate's marks in its tree of dependencies, put together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from sealgate.dependencies import ActorDependency, Marks, PublicMark
from sealgate.needs import ContradictionError, Need


@dataclass(slots=True)
class Asked:
    """Everything that the marks of one route ask for."""

    reasons: list[str] = field(default_factory=list[str])
    """Why the route is public, by each of the marks that say so."""
    need: Need | None = None
    """What is asked of the actor; `None` if no mark asks for one."""
    problem: str | None = None
    """Why nobody can meet all of the marks, in words."""

    @property
    def user(self) -> bool:
        """Whether any mark asks for an actor."""
        return self.need is not None

    @property
    def contradiction(self) -> str | None:
        """What is wrong with these marks, if anything is."""
        if self.user and self.reasons:
            return "is marked public and also asks for an actor"
        return self.problem

    @property
    def contradictory(self) -> bool:
        """Whether the marks cannot stand together."""
        return self.contradiction is not None

    @property
    def public(self) -> bool:
        """Whether the route is marked public and nothing asks for an actor."""
        return bool(self.reasons) and not self.user

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that are asked for, all of them."""
        return self.need.scopes if self.need else frozenset()

    @property
    def any_scopes(self) -> frozenset[str]:
        """The scopes of which any will do."""
        return frozenset[str]().union(*self.need.any_scopes) if self.need else frozenset()

    @property
    def roles(self) -> frozenset[str]:
        """The roles that are asked for, all of them."""
        return self.need.roles if self.need else frozenset()

    @property
    def any_roles(self) -> frozenset[str]:
        """The roles of which any will do."""
        return frozenset[str]().union(*self.need.any_roles) if self.need else frozenset()

    def number(self, marks: Marks, route: str | None = None) -> int:
        """The core's number for this, of the route that is called so. A contradiction asks for the actor: the
        stricter mark wins.
        """
        if self.need is not None:
            return marks.number(self.need, route)
        if self.reasons:
            return marks.core.require_public("; ".join(dict.fromkeys(self.reasons)))
        return marks.core.UNMARKED

    def add(self, need: Need) -> None:
        """Adds what one more mark asks for. What contradicts the others is left to its own dependency."""
        try:
            self.need = need if self.need is None else self.need.and_(need)
        except ContradictionError as error:
            self.problem = str(error)


def asked_by(dependant: Any, marks: Marks) -> Asked:
    """What the tree of dependencies under `dependant` asks for; marks of other gates do not count.

    `dependant` is FastAPI's, or anything without `dependencies` for a route that has none.
    """
    asked = Asked()
    for node in _nodes(dependant):
        call = getattr(node, "call", None)
        if isinstance(call, ActorDependency):
            mark = cast(ActorDependency[object], call)
            if mark.marks is marks:
                asked.add(mark.need.with_scopes(_security_scopes(node)))
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
