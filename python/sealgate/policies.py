"""What an application asks the policies: `gate.require("expenses.approve", expense)`.

The policies say which kinds of resource there are, and what is told of each (`[policy.resource.NAME]`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from sealgate import decisions
from sealgate._core import act_denied, act_refusal
from sealgate.dependencies import Refused
from sealgate.needs import checked_action

if TYPE_CHECKING:
    from sealgate._core import Core
    from sealgate.actors import Actor
    from sealgate.targets import Target


@runtime_checkable
class PolicyResource(Protocol):
    """An object of the application's own that says what policies may know of it."""

    def __sealgate_resource__(self) -> Resource:
        """The resource that it is."""
        ...


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource, as the policies see it.

    `type` is a kind that the policies declare, and `id` says which one of them it is. `attributes` have the
    declared types: texts, integers, truths, `Decimal`, moments with a time zone, `timedelta`, addresses of
    `ipaddress`, lists and sets of these, mappings, actors and resources. A value that is `None` is not told.
    `parents` are what the resource lies in.
    """

    type: str
    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)
    parents: tuple[Resource | PolicyResource, ...] = ()

    def __post_init__(self) -> None:
        """Keeps what is told as it is now."""
        if not isinstance(self.id, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the id of a resource is a text, and not {self.id!r}: write str(...)")
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))
        object.__setattr__(self, "parents", tuple(self.parents))


class Here(NamedTuple):
    """The request that is being served, and what was decided about it."""

    core: Core
    scope: Any
    target: Target
    actor: Actor | None


here: ContextVar[Here | None] = ContextVar("sealgate_request", default=None)
"""The request that this task, or the thread that works for it, serves."""


class NobodyNamed:
    """Nobody was named: whoever the request comes from is asked about."""


NOBODY_NAMED = NobodyNamed()


def require(
    core: Core,
    action: str,
    resource: Resource | PolicyResource | None,
    actor: Actor | NobodyNamed | None,
    context: Mapping[str, Any] | None,
) -> None:
    """Raises `Refused` where the policies do not allow it."""
    checked_action(action)
    request = _request(core)
    refusal = act_refusal(core, _actor(actor, request), action, _resource(resource, request), context)
    if refusal is None:
        return
    if request is not None:
        decisions.refused(request.core, request.scope, request.target, refusal)
    else:
        # What is left behind for later, and a job, are refused as well as a request is.
        core.note_decision({}, refusal, None)
    raise Refused(refusal)


def permits(
    core: Core,
    action: str,
    resource: Resource | PolicyResource | None,
    actor: Actor | NobodyNamed | None,
    context: Mapping[str, Any] | None,
) -> bool:
    """Whether the policies allow it."""
    checked_action(action)
    request = _request(core)
    who = _actor(actor, request)
    told = _resource(resource, request)
    return who is not None and act_denied(core, who, action, told, context) is None


def _request(core: Core) -> Here | None:
    request = here.get()
    return request if request is not None and request.core is core else None


def _actor(actor: Actor | NobodyNamed | None, request: Here | None) -> Actor | None:
    if not isinstance(actor, NobodyNamed):
        return actor
    if request is None:
        raise LookupError(
            "no request of this gate is being served here: name who asks, as in gate.require(..., actor=user)"
        )
    return request.actor


def _resource(
    resource: Resource | PolicyResource | None, request: Here | None
) -> Resource | PolicyResource | str:
    if isinstance(resource, str):
        # As a name it would be that of a route.
        raise TypeError(f"{resource!r} is no resource: write sealgate.Resource(type, id)")
    if resource is not None:
        return resource
    if request is None or request.target.name is None:
        raise LookupError("no route is known here: name the resource, as in gate.require(action, resource)")
    return request.target.name
