"""`with as_user(app):` and its kin: who calls, for as long as the block lasts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, TypeVar

from starlette.applications import Starlette

from sealgate._core import Agent, Machine, User
from sealgate.actors import Actor
from sealgate.asgi import GateLayer
from sealgate.stand_ins import StandIn, StandIns
from sealgate.testing.made import make_agent, make_machine, make_user

_MOST_WRAPPERS = 32

A_co = TypeVar("A_co", bound=Actor | None, covariant=True)


class Block(Generic[A_co]):
    """A `with` block in which requests to an application come from one actor, or from nobody."""

    def __init__(self, app: Any, actor: A_co) -> None:
        """Takes the application that has the gate. Raises `RuntimeError` when it has none."""
        self.actor = actor
        self._stand_ins = stand_ins_of(app)
        self._entered: list[StandIn] = []

    def __enter__(self) -> A_co:
        """From here on requests come from the actor, which it gives."""
        self._entered.append(self._stand_ins.enter(self.actor))
        return self.actor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """From here on they come from whoever it was before."""
        self._stand_ins.leave(self._entered.pop())


def as_user(
    app: Any,
    *,
    id: str = "test-user",  # noqa: A002  # As the attribute.
    issuer: str | None = None,
    email: str | None = None,
    name: str | None = None,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    tenant: str | None = None,
    acr: str | None = None,
    authenticated_at: datetime | None = None,
    client_id: str | None = None,
    via: Iterable[str] = (),
) -> Block[User]:
    """Requests to `app` come from a user with these fields. `with` gives the user.

    `app` is the application on which the gate is installed, whose issuer vouches for the user unless
    another is named. Requirements are judged: who lacks a scope is
    refused. Cookies, tokens, and what browsers say of where a request comes from, are not looked at. Blocks
    nest, the innermost counts; blocks in different tasks do not disturb each other. Raises `RuntimeError`
    when the application has no gate.
    """
    actor = make_user(
        id,
        issuer=issuer or stand_ins_of(app).issuer,
        email=email,
        name=name,
        scopes=scopes,
        roles=roles,
        tenant=tenant,
        acr=acr,
        authenticated_at=authenticated_at,
        client_id=client_id,
        via=via,
    )
    return Block(app, actor)


def as_machine(
    app: Any,
    *,
    id: str = "test-machine",  # noqa: A002  # As the attribute.
    issuer: str | None = None,
    client_id: str | None = None,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    tenant: str | None = None,
) -> Block[Machine]:
    """Requests to `app` come from a machine with these fields; otherwise as `as_user`."""
    actor = make_machine(
        id,
        issuer=issuer or stand_ins_of(app).issuer,
        client_id=client_id,
        scopes=scopes,
        roles=roles,
        tenant=tenant,
    )
    return Block(app, actor)


def as_agent(
    app: Any,
    *,
    id: str = "test-agent",  # noqa: A002  # As the attribute.
    issuer: str | None = None,
    user: User | None = None,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    tenant: str | None = None,
    via: Iterable[str] = (),
) -> Block[Agent]:
    """Requests to `app` come from an agent that acts for `user`, or for itself; otherwise as `as_user`."""
    actor = make_agent(
        id,
        issuer=issuer or stand_ins_of(app).issuer,
        user=user,
        scopes=scopes,
        roles=roles,
        tenant=tenant,
        via=via,
    )
    return Block(app, actor)


def as_nobody(app: Any) -> Block[None]:
    """Requests to `app` come from nobody, whatever cookies or tokens they bring.

    Around the start of an application it also keeps the gate from waiting for the control plane.
    """
    return Block(app, None)


def stand_ins_of(app: Any) -> StandIns:
    """Those of the gate in front of `app`, also behind middleware that was wrapped around it."""
    for _ in range(_MOST_WRAPPERS):
        if isinstance(app, GateLayer):
            return app.stand_ins
        if isinstance(app, Starlette):
            for middleware in app.user_middleware:
                cls: object = middleware.cls
                stand_ins = middleware.kwargs.get("stand_ins")
                if cls is GateLayer and isinstance(stand_ins, StandIns):
                    return stand_ins
            break
        app = getattr(app, "app", None)
    raise RuntimeError(
        "the application has no gate: call gate.install(app), and name here the application it was called "
        "with, not one that is mounted in it"
    )
